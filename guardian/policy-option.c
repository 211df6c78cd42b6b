/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may stand in a rule of each kind: one table of kinds, one of options. */
#include "guardian/policy-parse-internal.h"

#include <stdio.h>
#include <string.h>

#define WRITES (OPTION_MASK | OPTION_VALUE)
#define USUAL  (OPTION_RATE | OPTION_LAST_WORDS)

const struct policy_kind policy_kinds[HWS_KINDS] = {
	[HWS_KIND_PORT] = {
		.object = OBJECT_SPANS, .what = "a port", .max = 0xffff, .rights = POLICY_RIGHTS,
		.options = OPTION_WIDTH | OPTION_VALUE | USUAL,
		.widths = 1 | 2 | 4, .values = UINT32_MAX,
	},
	[HWS_KIND_MSR] = {
		.object = OBJECT_SPANS, .what = "a register", .max = UINT32_MAX,
		.rights = POLICY_RIGHTS, .options = OPTION_CPUS | WRITES | USUAL,
		.values = UINT64_MAX,
	},
	[HWS_KIND_PCI] = {
		.object = OBJECT_DEVICE, .what = "an offset", .max = 0xfff, .rights = POLICY_RIGHTS,
		.options = OPTION_CONFIG | OPTION_WIDTH | WRITES | USUAL,
		.widths = 1 | 2 | 4, .values = UINT32_MAX,
	},
	[HWS_KIND_BAR] = {
		.object = OBJECT_DEVICE | OBJECT_BAR | OBJECT_MORE, .what = "an offset",
		.max = UINT64_MAX, .rights = POLICY_RIGHTS,
		.options = OPTION_WIDTH | WRITES | USUAL,
		.widths = 1 | 2 | 4 | 8, .values = UINT64_MAX,
	},
	[HWS_KIND_DMA] = {
		.object = OBJECT_DEVICE, .rights = HWS_RW, .usual = HWS_RW,
		.options = OPTION_MAX | OPTION_MAPS | OPTION_RATE,
	},
	[HWS_KIND_IRQ] = {
		.object = OBJECT_DEVICE | OBJECT_MORE, .what = "a vector", .max = 2047,
		.rights = HWS_RW, .usual = HWS_RW, .options = OPTION_RATE,
	},
	[HWS_KIND_RING] = {
		.object = OBJECT_PATH, .what = "a file", .rights = HWS_RW,
		.options = OPTION_BUFFERS | OPTION_RATE,
	},
	[HWS_KIND_CPUID] = {
		.object = OBJECT_SPANS, .what = "a leaf", .max = UINT32_MAX, .rights = HWS_R,
		.usual = HWS_R, .options = OPTION_RATE, /* read where the thread happens to run */
	},
	[HWS_KIND_PLUGIN] = {
		.object = OBJECT_PATH, .what = "a shared object", .rights = HWS_RW,
		.usual = HWS_RW, .options = OPTION_SHA256 | OPTION_KEY | OPTION_UNSIGNED,
	},
};

static bool option_config(struct rule_parser *r)
{
	/* without numbers it only says what is meant: the whole configuration space */
	if (!token_is_number(&r->p->token))
		return true;
	return parse_spans(r->p, r->kind->what, r->kind->max, &r->rule.where);
}

static bool option_cpus(struct rule_parser *r)
{
	return parse_spans(r->p, "a CPU", 0xffff, &r->rule.cpus);
}

static bool option_width(struct rule_parser *r)
{
	struct policy_parser *p = r->p;

	do {
		const char *at = p->token.at;
		uint64_t width;

		if (!parse_number(p, "a width", 8, &width))
			return false;
		if (width & (width - 1) || !(width & r->kind->widths))
			return parse_error(p, at, "found the width %llu, expected one of 1, 2, 4%s",
					   (unsigned long long)width,
					   r->kind->widths & 8 ? ", 8" : "");
		r->rule.widths |= (uint32_t)width;
	} while (token_is_number(&p->token));
	return true;
}

static bool option_mask(struct rule_parser *r)
{
	const char *at = r->p->token.at;

	if (!parse_number(r->p, "a mask", r->kind->values, &r->rule.mask))
		return false;
	return r->rule.mask || parse_error(r->p, at,
					   "found the mask 0, expected the bits that a "
					   "write may change");
}

static bool option_value(struct rule_parser *r)
{
	return parse_spans(r->p, "a value", r->kind->values, &r->rule.values);
}

static bool option_rate(struct rule_parser *r)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = { { "/ms", 1000000 }, { "/s", 1000000000 }, { "/min", 60000000000 } };
	struct policy_parser *p = r->p;
	struct token whole = p->token;
	const char *slash = whole.kind == TOKEN_WORD ? memchr(whole.at, '/', whole.length) : NULL;

	for (size_t i = 0; slash && i < COUNT(units); i++) {
		size_t n = whole.length - (size_t)(slash - whole.at);

		if (n != strlen(units[i].unit) || memcmp(slash, units[i].unit, n) != 0)
			continue;
		p->token.length -= n;
		if (!parse_number(p, "a rate", UINT32_MAX, &r->rule.rate))
			return false;
		r->rule.rate_ns = units[i].ns;
		return r->rule.rate || parse_error(p, whole.at,
						   "found the rate 0, expected a rate "
						   "above 0, or no rule at all");
	}
	return parse_expected(p, "a rate such as 200/s, 5/ms or 10/min");
}

