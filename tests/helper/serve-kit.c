/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/helper/serve-kit.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/sys-internal.h"

enum { PATIENCE = 3000, STEP_US = 10000, ARGUMENTS = 32 };

void daemon_policy(const struct daemon *daemon, const char *policy)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/policy.d/test.conf", daemon->folder);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(policy, file);
	ck_assert_int_eq(fclose(file), 0);
	ck_ok(chmod(path, 0644));
}

static void make_folder(struct daemon *daemon)
{
	char path[128];

	snprintf(daemon->folder, sizeof(daemon->folder), "/tmp/hwsafe-serve-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(daemon->folder));
	ck_ok(chmod(daemon->folder, 0755));
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", daemon->folder, i ? "journals" : "policy.d");
		ck_ok(mkdir(path, 0755));
	}
	snprintf(daemon->socket, sizeof(daemon->socket), "%s/socket", daemon->folder);
}

static _Noreturn void become(const struct daemon *daemon)
{
	char policy[96];
	char journals[96];
	const char *words[ARGUMENTS] = { HELPER,     "serve", "--socket",   daemon->socket,
					 "--policy", policy,  "--journals", journals };
	int count = 8;

	snprintf(policy, sizeof(policy), "%s/policy.d", daemon->folder);
	snprintf(journals, sizeof(journals), "%s/journals", daemon->folder);
	for (int i = 0; daemon->arguments && daemon->arguments[i]; i++)
		words[count++] = daemon->arguments[i];
	if (!daemon->arguments || strcmp(daemon->arguments[0], "--backend") != 0) {
		words[count++] = "--backend";
		words[count++] = "sim";
	}
#if SUITE_SANITIZED
	words[count++] = "--soft"; /* sanitizers look at themselves through what is closed else */
#endif
	if (daemon->before)
		daemon->before(daemon);
	execv(HELPER, (char *const *)words);
	_exit(127);
}

void daemon_again(struct daemon *daemon)
{
	daemon->pid = fork();
	ck_assert_int_ge(daemon->pid, 0);
	if (daemon->pid == 0)
		become(daemon);
	daemon_wait(daemon);
}

void daemon_wait(struct daemon *daemon)
{
	int waited = 0;
	int hello;

	/* it listens: everybody may come, the policy decides */
	for (;; waited++) {
		int fd = sys_message_socket(daemon->socket, 1);

		sys_close(fd);
		if (fd >= 0)
			break;
		ck_assert_int_eq(waitpid(daemon->pid, NULL, WNOHANG), 0);
		ck_assert_int_lt(waited, PATIENCE);
		usleep(STEP_US);
	}
	ck_ok(chmod(daemon->socket, 0666));
	hello = bare_hello(daemon);
	ck_assert_int_ge(hello, 0);
	sys_close(hello);
}

void daemon_start(struct daemon *daemon, const char *policy, const char *const *arguments)
{
	if (!daemon->folder[0])
		make_folder(daemon);
	daemon->arguments = arguments;
	daemon_policy(daemon, policy);
	daemon_again(daemon);
}

void daemon_kill(struct daemon *daemon)
{
	kill(daemon->pid, SIGKILL);
	waitpid(daemon->pid, NULL, 0);
	unlink(daemon->socket);
}

void daemon_end(struct daemon *daemon)
{
	int status = -1;

	kill(daemon->pid, SIGTERM);
	waitpid(daemon->pid, &status, 0);
	ck_assert_int_eq(status, 0);
}

void daemon_stop(struct daemon *daemon)
{
	char command[96];

	daemon_end(daemon);
	snprintf(command, sizeof(command), "rm -rf '%s'", daemon->folder);
	ck_assert_int_eq(system(command), 0);
}

int daemon_fds(const struct daemon *daemon)
{
	char path[64];
	int count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", daemon->pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	for (const struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

bool daemon_has_fds(const struct daemon *daemon, int wanted)
{
	for (int waited = 0; waited < PATIENCE; waited++) {
		/* fewer: the count was taken while a client's end was still under way */
		if (daemon_fds(daemon) <= wanted)
			return true;
		usleep(STEP_US);
	}
	return false;
}

bool daemon_has_no_journal(const struct daemon *daemon)
{
	char path[96];
	bool none = true;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/journals", daemon->folder);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	for (const struct dirent *entry; (entry = readdir(dir));)
		none &= entry->d_name[0] == '.';
	closedir(dir);
	return none;
}

long daemon_kilobytes(const struct daemon *daemon)
{
	char path[64];
	char line[256];
	long kilobytes = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", daemon->pid);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, "VmData:", 7))
			kilobytes = strtol(line + 7, NULL, 10);
	fclose(file);
	return kilobytes;
}

pid_t as_user_begin(uid_t uid, int (*body)(const struct daemon *daemon, void *context),
		    const struct daemon *daemon, void *context)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
		    setresuid(uid, uid, uid) < 0)
			_exit(126);
		_exit(body(daemon, context));
	}
	return pid;
}

