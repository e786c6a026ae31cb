#!/bin/bash
# The product's code is formatted as .clang-format says; this only looks.
# usage: format.sh SOURCE_DIR
set -eu
cd "$1"
find base pki hsm fixtures audit enroll station -name '*.[ch]' -print0 |
	xargs -0 -n 16 -P 2 clang-format --dry-run -Werror --ferror-limit=1
