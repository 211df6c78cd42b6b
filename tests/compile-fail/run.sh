#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Compiles every sample of this folder: good-* must compile, bad-* must not, for the reason that
# its line "expect: …" names. Usage: run.sh INCLUDE-DIR COMPILER...
set -u

here=$(dirname "$0")
include=$1
shift
count=0
failed=0

say() {
	count=$((count + 1))
	echo "$1 $count - compile-fail $2"
}

# Did the compiler do as the sample's name says? $1 sample, $2 its status, $3 what it wrote.
as_expected() {
	expect=$(sed -n 's/.*expect: \(.*\) \*\/$/\1/p' "$1")
	case $(basename "$1") in
	good-*) test "$2" -eq 0 ;;
	*) test "$2" -ne 0 && test -n "$expect" && echo "$3" | grep -q "error:.*$expect" ;;
	esac
}

for sample in "$here"/good-*.c "$here"/bad-*.c; do
	name=$(basename "$sample" .c)
	errors=$("$@" -std=c11 -Wall -Werror -c -o /dev/null -I "$include" "$sample" 2>&1)
	if as_expected "$sample" $? "$errors"; then
		say ok "$name"
	else
		failed=1
		say "not ok" "$name"
		echo "$errors" | sed 's/^/# /'
	fi
done
echo "1..$count"
exit $failed
