/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which program a process runs. Who is under Landlock may not look at processes that are not, so
 * another one looks: it begins as a copy of the helper, gives up all but CAP_SYS_PTRACE, and from
 * then on can do nothing but read links and answer. It has no file, no socket of any client, and
 * it ends with the helper.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guardian/policy-internal.h"
#include "helper/harden.h"
#include "helper/needs.h"
#include "helper/serve-filter.h"
#include "helper/serve.h"
#include "shim/why-internal.h"

enum { GIVE_UP = 0, WAIT_SECONDS = 5 };

struct answer {
	int32_t code;	      /* 0 or -errno */
	struct file_id file;  /* the program itself */
	char text[SERVE_EXE]; /* a path, or the step that failed; not ended */
};

static int filter(struct sock_fprog *ret_program)
{
	return serve_filter(SERVE_FILTER_EXE, ret_program);
}

static int give_up(struct harden *what, struct answer *answer, size_t *ret_length)
{
	static const struct harden_limit limits[] = { { RLIMIT_CORE, 0 },
						      { RLIMIT_NPROC, 0 },
						      { RLIMIT_FSIZE, 0 } };
	const char *step = "capabilities";
	uint64_t permitted;
	int r = harden_permitted(&permitted);

	what->keep = permitted & UINT64_C(1) << CAP_SYS_PTRACE;
	what->limits = limits;
	what->limit_count = sizeof(limits) / sizeof(limits[0]);
	what->no_new_code = true;
	what->filter = filter;
	r = r < 0 ? r : harden_raise(true); /* with file capabilities they were lowered */
	r = r < 0 ? r : harden(what, &step);
	*ret_length = strlen(step);
	memcpy(answer->text, step, *ret_length);
	return r;
}

/* As far as the kernel knows it already: a file system may be somebody's own, and never answer. */
static int identify(const char *path, struct file_id *ret_file)
{
	struct statx stat;

	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_INO, &stat) < 0)
		return -errno;
	*ret_file = (struct file_id) { { stat.stx_dev_major, stat.stx_dev_minor }, stat.stx_ino };
	return 0;
}

static int read_link(const char *path, struct answer *answer, size_t *ret_length)
{
	ssize_t length = readlink(path, answer->text, sizeof(answer->text));

	if (length < 0)
		return -errno;
	*ret_length = (size_t)length;
	return *ret_length < sizeof(answer->text) ? 0 : -ENAMETOOLONG;
}

static int look(pid_t pid, struct answer *answer, size_t *ret_length)
{
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	(void)harden_raise(true); /* without it those of other users are not told */
	r = read_link(path, answer, ret_length);
	if (identify(path, &answer->file) < 0)
		answer->file = (struct file_id) { .inode = 0 }; /* no rule's */
	(void)harden_raise(false);
	return r;
}

/* With @what NULL it gives up nothing. */
static _Noreturn void answer_all(int fd, struct harden *what)
{
	struct answer answer = { 0 };
	int32_t pid;

	while (recv(fd, &pid, sizeof(pid), 0) == sizeof(pid)) {
		size_t length = 0;

		answer.code = pid != GIVE_UP ? look(pid, &answer, &length)
			      : what	     ? give_up(what, &answer, &length)
					     : 0;
		if (send(fd, &answer, offsetof(struct answer, text) + length, MSG_NOSIGNAL) < 0 ||
		    (pid == GIVE_UP && answer.code < 0))
			break;
	}
	_exit(0);
}

int exe_start(struct server *server)
{
	const struct timeval patience = { .tv_sec = WAIT_SECONDS };
	struct harden what = { 0 };
	int pair[2];
	pid_t pid;
	int r = serve_find_user(server->options->user, &what);

	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
	    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return why(-errno, "the reader of programs' names: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		/* nothing else that the helper has: 0 to 2, and this */
		if (dup2(pair[1], STDERR_FILENO + 1) < 0 ||
		    close_range(STDERR_FILENO + 2, ~0u, 0) < 0 ||
		    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
			_exit(1);
		answer_all(STDERR_FILENO + 1, server->options->soft ? NULL : &what);
	}
	sys_close(pair[1]);
	server->exe_reader = pair[0];
	return pid < 0 ? why(-errno, "the reader of programs' names: %s", strerror(errno)) : 0;
}

/* How long its text is; -errno: it could not be asked, or says so. */
static int ask(const struct server *server, int32_t pid, struct answer *ret_answer)
{
	const ssize_t head = offsetof(struct answer, text);
	ssize_t n = -1;

	if (send(server->exe_reader, &pid, sizeof(pid), MSG_NOSIGNAL) == sizeof(pid))
		n = recv(server->exe_reader, ret_answer, sizeof(*ret_answer), 0);
	if (n < head)
		return -EPIPE;
	return ret_answer->code < 0 ? ret_answer->code : (int)(n - head);
}

int exe_harden(struct server *server)
{
	struct answer answer = { 0 };
	int r = ask(server, GIVE_UP, &answer);

	return r < 0 ? why(r,
			   "hardening failed in the reader of programs' names at '%.64s': %s; "
			   "nothing is served",
			   answer.text, strerror(-r))
		     : 0;
}

char *exe_of(struct server *server, int32_t pid, struct file_id *ret_file)
{
	struct answer answer;
	int length = ask(server, pid, &answer);

	/* a late answer would be taken for the next one's: with that, none is taken any more */
	if (length == -EPIPE && server->exe_reader >= 0) {
		server->exe_reader = sys_close(server->exe_reader);
		serve_say(server, NULL, HWS_LEVEL_ERROR, -EPIPE,
			  "what program a client is can't be told any more: rules with exe fail");
	}
	if (length > 0)
		*ret_file = answer.file;
	return length > 0 ? strndup(answer.text, (size_t)length) : NULL;
}

/* Then it is a path of root's, and looking there waits for nobody else. */
static bool is_named(const struct hws_policy *policy, const char *exe)
{
	for (size_t i = 0; i < policy->section_count; i++) {
		const struct policy_section *section = &policy->sections[i];

		for (size_t k = 0; k < section->exe_count; k++)
			if (!strcmp(section->exes[k], exe))
				return true;
	}
	return false;
}

/*
 * The link tells what the program's own mounts call it: who makes a mount namespace has any file at
 * any path. What lies at that path for the helper is the one that the policy means.
 */
const char *exe_for_rules(const struct server *server, struct peer *peer)
{
	struct file_id here = { 0 };
	int r;

	if (!peer->exe || peer->is_exe || !is_named(server->policy, peer->exe))
		return peer->exe;
	machine_raise(server, NEEDS_OF(HWS_KIND_DMA)); /* its folder may be for few */
	r = identify(peer->exe, &here);
	machine_lower(server);
	peer->is_exe = r == 0 && here.inode == peer->file.inode &&
		       here.device[0] == peer->file.device[0] &&
		       here.device[1] == peer->file.device[1];
	return peer->is_exe ? peer->exe : NULL;
}
