/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines: sections, and in them principals and rules. */
#include "guardian/policy-parse-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct policy_section *section_of(struct policy_parser *p)
{
	return &p->policy->sections[p->policy->section_count - 1];
}

static bool add_section(struct policy_parser *p, const char *name, size_t length)
{
	struct hws_policy *policy = p->policy;
	const char *file = policy_copy(policy, p->from->file, strlen(p->from->file));
	const char *copy = policy_copy(policy, name, length);

	if (!file || !copy ||
	    !policy_grow(&policy->sections, policy->section_count, sizeof(*policy->sections)))
		return parse_no_memory(p);
	policy->sections[policy->section_count++] = (struct policy_section) {
		.name = copy,
		.file = file,
		.line = p->number,
	};
	p->in_section = true;
	return true;
}

static bool is_name(const struct token *t)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789._-";

	if (t->kind != TOKEN_WORD || t->length > POLICY_NAME)
		return false;
	for (size_t i = 0; i < t->length; i++) {
		if (!strchr(good, t->at[i]))
			return false;
	}
	return true;
}

static bool section_is_new(struct policy_parser *p, const struct token *name)
{
	const struct hws_policy *policy = p->policy;

	if (policy->section_count - p->first_section >= POLICY_SECTIONS)
		return parse_error(p, name->at, "found section %d, expected at most %d in a file",
				   POLICY_SECTIONS + 1, POLICY_SECTIONS);
	for (size_t i = p->first_section; i < policy->section_count; i++) {
		if (token_is(name, policy->sections[i].name))
			return parse_error(p, name->at,
					   "found section '%s' again, expected another "
					   "name: line %u has it",
					   policy->sections[i].name, policy->sections[i].line);
	}
	return true;
}

/* Before the next section and at the end: a section without rules is a mistake. */
static void end_section(struct policy_parser *p)
{
	struct hws_policy_error error = {
		.file = p->from->file,
		.column = 1,
		.message = "found a section without rules, expected at least one",
	};

	if (!p->in_section || p->bad_section || section_of(p)->rules)
		return;
	error.line = section_of(p)->line;
	policy_error(p->errors, -EBADMSG, &error);
}

/* [name], and nothing else on the line. */
static bool parse_header(struct policy_parser *p)
{
	struct token name;

	if (!lex_next(p))
		return false;
	name = p->token;
	if (!is_name(&name))
		return parse_expected(p,
				      "a section's name: up to %d letters, digits, '.', '_' or '-'",
				      POLICY_NAME);
	if (!lex_next(p))
		return false;
	if (!token_is_sign(&p->token, ']'))
		return parse_expected(p, "']'");
	if (!lex_next(p))
		return false;
	if (p->token.kind != TOKEN_END)
		return parse_expected(p, "nothing behind ']'");
	return section_is_new(p, &name) && add_section(p, name.at, name.length);
}

/* What follows a bad header is still read, for its own errors. */
static bool parse_section(struct policy_parser *p)
{
	end_section(p);
	p->bad_section = !parse_header(p);
	return !p->bad_section || add_section(p, "?", 1);
}

static bool add_id(struct policy_parser *p, struct policy_ids *ids, uint32_t id)
{
	if (!policy_grow(&ids->at, ids->count, sizeof(*ids->at)))
		return parse_no_memory(p);
	ids->at[ids->count++] = id;
	return true;
}

static bool name_to_id(struct policy_parser *p, enum policy_name_kind kind, const char *what,
		       uint32_t *ret_id)
{
	const struct token *t = &p->token;
	int r;

	if ((t->kind != TOKEN_WORD && t->kind != TOKEN_QUOTED) || !t->length)
		return parse_expected(p, "the name or number of a %s", what);
	r = policy_name_find(p->names, kind, t->at, t->length, ret_id);
	if (r == -ESRCH)
		return parse_expected(p, "a %s that %s knows", what, policy_name_file(kind));
	if (r < 0)
		return parse_error(p, t->at,
				   "found a name, but %s can't be read (%s); expected a "
				   "number",
				   policy_name_file(kind), strerror(-r));
	return lex_next(p);
}

/* user = and group = */
static bool parse_id(struct policy_parser *p, enum policy_name_kind kind)
{
	static const char *const words[] = { [NAME_USER] = "user", [NAME_GROUP] = "group" };
	struct policy_section *section = section_of(p);
	const char *at = p->token.at;
	uint64_t number;
	uint32_t id;

	if (token_is_number(&p->token)) {
		if (!parse_number(p, "a number", POLICY_NO_ID - 1, &number))
			return false;
		id = (uint32_t)number;
	} else if (!name_to_id(p, kind, words[kind], &id)) {
		return false;
	}
	if (id == POLICY_OVERFLOW_ID || id == POLICY_NO_ID)
		return parse_error(p, at,
				   "found the %s %u, which stands for everybody without a "
				   "number here; expected another",
				   words[kind], id);
	return add_id(p, kind == NAME_USER ? &section->users : &section->groups, id);
}

