/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of an audit file: what is read can be written and read again. */
#include <stdlib.h>
#include <string.h>

#include "guardian/audit-chain-internal.h"
#include "tests/fuzz/fuzz.h"

static bool is_printable(const char *text)
{
	while (*text >= 0x20 && *text <= 0x7e)
		text++;
	return *text == '\0';
}

static size_t write_object(const struct hws_event *event, char *text)
{
	size_t length;

	text[0] = '{';
	length = audit_json_write(event, text + 1) + 1;
	text[length] = '}';
	return length + 1;
}

static void round_trip(const struct hws_event *event)
{
	char first[AUDIT_JSON_ROOM + 2];
	char second[AUDIT_JSON_ROOM + 2];
	struct hws_event again;
	size_t length = write_object(event, first);

	fuzz_must(audit_json_read(first, length, &again) == 0);
	fuzz_must(write_object(&again, second) == length);
	fuzz_must(memcmp(first, second, length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* of the exact size, without a NUL */
	char *text = malloc(size ? size : 1);
	struct hws_event event;
	struct chain_line line;

	fuzz_must(text);
	if (size)
		memcpy(text, data, size);
	if (audit_json_read(text, size, &event) == 0) {
		fuzz_must(memchr(event.text, '\0', sizeof(event.text)));
		/* the ring gives printable text; of other text JSON makes UTF-8 */
		if (is_printable(event.text))
			round_trip(&event);
	}
	if (chain_parse(text, size, &line)) {
		fuzz_must(line.hashed <= size);
		fuzz_must(line.hex >= text && line.hex + CHAIN_HEX <= text + size);
		fuzz_must(!line.prev ||
			  (line.prev >= text && line.prev + CHAIN_HEX <= text + size));
	}
	free(text);
	return 0;
}
