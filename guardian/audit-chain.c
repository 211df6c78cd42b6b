/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/audit-chain-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"

#define BEGIN	     "{\"n\":"
#define CHAIN	     ",\"chain\":\""
#define END	     "\"}"
#define HEADER	     "\"hwsafe_audit\":1,\"id\":\""
#define PREV	     "\",\"prev\":\""
#define LENGTH(text) (sizeof(text) - 1)

enum { TAIL = LENGTH(CHAIN) + CHAIN_HEX + LENGTH(END) };

int chain_key_set(struct chain_key *key, const void *bytes, uint32_t size)
{
	if (bytes ? size < CHAIN_KEY_MIN || size > CHAIN_KEY_MAX : size != 0)
		return why(-EINVAL, "an audit key has %d to %d bytes", CHAIN_KEY_MIN,
			   CHAIN_KEY_MAX);
	if (bytes)
		memcpy(key->bytes, bytes, size);
	key->size = size;
	return 0;
}

void chain_hash(const struct chain_key *key, const uint8_t before[CHAIN_BYTES], const char *bytes,
		size_t size, uint8_t ret_value[CHAIN_BYTES])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, key->size ? key->bytes : NULL, key->size, CHAIN_BYTES);
	crypto_generichash_update(&state, before, CHAIN_BYTES);
	crypto_generichash_update(&state, (const unsigned char *)bytes, size);
	crypto_generichash_final(&state, ret_value, CHAIN_BYTES);
}

void chain_to_hex(const uint8_t value[CHAIN_BYTES], char hex[CHAIN_HEX + 1])
{
	sodium_bin2hex(hex, CHAIN_HEX + 1, value, CHAIN_BYTES);
}

bool chain_from_hex(const char *hex, uint8_t ret_value[CHAIN_BYTES])
{
	size_t length;

	return sodium_hex2bin(ret_value, CHAIN_BYTES, hex, CHAIN_HEX, NULL, &length, NULL) == 0 &&
	       length == CHAIN_BYTES;
}

size_t chain_append(struct chain *chain, const struct chain_key *key, const char *fields,
		    size_t size, char line[CHAIN_LINE])
{
	char hex[CHAIN_HEX + 1];
	int n = snprintf(line, CHAIN_LINE, BEGIN "%" PRIu64 ",%.*s", chain->n + 1, (int)size,
			 fields);
	size_t length = (size_t)n;

	chain->n++;
	chain_hash(key, chain->value, line, length, chain->value);
	chain_to_hex(chain->value, hex);
	n = snprintf(line + length, CHAIN_LINE - length, CHAIN "%s" END "\n", hex);
	return length + (size_t)n;
}

int chain_header(struct chain *chain, const struct chain_key *key, char line[CHAIN_LINE],
		 size_t *ret_length)
{
	uint8_t id[CHAIN_ID_BYTES];
	char id_hex[2 * CHAIN_ID_BYTES + 1];
	char prev[CHAIN_HEX + 1];
	char fields[256];
	int r = sys_random(id, sizeof(id));
	int n;

	if (r < 0)
		return r;
	sodium_bin2hex(id_hex, sizeof(id_hex), id, sizeof(id));
	chain_to_hex(chain->value, prev);
	n = snprintf(fields, sizeof(fields), HEADER "%s" PREV "%s\"", id_hex, prev);
	*ret_length = chain_append(chain, key, fields, (size_t)n, line);
	return 0;
}

/* Digits without a leading zero, as we write them; 0 when there is no such number. */
static uint64_t parse_count(const char *text, size_t length, size_t *ret_digits)
{
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < length && i < 18 && text[i] >= '0' && text[i] <= '9'; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	*ret_digits = i;
	return text[0] == '0' ? 0 : value;
}

static const char *header_prev(const char *fields, size_t length)
{
	const char *prev = fields + LENGTH(HEADER) + 2 * CHAIN_ID_BYTES + LENGTH(PREV);

	if (length != LENGTH(HEADER) + 2 * CHAIN_ID_BYTES + LENGTH(PREV) + CHAIN_HEX + 1)
		return NULL;
	return memcmp(fields, HEADER, LENGTH(HEADER)) ? NULL : prev;
}

bool chain_parse(const char *line, size_t length, struct chain_line *ret_line)
{
	struct chain_line parsed;
	size_t digits;

	if (length < LENGTH(BEGIN) + 2 + TAIL || memcmp(line, BEGIN, LENGTH(BEGIN)) != 0)
		return false;
	parsed.hashed = length - TAIL;
	parsed.n = parse_count(line + LENGTH(BEGIN), parsed.hashed - LENGTH(BEGIN), &digits);
	digits += LENGTH(BEGIN);
	if (parsed.n == 0 || digits >= parsed.hashed || line[digits] != ',')
		return false;
	if (memcmp(line + parsed.hashed, CHAIN, LENGTH(CHAIN)) != 0 ||
	    memcmp(line + length - LENGTH(END), END, LENGTH(END)) != 0)
		return false;
	parsed.hex = line + parsed.hashed + LENGTH(CHAIN);
	parsed.prev = header_prev(line + digits + 1, parsed.hashed - digits - 1);
	*ret_line = parsed;
	return true;
}
