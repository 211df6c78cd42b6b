/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policies/malformed.txt: after ">>>" a text, after "<<< " each of its errors.
 * In the text \xNN is a byte, and \c at the end takes the last line feed away.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guardian/policy.h"
#include "tests/suite.h"

enum { TEXT = 1 << 16 };

struct heard {
	char text[TEXT];
	size_t length;
	unsigned int count;
};

static void hear(void *context, const struct hws_policy_error *error)
{
	struct heard *heard = context;

	heard->count++;
	heard->length += (size_t)snprintf(heard->text + heard->length, TEXT - heard->length,
					  "<<< %u:%u: %s\n", error->line, error->column,
					  error->message);
	ck_assert_uint_lt(heard->length, TEXT);
}

static int parse(const char *text, size_t length, struct heard *heard, struct hws_policy **policy)
{
	struct hws_policy_options options = {
		.size = sizeof(options),
		.sysroot = POLICIES "/root",
		.error = hear,
		.context = heard,
	};

	heard->length = 0;
	heard->text[0] = '\0';
	heard->count = 0;
	return hws_policy_parse(&options, "f", text, length, policy);
}

static char *read_data(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	ck_assert_msg(file && text, "%s: %s", path, strerror(errno));
	ck_assert_uint_gt(fread(text, 1, (1 << 20) - 1, file), 0);
	fclose(file);
	return text;
}

/* Makes bytes of \xNN and \c; gives the length. */
static size_t unescape(char *text, size_t length)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		char hex[3] = "";

		if (text[i] != '\\') {
			text[n++] = text[i];
		} else if (text[++i] == 'c') {
			break;
		} else {
			memcpy(hex, text + i + 1, 2);
			text[n++] = (char)strtoul(hex, NULL, 16);
			i += 2;
		}
	}
	return n;
}

START_TEST(parse_names_every_error_of_malformed_texts)
{
	static struct heard heard;
	char *data = read_data(POLICIES "/malformed.txt");
	unsigned int count = 0;

	for (char *at = data; *at; count++) {
		char *text = at + strlen(">>>\n");
		char *wanted = strstr(text, "<<< ");
		char *end = strstr(wanted, ">>>\n");
		struct hws_policy *policy = NULL;
		char *shown;

		end = end ? end : wanted + strlen(wanted);
		shown = strndup(text, (size_t)(wanted - text));
		ck_assert_int_eq(
			parse(text, unescape(text, (size_t)(wanted - text)), &heard, &policy),
			-EBADMSG);
		ck_assert_ptr_null(policy);
		ck_assert_msg(heard.length == (size_t)(end - wanted) &&
				      !memcmp(heard.text, wanted, heard.length),
			      "of\n%sit said\n%snot\n%.*s", shown, heard.text, (int)(end - wanted),
			      wanted);
		free(shown);
		at = end;
	}
	ck_assert_uint_ge(count, 200);
	free(data);
}
END_TEST

START_TEST(parse_refuses_a_line_of_over_4096_bytes)
{
	static struct heard heard;
	static char text[5000];
	struct hws_policy *policy = NULL;
	size_t n = (size_t)sprintf(text, "[s]\nport = 1 r #");

	memset(text + n, 'x', 4096 + 4 - n);
	text[4100] = '\n';
	ck_ok(parse(text, 4101, &heard, &policy));
	hws_policy_unref(policy);
	text[4100] = 'x';
	text[4101] = '\n';
	ck_assert_int_eq(parse(text, 4102, &heard, &policy), -EBADMSG);
	ck_assert_str_eq(heard.text,
			 "<<< 2:1: found a line of 4097 bytes, expected at most 4096\n");
	ck_assert_str_eq(hws_why(), "f:2:1: found a line of 4097 bytes, expected at most 4096");
}
END_TEST

START_TEST(parse_tells_no_more_than_100_errors)
{
	static struct heard heard;
	static char text[10000];
	struct hws_policy *policy = NULL;
	size_t n = (size_t)sprintf(text, "[s]\n");

	for (int i = 0; i < 500; i++)
		n += (size_t)sprintf(text + n, "foo = 1\n");
	ck_assert_int_eq(parse(text, n, &heard, &policy), -EBADMSG);
	ck_assert_uint_eq(heard.count, 100);
	ck_assert_ptr_nonnull(strstr(heard.text, "<<< 101:1: too many errors"));
}
END_TEST

START_TEST(parse_refuses_more_than_1000_sections)
{
	static struct heard heard;
	static char text[1 << 15];
	struct hws_policy *policy = NULL;
	size_t n = 0;

	for (int i = 0; i < 1001; i++)
		n += (size_t)sprintf(text + n, "[s%d]\ncpuid = 1\n", i);
	ck_assert_int_eq(parse(text, n, &heard, &policy), -EBADMSG);
	ck_assert_str_eq(heard.text,
			 "<<< 2001:2: found section 1001, expected at most 1000 in a file\n");
}
END_TEST

#define ALL_RIGHTS (HWS_RW | HWS_SIDE | HWS_CLAIMED | HWS_DANGER)

