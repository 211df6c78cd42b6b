/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe learn: a program is run, and the least policy told that covers what it touched. */
#include "hw/hwprobe/learn.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/verbs.h"

enum { OUTPUT, POLICY, SECTION, BY_ADDRESS, ANY_VALUE, NO_EXE };
static const struct args_option options[] = {
	[OUTPUT] = { "output", 'o', "FILE", "write the policy there, not to stdout" },
	[POLICY] = { "policy", 'p', "FILE", "with --sim: the program has this policy alone" },
	[SECTION] = { "section", 0, "NAME", "of the section; the program's unless told" },
	[BY_ADDRESS] = { "by-address", 0, NULL, "devices by bus address, not vendor:device" },
	[ANY_VALUE] = { "any-value", 0, NULL, "don't limit what is written to what was" },
	[NO_EXE] = { "any-program", 0, NULL, "don't limit it to this program" },
	{ 0 },
};

/* The rules of --grant, or the text of --policy; the caller's to free. NULL: it was told. */
static char *policy_text(const struct call *call, enum result *ret_result)
{
	char *text;

	if (call->given[POLICY].value)
		return read_text(call->given[POLICY].value, ret_result);
	text = grants_text(&call->settings);
	*ret_result = text ? RESULT_OK : call_fail("learn", -ENOMEM);
	return text;
}

static enum result open_sheet(const struct call *call, struct hws_learn **ret_learn)
{
	const struct settings *settings = &call->settings;
	enum result result = RESULT_OK;
	char *policy = policy_text(call, &result);
	char *sim = policy && settings->sim_file ? machine_text(settings, &result) : NULL;
	struct hws_learn_options with = {
		.size = sizeof(with),
		.simulate = settings->sim,
		.sim = sim,
		.policy = policy && *policy ? policy : NULL,
	};
	int r;

	if (policy && (sim || !settings->sim_file)) {
		r = hws_learn_open(&with, ret_learn);
		result = r < 0 ? call_fail("learn", r) : RESULT_OK;
	}
	free(policy);
	free(sim);
	return result;
}

/*
 * Before it runs: what was learned by then would be lost. Nothing new stays there: among the
 * policy's files an empty one would take from the program what is built in.
 */
static enum result check_output(const struct call *call)
{
	const char *name = call->given[OUTPUT].value;
	int fd = name ? open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666) : -1;
	bool is_new = fd >= 0;
	int error;

	if (name && fd < 0 && errno == EEXIST)
		fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	error = name && fd < 0 ? errno : 0;
	if (is_new)
		unlink(name);
	if (error)
		say("%s: %s", name, strerror(error));
	if (fd >= 0)
		close(fd);
	return error ? file_result(error) : RESULT_OK;
}

/* Its standard output goes where ours is, or to stderr, that the policy stands alone there. */
static int start(const struct call *call, int sheet, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	char number[16];
	int r;

	snprintf(number, sizeof(number), "%d", sheet);
	if (setenv(HWS_LEARN_NAME, number, 1) < 0)
		return -ENOMEM;
	posix_spawn_file_actions_init(&actions);
	if (!call->given[OUTPUT].value)
		posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	r = posix_spawnp(ret_pid, call->words[0], &actions, NULL, call->words, environ);
	posix_spawn_file_actions_destroy(&actions);
	unsetenv(HWS_LEARN_NAME);
	return -r;
}

/* What a terminal's user interrupts is the program; what was learned is told all the same. */
static enum result run_program(const struct call *call, int sheet, int *ret_status)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction before[2];
	pid_t pid;
	int r = start(call, sheet, &pid);

	if (r < 0) {
		say("%s: %s", call->words[0], strerror(-r));
		/* -EACCES is the policy's elsewhere; here it is the file's mode */
		return r == -EACCES ? RESULT_REFUSED : (enum result)hws_explain(r, NULL);
	}
	sigaction(SIGINT, &ignore, &before[0]);
	sigaction(SIGQUIT, &ignore, &before[1]);
	while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
		;
	sigaction(SIGINT, &before[0], NULL);
	sigaction(SIGQUIT, &before[1], NULL);
	if (WIFSIGNALED(*ret_status))
		say("%s: ended by signal %d", call->words[0], WTERMSIG(*ret_status));
	else if (*ret_status)
		say("%s: ended with %d", call->words[0], WEXITSTATUS(*ret_status));
	return RESULT_OK;
}

