/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that asks the helper for everything: by messages, by a ring, in a transaction. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/helper/serve-kit.h"
#include "tests/inject/hw-kit.h"

enum { NEW = 0x2000, TRIES = 500 };

static struct daemon server;
static uint64_t before;

struct opened {
	struct hws *hw;
	struct hws_port *clock;
	struct hws_msr *msr;
	struct hws_mmio *edu;
	struct hws_pci *pci;
};

static int open_all(struct opened *h)
{
	struct hws_options options = { .size = sizeof(options), .socket = server.socket };
	int r = inject_step(hws_open(&options, &h->hw));

	r = inject_next(r, hws_port_open(h->hw, 0x70, 2, HWS_RW, &h->clock));
	r = inject_next(r, hws_msr_open(h->hw, "0-1", 0x10, 0x700, HWS_RW, &h->msr));
	r = inject_next(r, hws_mmio_map(h->hw, "00:03.0", 0, 0, 0x100, HWS_RW, &h->edu));
	return inject_next(r, hws_pci_open(h->hw, "00:03.0", 0, 0, HWS_R, &h->pci));
}

/* More than a few: from the second on they go by the ring. */
static int use(struct opened *h)
{
	uint8_t byte;
	uint32_t word = 0;
	uint64_t value;
	struct hws_bdf bdf;
	int r = inject_step(hws_port_write8(h->clock, 0x70, 9));

	r = inject_next(r, hws_port_read8(h->clock, 0x71, &byte));
	inject_check(r < 0 || byte == 0x24);
	r = inject_next(r, hws_msr_read(h->msr, 0, 0x19c, &value));
	inject_check(r < 0 || value == 0x88340000);
	r = inject_next(r, hws_mmio_write32(h->edu, 4, 0x12345678));
	r = inject_next(r, hws_mmio_read32(h->edu, 4, &word));
	inject_check(r < 0 || word == (uint32_t)~0x12345678);
	return inject_next(r, hws_pci_next(h->hw, NULL, &bdf));
}

/* Not kept: the helper or this program undoes it, whoever is left. */
static int change(struct opened *h)
{
	struct hws_step step = hws_step_write(hws_in_msr(h->msr, 0, 0x199), NEW);
	struct hws_txn *txn = NULL;
	int r = inject_step(hws_txn_open(h->hw, NULL, &txn));
	int closed;

	if (r < 0)
		return r;
	r = inject_step(hws_txn_run(txn, &step, 1));
	closed = inject_step(hws_txn_close(txn));
	return r < 0 ? r : closed;
}

/* Somebody else looks what stands there when this one is gone. */
static uint64_t looked(void)
{
	struct hws_options options = { .size = sizeof(options), .socket = server.socket };
	uint64_t value = 0;
	struct hws_msr *msr;
	struct hws *hw;

	inject_mute(true);
	ck_ok(hws_open(&options, &hw));
	ck_ok(hws_msr_open(hw, "0", 0x199, 0x199, HWS_R, &msr));
	ck_ok(hws_msr_read(msr, 0, 0x199, &value));
	hws_msr_close(msr);
	hws_close(hw);
	inject_mute(false);
	return value;
}

/* The helper may hear of the next one before it hears of the last one's end. */
static void wait_until_undone(void)
{
	int tries = 0;

	while (looked() != before && tries++ < TRIES)
		usleep(10000);
	inject_check(tries <= TRIES);
}

static int session(void)
{
	struct opened h = { 0 };
	int r = open_all(&h);

	r = r < 0 ? r : use(&h);
	r = r < 0 ? r : change(&h);
	hws_port_close(h.clock);
	hws_msr_close(h.msr);
	hws_mmio_unmap(h.edu);
	hws_pci_close(h.pci);
	close_unused(h.hw);
	wait_until_undone();
	return r;
}

START_TEST(client_is_served_or_told)
{
	char rules[256];

	need_root();
	snprintf(rules, sizeof(rules),
		 "[me]\nuser = %u\nport = 0x70-0x71 rw\nmsr = 0x19c r\nmsr = 0x199 rw\n"
		 "pci = 1234:11e8 rw\nbar = 1234:11e8 0 rw\n",
		 (unsigned int)geteuid());
	daemon_start(&server, rules, NULL);
	before = looked();
	inject_sweep(&(struct inject_flow) { "client", session, 50, false });
	daemon_stop(&server);
}
END_TEST

int main(void)
{
	return suite_run_for("inject/client", (const TTest *[]) { client_is_served_or_told, NULL },
			     600);
}
