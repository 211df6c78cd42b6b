/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a shared object: its note is found and proper, or it is told why not. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "shim/plugin-library-internal.h"
#include "tests/fuzz/fuzz.h"

static bool is_word(const char *word, size_t room)
{
	size_t length = strnlen(word, room);

	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)word[i]) && !strchr("-_.", word[i]))
			return false;
	return length && length < room;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hws_plugin_note note = { .struct_size = 77 };
	int r = plugin_read_note(data, size, &note);

	fuzz_must(r == 0 || r == -ENOEXEC || r == -EPROTO);
	fuzz_must(r == 0 || note.struct_size == 77);
	if (r == 0) {
		fuzz_must(note.struct_size >= sizeof(note) && note.struct_size <= size);
		fuzz_must(note.abi >> 16 == HWS_PLUGIN_ABI >> 16);
		fuzz_must(is_word(note.name, sizeof(note.name)));
		fuzz_must(is_word(note.version, sizeof(note.version)));
	}
	return 0;
}