/* Was it there before: the same user, or the same program? */
static bool is_known(const struct learned *learned, size_t before, const struct hws_learned *note,
		     bool by_path)
{
	for (size_t i = 0; i < before; i++) {
		const struct hws_learned *other = &learned->notes[i];

		if (other->what == HWS_LEARNED_CONTEXT &&
		    (by_path ? !strcmp(learn_text(other->access.path),
				       learn_text(note->access.path))
			     : other->uid == note->uid))
			return true;
	}
	return false;
}

/* What a policy can't say is a comment. */
static void print_user(uint32_t uid, FILE *out)
{
	enum { NOBODY = 65534 };

	if (uid == NOBODY)
		fprintf(out, "# uid %u stands for whomever the kernel can't name: no rule may\n",
			uid);
	else
		fprintf(out, "user = %u\n", uid);
}

static void print_exe(const char *path, FILE *out)
{
	if (!learn_can_stand(path))
		fputs("# the program's path can't stand in a policy\n", out);
	else
		fprintf(out, "exe = \"%s\"\n", path);
}

/* Who used it, and by which programs. */
static void print_principals(const struct call *call, const struct learned *learned, FILE *out)
{
	bool any_program = call->given[NO_EXE].count;

	for (size_t i = 0; i < learned->count; i++) {
		const struct hws_learned *note = &learned->notes[i];

		if (note->what != HWS_LEARNED_CONTEXT)
			continue;
		if (!is_known(learned, i, note, false))
			print_user(note->uid, out);
		if (note->access.path && !any_program && !is_known(learned, i, note, true))
			print_exe(note->access.path, out);
	}
}

static void print_section(const struct call *call, FILE *out)
{
	const char *slash = strrchr(call->words[0], '/');
	const char *name = call->given[SECTION].value ? call->given[SECTION].value
			   : slash		      ? slash + 1
						      : call->words[0];

	fputc('[', out);
	for (size_t i = 0; i < 64 && name[i]; i++)
		fputc(isalnum((unsigned char)name[i]) || strchr("._-", name[i]) ? name[i] : '-',
		      out);
	fputs("]\n", out);
}

static void print_policy(const struct call *call, const struct learned *learned,
			 const struct pieces *pieces, FILE *out)
{
	print_section(call, out);
	print_principals(call, learned, out);
	for (size_t i = 0; i < pieces->count; i++) {
		piece_comment(&pieces->at[i], out);
		piece_print(&pieces->at[i], out);
	}
}

static struct json_object *object_of(const struct piece *piece)
{
	struct json_object *o = json_object_new_object();
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out) {
		piece_print(piece, out);
		fclose(out);
	}
	if (size)
		text[size - 1] = '\0';
	put_text(o, "text", text);
	put_text(o, "kind", hws_kind_name(piece->kind));
	put(o, "used", json_object_new_boolean(piece->used));
	put_number(o, "reads", piece->reads);
	put_number(o, "writes", piece->writes);
	put_number(o, "denied", piece->denied);
	put_text(o, "reason", hws_reason_name(piece->reason));
	free(text);
	return o;
}

/* A document: rules, each with its counts, and the policy as one text. */
static int print_document(const struct call *call, const struct learned *learned,
			  const struct pieces *pieces, const char *policy)
{
	struct json_object *o = document(&call->settings);
	struct json_object *rules = json_object_new_array();

	for (size_t i = 0; i < pieces->count; i++)
		json_object_array_add(rules, object_of(&pieces->at[i]));
	put_number(o, "contexts", learned->contexts);
	put_number(o, "lost", learned->lost);
	put(o, "rules", rules);
	put_text(o, "policy", policy);
	return document_print(o);
}

