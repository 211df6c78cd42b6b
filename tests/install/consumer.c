/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program of somebody else's, as C and as C++: it sees what is installed and nothing more. */
#include <hwsafe.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	struct hws_bdf bdf;
	char text[HWS_BDF_TEXT];
	HWS_ONCE(int) cell;
	const int value = 7;

	memset(&cell, 0, sizeof(cell));
	if (hws_once_set(&cell, &value) != 0 || *hws_once_get(&cell) != 7)
		return 1;
	if (hws_bdf_parse("00:03.0", &bdf) != 0 ||
	    strcmp(hws_bdf_format(bdf, text), "0000:00:03.0") != 0)
		return 2;
	if (!hws_range_ok(0, 4, 4) || hws_range_ok(UINT64_MAX, 1, 4))
		return 3;
	printf("%s\n", hws_version());
	return 0;
}
