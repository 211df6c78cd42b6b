/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uring/nvme-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/nvme-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { KNOWN = 8 };

struct ring_nvme {
	struct {
		dev_t device; /* where the file lies, */
		ino_t inode;
		dev_t number; /* and what it stands for */
		struct nvme_blocks blocks;
	} known[KNOWN];
	uint32_t next;		    /* to be forgotten */
	struct nvme_blocks files[]; /* registered ones */
};

/* Of the namespace's blocks, instead of bytes. */
#define BLOCKS UINT32_MAX

/*
 * How much a command moves: units, as many as its words say, from 0; without a word, one. The
 * count's bits are those of @mask, @shift bits from the word's first: they may go on in the next.
 */
struct size_rule {
	uint8_t opcode;
	uint32_t unit; /* bytes, or BLOCKS; 0: it moves nothing */
	uint8_t word;
	uint8_t shift;
	uint32_t mask;
};

/* NVM Command Set 1.0 §3.2, NVMe 2.0 §7, Zoned Namespace Command Set 1.1 §3.4. */
static const struct size_rule io_rules[] = {
	{ 0x00, 0, 0, 0, 0 },		 /* flush */
	{ 0x01, BLOCKS, 12, 0, 0xffff }, /* write */
	{ 0x02, BLOCKS, 12, 0, 0xffff }, /* read */
	{ 0x04, 0, 0, 0, 0 },		 /* write uncorrectable */
	{ 0x05, BLOCKS, 12, 0, 0xffff }, /* compare */
	{ 0x08, 0, 0, 0, 0 },		 /* write zeroes */
	{ 0x09, 16, 10, 0, 0xff },	 /* dataset management: ranges */
	{ 0x0c, 0, 0, 0, 0 },		 /* verify */
	{ 0x0d, 16, 0, 0, 0 },		 /* reservation register */
	{ 0x0e, 4, 10, 0, UINT32_MAX },	 /* reservation report */
	{ 0x11, 16, 0, 0, 0 },		 /* reservation acquire */
	{ 0x15, 8, 0, 0, 0 },		 /* reservation release */
	{ 0x7a, 4, 12, 0, UINT32_MAX },	 /* zone management receive */
	{ 0x7d, BLOCKS, 12, 0, 0xffff }, /* zone append */
};

/*
 * NVMe 2.0 §5. Not those that leave the device with an address for later (queues, doorbells), nor
 * those that change what was asked of a namespace (format).
 */
static const struct size_rule admin_rules[] = {
	{ 0x02, 4, 10, 16, UINT32_MAX }, /* get log page: lower half, upper half */
	{ 0x06, 4096, 0, 0, 0 },	 /* identify */
	{ 0x08, 0, 0, 0, 0 },		 /* abort */
	{ 0x10, 0, 0, 0, 0 },		 /* firmware commit */
	{ 0x11, 4, 10, 0, UINT32_MAX },	 /* firmware image download */
	{ 0x14, 0, 0, 0, 0 },		 /* device self-test */
	{ 0x18, 0, 0, 0, 0 },		 /* keep alive */
	{ 0x19, 4, 10, 0, UINT32_MAX },	 /* directive send */
	{ 0x1a, 4, 10, 0, UINT32_MAX },	 /* directive receive */
};

static const struct size_rule *find_rule(uint32_t how, uint8_t opcode)
{
	const bool admin = how == NVME_URING_CMD_ADMIN;
	const struct size_rule *rules = admin ? admin_rules : io_rules;
	const size_t count = admin ? sizeof(admin_rules) / sizeof(admin_rules[0])
				   : sizeof(io_rules) / sizeof(io_rules[0]);

	for (size_t i = 0; i < count; i++)
		if (rules[i].opcode == opcode)
			return &rules[i];
	return NULL;
}

int nvme_open(struct hws_ring *ring)
{
	if (!(ring->options.flags & HWS_RING_NVME))
		return 0;
	ring->nvme =
		calloc(1, sizeof(*ring->nvme) + ring->options.files * sizeof(ring->nvme->files[0]));
	return ring->nvme ? 0 : why(-ENOMEM, "no memory for a ring");
}

