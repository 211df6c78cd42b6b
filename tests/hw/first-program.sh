#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# first-program.sh DOCUMENT: the first ```c block in it.
exec awk '/^```c$/ { on = 1; next } /^```/ && on { exit } on' "$1"
