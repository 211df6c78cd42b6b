/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses of PCI functions: what is read can be written and read again. */
#include <stdlib.h>
#include <string.h>

#include "shim/shim.h"
#include "tests/fuzz/fuzz.h"

static bool same(struct hws_bdf a, struct hws_bdf b)
{
	return a.domain == b.domain && a.bus == b.bus && a.device == b.device &&
	       a.function == b.function;
}

static void round_trip(struct hws_bdf bdf)
{
	char text[HWS_BDF_TEXT];
	struct hws_bdf again;

	memset(text, 'x', sizeof(text));
	hws_bdf_format(bdf, text);
	fuzz_must(memchr(text, '\0', sizeof(text)));
	fuzz_must(hws_bdf_parse(text, &again) == 0);
	fuzz_must(same(bdf, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	size_t length;
	char *text = fuzz_text(&input, &length);
	struct hws_bdf bdf;
	int r = hws_bdf_parse(text, &bdf);

	fuzz_must(r == 0 || r == -22);
	if (r == 0) {
		fuzz_must(bdf.device < 32 && bdf.function < 8);
		round_trip(bdf);
	}
	bdf.domain = (uint32_t)fuzz_odd_number(&input);
	bdf.bus = (uint8_t)fuzz_number(&input, 1);
	bdf.device = fuzz_number(&input, 1) % 32;
	bdf.function = fuzz_number(&input, 1) % 8;
	round_trip(bdf);
	free(text);
	return 0;
}
