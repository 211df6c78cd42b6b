/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/guardian/test-audit-common.h"

/* Each field of a line in the middle: any flipped byte is found there or right behind it. */
START_TEST(verify_finds_every_changed_byte)
{
	struct image *image;
	size_t begin;
	size_t end;

	set_up();
	write_trail(6);
	image = load(path);
	begin = line_at(image, 3);
	end = line_at(image, 4);
	for (size_t at = begin; at < end; at++) {
		struct found found;

		image->bytes[at] ^= 1;
		store(path, image->bytes, image->size);
		found = verify();
		ck_assert_msg(found.result == -EBADMSG, "byte %zu", at - begin);
		ck_assert_msg(found.line == 4 || found.line == 5, "byte %zu: line %d", at - begin,
			      (int)found.line);
		image->bytes[at] ^= 1;
	}
	/* the header and the last line too */
	for (size_t at = 0; at < image->size;
	     at += at == line_at(image, 1) - 1 ? line_at(image, 6) - at : 1) {
		image->bytes[at] ^= 1;
		store(path, image->bytes, image->size);
		ck_assert_msg(verify().result == -EBADMSG, "byte %zu", at);
		image->bytes[at] ^= 1;
	}
	store(path, image->bytes, image->size);
	expect_whole();
	free(image);
	tear_down();
}
END_TEST

/* Puts the lines in another order: -1 ends. */
static void arrange(const struct image *image, const int *order)
{
	static char bytes[FILE_MAX];
	size_t size = 0;

	for (; *order >= 0; order++) {
		size_t begin = line_at(image, (unsigned int)*order);
		size_t length = line_at(image, (unsigned int)*order + 1) - begin;

		memcpy(bytes + size, image->bytes + begin, length);
		size += length;
	}
	store(path, bytes, size);
}

START_TEST(verify_names_what_was_done)
{
	static const struct {
		int order[10];
		enum hws_audit_verdict verdict;
		uint64_t line;
		uint64_t count;
	} cases[] = {
		{ { 0, 1, 2, 4, 5, 6, -1 }, HWS_AUDIT_MISSING, 4, 1 },	    /* a line deleted */
		{ { 0, 1, 5, 6, -1 }, HWS_AUDIT_MISSING, 3, 3 },	    /* several */
		{ { 0, 1, 3, 2, 4, 5, 6, -1 }, HWS_AUDIT_MISSING, 3, 1 },   /* two swapped */
		{ { 0, 1, 2, 2, 3, 4, 5, 6, -1 }, HWS_AUDIT_BROKEN, 4, 0 }, /* one repeated */
		{ { 1, 2, 3, 4, 5, 6, -1 }, HWS_AUDIT_BROKEN, 1, 0 },	    /* no header */
		{ { 0, 1, 2, 3, 4, 5, -1 }, HWS_AUDIT_TRUNCATED, 0, 1 },    /* cut off */
		{ { 0, -1 }, HWS_AUDIT_TRUNCATED, 0, 6 },
		{ { -1 }, HWS_AUDIT_TRUNCATED, 0, 7 },
	};
	struct hws_audit *audit;
	struct image *image;

	set_up();
	write_trail(6);
	image = load(path);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct found found;

		arrange(image, cases[i].order);
		found = verify();
		ck_assert_msg(found.result == -EBADMSG, "case %zu", i);
		ck_assert_msg(found.of[cases[i].verdict] >= 1, "case %zu", i);
		ck_assert_msg(found.line == cases[i].line && found.count == cases[i].count,
			      "case %zu: line %d count %d", i, (int)found.line, (int)found.count);
		ck_assert_int_eq(try_open((struct hws_audit_options) { 0 }, &audit), -EBADMSG);
	}
	unlink(path);
	ck_assert_uint_eq(verify().of[HWS_AUDIT_TRUNCATED], 1);
	free(image);
	tear_down();
}
END_TEST

START_TEST(verify_finds_any_cut_behind_the_head)
{
	struct image *image;

	set_up();
	write_trail(6);
	image = load(path);
	for (size_t size = line_at(image, 5); size < image->size; size++) {
		struct found found;

		store(path, image->bytes, size);
		found = verify();
		ck_assert_msg(found.result == -EBADMSG && found.of[HWS_AUDIT_TRUNCATED] == 1,
			      "cut at %zu of %zu", size, image->size);
	}
	free(image);
	tear_down();
}
END_TEST

START_TEST(verify_finds_a_forged_line_and_another_trail)
{
	static const char key[32] = "not known to who may write here";
	static const char line[] = "{\"n\":8,\"seq\":7,\"chain\":\""
				   "00000000000000000000000000000000"
				   "00000000000000000000000000000000\"}\n";
	struct image *image;
	struct image *other;
	struct image *head;
	struct found found;
	struct hws_audit *audit;

	set_up();
	write_trail(6);
	image = load(path);
	head = load(beside(".head"));
	memcpy(image->bytes + image->size, line, sizeof(line) - 1);
	store(path, image->bytes, image->size + sizeof(line) - 1);
	found = verify();
	ck_assert_uint_eq(found.of[HWS_AUDIT_BROKEN], 1);
	ck_assert_uint_eq(found.line, 8);
	unlink(path);
	unlink(beside(".head"));
	write_trail(6); /* as long, as whole, but not the one */
	other = load(path);
	store(beside(".head"), head->bytes, head->size);
	ck_assert_uint_eq(verify().of[HWS_AUDIT_BROKEN], 1);
	unlink(beside(".head"));
	ck_assert_uint_eq(verify().of[HWS_AUDIT_HEAD], 1);
	for (size_t i = 0; i < head->size; i++) {
		head->bytes[i] ^= 1;
		store(beside(".head"), head->bytes, head->size);
		ck_assert_uint_eq(verify().of[HWS_AUDIT_HEAD], 1);
		head->bytes[i] ^= 1;
	}
	/* with a key nobody makes a trail that fits it */
	unlink(beside(".head"));
	unlink(path);
	audit = open_file((struct hws_audit_options) { .key = key, .key_size = sizeof(key) });
	record_many(audit, 0, 3);
	hws_audit_close(audit);
	ck_assert_int_eq(verify_with(key, sizeof(key)).result, 0);
	ck_assert_int_eq(verify().result, -EBADMSG);
	ck_assert_int_eq(try_open((struct hws_audit_options) { 0 }, &audit), -EBADMSG);
	free(image);
	free(other);
	free(head);
	tear_down();
}
END_TEST

START_TEST(verify_stands_any_rubbish)
{
	static char rubbish[100000];
	unsigned int state = 7;

	set_up();
	write_trail(2);
	for (unsigned int round = 0; round < 20; round++) {
		for (size_t i = 0; i < sizeof(rubbish); i++) {
			state = state * 1103515245 + 12345;
			rubbish[i] = round == 0 ? '{' : (char)(state >> 16);
		}
		store(path, rubbish, sizeof(rubbish) - round);
		ck_assert_int_eq(verify().result, -EBADMSG);
	}
	tear_down();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		verify_finds_every_changed_byte,
		verify_names_what_was_done,
		verify_finds_any_cut_behind_the_head,
		verify_finds_a_forged_line_and_another_trail,
		verify_stands_any_rubbish,
		NULL,
	};

	return suite_run("guardian/audit-verify", tests);
}
