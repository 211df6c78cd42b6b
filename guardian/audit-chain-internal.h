/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The chain of a trail's lines.
 *
 *	{"n":7,…,"chain":"<hash 7>"}    hash 7 = BLAKE2b-256(key, hash 6, {"n":7,…)
 *
 * n counts the lines of all files. A file's first line, its header, also
 * says what hash came before it, so that it can be checked when the files
 * before are gone.
 */
#ifndef HWSAFE_GUARDIAN_AUDIT_CHAIN_INTERNAL_H
#define HWSAFE_GUARDIAN_AUDIT_CHAIN_INTERNAL_H

#include "guardian/audit-json-internal.h"

enum {
	CHAIN_BYTES = 32,
	CHAIN_HEX = 2 * CHAIN_BYTES,
	CHAIN_ID_BYTES = 16,
	CHAIN_KEY_MIN = 16,
	CHAIN_KEY_MAX = 64,
	CHAIN_LINE = AUDIT_JSON_ROOM + 128, /* room for any line with its newline */
};

struct chain_key {
	uint8_t bytes[CHAIN_KEY_MAX];
	uint32_t size; /* 0: none */
};

/* Where a chain stands: its last line. */
struct chain {
	uint64_t n;
	uint8_t value[CHAIN_BYTES];
};

/* A line taken apart. */
struct chain_line {
	uint64_t n;
	size_t hashed;	  /* how many bytes the hash covers */
	const char *hex;  /* CHAIN_HEX characters */
	const char *prev; /* the same, in a header; else NULL */
};

/* -EINVAL for a size that none has. */
HWS_MUST int chain_key_set(struct chain_key *key, const void *bytes, uint32_t size);
/* The hash of @bytes after @before. */
void chain_hash(const struct chain_key *key, const uint8_t before[CHAIN_BYTES], const char *bytes,
		size_t size, uint8_t ret_value[CHAIN_BYTES]);
/* Makes the next line of @fields, newline included; its length. The chain then stands there. */
size_t chain_append(struct chain *chain, const struct chain_key *key, const char *fields,
		    size_t size, char line[CHAIN_LINE]);
/* The same for a file's header. */
HWS_MUST int chain_header(struct chain *chain, const struct chain_key *key, char line[CHAIN_LINE],
			  size_t *ret_length);
/* Is it a line? @length without the newline. */
bool chain_parse(const char *line, size_t length, struct chain_line *ret_line);
void chain_to_hex(const uint8_t value[CHAIN_BYTES], char hex[CHAIN_HEX + 1]);
bool chain_from_hex(const char *hex, uint8_t ret_value[CHAIN_BYTES]);

#endif
