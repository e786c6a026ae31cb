#!/bin/bash
# One script of this folder against an emulated service of its own.
# usage: run.sh SCRIPT ARGS...
. "$(dirname "$0")/lib.sh"
service
sdk "$@"
