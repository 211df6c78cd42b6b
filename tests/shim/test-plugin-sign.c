/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plug-in's file: its hash, and its signature. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/shim/plugin-file-kit.h"

START_TEST(plugin_is_loaded_with_its_pin_only)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	char text[sizeof(hash) * 2 + 1];
	struct plugin_source source;

	set_up(HELLO);
	source = trusting();
	crypto_hash_sha256(hash, (const uint8_t *)bytes, size);
	sodium_bin2hex(text, sizeof(text), hash, sizeof(hash));
	source.bare = false;
	refused(&source, -EACCES, "neither pinned nor signed");
	source.sha256 = text;
	loads(&source);
	bytes[size - 1] ^= 1;
	write_file(path, bytes, size);
	refused(&source, -EACCES, "its SHA-256 is");
	tear_down();
}
END_TEST

/* As minisign makes it. */
struct key {
	uint8_t id[8];
	uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
	uint8_t secret_key[crypto_sign_SECRETKEYBYTES];
	char text[64];
};

static void make_key(struct key *key)
{
	uint8_t raw[42] = "Ed";

	crypto_sign_keypair(key->public_key, key->secret_key);
	randombytes_buf(key->id, sizeof(key->id));
	memcpy(raw + 2, key->id, 8);
	memcpy(raw + 10, key->public_key, 32);
	sodium_bin2base64(key->text, sizeof(key->text), raw, sizeof(raw),
			  sodium_base64_VARIANT_ORIGINAL);
	ck_assert_uint_eq(strlen(key->text), 56);
}

static void sign(const struct key *key, bool hashed)
{
	static const char comment[] = "made by a test";
	uint8_t raw[74], both[64 + sizeof(comment)], global[64], hash[64];
	char text[128], global_text[128], name[128], whole[512];

	memcpy(raw, hashed ? "ED" : "Ed", 2);
	memcpy(raw + 2, key->id, 8);
	crypto_generichash(hash, sizeof(hash), (const uint8_t *)bytes, size, NULL, 0);
	crypto_sign_detached(raw + 10, NULL, hashed ? hash : (const uint8_t *)bytes,
			     hashed ? sizeof(hash) : size, key->secret_key);
	memcpy(both, raw + 10, 64);
	memcpy(both + 64, comment, sizeof(comment) - 1);
	crypto_sign_detached(global, NULL, both, 64 + sizeof(comment) - 1, key->secret_key);
	sodium_bin2base64(text, sizeof(text), raw, sizeof(raw), sodium_base64_VARIANT_ORIGINAL);
	sodium_bin2base64(global_text, sizeof(global_text), global, sizeof(global),
			  sodium_base64_VARIANT_ORIGINAL);
	snprintf(whole, sizeof(whole),
		 "untrusted comment: signature\n%s\ntrusted comment: %s\n%s\n", text, comment,
		 global_text);
	snprintf(name, sizeof(name), "%s.minisig", path);
	write_file(name, whole, strlen(whole));
}

/* Other bytes in the signature's file; the length stays. */
static void edit_signature(const char *from, const char *to)
{
	char name[128], text[512] = "";
	FILE *file;
	char *at;

	snprintf(name, sizeof(name), "%s.minisig", path);
	file = fopen(name, "r");
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, file), 100);
	fclose(file);
	at = strstr(text, from);
	ck_assert_ptr_nonnull(at);
	memcpy(at, to, strlen(to));
	write_file(name, text, strlen(text));
}

START_TEST(plugin_is_loaded_with_its_signature_only)
{
	struct plugin_source source;
	struct key key, other;

	set_up(HELLO);
	source = trusting();
	make_key(&key);
	make_key(&other);
	source.key = key.text;
	refused(&source, -EACCES, "not signed");
	for (int hashed = 0; hashed < 2; hashed++) {
		sign(&key, hashed);
		loads(&source);
	}
	edit_signature("by a test", "by a tesT");
	refused(&source, -EACCES, "trusted comment was changed");
	sign(&other, true);
	refused(&source, -EACCES, "another key");
	memcpy(other.id, key.id, 8);
	sign(&other, true);
	refused(&source, -EACCES, "not what was signed");
	sign(&key, true);
	bytes[size / 2] ^= 1;
	write_file(path, bytes, size);
	refused(&source, -EACCES, "not what was signed");
	edit_signature("trusted comment", "trusted komment");
	edit_signature("\ntrusted comment", "\ntrusted komment");
	refused(&source, -EACCES, "signature file that is none");
	source.key = "AAAA";
	refused(&source, -EACCES, "key that is none");
	tear_down();
}
END_TEST

START_TEST(signature_file_must_be_trusted_too)
{
	struct plugin_source source;
	char name[128];
	struct key key;

	set_up(HELLO);
	source = trusting();
	make_key(&key);
	source.key = key.text;
	sign(&key, true);
	snprintf(name, sizeof(name), "%s.minisig", path);
	ck_assert_int_eq(chmod(name, 0664), 0);
	refused(&source, -EACCES, "signature file that is writable by group");
	ck_assert_int_eq(unlink(name), 0);
	ck_assert_int_eq(symlink("/dev/null", name), 0);
	refused(&source, -EACCES, "is a link");
	tear_down();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		plugin_is_loaded_with_its_pin_only,
		plugin_is_loaded_with_its_signature_only,
		signature_file_must_be_trusted_too,
		NULL,
	};

	if (sodium_init() < 0)
		return 1;
	return suite_run("shim/plugin-sign", tests);
}