int as_user_end(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int as_user(uid_t uid, int (*body)(const struct daemon *daemon, void *context),
	    const struct daemon *daemon, void *context)
{
	return as_user_end(as_user_begin(uid, body, daemon, context));
}

struct hws *ask_helper(const struct daemon *daemon)
{
	struct hws_options options = { .size = sizeof(options), .socket = daemon->socket };
	struct hws *hw;

	for (int guard = 0; guard < HWS_GUARDS; guard++)
		options.guards[guard] =
			(struct hws_guard_limit) { .handle = 1 << 30, .context = 1 << 30 };
	must(hws_open(&options, &hw) == 0);
	must(!strcmp(hws_backend(hw), "broker"));
	return hw;
}

int bare_connect(const struct daemon *daemon)
{
	return sys_message_socket(daemon->socket, 20);
}

int bare_ask(int fd, const union wire_request *request, union wire_reply *ret_reply)
{
	int got;
	ssize_t r = sys_send_message(fd, request, request->head.size);

	if (r > 0)
		r = sys_receive_message(fd, ret_reply, sizeof(*ret_reply), &got);
	if (r <= 0 || wire_check_reply(request, ret_reply, (size_t)r) < 0)
		return -EIO;
	sys_close(got);
	return ret_reply->answer.code;
}

int bare_say_hello(int fd)
{
	union wire_request request;
	union wire_reply reply;
	struct hws_wire_hello *hello = (void *)(request.bytes + sizeof(request.head));

	wire_begin(&request, HWS_WIRE_HELLO, 0, 1);
	*hello = (struct hws_wire_hello) { HWS_WIRE_OLDEST, HWS_WIRE_VERSION, 0 };
	return bare_ask(fd, &request, &reply);
}

int bare_hello(const struct daemon *daemon)
{
	int fd = bare_connect(daemon);

	if (fd < 0 || bare_say_hello(fd) == 0)
		return fd;
	sys_close(fd);
	return -EIO;
}

bool bare_dropped(int fd)
{
	struct pollfd one = { .fd = fd, .events = POLLRDHUP };
	bool dropped = poll(&one, 1, 20000) == 1 && one.revents & (POLLHUP | POLLRDHUP | POLLERR);

	sys_close(fd);
	return dropped;
}

static size_t make_step(union wire_request *request, uint32_t sequence,
			const struct hws_wire_step *step)
{
	size_t size = wire_begin(request, HWS_WIRE_RUN, 1, sequence);
	struct hws_wire_run *run = (void *)(request->bytes + sizeof(request->head));

	run->count = 1;
	*(struct hws_wire_step *)(void *)(run + 1) = *step;
	return size;
}

static struct hws_wire_step msr_step(uint32_t reg)
{
	return (struct hws_wire_step) { .kind = HWS_KIND_MSR, .width = 8, .at = reg };
}

/* A good request: reads MSR 0x19c. */
size_t make_good(union wire_request *request, uint32_t sequence)
{
	const struct hws_wire_step step = msr_step(0x19c);

	return make_step(request, sequence, &step);
}

int bare_step(int fd, const struct hws_wire_step *step)
{
	union wire_request request;
	union wire_reply reply;

	make_step(&request, 5, step);
	return bare_ask(fd, &request, &reply);
}

int bare_msr(int fd, uint32_t reg)
{
	const struct hws_wire_step step = msr_step(reg);

	return bare_step(fd, &step);
}

int bare_txn(int fd, uint32_t begin)
{
	union wire_request request;
	union wire_reply reply;
	struct hws_wire_txn *txn = (void *)(request.bytes + sizeof(request.head));

	wire_begin(&request, HWS_WIRE_TXN, 0, 2);
	txn->begin = begin;
	return bare_ask(fd, &request, &reply);
}

int is_served(const struct daemon *daemon, void *context)
{
	union wire_request request;
	union wire_reply reply;
	int fd = bare_hello(daemon);

	(void)context;
	must(fd >= 0);
	make_good(&request, 1);
	must(bare_ask(fd, &request, &reply) == 0);
	sys_close(fd);
	return 0;
}
