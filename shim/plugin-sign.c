/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is it the file that was meant? By its hash, or by a signature as minisign(1) makes them. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "shim/plugin-library-internal.h"
#include "shim/why-internal.h"

enum { ALGORITHM = 2, KEY_ID = 8, COMMENT = 1024 };

/* "Ed": of the file; "ED": of its BLAKE2b hash. A key is always "Ed". */
struct public_key {
	char algorithm[ALGORITHM];
	uint8_t id[KEY_ID];
	uint8_t key[crypto_sign_PUBLICKEYBYTES];
};
struct signature {
	char algorithm[ALGORITHM];
	uint8_t id[KEY_ID];
	uint8_t bytes[crypto_sign_BYTES];
};
_Static_assert(sizeof(struct public_key) == 42 && sizeof(struct signature) == 74,
	       "as they are in files");

void plugin_hash(const void *file, size_t size, char ret_hash[PLUGIN_HASH])
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, file, size);
	sodium_bin2hex(ret_hash, PLUGIN_HASH, hash, sizeof(hash));
}

int plugin_check_pin(const void *file, size_t size, const char *sha256)
{
	char text[PLUGIN_HASH];

	plugin_hash(file, size, text);
	return strcmp(text, sha256) == 0
		       ? 0
		       : why(-EACCES, "is not the one that the policy means: its SHA-256 is %s",
			     text);
}

static bool decode(const char *text, size_t length, void *to, size_t size)
{
	size_t got;

	return sodium_base642bin(to, size, text, length, NULL, &got, NULL,
				 sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       got == size;
}

/* The next line of a signature's file, without its end; false: there is none. */
static bool next_line(const char **text, const char **ret_line, size_t *ret_length)
{
	const char *end = strchr(*text, '\n');

	if (!**text)
		return false;
	*ret_line = *text;
	*ret_length = end ? (size_t)(end - *text) : strlen(*text);
	*text += *ret_length + (end != NULL);
	if (*ret_length && (*ret_line)[*ret_length - 1] == '\r')
		(*ret_length)--;
	return true;
}

struct parsed {
	struct signature signature;
	const char *comment; /* trusted once @global is found to be right */
	size_t comment_length;
	uint8_t global[crypto_sign_BYTES];
};

static bool parse(const char *text, struct parsed *parsed)
{
	static const char trusted[] = "trusted comment: ";
	const size_t n = sizeof(trusted) - 1;
	const char *line;
	size_t length;

	if (!next_line(&text, &line, &length) || !next_line(&text, &line, &length) ||
	    !decode(line, length, &parsed->signature, sizeof(parsed->signature)))
		return false;
	if (!next_line(&text, &line, &length) || length < n || length - n > COMMENT ||
	    memcmp(line, trusted, n) != 0)
		return false;
	parsed->comment = line + n;
	parsed->comment_length = length - n;
	return next_line(&text, &line, &length) &&
	       decode(line, length, parsed->global, sizeof(parsed->global));
}

static bool verify_file(const struct signature *signature, const struct public_key *key,
			const void *file, size_t size)
{
	uint8_t hash[crypto_generichash_BYTES_MAX];

	if (memcmp(signature->algorithm, "ED", ALGORITHM) == 0) {
		crypto_generichash(hash, sizeof(hash), file, size, NULL, 0);
		return crypto_sign_verify_detached(signature->bytes, hash, sizeof(hash),
						   key->key) == 0;
	}
	return memcmp(signature->algorithm, "Ed", ALGORITHM) == 0 &&
	       crypto_sign_verify_detached(signature->bytes, file, size, key->key) == 0;
}

static bool verify_comment(const struct parsed *parsed, const struct public_key *key)
{
	uint8_t both[crypto_sign_BYTES + COMMENT];

	memcpy(both, parsed->signature.bytes, crypto_sign_BYTES);
	memcpy(both + crypto_sign_BYTES, parsed->comment, parsed->comment_length);
	return crypto_sign_verify_detached(parsed->global, both,
					   crypto_sign_BYTES + parsed->comment_length,
					   key->key) == 0;
}

int plugin_check_signature(const void *file, size_t size, const char *key_text,
			   const char *signature_text)
{
	struct public_key key;
	struct parsed parsed;

	if (!decode(key_text, strlen(key_text), &key, sizeof(key)) ||
	    memcmp(key.algorithm, "Ed", ALGORITHM) != 0)
		return why(-EACCES, "is to be signed by a key that is none");
	if (!parse(signature_text, &parsed))
		return why(-EACCES, "has a signature file that is none: sign it anew");
	if (memcmp(parsed.signature.id, key.id, KEY_ID) != 0)
		return why(-EACCES, "is signed by another key than the policy asks for");
	if (!verify_file(&parsed.signature, &key, file, size))
		return why(-EACCES, "is not what was signed: it was changed, or signed wrongly");
	if (!verify_comment(&parsed, &key))
		return why(-EACCES, "has a signature whose trusted comment was changed");
	return 0;
}
