/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A driver for NVMe disks, in user space: no root, no kernel module, no physical address.
 *
 *	nvme 0000:00:05.0 identify
 *	nvme 0000:00:05.0 read FIRST COUNT >FILE     blocks of 4 KiB
 *	nvme 0000:00:05.0 write FIRST COUNT <FILE
 *
 * The disk must be bound to vfio-pci. Section numbers are those of the NVMe Base Specification 2.0.
 */
#include <hwsafe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

enum { BLOCK = 4096, ENTRIES = 64, DEPTH = 32, SECOND = 1000000000 };

/* §3.1.3, and the doorbells of the PCIe transport. */
enum {
	CAP = 0x00,
	CC = 0x14,
	CSTS = 0x1c,
	AQA = 0x24,
	ASQ = 0x28,
	ACQ = 0x30,
	DOORBELLS = 0x1000,
	REGISTERS = 0x2000,
	CC_ENABLE = 1,
	CC_ENTRY_SIZES = 6 << 16 | 4 << 20, /* 64 and 16 bytes */
	CSTS_READY = 1,
};

enum { CREATE_SQ = 0x01, CREATE_CQ = 0x05, IDENTIFY = 0x06 }; /* of the admin queue */
enum { WRITE = 0x01, READ = 0x02 };
enum { CONTIGUOUS = 1 };

/* §3.3.3.1 and §3.3.3.2 */
struct command {
	uint8_t opcode;
	uint8_t flags;
	uint16_t id;
	uint32_t nsid;
	uint64_t reserved[2];
	uint64_t data[2]; /* where it lies, as the disk knows it */
	uint32_t words[6];
};

struct completion {
	uint32_t result;
	uint32_t reserved;
	uint16_t sq_head;
	uint16_t sq_id;
	uint16_t id;
	uint16_t status; /* bit 0: the phase */
};

/* A submission and a completion queue. The disk reaches them all the time. */
struct queue {
	struct hws_view commands; /* of struct command */
	struct hws_view done;	  /* of struct completion */
	uint64_t commands_iova;
	uint64_t done_iova;
	uint16_t id;
	uint16_t tail;
	uint16_t head;
	uint16_t phase;
};

struct disk {
	struct hws *hw;
	struct hws_domain *domain;
	struct hws_mmio *registers;
	struct queue admin;
	struct queue io;
	uint32_t stride; /* between doorbells */
	uint32_t sector; /* bytes */
	uint64_t blocks; /* of 4 KiB */
};

static int trouble(int r, const char *what)
{
	fprintf(stderr, "nvme: %s\n", what);
	return r;
}

static int open_queue(struct disk *disk, uint16_t id, struct queue *queue)
{
	struct hws_pool *pool = hws_dma_pool(disk->domain);
	struct hws_buf commands;
	struct hws_buf done;
	int r = hws_buf_take(pool, BLOCK, &commands);

	if (r == 0)
		r = hws_buf_take(pool, BLOCK, &done);
	if (r == 0)
		r = hws_dma_map(disk->domain, commands, HWS_TO_DEVICE, &queue->commands_iova);
	if (r == 0)
		r = hws_dma_map(disk->domain, done, HWS_FROM_DEVICE, &queue->done_iova);
	if (r == 0)
		r = hws_view_open(pool, commands, HWS_RW, &queue->commands);
	if (r == 0)
		r = hws_view_open(pool, done, HWS_RW, &queue->done);
	queue->id = id;
	queue->phase = 1;
	return r;
}

static int ring_doorbell(struct disk *disk, const struct queue *queue, bool done, uint16_t value)
{
	uint32_t number = 2u * queue->id + done;

	return hws_mmio_write32(disk->registers, DOORBELLS + number * disk->stride, value);
}

/* Queues a command; the disk looks at it when the doorbell rings. */
static void put(struct queue *queue, const struct command *command)
{
	struct command *commands = queue->commands.bytes;

	commands[queue->tail] = *command;
	queue->tail = (uint16_t)((queue->tail + 1) % ENTRIES);
}

