/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real hwsafe-helper, started by a test, and programs of other users that ask it for things. */
#ifndef HWSAFE_TESTS_HELPER_SERVE_KIT_H
#define HWSAFE_TESTS_HELPER_SERVE_KIT_H

#include <sys/types.h>
#include <unistd.h>

#include "hw/hwsafe.h"
#include "shim/wire-internal.h"
#include "tests/suite.h"

enum { ALICE = 41000, BOB = 41001, CAROL = 0x80000000u };

struct daemon {
	char folder[64]; /* policy.d/ and journals/ are in it */
	char socket[96];
	pid_t pid;
	const char *const *arguments; /* more; ends with NULL */
	/* runs in the child, before the helper; may be NULL */
	void (*before)(const struct daemon *daemon);
};

/* Makes the folder, writes the policy, starts it on the simulated machine unless told otherwise. */
void daemon_start(struct daemon *daemon, const char *policy, const char *const *arguments);
/* Begins again with the same folder. */
void daemon_again(struct daemon *daemon);
/* Until one that somebody else started is there. */
void daemon_wait(struct daemon *daemon);
void daemon_policy(const struct daemon *daemon, const char *policy);
/* It must have ended well; the folder stays, or goes. */
void daemon_end(struct daemon *daemon);
void daemon_stop(struct daemon *daemon);
void daemon_kill(struct daemon *daemon);
int daemon_fds(const struct daemon *daemon);
bool daemon_has_no_journal(const struct daemon *daemon);
long daemon_kilobytes(const struct daemon *daemon);
/* Until it has so many descriptors open again; false: it never has. */
bool daemon_has_fds(const struct daemon *daemon, int wanted);

/* As other users only root can run anything. */
#define need_root() need_where("root", geteuid() == 0, "only root can become other users")

/* Runs @body as the user in a child; what it gave, or -1 when it died. */
int as_user(uid_t uid, int (*body)(const struct daemon *daemon, void *context),
	    const struct daemon *daemon, void *context);
pid_t as_user_begin(uid_t uid, int (*body)(const struct daemon *daemon, void *context),
		    const struct daemon *daemon, void *context);
int as_user_end(pid_t pid);

/* In such a body: what doesn't hold ends it with the line, told on stderr. */
#define must(holds)                                                                      \
	do {                                                                             \
		if (!(holds)) {                                                          \
			fprintf(stderr, "# %s:%d: %s: %s\n", __FILE__, __LINE__, #holds, \
				hws_why());                                              \
			_exit(1);                                                        \
		}                                                                        \
	} while (0)

/* For tests of what it gives up: sanitizers look at themselves through what is closed then. */
#define need_hardened()                                                                  \
	do {                                                                             \
		need("root", geteuid() == 0, "only root has something to give up");      \
		need("plain", !SUITE_SANITIZED, "under sanitizers nothing is given up"); \
	} while (0)

/* A context by the helper. */
struct hws *ask_helper(const struct daemon *daemon);

/* A bare connection, with and without HELLO said; and one request over it. */
int bare_connect(const struct daemon *daemon);
int bare_hello(const struct daemon *daemon);
int bare_say_hello(int fd);
/* What the helper answered; -EIO: it dropped us. */
int bare_ask(int fd, const union wire_request *request, union wire_reply *ret_reply);
/* A request that is allowed: reads MSR 0x19c. Its size. */
size_t make_good(union wire_request *request, uint32_t sequence);
/* Whole requests: one step; reads the register; begins a transaction, or ends it. */
int bare_step(int fd, const struct hws_wire_step *step);
int bare_msr(int fd, uint32_t reg);
int bare_txn(int fd, uint32_t begin);
/* A body for as_user(): connects, and is answered. */
int is_served(const struct daemon *daemon, void *context);
/* Has the other side closed it? Waits for that. */
bool bare_dropped(int fd);

#endif