static bool option_max(struct rule_parser *r)
{
	return parse_size(r->p, "a size", &r->rule.max);
}

static bool option_maps(struct rule_parser *r)
{
	const char *at = r->p->token.at;

	if (!parse_number(r->p, "a number of mappings", UINT32_MAX, &r->rule.maps))
		return false;
	return r->rule.maps || parse_error(r->p, at, "found 0 mappings, expected a number above 0");
}

static bool option_buffers(struct rule_parser *r)
{
	return parse_size(r->p, "a size", &r->rule.buffers);
}

/* One word of exactly @length of the characters in @set. */
static bool option_text(struct rule_parser *r, const char *what, const char *set, size_t length,
			const char **ret_text)
{
	struct policy_parser *p = r->p;
	char *text;

	text = policy_copy(p->policy, p->token.at, p->token.length);
	if (!text)
		return parse_no_memory(p);
	if (p->token.kind != TOKEN_WORD || p->token.length != length || strspn(text, set) != length)
		return parse_expected(p, "%s of %zu characters", what, length);
	*ret_text = text;
	return lex_next(p);
}

static bool option_sha256(struct rule_parser *r)
{
	return option_text(r, "a SHA-256 in lower-case hexadecimal", "0123456789abcdef", 64,
			   &r->rule.sha256);
}

static bool option_key(struct rule_parser *r)
{
	return option_text(r, "a minisign public key in base64",
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 56,
			   &r->rule.key);
}

static bool option_unsigned(struct rule_parser *r)
{
	r->rule.unsigned_ok = true;
	return true;
}

static bool option_last_words(struct rule_parser *r)
{
	r->rule.last_words = true;
	return true;
}

/* Those that choose what a rule is about may stand in a deny rule too; the others limit it. */
#define CHOOSES (OPTION_CONFIG | OPTION_CPUS)

static const struct {
	const char *word;
	uint32_t option;
	bool (*parse)(struct rule_parser *r);
} options[] = {
	{ "config", OPTION_CONFIG, option_config },
	{ "cpus", OPTION_CPUS, option_cpus },
	{ "width", OPTION_WIDTH, option_width },
	{ "mask", OPTION_MASK, option_mask },
	{ "value", OPTION_VALUE, option_value },
	{ "rate", OPTION_RATE, option_rate },
	{ "max", OPTION_MAX, option_max },
	{ "maps", OPTION_MAPS, option_maps },
	{ "buffers", OPTION_BUFFERS, option_buffers },
	{ "sha256", OPTION_SHA256, option_sha256 },
	{ "key", OPTION_KEY, option_key },
	{ "unsigned", OPTION_UNSIGNED, option_unsigned },
	{ "last-words", OPTION_LAST_WORDS, option_last_words },
};

static uint32_t options_of(const struct rule_parser *r)
{
	return r->rule.deny ? r->kind->options & CHOOSES : r->kind->options;
}

const char *option_words(const struct rule_parser *r, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < COUNT(options); i++) {
		if (options[i].option & options_of(r) && n < size)
			n += (size_t)snprintf(text + n, size - n, ", %s", options[i].word);
	}
	return text;
}

bool parse_option(struct rule_parser *r, bool *ret_found)
{
	struct policy_parser *p = r->p;
	char others[POLICY_NAME * 2];
	size_t i = 0;

	while (i < COUNT(options) && !token_is(&p->token, options[i].word))
		i++;
	*ret_found = i < COUNT(options);
	if (!*ret_found)
		return true;
	if (!(options[i].option & options_of(r)))
		return parse_error(
			p, p->token.at, "found '%s', no option of %s%s rules; expected rights%s",
			options[i].word, r->rule.deny ? "deny " : "", hws_kind_name(r->rule.kind),
			option_words(r, others, sizeof(others)));
	if (r->given & options[i].option)
		return parse_error(p, p->token.at, "found '%s' a second time, expected it once",
				   options[i].word);
	r->given |= options[i].option;
	return lex_next(p) && options[i].parse(r);
}

bool options_fit(struct rule_parser *r, const char *rule)
{
	if (r->given & WRITES && !(r->rule.rights & HWS_W))
		return parse_error(r->p, rule,
				   "found '%s' in a rule that allows no writing, "
				   "expected the right w",
				   r->given & OPTION_MASK ? "mask" : "value");
	if (r->rule.kind == HWS_KIND_PLUGIN && !r->rule.deny && !r->given)
		return parse_error(r->p, rule,
				   "found a plugin that is not pinned, expected sha256 "
				   "or key (or unsigned, for any file there)");
	if (r->rule.unsigned_ok && (r->rule.sha256 || r->rule.key))
		return parse_error(r->p, rule,
				   "found 'unsigned' with sha256 or key, expected one or the "
				   "other");
	return true;
}
