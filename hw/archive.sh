#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# archive.sh IN.a OUT.a CC...
# OUT.a holds the objects of IN.a as one object whose hidden symbols are local.
set -eu
in=$1 out=$2
shift 2
one=$out.o
trap 'rm -f "$one"' EXIT
"$@" -r -nostdlib -Wl,--whole-archive "$in" -o "$one"
"${OBJCOPY:-$("$@" -print-prog-name=objcopy)}" --localize-hidden "$one"
rm -f "$out"
"${AR:-$("$@" -print-prog-name=ar)}" rcsD "$out" "$one"
