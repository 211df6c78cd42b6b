/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device that does what it is told by name, and none of it is right. "at" says where: 1 in
 * create(), 2 in destroy(), 3 in attributes(), 5 in alloc(), 6 in free(), 7 in copy_in(), 8 in
 * copy_out(), 9 in save(); else in run(). Some are built with one deed in them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/plugin.h"

#ifndef ROGUE_DEED
#define ROGUE_DEED ""
#define ROGUE_AT   0
#endif

static struct {
	const struct hws_host *host;
	uint64_t instance;
	int64_t at;
	char deed[32];
	char bytes[4096];
} rogue = { .at = ROGUE_AT, .deed = ROGUE_DEED };

static void crash(void)
{
	volatile int *volatile nowhere = NULL;

	signal(SIGSEGV, SIG_DFL); /* whoever watches over it in the tests */
	*nowhere = 1;
}
static void hang(void)
{
	for (;;)
		pause();
}
static void leave(void)
{
	_exit(0);
}
static void quit(void)
{
	abort();
}
static int overflow_by(int depth)
{
	volatile char deep[1 << 12];

	deep[depth & 0xff] = (char)depth;
	return depth ? overflow_by(depth + 1) + deep[depth & 0xff] : 0;
}
static void overflow(void)
{
	signal(SIGSEGV, SIG_DFL);
	overflow_by(1);
}
/* As if it were dead, and more often than anybody would. */
static void boast(void)
{
	for (int i = 0; i < 100; i++)
		rogue.host->log(rogue.instance, "its process died of SIGBOAST in create");
}
/* Each of these is refused, and we say so by living on. */
static void reach_out(void)
{
	if (execl("/bin/true", "true", NULL) != -1 || errno != EPERM || fork() != -1 ||
	    socket(AF_INET, SOCK_STREAM, 0) != -1 ||
	    open("/tmp/rogue", O_CREAT | O_RDWR, 0600) != -1 || open("/dev/null", O_WRONLY) != -1 ||
	    unlink("/tmp/rogue") != -1 || errno != EPERM || kill(getppid(), 0) != -1)
		abort();
}

static bool refused(long r, int code)
{
	return r == -1 && errno == code;
}
/* The same by ways that are less known. */
static void creep(void)
{
	struct stat out, null;
	int number;

	if (!refused(ioctl(0, FIONREAD, &number), EPERM) ||
	    !refused(utimensat(AT_FDCWD, "/tmp", NULL, 0), EPERM) ||
	    !refused(renameat(AT_FDCWD, "/tmp/rogue-1", AT_FDCWD, "/tmp/rogue-2"), EPERM) ||
	    !refused(fcntl(0, F_SETOWN, getpid()), EPERM) || !refused(nice(1), EPERM) ||
	    !refused(semctl(-1, 0, IPC_RMID), EPERM) ||
	    /* fchmodat2(): later than the list */
	    !refused(syscall(452, AT_FDCWD, "/tmp/rogue", 0600, 0), ENOSYS))
		abort();
	/* what is written goes nowhere */
	if (fstat(1, &out) < 0 || stat("/dev/null", &null) < 0 || out.st_rdev != null.st_rdev)
		abort();
}
/* What may be read, and what may not. */
static void spy(void)
{
	static const char *const plain[] = { "/dev/urandom", "/proc/self/status", "/usr/bin/env" };
	static const char *const others[] = { "/dev/ptmx", "/proc/1/status", "/proc/partitions",
					      "/sys/kernel/uevent_seqnum" };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (open(plain[i], O_RDONLY) < 0 && errno != ENOENT)
			abort();
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!refused(open(others[i], O_RDONLY), EACCES))
			abort();
}
static void babble(void)
{
	for (;;)
		rogue.host->log(rogue.instance, "bla");
}
/* "at" is where. */
static void poke(void)
{
	signal(SIGSEGV, SIG_DFL);
	*(volatile int *)(uintptr_t)rogue.at = 1;
}
static void pry(void)
{
	mprotect((void *)(uintptr_t)rogue.at, 4096, PROT_READ | PROT_WRITE);
	poke();
}

static const struct {
	const char *name;
	void (*fn)(void);
} deeds[] = {
	{ "crash", crash }, { "hang", hang },	      { "leave", leave },
	{ "quit", quit },   { "overflow", overflow }, { "reach-out", reach_out },
	{ "creep", creep }, { "babble", babble },     { "poke", poke },
	{ "boast", boast }, { "pry", pry },	      { "spy", spy },
};

static void perform(const char *name)
{
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		if (strcmp(deeds[i].name, name) == 0)
			deeds[i].fn();
}

static void perform_at(int where)
{
	if (rogue.at == where)
		perform(rogue.deed);
}

static struct hws_error *create(struct hws_call_create *call)
{
	const struct hws_value *deed = hws_value_find(&call->options, "deed");
	const char *name;
	uint64_t size;

	rogue.host = call->host;
	rogue.instance = call->instance;
	if (hws_value_int(hws_value_find(&call->options, "at"), &rogue.at) == 0 &&
	    hws_value_string(deed, &name, &size) == 0 && size < sizeof(rogue.deed))
		memcpy(rogue.deed, name, (size_t)size);
	perform_at(1);
	call->ret_self = &rogue;
	return NULL;
}

static void destroy(void *self)
{
	(void)self;
	perform_at(2);
}

static struct hws_error *attributes(void *self, struct hws_call_attributes *call)
{
	(void)self;
	perform_at(3);
	if (rogue.at == 4)
		call->ret_values.count = 5; /* at NULL */
	return NULL;
}

static struct hws_error *alloc_memory(void *self, struct hws_call_alloc *call)
{
	(void)self;
	perform_at(5);
	call->ret_memory = 1;
	return NULL;
}

static void free_memory(void *self, uint64_t memory)
{
	(void)self;
	(void)memory;
	perform_at(6);
}

static struct hws_error *copy_in(void *self, struct hws_call_copy *call)
{
	(void)self;
	perform_at(7);
	memcpy(rogue.bytes + call->offset, call->host, (size_t)call->size);
	return NULL;
}

static struct hws_error *copy_out(void *self, struct hws_call_copy *call)
{
	(void)self;
	perform_at(8);
	memcpy(call->host, rogue.bytes + call->offset, (size_t)call->size);
	if (rogue.at == 10)
		*(char *)call->host ^= 1;
	return NULL;
}

static struct hws_error *save(void *self, struct hws_call_save *call)
{
	(void)self;
	perform_at(9);
	call->ret_chunk.data = rogue.bytes;
	call->ret_chunk.size = sizeof(rogue.bytes);
	return NULL;
}

static struct hws_error *run(void *self, struct hws_call_run *call)
{
	(void)self;
	if (strcmp(call->name, "refuse") == 0)
		return rogue.host->error(rogue.instance, HWS_CODE_DATA_LOSS, "run",
					 "no, thank you");
	rogue.host->log(rogue.instance, call->name);
	perform(call->name);
	rogue.host->event_set(rogue.instance, call->event, NULL);
	return NULL;
}

static const struct hws_ext_device device = {
	.ext = { sizeof(device), HWS_EXT_DEVICE, 1, NULL },
	.attributes = attributes,
	.alloc = alloc_memory,
	.free = free_memory,
	.copy_in = copy_in,
	.copy_out = copy_out,
	.run = run,
	.save = save,
};

static const struct hws_plugin_table table = {
	.struct_size = sizeof(table),
	.abi = HWS_PLUGIN_ABI,
	.next = &device.ext,
	.create = create,
	.destroy = destroy,
};

HWS_PLUGIN("rogue", "0.1", &table)