/* The next completion: its command's id, or an error. */
static int get(struct disk *disk, struct queue *queue, uint16_t *ret_id)
{
	struct completion *done = (struct completion *)queue->done.bytes + queue->head;
	uint16_t status = 0;

	for (int64_t look = 0; look < SECOND; look++) {
		/* acquire: what the disk wrote before it comes before what we read next */
		status = __atomic_load_n(&done->status, __ATOMIC_ACQUIRE);
		if ((status & 1) == queue->phase)
			break;
	}
	if ((status & 1) != queue->phase)
		return trouble(-ETIME, "the disk does not answer");
	*ret_id = done->id;
	queue->head = (uint16_t)((queue->head + 1) % ENTRIES);
	if (queue->head == 0)
		queue->phase ^= 1;
	if (status >> 1) {
		fprintf(stderr, "nvme: command %u failed with status 0x%x\n", done->id,
			status >> 1);
		return -EIO;
	}
	return ring_doorbell(disk, queue, true, queue->head);
}

/* One command of the admin queue, from end to end. */
static int ask(struct disk *disk, const struct command *command)
{
	uint16_t id;
	int r;

	put(&disk->admin, command);
	r = ring_doorbell(disk, &disk->admin, false, disk->admin.tail);
	return r < 0 ? r : get(disk, &disk->admin, &id);
}

static int wait_ready(struct disk *disk, uint32_t ready, uint64_t limit_ns)
{
	struct hws_step step =
		hws_step_poll(hws_in_mmio(disk->registers, CSTS, 4), CSTS_READY, ready, limit_ns);

	return hws_batch_run(&step, 1, 0);
}

static int write_address(struct disk *disk, uint64_t at, uint64_t address)
{
	int r = hws_mmio_write32(disk->registers, at, (uint32_t)address);

	return r < 0 ? r : hws_mmio_write32(disk->registers, at + 4, (uint32_t)(address >> 32));
}

