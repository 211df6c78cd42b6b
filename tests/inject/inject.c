/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/inject/inject.h"

#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shim/why-internal.h"
#include "tests/inject/left.h"

enum { FRAMES = 24, COMPLAINTS = 64, PATIENCE = 60, CALLS_MAX = 100000, AGAIN = 4 };
/* Seen by the children of all runs, and by theirs. */
static struct shared {
	_Atomic bool armed;
	_Atomic unsigned int calls;
	_Atomic unsigned int failed;
	/* what is to be: the call that fails, from 1; all behind it, too; by its second errno */
	unsigned int at;
	bool onwards;
	bool second;
	/* of the first that failed */
	const char *name;
	int code;
	bool has_second;
	bool keeps; /* what is left isn't counted */
	void *frames[FRAMES];
	int depth;
	/* what came of it */
	struct left left;
	unsigned int complaints;
	uint64_t told[COMPLAINTS];
	char first[512];
} * shared;
static const char *flow_name;
static _Thread_local int muted;

bool inject_owns(const void *address)
{
	return address == shared;
}

void inject_mute(bool mute)
{
	muted += mute ? 1 : -1;
}

bool inject_has_failed(void)
{
	return shared->failed > 0;
}

bool inject_all_fails(void)
{
	return shared->armed && shared->onwards;
}

void inject_keeps(void)
{
	shared->keeps = true;
}

static void note_first(const char *name, int code, bool has_second)
{
	if (atomic_fetch_add(&shared->failed, 1) > 0)
		return;
	shared->name = name;
	shared->code = code;
	shared->has_second = has_second;
	muted++;
	shared->depth = backtrace(shared->frames, FRAMES);
	muted--;
}

int inject_code(const char *name, int first, int second)
{
	unsigned int number;
	int code = shared && shared->second && second ? second : first;

	if (!shared || !shared->armed || muted)
		return 0;
	number = atomic_fetch_add(&shared->calls, 1) + 1;
	if (!shared->at || number < shared->at || (number > shared->at && !shared->onwards))
		return 0;
	/* who tries again until it is over would do so for ever */
	if (number > shared->at && code == EINTR)
		return 0;
	note_first(name, code, second != 0);
	return code;
}

/* One complaint at one place is told once. */
static bool is_new(const char *text)
{
	uint64_t hash = 14695981039346656037u;
	unsigned int i;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211u;
	for (i = 0; i < COMPLAINTS && shared->told[i]; i++)
		if (shared->told[i] == hash)
			return false;
	if (i < COMPLAINTS)
		shared->told[i] = hash;
	return true;
}

/* Addresses as addr2line -e PROGRAM wants them. */
static void tell_frames(void)
{
	muted++;
	backtrace_symbols_fd(shared->frames, shared->depth, STDERR_FILENO);
	muted--;
}

static void complain(const char *said)
{
	char text[512];

	snprintf(text, sizeof(text), "%s: %s (%s)%s: %s", flow_name,
		 shared->failed ? shared->name : "nothing",
		 shared->failed ? strerrorname_np(shared->code) : "failed",
		 shared->onwards ? " and all behind it" : "", said);
	if (!shared->complaints++)
		memcpy(shared->first, text, sizeof(text));
	if (!is_new(text))
		return;
	fprintf(stderr, "# %s [%u]\n", text, shared->at);
	if (getenv("HWS_INJECT_FRAMES"))
		tell_frames();
}

void inject_bad(const char *format, ...)
{
	char said[384];
	va_list arguments;

	muted++;
	va_start(arguments, format);
	vsnprintf(said, sizeof(said), format, arguments);
	va_end(arguments);
	complain(said);
	muted--;
}

unsigned int inject_begin_step(void)
{
	return why_times();
}

static bool is_documented(const char *codes, int r)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", strerrorname_np(-r) ? strerrorname_np(-r) : "?");
	return strstr(codes, word) || strstr(codes, " * ");
}