static int write_policy(const struct call *call, const char *policy)
{
	const char *name = call->given[OUTPUT].value;
	FILE *out = fopen(name, "we");
	bool bad;

	if (!out)
		return -errno;
	bad = fputs(policy, out) < 0;
	return fclose(out) || bad ? -errno : 0;
}

static enum result print_all(const struct call *call, const struct learned *learned,
			     const struct pieces *pieces)
{
	char *policy = NULL;
	size_t size;
	FILE *out = open_memstream(&policy, &size);
	int r = 0;

	if (!out)
		return call_fail("learn", -ENOMEM);
	print_policy(call, learned, pieces, out);
	fclose(out);
	if (call->given[OUTPUT].value) {
		r = write_policy(call, policy);
		if (r < 0)
			say("%s: %s", call->given[OUTPUT].value, strerror(-r));
	} else if (!call->settings.json) {
		fputs(policy, stdout);
	}
	if (r == 0 && call->settings.json)
		r = print_document(call, learned, pieces, policy);
	free(policy);
	return r < 0 ? RESULT_FAILURE : RESULT_OK;
}

/* What to end with, and what to say of it. */
static enum result judge(const struct learned *learned, const struct pieces *pieces, int status)
{
	uint64_t denied = 0;

	for (size_t i = 0; i < pieces->count; i++)
		denied += pieces->at[i].denied;
	if (learned->lost)
		say("%llu notes found no room: it touched too much",
		    (unsigned long long)learned->lost);
	if (denied)
		say("%llu were denied: the rules have them, but what the program would have done "
		    "next is not known; add the rules, and learn again",
		    (unsigned long long)denied);
	if (denied || learned->lost)
		return RESULT_PARTIAL;
	return status ? RESULT_FAILURE : RESULT_OK;
}

static enum result tell(const struct call *call, struct learned *learned, int status)
{
	struct learn_style style = { call->given[BY_ADDRESS].count, call->given[ANY_VALUE].count };
	struct pieces pieces;
	enum result result;
	int r;

	if (!learned->contexts) {
		say("%s: it opened no context of libhwsafe, or has more rights than who runs it",
		    call->words[0]);
		return RESULT_NOT_FOUND;
	}
	r = pieces_make(learned, &style, &pieces);
	if (r == 0 && !pieces.count) {
		say("%s: it touched nothing", call->words[0]);
		result = status ? RESULT_FAILURE : RESULT_OK;
	} else {
		result = r < 0 ? call_fail("learn", r) : print_all(call, learned, &pieces);
		result = result ? result : judge(learned, &pieces, status);
	}
	pieces_fini(&pieces);
	return result;
}

static enum result learn(const struct call *call)
{
	struct hws_learn *sheet = NULL;
	struct learned learned = { 0 };
	enum result result;
	int status = 0;

	if (call->settings.sysroot)
		return call_live_only("learn");
	if (call->given[POLICY].value && !call->settings.sim)
		return args_refuse("--policy is for --sim: on the real machine the policy is "
				   "that of " HWS_POLICY_DIRECTORY);
	if (call->given[POLICY].value && call->settings.grant_count)
		return args_refuse("--policy and --grant: give one of them");
	if (call->given[SECTION].value && !*call->given[SECTION].value)
		return args_refuse("--section '': expected a name");
	result = check_output(call);
	if (result == RESULT_OK)
		result = open_sheet(call, &sheet);
	if (result == RESULT_OK)
		result = run_program(call, hws_learn_fd(sheet), &status);
	if (result == RESULT_OK) {
		int r = hws_learn_each(sheet, learned_take, &learned, &learned.lost);

		if (r < 0 || learned.no_memory)
			result = call_fail("learn", -ENOMEM);
		else
			result = tell(call, &learned, status);
	}
	learned_fini(&learned);
	hws_learn_close(sheet);
	return result;
}

const struct verb verb_learn = {
	.area = "learn",
	.words = "-- COMMAND [WORD]...",
	.help = "run it; the least policy for what it touches",
	.options = options,
	.least = 1,
	.most = ARGS_ANY,
	.run = learn,
};