/* What is read of a rule, seen from outside. */
START_TEST(parse_reads_every_kind)
{
	static const struct {
		const char *text;
		uint32_t rights;
		uint64_t addresses;
	} good[] = {
		{ "port   = 0x2e-0x2f rw, rate 200/s", HWS_RW, 2 },
		{ "port = 1 2 3, 5-6,8 read, write, side claimed danger", ALL_RIGHTS, 6 },
		{ "msr = 1 rw danger apic, cpus 0", HWS_RW | HWS_DANGER_APIC, 1 },
		{ "port = 5 1-3 2-4 r", HWS_R, 5 },
		{ "msr    = 0x19c r, cpus 0-3,8", HWS_R, 1 },
		{ "msr    = 0x610 rw, mask 0x7fff, value 0x0-0x320", HWS_RW, 1 },
		{ "pci    = class 0x0c05, config r", HWS_R, 4096 },
		{ "pci = *:*:*.* config 0x40-0x4f 0x60 r side", HWS_R | HWS_SIDE, 17 },
		{ "bar    = 1234:11e8 0 0x00-0xff rw, width 4", HWS_RW, 256 },
		{ "bar = 00:1f.7 * w, width 1 2,4,8 value 1", HWS_W, UINT64_MAX },
		{ "dma    = 1234:11e8 max 16M, maps 64", HWS_RW, 1 },
		{ "irq = *:11e8", HWS_RW, 2048 },
		{ "ring   = /dev/nvme0n1 read, buffers 8M", HWS_R, 1 },
		{ "ring = \"/dev/with blank,comma#and=\" rw", HWS_RW, 1 },
		{ "cpuid = *", HWS_R, 1ull << 32 },
		{ "plugin = /lib/x.so key "
		  "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
		  HWS_RW, 1 },
		{ "deny port = 0xcf8-0xcff", ALL_RIGHTS, 8 },
		{ "deny msr = * w", HWS_W, 1ull << 32 },
	};
	static struct heard heard;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char text[256];
		struct hws_policy *policy = NULL;
		struct hws_policy_rule rule;
		int n = snprintf(text, sizeof(text), "# é\n\n\t[s] # c\n\t %s \t# c\n",
				 good[i].text);

		ck_assert_msg(!parse(text, (size_t)n, &heard, &policy), "%s%s", text, heard.text);
		ck_assert_uint_eq(hws_policy_rules(policy), 1);
		ck_ok(hws_policy_rule_at(policy, 0, &rule));
		ck_assert_int_eq(hws_policy_rule_at(policy, 1, &rule), -ERANGE);
		ck_assert_str_eq(rule.text, good[i].text);
		ck_assert_str_eq(rule.section, "s");
		ck_assert_str_eq(rule.file, "f");
		ck_assert_uint_eq(rule.line, 4);
		ck_assert_uint_eq(rule.rights, good[i].rights);
		ck_assert_msg(rule.addresses == good[i].addresses, "%s: %llu", good[i].text,
			      (unsigned long long)rule.addresses);
		ck_assert(!rule.inline_rule);
		ck_assert(rule.deny == (good[i].text[0] == 'd' && good[i].text[1] == 'e'));
		hws_policy_unref(policy);
	}
}
END_TEST

START_TEST(parse_takes_an_empty_text)
{
	static struct heard heard;
	struct hws_policy *policy = NULL;

	ck_ok(parse("", 0, &heard, &policy));
	ck_assert_uint_eq(hws_policy_rules(policy), 0);
	hws_policy_unref(policy);
}
END_TEST

static uint64_t random_state = 88172645463325252u;
static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % limit;
}

/* Whatever the bytes: errors or a policy, no crash; the sanitizers look on. */
START_TEST(parse_survives_mutations)
{
	static const char seed[] =
		"version = 1\n[fan-control]\nuser = fan, 5\ngroup = i2c\nexe = /bin/x\n"
		"port = 0x2e-0x2f rw, rate 200/s\nmsr = 0x19c r, cpus 0-3,8\n"
		"msr = 0x610 rw, mask 0x7fff, value 0x0-0x320\npci = class 0x0c05xx, config r\n"
		"bar = 1234:11e8 0 0x00-0xff rw, width 4 8\ndma = *:*:03.0 max 16M, maps 64\n"
		"ring = \"/dev/nvme0n1\" read, buffers 8M\ndeny port = 0xcf8-0xcff\n[t]\n"
		"irq = *:11e8 1-3\ncpuid = * r # comment\ndeny plugin = /x\n";
	static const char *const pieces[] = {
		"\n", ",",  "=",  "[",	"]",	"\"",	"#",  "-",
		"*",  ":",  ".",  "0x", "r",	"w",	"99", "18446744073709551615",
		"/",  "xx", "\t", "K",	"\xc3", "\xa9", "\r", "deny"
	};
	static struct heard heard;

	for (int i = 0, rounds = suite_rounds(100000); i < rounds; i++) {
		char text[sizeof(seed) * 2];
		size_t n = sizeof(seed) - 1;
		struct hws_policy *policy = NULL;

		memcpy(text, seed, n);
		for (uint32_t k = random_below(6); k < 6; k++) {
			const char *piece = pieces[random_below(24)];
			size_t at = random_below((uint32_t)n);
			size_t cut = random_below(8);
			size_t add = random_below(2) ? strlen(piece) : 0;

			cut = cut < n - at ? cut : n - at;
			memmove(text + at + add, text + at + cut, n - at - cut);
			memcpy(text + at, piece, add);
			n = n - cut + add;
			if (random_below(8) == 0)
				text[random_below((uint32_t)n)] = (char)random_below(256);
		}
		if (parse(text, n, &heard, &policy) < 0)
			ck_assert_uint_gt(heard.count, 0);
		else
			ck_assert_uint_eq(heard.count, 0);
		hws_policy_unref(policy);
	}
}
END_TEST

int main(void)
{
	return suite_run("guardian/policy-parse",
			 (const TTest *[]) { parse_names_every_error_of_malformed_texts,
					     parse_refuses_a_line_of_over_4096_bytes,
					     parse_tells_no_more_than_100_errors,
					     parse_refuses_more_than_1000_sections,
					     parse_reads_every_kind, parse_takes_an_empty_text,
					     parse_survives_mutations, NULL });
}
