/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe policy explain: the policy's answer to an access. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/hwprobe/policy.h"
#include "hw/hwprobe/verbs.h"

enum { AS = ACCESS_OPTIONS, EXE, POLICY };
static const struct args_option options[] = {
	POLICY_ACCESS_OPTIONS,
	[AS] = { "as", 0, "USER", "whose rights: a name or a uid" },
	[EXE] = { "exe", 0, "PATH", "through which program" },
	[POLICY] = { "policy", 'p', "PATH", "a file or directory, not " HWS_POLICY_DIRECTORY },
	{ 0 },
};

/* The principal, with memory of its own. */
struct asker {
	struct hws_principal principal;
	gid_t *groups;
};

/* The user of that name or number, from the passwd file below the sysroot; "" when none is. */
static void find_user(const struct call *call, struct asker *asker, char name[64])
{
	FILE *file = open_below(&call->settings, "/etc/passwd");
	struct passwd *entry;
	char uid[16];

	name[0] = '\0';
	while (file && (entry = fgetpwent(file))) {
		snprintf(uid, sizeof(uid), "%u", entry->pw_uid);
		if (strcmp(entry->pw_name, call->given[AS].value) != 0 &&
		    strcmp(uid, call->given[AS].value) != 0)
			continue;
		snprintf(name, 64, "%s", entry->pw_name);
		asker->principal.uid = entry->pw_uid;
		asker->principal.gid = entry->pw_gid;
		break;
	}
	if (file)
		fclose(file);
}

static void find_groups(const struct call *call, const char *name, struct asker *asker)
{
	FILE *file = open_below(&call->settings, "/etc/group");
	struct group *entry;

	while (file && (entry = fgetgrent(file))) {
		for (char **member = entry->gr_mem; *member; member++) {
			size_t n = asker->principal.group_count;
			gid_t *more = strcmp(*member, name)
					      ? NULL
					      : reallocarray(asker->groups, n + 1, sizeof(*more));

			if (!more)
				continue;
			asker->groups = more;
			more[n] = entry->gr_gid;
			asker->principal.group_count++;
		}
	}
	if (file)
		fclose(file);
}

static enum result find_other(const struct call *call, struct asker *asker)
{
	const char *as = call->given[AS].value;
	char name[64];
	uint64_t uid;

	find_user(call, asker, name);
	if (name[0]) {
		find_groups(call, name, asker);
	} else if (!*as || as[strspn(as, "0123456789")]) {
		say("--as '%s': no such user in /etc/passwd; a uid is fine, too", as);
		return RESULT_NOT_FOUND;
	} else if (!args_number("--as", as, UINT32_MAX - 1, &uid)) {
		return RESULT_USAGE;
	} else {
		asker->principal.uid = asker->principal.gid = (uint32_t)uid;
	}
	return RESULT_OK;
}

static enum result find_asker(const struct call *call, struct asker *asker)
{
	enum { GROUPS = 65536 };
	enum result result = RESULT_OK;
	int n;

	asker->principal = (struct hws_principal) { .uid = geteuid(),
						    .gid = getegid(),
						    .exe = call->given[EXE].value };
	if (call->given[AS].value) {
		result = find_other(call, asker);
	} else {
		asker->groups = calloc(GROUPS, sizeof(*asker->groups));
		n = asker->groups ? getgroups(GROUPS, asker->groups) : 0;
		asker->principal.group_count = n > 0 ? (size_t)n : 0;
	}
	asker->principal.groups = asker->groups;
	return result;
}

static struct json_object *rule_of(const struct hws_decision *d)
{
	struct json_object *o;

	if (d->rule == HWS_POLICY_NO_RULE)
		return NULL;
	o = json_object_new_object();
	put_text(o, "file", d->file);
	put_number(o, "line", d->line);
	put_text(o, "section", d->section);
	put_text(o, "text", d->text);
	put(o, "inline", json_object_new_boolean(d->inline_rule));
	return o;
}

static int print_document(const struct call *call, const struct hws_principal *who,
			  const struct hws_decision *d, const char *text)
{
	struct json_object *o = document(&call->settings);

	put(o, "allowed", json_object_new_boolean(d->code == 0));
	put_text(o, "reason", hws_reason_name(d->reason));
	put_error(o, d->code);
	put(o, "rule", rule_of(d));
	put_text(o, "text", text);
	put(o, "each_access_checked", json_object_new_boolean(d->per_access));
	put(o, "last_words", json_object_new_boolean(d->last_words));
	put_hex(o, "danger", 1, d->danger);
	put_hex(o, "mask", 1, d->mask);
	put_number(o, "widths", d->widths);
	put_number(o, "rate", d->rate);
	put_number(o, "rate_ns", d->rate_ns);
	put_number(o, "uid", who->uid);
	put_number(o, "gid", who->gid);
	put_text(o, "exe", who->exe);
	return document_print(o);
}

/* Prints the answer. 0 or -errno. */
static int answer(const struct call *call, struct hws_policy *policy,
		  const struct hws_principal *who, const struct hws_access *access,
		  struct hws_decision *ret_decision)
{
	struct hws_policy_view *view;
	char text[1024];
	int r = hws_policy_view_open(policy, who, &view);

	if (r < 0)
		return r;
	r = hws_policy_explain(view, access, text, sizeof(text));
	if (r >= 0)
		r = hws_policy_check(view, access, ret_decision) == -EINVAL ? -EINVAL : 0;
	if (r == 0 && call->settings.json)
		r = print_document(call, who, ret_decision, text);
	else if (r == 0)
		puts(text);
	hws_policy_view_unref(view);
	return r;
}

static enum result ask(const struct call *call, const struct hws_principal *who,
		       const struct hws_access *access)
{
	struct policy_errors errors = { NULL, 0 };
	struct hws_decision decision;
	struct hws_policy *policy;
	int r = policy_read(&call->settings, call->given[POLICY].value, &errors, &policy);

	if (r < 0)
		return policy_result(r);
	r = answer(call, policy, who, access, &decision);
	hws_policy_unref(policy);
	if (r < 0)
		return call_fail("policy explain", r);
	return decision.code ? RESULT_DENIED : RESULT_OK;
}

static enum result explain(const struct call *call)
{
	struct hws_access access = { 0 };
	struct asker asker = { .groups = NULL };
	enum result result = policy_access(call, &access);

	if (result == RESULT_OK)
		result = find_asker(call, &asker);
	if (result == RESULT_OK)
		result = ask(call, &asker.principal, &access);
	free(asker.groups);
	return result;
}

const struct verb verb_policy_explain = {
	.area = "policy",
	.name = "explain",
	.words = "KIND RIGHTS WHAT...",
	.help = "may it be? The decision, the rule, the reason",
	.options = options,
	.least = 3,
	.most = 5,
	.run = explain,
};