void nvme_close(struct hws_ring *ring)
{
	free(ring->nvme);
	ring->nvme = NULL;
}

void nvme_file(struct hws_ring *ring, uint32_t place, int fd)
{
	struct nvme_blocks blocks = { 0 };

	if (!ring->nvme)
		return;
	if (fd >= 0 && nvme_ask_blocks(fd, &blocks) < 0)
		blocks.nsid = 0; /* then no command is sent there whose blocks count */
	ring->nvme->files[place] = blocks;
}

/* Another node is another namespace, even if it got the same number. */
static int ask_once(struct ring_nvme *nvme, int fd, struct nvme_blocks *ret_blocks)
{
	struct nvme_blocks blocks;
	struct stat file;
	uint32_t i = 0;
	int r = sys_fstat(fd, &file);

	if (r < 0)
		return r;
	while (i < KNOWN &&
	       !(nvme->known[i].blocks.nsid && nvme->known[i].number == file.st_rdev &&
		 nvme->known[i].inode == file.st_ino && nvme->known[i].device == file.st_dev))
		i++;
	if (i < KNOWN) {
		*ret_blocks = nvme->known[i].blocks;
		return 0;
	}
	r = nvme_ask_blocks(fd, &blocks);
	if (r < 0)
		return r;
	i = nvme->next++ % KNOWN;
	nvme->known[i].device = file.st_dev;
	nvme->known[i].inode = file.st_ino;
	nvme->known[i].number = file.st_rdev;
	nvme->known[i].blocks = blocks;
	*ret_blocks = blocks;
	return 0;
}

static int find_blocks(struct hws_ring *ring, int fd, struct nvme_blocks *ret_blocks)
{
	int place = RING_FILE(fd);

	if (place < 0)
		return ask_once(ring->nvme, fd, ret_blocks);
	if ((uint32_t)place >= ring->file_count || !ring->nvme->files[place].nsid)
		return -ENOTTY;
	*ret_blocks = ring->nvme->files[place];
	return 0;
}

/* As many units as the command's words say, from 0. */
static uint64_t units(const struct size_rule *rule, const struct nvme_uring_cmd *command)
{
	const uint32_t words[] = { command->cdw10, command->cdw11, command->cdw12, command->cdw13 };
	const uint32_t at = rule->word - 10u;

	if (!rule->word)
		return 1;
	return ((words[at] | (uint64_t)words[at + 1] << 32) >> rule->shift & rule->mask) + 1;
}

/* -EINVAL, unless the ring is for what nobody can tell. */
static int unknown(const struct hws_ring *ring, const struct nvme_uring_cmd *command,
		   const char *because)
{
	if (ring->options.flags & HWS_RING_NVME_ANY)
		return 0;
	return why(-EINVAL,
		   "nobody can tell how much nvme command 0x%02x moves (%s): on a ring opened with "
		   "HWS_RING_NVME_ANY you answer for it",
		   command->opcode, because);
}

int nvme_check(struct hws_ring *ring, const struct hws_request *request,
	       const struct nvme_uring_cmd *command)
{
	const struct size_rule *rule = find_rule(request->how, command->opcode);
	struct nvme_blocks blocks = { 0 };
	uint64_t bytes;
	int r = 0;

	if (!rule)
		return unknown(ring, command, "it is of another kind");
	if (!rule->unit)
		return 0;
	/* what an opcode of theirs means is told by a namespace that has such blocks */
	if (request->how == NVME_URING_CMD_IO)
		r = find_blocks(ring, request->fd, &blocks);
	if (r < 0)
		return unknown(ring, command, strerror(-r));
	if (rule->unit == BLOCKS && blocks.apart)
		return unknown(ring, command, "its blocks have metadata, which goes elsewhere");
	bytes = units(rule, command) * (rule->unit == BLOCKS ? blocks.bytes : rule->unit);
	if (bytes > request->length)
		return why(-ERANGE,
			   "nvme command 0x%02x moves %llu bytes, of a buffer it is given %llu",
			   command->opcode, (unsigned long long)bytes,
			   (unsigned long long)request->length);
	return 0;
}
