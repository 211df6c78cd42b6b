/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The programs that the launcher starts in these tests: this one, with "client" and a name. */
#ifndef HWSAFE_TESTS_HELPER_CLIENT_H
#define HWSAFE_TESTS_HELPER_CLIENT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwsafe.h"

/* Block @index of the tests' files is full of this byte. */
#define CLIENT_BYTE(index) ((unsigned char)((index)*7 + 1))
enum { CLIENT_BLOCK = 4096, CLIENT_BLOCKS = 16 };
/* What the lab's machines have. */
#define CLIENT_EDU  "0000:00:03.0"
#define CLIENT_DISK "/dev/nvme0n1"

/* The whole of main(), where this process is a client; else -1. */
int client_main(int argc, char **argv);

/* A client's check: says what failed, and ends. */
#define CHECK(condition)                                                                    \
	do {                                                                                \
		if (!(condition)) {                                                         \
			fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, \
				hws_why());                                                 \
			exit(1);                                                            \
		}                                                                           \
	} while (0)

/* For the tests: a file of root's alone, with its byte in each block; its path. */
const char *client_secret(void);

/* A context, by that back end, of a process without any right of its own. */
struct hws *client_open(const char *way);
void client_has_nothing(void);
/* The field of /proc/self/status is that. */
void client_status(const char *field, const char *value);

/* client-raw.c: what the kernel says to one who goes by the bare ring, and writes anything. */
void client_raw(char **arguments);
/* What it has to be told: the last operation that this kernel knows. */
const char *client_last_operation(void);
/* The first ring that was granted; the first function, whole. */
struct hws_grants_ring client_grant(void);
struct hws_grants_hold client_hold(void);
/* client-ops.c: operations, buffers, and the end of a ring. */
void client_ops(char **arguments);
/* client-hw.c: what the lab's machine has, and what of it is refused. */
void client_clock(char **arguments);
void client_ports(char **arguments);
void client_msr(char **arguments);
void client_edu(char **arguments);
void client_edu_hold(char **arguments);
void client_denied(char **arguments);
/* client-dma.c: edu's own transfers. */
void client_dma(char **arguments);
void client_dma_raw(char **arguments);
void client_dma_hold(char **arguments);

#endif
