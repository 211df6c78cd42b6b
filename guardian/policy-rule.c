/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A rule: its object, then rights and options in any order. */
#include "guardian/policy-parse-internal.h"

#include <stdio.h>
#include <string.h>

#include "guardian/danger-internal.h"

static const struct {
	const char *word;
	uint32_t rights;
} right_words[] = {
	{ "r", HWS_R },
	{ "w", HWS_W },
	{ "rw", HWS_RW },
	{ "read", HWS_R },
	{ "write", HWS_W },
	{ "side", HWS_SIDE },
	{ "claimed", HWS_CLAIMED },
	{ "danger", HWS_DANGER },
};

/* Behind "danger": which ones; none named is all. */
static bool parse_dangers(struct rule_parser *r)
{
	struct policy_parser *p = r->p;
	uint32_t named = 0;

	for (size_t i = 0; i < DANGERS; i++) {
		if (!token_is(&p->token, dangers[i].name))
			continue;
		if (dangers[i].right & named)
			return parse_error(p, p->token.at, "found the danger '%s' a second time",
					   dangers[i].name);
		named |= dangers[i].right;
		if (!lex_next(p))
			return false;
		i = SIZE_MAX; /* from the first on */
	}
	r->rule.rights |= named ? named : HWS_DANGER;
	return true;
}

static bool parse_bars(struct rule_parser *r)
{
	return parse_span(r->p, "a BAR", POLICY_BARS - 1, &r->rule.bars);
}

static bool parse_where(struct rule_parser *r)
{
	return parse_spans(r->p, r->kind->what, r->kind->max, &r->rule.where);
}

static bool parse_object(struct rule_parser *r)
{
	struct policy_parser *p = r->p;
	uint32_t object = r->kind->object;

	if (object & OBJECT_DEVICE && !parse_device(p, &r->rule.device))
		return false;
	if (object & OBJECT_BAR && !parse_bars(r))
		return false;
	if ((object & OBJECT_SPANS || (object & OBJECT_MORE && token_is_number(&p->token))) &&
	    !parse_where(r))
		return false;
	if (!(object & OBJECT_PATH))
		return true;
	if (token_is(&p->token, "*"))
		return lex_next(p); /* any path */
	return parse_path(p, r->kind->what, &r->rule.path);
}

/* A word that gives rights, if the token is one. */
static bool parse_right(struct rule_parser *r, bool *ret_found)
{
	struct policy_parser *p = r->p;
	size_t i = 0;

	while (i < COUNT(right_words) && !token_is(&p->token, right_words[i].word))
		i++;
	*ret_found = i < COUNT(right_words);
	if (!*ret_found)
		return true;
	if (right_words[i].rights & ~r->kind->rights)
		return parse_error(p, p->token.at, "found '%s', a right that %s rules have not",
				   right_words[i].word, hws_kind_name(r->rule.kind));
	if (right_words[i].rights & r->rule.rights)
		return parse_error(p, p->token.at, "found '%s', a right that the rule has already",
				   right_words[i].word);
	if (right_words[i].rights == HWS_DANGER)
		return lex_next(p) && parse_dangers(r);
	r->rule.rights |= right_words[i].rights;
	return lex_next(p);
}

/* The words of the rights that the rule may have, for messages. */
static const char *rights_text(const struct rule_parser *r, char *text, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < COUNT(right_words); i++) {
		if (!(right_words[i].rights & ~r->kind->rights) && n < size)
			n += (size_t)snprintf(text + n, size - n, "%s%s", n ? ", " : "",
					      right_words[i].word);
	}
	return text;
}

static bool parse_part(struct rule_parser *r)
{
	char rights[POLICY_NAME];
	char words[POLICY_NAME * 2];
	bool found;

	if (!parse_right(r, &found))
		return false;
	if (!found && !parse_option(r, &found))
		return false;
	return found || parse_expected(r->p, "%s%s", rights_text(r, rights, sizeof(rights)),
				       option_words(r, words, sizeof(words)));
}

/* What a rule has that says nothing about it. */
static bool fill_in(struct rule_parser *r, const char *begin)
{
	struct policy_rule *rule = &r->rule;
	struct policy_parser *p = r->p;

	if (!rule->rights)
		rule->rights = rule->deny ? POLICY_RIGHTS : r->kind->usual;
	if (!rule->rights)
		return parse_error(p, p->end, "found no rights, expected r, w or rw");
	if (rule->where.count)
		return options_fit(r, begin);
	rule->where.at = policy_memory(p->policy, sizeof(*rule->where.at));
	if (!rule->where.at)
		return parse_no_memory(p);
	rule->where.at[0] = (struct policy_span) { 0, r->kind->max };
	rule->where.count = 1;
	return options_fit(r, begin);
}

/* The line without its blanks and comment. */
static const char *text_of(struct policy_parser *p)
{
	const char *begin = p->line;
	const char *end = p->end;

	while (begin < end && strchr(" \t", *begin))
		begin++;
	while (end > begin && strchr(" \t", end[-1]))
		end--;
	return policy_copy(p->policy, begin, (size_t)(end - begin));
}

/* Options that each single access must be held against. */
#define LIMITS (OPTION_WIDTH | OPTION_MASK | OPTION_VALUE | OPTION_RATE | OPTION_LAST_WORDS)

static bool keep(struct rule_parser *r)
{
	struct hws_policy *policy = r->p->policy;

	r->rule.text = text_of(r->p);
	r->rule.limited = r->given & LIMITS;
	if (!r->rule.text || policy->rule_count >= UINT32_MAX - 1 ||
	    !policy_grow(&policy->rules, policy->rule_count, sizeof(*policy->rules)))
		return parse_no_memory(r->p);
	policy->rules[policy->rule_count++] = r->rule;
	return true;
}

bool parse_rule(struct policy_parser *p, enum hws_kind kind, bool deny)
{
	struct rule_parser r = {
		.p = p,
		.kind = &policy_kinds[kind],
		.rule = {
			.kind = kind,
			.deny = deny,
			.inline_rule = p->from->inline_text,
			.section = (uint32_t)p->policy->section_count - 1,
			.line = p->number,
			.mask = UINT64_MAX,
		},
	};
	const char *begin = p->token.at;

	if (!parse_object(&r)) {
		do
			lex_recover(p);
		while (token_is_number(&p->token)); /* the rest of a list with an error */
	}
	while (p->token.kind != TOKEN_END) {
		if (!parse_part(&r))
			lex_recover(p);
	}
	return !p->failed && fill_in(&r, begin) && keep(&r);
}
