# SPDX-License-Identifier: LGPL-2.1-or-later
# The names of what calls.c wraps: sed -n -f names.sed calls.c
s/.*__wrap_\([a-z0-9]*\)(.*;/\1/p
s/^FAILING([A-Z]*, [^,]*, \([a-z0-9_]*\),.*/\1/p
s/^AS_WHOLE([A-Z]*, [^,]*, \([a-z0-9_]*\),.*/\1/p
s/^WORKING([^,]*, \([a-z0-9_]*\),.*/\1/p
