#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# embed.sh IN NAME: C on stdout that defines the text of the file IN as a string NAME.
set -eu
echo '/* SPDX-License-Identifier: LGPL-2.1-or-later */'
echo "extern const char $2[];"
echo "const char $2[] ="
sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/	"&\\n"/' "$1"
echo '	;'
