/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of rings share: a ring, its pool, and the balance at the end. */
#ifndef HWSAFE_TESTS_URING_RIG_H
#define HWSAFE_TESTS_URING_RIG_H

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/suite.h"
#include "uring/ring-group.h"
#include "uring/ring-internal.h"

/* HWS_TEST_BACKEND chooses who carries the operations out. */
bool rig_has_wanted(void);
#define need_uring() need("uring", rig_has_wanted(), "this machine allows no io_uring")
/* That, and nothing that stands in for it. */
bool rig_has_uring(void);
/* How many this process has open. */
int rig_descriptors(void);

/* @options may be NULL; the pool has 64 buffers of 4 KiB and 4 of 1 MiB if none is given. */
struct hws_ring *rig_open(const struct hws_ring_options *options);
/* For hws_ring_fd(). */
struct hws_ring *rig_open_polled(void);
/* Opens a ring that reaches memory in that way: registered, by address, bounced; guarded or not. */
enum { RIG_WAYS = 7 };
struct hws_ring *rig_open_way(int way);
/* Is it io_uring, or what stands in for it? */
bool rig_native(const struct hws_ring *ring);
/* Closes, having checked that nothing is in flight or lost, and that every buffer is free. */
void rig_close(struct hws_ring *ring);
/* The same, once what nobody waits for has ended. */
void rig_end(struct hws_ring *ring);
/* submitted == delivered + reclaimed + lost + in flight; and what is counted twice agrees. */
void rig_balance(struct hws_ring *ring);

uint64_t rig_after_ms(uint64_t ms);
/* A buffer whose bytes are all @byte. */
struct hws_buf rig_buf(struct hws_ring *ring, uint64_t size, int byte);
void rig_fill(struct hws_ring *ring, struct hws_buf buf, const void *bytes, size_t size);
/* Do its first bytes equal these? */
bool rig_holds(struct hws_ring *ring, struct hws_buf buf, const void *bytes, size_t size);
void rig_give(struct hws_ring *ring, struct hws_buf buf);
/* Something that is in flight until somebody writes to the pipe. */
struct hws_op rig_hang(struct hws_ring *ring, int ends[2], uint64_t tag);
void rig_shut(const int ends[2]);
/* Waits for one done. */
struct hws_done rig_one(struct hws_ring *ring);
/* Queues and waits for its one done. */
struct hws_done rig_do(struct hws_ring *ring, const struct hws_request *request);
/* The same for what moves bytes from a buffer or to it. */
struct hws_done rig_move(struct hws_ring *ring, uint32_t kind, int fd, struct hws_buf buf,
			 uint64_t length);
/* A file that is gone with its descriptor; @flags as O_DIRECT. */
int rig_file(const void *bytes, size_t size, int flags);
/* The same by O_DIRECT; the beginning of the lab's disk where there is one. */
int rig_disk(const void *bytes, size_t size);

/* A number from the environment. */
uint64_t rig_environment(const char *name, uint64_t otherwise);
/* How often; fewer in the lab, whose machines are slow, and on emulated ones. */
uint64_t rig_times(const char *name, uint64_t times);
/* Is there a loopback? Brings it up if need be. */
bool rig_loopback(void);
/* A pseudo-random number: the same everywhere for the same seed. */
uint32_t rig_next(uint64_t *state);

#endif
