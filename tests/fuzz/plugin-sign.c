/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any texts as key and signature: nothing but yes or no, and yes only to what was signed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/plugin-library-internal.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	size_t key_size, signature_size, file_size;
	char *key = fuzz_text(&input, &key_size);
	char *signature = fuzz_text(&input, &signature_size);
	char *file = fuzz_text(&input, &file_size);
	int r = plugin_check_signature(file, file_size, key, signature);

	fuzz_must(r == 0 || r == -EACCES);
	if (r == 0 && file_size) {
		/* another bit, and it is another file */
		file[file_size / 2] ^= 1;
		fuzz_must(plugin_check_signature(file, file_size, key, signature) == -EACCES);
	}
	/* a hash may be guessed; what stands behind its NUL is not of it */
	fuzz_must(plugin_check_pin(file, file_size, signature) == -EACCES ||
		  strlen(signature) == 64);
	free(key);
	free(signature);
	free(file);
	return 0;
}
