/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper/run.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "helper/harden.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SEARCH	     "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

HWS_PRINTF(2, 0) static void tell(int priority, const char *format, va_list arguments)
{
	char line[1024];

	vsnprintf(line, sizeof(line), format, arguments);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	fprintf(stderr, "hwsafe-helper: %s\n", line);
	syslog(LOG_AUTHPRIV | priority, "uid %u: %s", getuid(), line);
}

enum result run_refuse(enum result result, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tell(LOG_WARNING, format, arguments);
	va_end(arguments);
	return result;
}

void run_say(const struct run *run, const char *format, ...)
{
	va_list arguments;

	if (!run->verbose)
		return;
	va_start(arguments, format);
	tell(LOG_INFO, format, arguments);
	va_end(arguments);
}

enum result run_result(int code)
{
	static const struct {
		int code;
		enum result result;
	} rows[] = { { -EACCES, RESULT_SYSTEM },
		     { -EPERM, RESULT_SYSTEM },
		     { -ENOENT, RESULT_NOT_FOUND } };

	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].code == code)
			return rows[i].result;
	return RESULT_FAILURE;
}

static const struct {
	const char *name;
	size_t offset; /* of what it sets in struct run */
	bool takes;    /* a value, else it is a flag */
} options[] = {
	{ "-p", offsetof(struct run, profile), true },
	{ "-u", offsetof(struct run, user), true },
	{ "--policy", offsetof(struct run, directory), true },
	{ "-v", offsetof(struct run, verbose), false },
};

/* How many words the option at the front takes; 0: it is none. */
static int take_option(struct run *run, int count, char **arguments)
{
	for (size_t i = 0; i < COUNT(options); i++) {
		char *place = (char *)run + options[i].offset;

		if (strcmp(options[i].name, arguments[0]) != 0)
			continue;
		if (!options[i].takes) {
			*(bool *)place = true;
			return 1;
		}
		if (count < 2 || *(const char **)place || !arguments[1][0])
			return 0; /* without its value, or twice */
		*(const char **)place = arguments[1];
		return 2;
	}
	return 0;
}

static enum result take_arguments(struct run *run, int count, char **arguments)
{
	int at = 0;

	while (at < count && strcmp(arguments[at], "--") != 0) {
		int taken = take_option(run, count - at, arguments + at);

		if (!taken)
			return run_refuse(RESULT_USAGE,
					  "run: '%s' is no option, or lacks its value, or stands "
					  "twice: run -p PROFILE [-u USER] [-v] -- COMMAND ...",
					  arguments[at]);
		at += taken;
	}
	if (!run->profile || at + 1 >= count || !arguments[at + 1][0])
		return run_refuse(RESULT_USAGE,
				  "run: %s is missing: run -p PROFILE [-u USER] [-v] "
				  "-- COMMAND ...",
				  run->profile ? "-- and the command" : "-p PROFILE");
	run->command = arguments + at + 1;
	if (run->directory && (getuid() != 0 || getauxval(AT_SECURE)))
		return run_refuse(RESULT_DENIED, "run: --policy: only root chooses the policy");
	return RESULT_OK;
}

