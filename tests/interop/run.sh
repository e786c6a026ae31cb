#!/bin/bash
# One script of this folder against an emulated service of its own.
# usage: run.sh [--EMULATOR-OPTION VALUE]... SCRIPT ARGS...
. "$(dirname "$0")/lib.sh"
options=()
while [[ $1 == --* ]]; do
	options+=("$1" "$2")
	shift 2
done
service ${options[@]+"${options[@]}"}
sdk "$@"