static bool parse_user(struct policy_parser *p)
{
	return parse_id(p, NAME_USER);
}

static bool parse_group(struct policy_parser *p)
{
	return parse_id(p, NAME_GROUP);
}

static bool parse_exe(struct policy_parser *p)
{
	struct policy_section *section = section_of(p);
	const char *path;

	if (!parse_path(p, "a program", &path))
		return false;
	if (!policy_grow(&section->exes, section->exe_count, sizeof(*section->exes)))
		return parse_no_memory(p);
	section->exes[section->exe_count++] = path;
	return true;
}

static const struct {
	const char *word;
	bool (*parse)(struct policy_parser *p); /* one of the list behind "=" */
} principals[] = {
	{ "user", parse_user },
	{ "group", parse_group },
	{ "exe", parse_exe },
};

static bool parse_principals(struct policy_parser *p, const struct token *key, size_t which)
{
	if (!p->in_section)
		return parse_error(p, key->at, "found '%s' before any section, expected [name]",
				   principals[which].word);
	if (section_of(p)->rules)
		return parse_error(p, key->at,
				   "found '%s' behind a rule, expected it before the "
				   "section's rules",
				   principals[which].word);
	do {
		if (!principals[which].parse(p))
			lex_recover(p);
	} while (p->token.kind != TOKEN_END);
	return !p->failed;
}

static bool parse_version(struct policy_parser *p, const struct token *key)
{
	if (p->in_section || p->version)
		return parse_error(p, key->at,
				   "found 'version', expected it once and before any "
				   "section");
	p->version = true;
	if (!token_is(&p->token, "1"))
		return parse_expected(p, "version 1");
	if (!lex_next(p))
		return false;
	return p->token.kind == TOKEN_END || parse_expected(p, "nothing behind the version");
}

static bool unknown_key(struct policy_parser *p, bool deny)
{
	char kinds[POLICY_NAME * 2] = "";
	size_t n = 0;

	for (unsigned int kind = 0; kind < HWS_KINDS; kind++)
		n += (size_t)snprintf(kinds + n, sizeof(kinds) - n, "%s%s", kind ? ", " : "",
				      hws_kind_name((enum hws_kind)kind));
	return parse_expected(p, "%s%s", deny ? "" : "[, version, user, group, exe, deny, ", kinds);
}

/* The key is read: moves to the value. */
static bool to_value(struct policy_parser *p)
{
	if (!lex_next(p))
		return false;
	if (!token_is_sign(&p->token, '='))
		return parse_expected(p, "'='");
	p->in_value = true;
	return lex_next(p);
}

static bool parse_rule_line(struct policy_parser *p)
{
	const char *begin = p->token.at;
	bool deny = token_is(&p->token, "deny");
	unsigned int kind = 0;

	if (deny && !lex_next(p))
		return false;
	while (kind < HWS_KINDS && !token_is(&p->token, hws_kind_name((enum hws_kind)kind)))
		kind++;
	if (kind == HWS_KINDS)
		return unknown_key(p, deny);
	if (!p->in_section) {
		if (!p->from->inline_text)
			return parse_error(p, begin,
					   "found a rule before any section, expected "
					   "[name]");
		if (!add_section(p, HWS_POLICY_INLINE, strlen(HWS_POLICY_INLINE)))
			return false;
	}
	section_of(p)->rules++;
	section_of(p)->gives |= !deny;
	return to_value(p) && parse_rule(p, (enum hws_kind)kind, deny);
}

static bool parse_line(struct policy_parser *p)
{
	struct token key;

	if (!lex_check_line(p) || !lex_start(p))
		return false;
	key = p->token;
	if (key.kind == TOKEN_END)
		return true;
	if (token_is_sign(&key, '['))
		return parse_section(p);
	if (token_is(&key, "version"))
		return to_value(p) && parse_version(p, &key);
	for (size_t i = 0; i < COUNT(principals); i++) {
		if (token_is(&key, principals[i].word))
			return to_value(p) && parse_principals(p, &key, i);
	}
	return parse_rule_line(p);
}

/* A file that was cut off could end in a rule that allows more than was meant. */
static bool is_whole(struct policy_parser *p, bool has_end)
{
	if (has_end || p->from->inline_text)
		return true;
	return parse_error(p, p->line,
			   "found a line without an end, expected a line feed: is the "
			   "file cut off?");
}

void policy_parse(struct hws_policy *policy, const struct policy_text *from,
		  struct policy_names *names, struct policy_errors *errors)
{
	struct policy_parser p = {
		.policy = policy,
		.from = from,
		.names = names,
		.errors = errors,
		.first_section = policy->section_count,
	};
	const char *end = from->text + from->length;

	for (const char *at = from->text; at < end;) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));

		p.number++;
		p.failed = false;
		p.line = at;
		p.end = feed ? feed : end;
		if (!is_whole(&p, feed) || !parse_line(&p))
			p.bad_section = true; /* it may have rules, or more errors, further on */
		at = feed ? feed + 1 : end;
	}
	end_section(&p);
}
