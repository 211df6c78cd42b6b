/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "shim/shim.h"
#include "tests/suite.h"

START_TEST(bdf_parse_reads_every_form)
{
	static const struct {
		const char *text;
		const char *canonical;
	} good[] = {
		{ "0000:00:03.0", "0000:00:03.0" }, { "00:03.0", "0000:00:03.0" },
		{ "1:2.3", "0000:01:02.3" },	    { "10000:ff:1f.7", "10000:ff:1f.7" },
		{ "0000:AB:1F.7", "0000:ab:1f.7" },
	};
	char text[HWS_BDF_TEXT];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct hws_bdf bdf;

		ck_assert_int_eq(hws_bdf_parse(good[i].text, &bdf), 0);
		ck_assert_str_eq(hws_bdf_format(bdf, text), good[i].canonical);
	}
}
END_TEST

START_TEST(bdf_parse_refuses_what_is_none)
{
	static const char *const bad[] = {
		NULL,	    "",		":",	     "::",
		"0:0",	    "00:03",	"00:03.",    "00:20.0",
		"00:03.8",  "00:03.00", "g0:03.0",   "0000:00:03.0 ",
		" 00:03.0", "100:03.0", "0:0:0:0.0", "123456789:00:03.0",
		"-1:03.0",  "0x0:03.0", "00:03.0\n", "edu",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct hws_bdf bdf = { .device = 9 };

		ck_assert_msg(hws_bdf_parse(bad[i], &bdf) == -EINVAL, "took '%s'", bad[i]);
		ck_assert_uint_eq(bdf.device, 9);
	}
}
END_TEST

int main(void)
{
	return suite_run("shim/bdf", (const TTest *[]) { bdf_parse_reads_every_form,
							 bdf_parse_refuses_what_is_none, NULL });
}