/* As the caller: a helper with capabilities of its own must not reach further than who asks. */
static int open_program(const char *path)
{
	bool raised = getuid() == 0;
	int fd;

	if (!raised && harden_raise(false) < 0)
		return -1;
	fd = open(path, O_PATH | O_CLOEXEC);
	if (!raised && harden_raise(true) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Opened once; by this descriptor it is judged and started, never by its name again. */
static enum result pin_program(struct run *run)
{
	const char *name = run->command[0];
	char path[RUN_PATH];
	char link[64];
	ssize_t n;

	run->program = -1;
	if (strchr(name, '/'))
		run->program = open_program(name);
	for (const char *at = SEARCH; run->program < 0 && !strchr(name, '/') && *at;) {
		size_t length = strcspn(at, ":");

		snprintf(path, sizeof(path), "%.*s/%s", (int)length, at, name);
		run->program = open_program(path);
		at += length + (at[length] == ':');
	}
	if (run->program < 0)
		return run_refuse(RESULT_NOT_FOUND, "run: %s: %s", name, strerror(errno));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", run->program);
	n = readlink(link, run->exe, sizeof(run->exe) - 1);
	if (n <= 0)
		return run_refuse(RESULT_SYSTEM, "run: /proc is needed: %s", strerror(errno));
	run->exe[n] = '\0';
	return RESULT_OK;
}

/* The rings' memory is counted, but not against a limit: the policy says how much it is. */
static enum result make_rings(struct run *run)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct hws_policy_rule rule;
	struct rlimit before;
	enum result result;
	uint32_t index = 0;
	int r = getrlimit(RLIMIT_MEMLOCK, &before);

	if (!run_next_rule(run, HWS_KIND_RING, &index, &rule))
		return RESULT_OK;
	if (r == 0 && setrlimit(RLIMIT_MEMLOCK, &all) < 0) {
		struct rlimit most = { before.rlim_max, before.rlim_max };

		r = setrlimit(RLIMIT_MEMLOCK, &most);
	}
	/* else the kernel would not count at all, also not for the program */
	if (r < 0 || harden_drop(CAP_IPC_LOCK) < 0)
		return run_refuse(RESULT_SYSTEM, "run: CAP_IPC_LOCK can't be given up");
	result = run_make_rings(run);
	if (setrlimit(RLIMIT_MEMLOCK, &before) < 0 && result == RESULT_OK)
		result = run_refuse(RESULT_SYSTEM, "run: RLIMIT_MEMLOCK: %s", strerror(errno));
	return result;
}

/*
 * The kernel counts against it what the program has mapped for its devices: no more than the rules
 * say. Raising it takes CAP_SYS_RESOURCE; who lacks that has what he had.
 */
static enum result limit_memory(struct run *run)
{
	struct rlimit to = { run->dma_bytes, run->dma_bytes };
	struct rlimit is;

	if (!run->grants.holds || setrlimit(RLIMIT_MEMLOCK, &to) == 0)
		return RESULT_OK;
	if (errno == EPERM && getrlimit(RLIMIT_MEMLOCK, &is) == 0) {
		to = (struct rlimit) { is.rlim_max, is.rlim_max };
		if (setrlimit(RLIMIT_MEMLOCK, &to) == 0)
			return RESULT_OK;
	}
	return run_refuse(RESULT_SYSTEM, "run: RLIMIT_MEMLOCK: %s", strerror(errno));
}

static enum result give_up(struct run *run)
{
	static const struct harden_limit limits[] = { { RLIMIT_CORE, 0 } };
	static const int denied[] = { SYS_io_uring_setup };
	const struct harden what = {
		.uid = run->uid,
		.gid = run->gid,
		.groups = run->groups,
		.group_count = run->group_count,
		.keep_groups = run->is_caller,
		.limits = limits,
		.limit_count = COUNT(limits),
		.landlock_fs = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK,
		.denied = denied,
		.denied_count = COUNT(denied),
	};
	const char *step;
	int r = harden(&what, &step);

	if (r < 0)
		return run_refuse(RESULT_SYSTEM,
				  "run: %s: %s: nothing was started; hwsafe-helper run needs "
				  "root, or the file capabilities that docs/helper.md lists",
				  step, strerror(-r));
	return RESULT_OK;
}

/* What it inherits: three streams and what was granted. */
static enum result choose_descriptors(const struct run *run)
{
	int kept[1 + HWS_GRANTS_BARS + 2 * HWS_GRANTS_RINGS + HWS_HOLD_FDS * HWS_GRANTS_HOLDS] = {
		run->description
	};
	size_t count = 1;

	for (uint32_t i = 0; i < run->grants.bars; i++)
		kept[count++] = run->bars[i].fd;
	for (uint32_t i = 0; i < run->grants.rings; i++) {
		kept[count++] = run->rings[i].fd;
		kept[count++] = run->rings[i].arena_fd;
	}
	for (uint32_t i = 0; i < run->grants.holds; i++)
		for (int fd = 0; fd < HWS_HOLD_FDS; fd++)
			kept[count++] = run->holds[i].fds[fd];
	if (close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return run_refuse(RESULT_SYSTEM, "run: close_range: %s", strerror(errno));
	for (size_t i = 0; i < count; i++)
		if (fcntl(kept[i], F_SETFD, 0) < 0)
			return run_refuse(RESULT_SYSTEM, "run: a descriptor was lost: %s",
					  strerror(errno));
	return RESULT_OK;
}

static void set_signals(void (*handler)(int))
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		if (i != SIGKILL && i != SIGSTOP)
			(void)signal(i, handler); /* those of libc's own can't be set */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static enum result become(struct run *run)
{
	static const char *const passed[] = { "TERM", "LANG" };
	char lines[4 + COUNT(passed)][RUN_TEXT + 16];
	char *environment[COUNT(lines) + 1] = { NULL };
	size_t count = 0;
	enum result result = choose_descriptors(run);

	snprintf(lines[count++], sizeof(lines[0]), "PATH=" SEARCH);
	snprintf(lines[count++], sizeof(lines[0]), "HOME=%s", run->home);
	snprintf(lines[count++], sizeof(lines[0]), "USER=%s", run->name);
	snprintf(lines[count++], sizeof(lines[0]), HWS_GRANTS_NAME "=%d", run->description);
	for (size_t i = 0; i < COUNT(passed); i++) {
		const char *value = getenv(passed[i]);

		if (value && strlen(value) < RUN_TEXT)
			snprintf(lines[count++], sizeof(lines[0]), "%s=%s", passed[i], value);
	}
	for (size_t i = 0; i < count; i++)
		environment[i] = lines[i];
	if (result != RESULT_OK)
		return result;
	set_signals(SIG_DFL);
	syscall(SYS_execveat, run->program, "", run->command, environment, AT_EMPTY_PATH);
	if (errno == ENOENT)
		return run_refuse(RESULT_USAGE,
				  "run: %s is a script, or lacks its interpreter: name the "
				  "interpreter, as in: -- /bin/sh %s",
				  run->command[0], run->command[0]);
	return run_refuse(RESULT_SYSTEM, "run: %s: %s", run->command[0], strerror(errno));
}

/* Rings while CAP_SYS_ADMIN is there: where io_uring is for one group only, it is the other way. */
static enum result (*const steps[])(struct run *run) = {
	run_find_user,	pin_program,  run_load_policy, run_open_bars, run_open_holds, make_rings,
	run_open_ports, run_describe, limit_memory,    give_up,	      become,
};

/* Nothing of who started us may matter: descriptors, signals, limits, a look into our memory. */
static enum result shed(void)
{
	struct rlimit files;

	if (close_range(STDERR_FILENO + 1, ~0u, 0) < 0)
		return run_refuse(RESULT_SYSTEM, "run: close_range: %s", strerror(errno));
	if (harden_hide() < 0)
		return run_refuse(RESULT_SYSTEM, "run: dumpable: %s", strerror(errno));
	(void)signal(SIGXFSZ, SIG_IGN); /* then a limit of file sizes is an error like any other */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files); /* what is too few is told when it is */
	}
	openlog("hwsafe-helper", LOG_PID, LOG_AUTHPRIV);
	return RESULT_OK;
}

enum result run_command(int count, char **arguments)
{
	struct run *run = calloc(1, sizeof(*run));
	enum result result;

	if (!run)
		return run_refuse(RESULT_FAILURE, "run: no memory");
	result = take_arguments(run, count, arguments);
	if (result == RESULT_OK)
		result = shed();
	for (size_t i = 0; result == RESULT_OK && i < COUNT(steps); i++)
		result = steps[i](run);
	hws_close(run->machine);
	hws_policy_view_unref(run->view);
	hws_policy_unref(run->policy);
	free(run->text);
	free(run->groups);
	free(run);
	return result;
}