int inject_end_step(unsigned int begun, const char *call, int r)
{
	char name[64];
	const char *codes;

	if (r >= 0)
		return r;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(call, "("), call);
	codes = inject_documented(name);
	if (!codes)
		inject_bad("%s() is not documented", name);
	else if (!is_documented(codes, r))
		inject_bad("%s() gave %s, documented are%s(%s)", name,
			   strerrorname_np(-r) ? strerrorname_np(-r) : "?", codes, hws_why());
	if (why_times() == begun || !*hws_why())
		inject_bad("%s() gave %s and said nothing", name,
			   strerrorname_np(-r) ? strerrorname_np(-r) : "?");
	return r;
}

static int find_linker(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)size;
	(void)context;
	if (info->dlpi_addr != getauxval(AT_BASE))
		return 0;
	inject_linker = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD)
			inject_linker_size =
				info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
	return 1;
}

/* In a child: the flow with a fault, the flow without one, what is left. */
static void run_both(const struct inject_flow *flow)
{
	long blocks = inject_allocated();
	int r;

	signal(SIGALRM, SIG_DFL);
	alarm(PATIENCE);
	shared->armed = true;
	r = flow->run();
	shared->armed = false;
	if (r < 0 && !shared->failed)
		inject_bad("gave %d, with no fault: %s", r, hws_why());
	r = flow->apart ? 0 : flow->run();
	if (r < 0)
		inject_bad("gave %d afterwards: %s", r, hws_why());
	shared->left = left_now();
	shared->left.blocks -= blocks;
}

static void run_child(const struct inject_flow *flow)
{
	int status = -1;
	pid_t child;

	shared->calls = shared->failed = 0;
	shared->has_second = shared->keeps = false;
	inject_mute(true);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		inject_mute(false);
		run_both(flow);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	shared->armed = false;
	inject_mute(false);
	if (WIFSIGNALED(status))
		inject_bad("died of %s", sigabbrev_np(WTERMSIG(status)));
	else if (status)
		inject_bad("ended with %d", WEXITSTATUS(status));
}

/* What threads leave depends on their pace: what is left over is left each time. */
static bool run_compared(const struct inject_flow *flow, const struct left *expected)
{
	for (int again = 0; again < AGAIN; again++) {
		run_child(flow);
		if (!shared->failed || shared->keeps || left_is_no_more(&shared->left, expected))
			return shared->failed;
	}
	left_complain(&shared->left, expected);
	return true;
}

/* From the first call, or HWS_INJECT_AT, to the last; if emulated each fourth. How many failed. */
static unsigned int sweep(const struct inject_flow *flow, bool onwards, const struct left *expected)
{
	const char *from = getenv("HWS_INJECT_AT");
	const unsigned int step = suite_emulated() ? 4 : 1;
	unsigned int count = 0;

	shared->onwards = onwards;
	for (shared->at = from ? (unsigned int)atoi(from) : 1; shared->at < CALLS_MAX;
	     shared->at += step) {
		shared->second = false;
		if (!run_compared(flow, expected))
			return count;
		count++;
		if (!shared->has_second || onwards)
			continue;
		shared->second = true;
		run_compared(flow, expected);
		count++;
	}
	inject_bad("has no end");
	return count;
}

static void set_up(const struct inject_flow *flow)
{
	void *frame;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	flow_name = flow->name;
	/* both allocate the first time */
	(void)backtrace(&frame, 1);
	tzset();
	dl_iterate_phdr(find_linker, NULL);
}

void inject_sweep(const struct inject_flow *flow)
{
	struct left expected;
	unsigned int once;
	unsigned int calls;

	if (getenv("HWS_INJECT_FLOW") && !strstr(flow->name, getenv("HWS_INJECT_FLOW")))
		return;
	set_up(flow);
	run_child(flow);
	ck_assert_msg(!shared->complaints, "%s", shared->first);
	expected = shared->left;
	calls = shared->calls;
	ck_assert_uint_ge(calls, flow->least);
	once = sweep(flow, false, &expected);
	fprintf(stderr, "# %s: %u calls, %u times one failed, %u times all from there on\n",
		flow->name, calls, once, flow->once ? 0 : sweep(flow, true, &expected));
	ck_assert_msg(!shared->complaints, "%u complaints, first: %s", shared->complaints,
		      shared->first);
}
