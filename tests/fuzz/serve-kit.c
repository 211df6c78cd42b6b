/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fuzz/serve-kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

static char path[64];
static int listener = -1;

struct hws_policy *serve_kit_parse(const char *rules)
{
	struct hws_policy *policy;
	char text[512];

	snprintf(text, sizeof(text), "[fuzz]\nuser = %u\n%s", (unsigned int)geteuid(), rules);
	fuzz_must(hws_policy_parse(NULL, "fuzz", text, strlen(text), &policy) == 0);
	return policy;
}

static void remove_socket(void)
{
	close(listener);
	unlink(path);
}

const char *serve_kit_path(void)
{
	return path;
}

struct server *serve_kit_begin(const struct serve_options *options, struct hws_policy *policy)
{
	struct hws_audit_options audit = { .size = sizeof(audit), .flags = HWS_AUDIT_NO_DETECTOR };
	struct hws_options context = { .size = sizeof(context), .backend = "sim", .audit = &audit };
	struct server *server = calloc(1, sizeof(*server));

	fuzz_must(server);
	server->options = options;
	server->signals = server->spare = server->exe_reader = server->notify = -1;
	server->policy = policy;
	fuzz_must(hws_open(&context, &server->hw) == 0);
	snprintf(path, sizeof(path), "/tmp/hwsafe-fuzz-%d", (int)getpid());
	atexit(remove_socket);
	listener = serve_listen(path);
	server->listener = listener;
	server->poller = epoll_create1(EPOLL_CLOEXEC);
	fuzz_must(server->listener >= 0 && server->poller >= 0);
	fuzz_must(machine_learn(server) == 0);
	return server;
}

size_t serve_kit_hello(union wire_request *request)
{
	struct hws_wire_hello *hello = (void *)(request->bytes + sizeof(request->head));
	size_t size = wire_begin(request, HWS_WIRE_HELLO, 0, 0);

	*hello = (struct hws_wire_hello) { HWS_WIRE_OLDEST, HWS_WIRE_VERSION, 0 };
	return size;
}