/* §3.5.1 */
static int start(struct disk *disk)
{
	uint32_t low;
	uint32_t high;
	uint64_t limit_ns;
	int r = hws_mmio_read32(disk->registers, CAP, &low);

	if (r == 0)
		r = hws_mmio_read32(disk->registers, CAP + 4, &high);
	if (r < 0)
		return r;
	limit_ns = (uint64_t)(low >> 24) * (SECOND / 2);
	disk->stride = 4u << (high & 0xf);
	if ((high >> 16 & 0xf) != 0)
		return trouble(-EOPNOTSUPP, "the disk has no pages of 4 KiB");
	r = hws_mmio_write32(disk->registers, CC, 0);
	if (r == 0)
		r = wait_ready(disk, 0, limit_ns);
	if (r == 0)
		r = open_queue(disk, 0, &disk->admin);
	if (r == 0)
		r = hws_mmio_write32(disk->registers, AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
	if (r == 0)
		r = write_address(disk, ASQ, disk->admin.commands_iova);
	if (r == 0)
		r = write_address(disk, ACQ, disk->admin.done_iova);
	if (r == 0)
		r = hws_mmio_write32(disk->registers, CC, CC_ENTRY_SIZES | CC_ENABLE);
	return r < 0 ? r : wait_ready(disk, CSTS_READY, limit_ns);
}

/* §5.17: 4 KiB of what the disk says of itself (1), or of its first namespace (0). */
static int identify(struct disk *disk, uint32_t what, uint8_t page[BLOCK])
{
	struct command command = { .opcode = IDENTIFY, .nsid = !what, .words = { what } };
	struct hws_pool *pool = hws_dma_pool(disk->domain);
	struct hws_buf buf;
	HWS_VIEW(view);
	int r = hws_buf_take(pool, BLOCK, &buf);

	if (r < 0)
		return r;
	r = hws_dma_give(disk->domain, buf, HWS_FROM_DEVICE, &command.data[0]);
	if (r < 0)
		return r;
	r = ask(disk, &command);
	if (r < 0)
		return r; /* the buffer stays the disk's: closing takes it back */
	r = hws_dma_take(disk->domain, buf);
	if (r == 0)
		r = hws_view_open(pool, buf, HWS_R, &view);
	if (r == 0)
		memcpy(page, view.bytes, BLOCK);
	hws_view_close(&view);
	return r < 0 ? r : hws_buf_give(pool, buf);
}

/* §5.4, §5.5 */
static int open_io_queue(struct disk *disk)
{
	struct command done = { .opcode = CREATE_CQ,
				.words = { (ENTRIES - 1) << 16 | 1, CONTIGUOUS } };
	struct command commands = { .opcode = CREATE_SQ,
				    .words = { (ENTRIES - 1) << 16 | 1, 1 << 16 | CONTIGUOUS } };
	int r = open_queue(disk, 1, &disk->io);

	if (r < 0)
		return r;
	done.data[0] = disk->io.done_iova;
	commands.data[0] = disk->io.commands_iova;
	r = ask(disk, &done);
	return r < 0 ? r : ask(disk, &commands);
}

static uint64_t number_at(const uint8_t *bytes, unsigned int count)
{
	uint64_t number = 0;

	while (count-- > 0)
		number = number << 8 | bytes[count];
	return number;
}

/* How large the namespace is, and its sectors. */
static int look_at_namespace(struct disk *disk)
{
	uint8_t page[BLOCK];
	unsigned int shift;
	int r = identify(disk, 0, page);

	if (r < 0)
		return r;
	shift = page[128 + 4 * (page[26] & 0xf) + 2];
	if (shift < 9 || shift > 12)
		return trouble(-EOPNOTSUPP, "sectors of 512 bytes to 4 KiB are supported");
	disk->sector = 1u << shift;
	disk->blocks = number_at(page, 8) / (BLOCK / disk->sector);
	return 0;
}

static void print_field(const char *name, const uint8_t *text, int length)
{
	while (length > 0 && text[length - 1] == ' ')
		length--;
	printf("%s %.*s\n", name, length, (const char *)text);
}

static int print_identity(struct disk *disk)
{
	uint8_t page[BLOCK];
	int r = identify(disk, 1, page);

	if (r < 0)
		return r;
	print_field("serial", page + 4, 20);
	print_field("model", page + 24, 40);
	print_field("firmware", page + 64, 8);
	printf("blocks %llu of %d, sectors of %u\n", (unsigned long long)disk->blocks, BLOCK,
	       disk->sector);
	return 0;
}

/* Up to DEPTH blocks that are under way; the command's id is the place here. */
struct flight {
	struct hws_buf bufs[DEPTH];
	uint32_t count;
};

static int send_off(struct disk *disk, struct flight *flight, uint8_t opcode, uint64_t block)
{
	uint32_t sectors = BLOCK / disk->sector;
	uint64_t first = block * sectors;
	struct command command = {
		.opcode = opcode,
		.id = (uint16_t)flight->count,
		.nsid = 1,
		.words = { (uint32_t)first, (uint32_t)(first >> 32), sectors - 1 },
	};
	enum hws_dma_direction direction = opcode == WRITE ? HWS_TO_DEVICE : HWS_FROM_DEVICE;
	int r = hws_dma_give(disk->domain, flight->bufs[flight->count], direction,
			     &command.data[0]);

	if (r < 0)
		return r;
	flight->count++;
	put(&disk->io, &command);
	return 0;
}

/* Has the disk do what was queued, and waits for all of it. */
static int carry_out(struct disk *disk, struct flight *flight)
{
	int r = ring_doorbell(disk, &disk->io, false, disk->io.tail);

	for (uint32_t i = 0; i < flight->count && r == 0; i++) {
		uint16_t id;

		r = get(disk, &disk->io, &id);
		if (r == 0 && id >= flight->count)
			r = trouble(-EIO, "the disk answered what nobody asked");
		if (r == 0)
			r = hws_dma_take(disk->domain, flight->bufs[id]);
	}
	return r;
}

/* Between a buffer and the standard files. */
static int copy_block(struct disk *disk, struct hws_buf buf, uint8_t opcode)
{
	HWS_VIEW(view);
	size_t n;
	int r = hws_view_open(hws_dma_pool(disk->domain), buf, HWS_RW, &view);

	if (r < 0)
		return r;
	n = opcode == WRITE ? fread(view.bytes, 1, BLOCK, stdin)
			    : fwrite(view.bytes, 1, BLOCK, stdout);
	return n == BLOCK ? 0 : trouble(-EIO, "the file ended, or could not be written");
}

static int move_some(struct disk *disk, struct flight *flight, uint8_t opcode, uint64_t first,
		     uint32_t count)
{
	int r = 0;

	flight->count = 0;
	for (uint32_t i = 0; i < count && r == 0; i++) {
		if (opcode == WRITE)
			r = copy_block(disk, flight->bufs[i], opcode);
		if (r == 0)
			r = send_off(disk, flight, opcode, first + i);
	}
	if (r == 0)
		r = carry_out(disk, flight);
	for (uint32_t i = 0; i < count && r == 0 && opcode == READ; i++)
		r = copy_block(disk, flight->bufs[i], opcode);
	return r;
}

static int move(struct disk *disk, uint8_t opcode, uint64_t first, uint64_t count)
{
	struct flight flight = { .count = 0 };
	int r = open_io_queue(disk);

	if (r == 0 && !hws_range_ok(first, count, disk->blocks))
		return trouble(-ERANGE, "the disk ends before");
	for (int i = 0; i < DEPTH && r == 0; i++)
		r = hws_buf_take(hws_dma_pool(disk->domain), BLOCK, &flight.bufs[i]);
	while (count > 0 && r == 0) {
		uint32_t some = count < DEPTH ? (uint32_t)count : DEPTH;

		r = move_some(disk, &flight, opcode, first, some);
		first += some;
		count -= some;
	}
	return r;
}

static int open_disk(struct disk *disk, const char *address)
{
	struct hws_options options = {
		.size = sizeof(options),
		.policy_text = "pci = class 0x0108, config r\n"
			       "bar = class 0x0108 0 0x0-0x1fff rw claimed\n"
			       "dma = class 0x0108 max 1M, maps 128\n",
	};
	int r = hws_open(&options, &disk->hw);

	if (r == 0)
		r = hws_dma_open(disk->hw, address, NULL, &disk->domain);
	if (r == 0)
		r = hws_mmio_map(disk->hw, address, 0, 0, REGISTERS, HWS_RW, &disk->registers);
	if (r == 0)
		r = start(disk);
	return r < 0 ? r : look_at_namespace(disk);
}

/* Closing the domain resets the disk: what it had of our memory is ours again. */
static void close_disk(struct disk *disk)
{
	hws_view_close(&disk->admin.commands);
	hws_view_close(&disk->admin.done);
	hws_view_close(&disk->io.commands);
	hws_view_close(&disk->io.done);
	hws_mmio_unmap(disk->registers);
	hws_dma_close(disk->domain);
	hws_close(disk->hw);
}

static int do_verb(struct disk *disk, int argc, char **argv)
{
	bool writes = argc == 5 && strcmp(argv[2], "write") == 0;

	if (argc == 3)
		return print_identity(disk);
	return move(disk, writes ? WRITE : READ, strtoull(argv[3], NULL, 0),
		    strtoull(argv[4], NULL, 0));
}

static bool is_right_use(int argc, char **argv)
{
	if (argc == 3)
		return strcmp(argv[2], "identify") == 0;
	return argc == 5 && (strcmp(argv[2], "read") == 0 || strcmp(argv[2], "write") == 0);
}

int main(int argc, char **argv)
{
	struct disk disk = { 0 };
	int r;

	if (!is_right_use(argc, argv)) {
		fprintf(stderr,
			"usage: nvme ADDRESS identify|read FIRST COUNT|write FIRST COUNT\n");
		return 2;
	}
	r = open_disk(&disk, argv[1]);
	if (r == 0)
		r = do_verb(&disk, argc, argv);
	if (r == 0 && fflush(stdout) != 0)
		r = -EIO;
	r = hws_explain(r, stderr);
	close_disk(&disk);
	return r;
}
