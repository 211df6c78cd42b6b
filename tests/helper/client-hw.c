/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hardware, as any program uses it: these know of the helper only by which way they expect their
 * accesses to go, "grants" (the launcher's) or "broker" (the socket).
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/helper/client.h"

enum { APIC_BASE = 0x1b };

struct hws *client_open(const char *way)
{
	struct hws *hw;

	client_has_nothing();
	CHECK(hws_open(NULL, &hw) == 0);
	CHECK(!strcmp(hws_backend(hw), way));
	return hw;
}

/* clock WAY: a PC's, by the two ports of the rule and no other. */
void client_clock(char **arguments)
{
	bool granted = !strcmp(arguments[0], "grants");
	struct hws *hw = client_open(arguments[0]);
	struct hws_port *clock;
	struct hws_port *more;
	uint8_t month = 0;

	CHECK(hws_port_open(hw, 0x70, 2, HWS_RW, &clock) == 0);
	CHECK(!strcmp(hws_port_way(clock), granted ? "granted" : "helper"));
	CHECK(hws_port_write8(clock, 0x70, 8) == 0);
	CHECK(hws_port_read8(clock, 0x71, &month) == 0);
	CHECK(month >= 1 && month <= 0x12);
	/* outside her rule; and inside one that the kernel could not keep */
	CHECK(hws_port_open(hw, 0x60, 1, HWS_R, &more) == -EACCES);
	CHECK(hws_port_open(hw, 0x80, 1, HWS_W, &more) == -EACCES);
	CHECK(!granted || hws_port_open(hw, 0x80, 1, HWS_R, &more) == -EPERM);
	CHECK(hws_port_read8(clock, 0x72, &month) == -ERANGE);
	hws_port_close(clock);
	/* closing gives nothing away that could not be had again */
	CHECK(hws_port_open(hw, 0x70, 2, HWS_RW, &clock) == 0);
	CHECK(hws_port_read8(clock, 0x71, &month) == 0);
	hws_port_close(clock);
	hws_close(hw);
}

/* ports WAY: ever longer ranges, all open; of each the two ports at its end. */
void client_ports(char **arguments)
{
	enum { RANGES = 60, FIRST = 0x200 };
	struct hws *hw = client_open(arguments[0]);
	struct hws_port *ports[RANGES];
	uint16_t value;

	for (uint32_t i = 0; i < RANGES; i++) {
		CHECK(hws_port_open(hw, FIRST, 2 + i, HWS_R, &ports[i]) == 0);
		CHECK(hws_port_read16(ports[i], FIRST + i, &value) == 0);
	}
	for (uint32_t i = 0; i < RANGES; i++)
		hws_port_close(ports[i]);
	hws_close(hw);
}

/* msr WAY: where the processor's interrupt controller lies. */
void client_msr(char **arguments)
{
	struct hws *hw = client_open(arguments[0]);
	struct hws_msr *msr;
	uint64_t value;

	CHECK(open("/dev/cpu/0/msr", O_RDONLY) < 0 && errno == EACCES);
	CHECK(hws_msr_open(hw, "0", APIC_BASE, APIC_BASE, HWS_RW, &msr) == 0);
	CHECK(hws_msr_read(msr, 0, APIC_BASE, &value) == 0 && (value & ~0xfffull) == 0xfee00000);
	/* to be read, not to be written; and this one, on this processor */
	CHECK(hws_msr_write(msr, 0, APIC_BASE, value) == -EACCES);
	hws_msr_close(msr);
	CHECK(hws_msr_open(hw, "0-1", APIC_BASE - 1, APIC_BASE, HWS_R, &msr) == 0);
	CHECK(hws_msr_read(msr, 1, APIC_BASE, &value) == -EACCES);
	CHECK(hws_msr_read(msr, 0, APIC_BASE - 1, &value) == -EACCES);
	hws_msr_close(msr);
	hws_close(hw);
}

/* edu WAY BDF r|rw: registers; where only reading is allowed the kernel holds it to that. */
void client_edu(char **arguments)
{
	bool writes = !strcmp(arguments[2], "rw");
	struct hws *hw = client_open(arguments[0]);
	struct hws_mmio *edu;
	char path[128];
	uint32_t value = 0;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", arguments[1]);
	CHECK(open(path, O_RDONLY) < 0 && errno == EACCES);
	CHECK(hws_mmio_map(hw, arguments[1], 0, 0, 0x100, writes ? HWS_RW : HWS_R, &edu) == 0);
	CHECK(hws_mmio_read32(edu, 0, &value) == 0 && value == 0x010000ed);
	if (writes) {
		CHECK(hws_mmio_write32(edu, 4, 0x12345678) == 0);
		CHECK(hws_mmio_read32(edu, 4, &value) == 0 && value == ~0x12345678u);
	}
	hws_mmio_unmap(edu);
	if (!writes)
		CHECK(hws_mmio_map(hw, arguments[1], 0, 0, 0x100, HWS_RW, &edu) == -EACCES);
	CHECK(hws_mmio_map(hw, "0000:00:04.0", 0, 0, 0x10, HWS_R, &edu) == -EACCES);
	hws_close(hw);
}

/*
 * edu-hold WAY: a window, and its configuration written to, until the policy leaves no more than
 * its first register to read.
 */
void client_edu_hold(char **arguments)
{
	struct hws *hw = client_open(arguments[0]);
	struct hws_mmio *edu;
	struct hws_pci *config;
	uint32_t value = 0;
	int r = 0;

	CHECK(hws_pci_open(hw, CLIENT_EDU, 0x3c, 4, HWS_RW, &config) == 0);
	CHECK(hws_pci_write8(config, 0x3c, 7) == 0);
	hws_pci_close(config);
	CHECK(hws_mmio_map(hw, CLIENT_EDU, 0, 0, 0x100, HWS_RW, &edu) == 0);
	CHECK(hws_mmio_write32(edu, 4, 1) == 0);
	puts("holds");
	fflush(stdout);
	for (int waited = 0; r == 0 && waited < 1000; waited++) {
		usleep(10000);
		r = hws_mmio_read32(edu, 4, &value);
	}
	CHECK(r == -EACCES);
	CHECK(hws_mmio_write32(edu, 0, 0) == -EACCES);
	CHECK(hws_mmio_read32(edu, 0, &value) == 0 && value == 0x010000ed);
	hws_mmio_unmap(edu);
	hws_close(hw);
}

static int try_clock(struct hws *hw)
{
	struct hws_port *port;

	return hws_port_open(hw, 0x70, 2, HWS_RW, &port);
}

static int try_msr(struct hws *hw)
{
	struct hws_msr *msr;
	uint64_t value;
	int r = hws_msr_open(hw, "0", APIC_BASE, APIC_BASE, HWS_R, &msr);

	return r < 0 ? r : hws_msr_read(msr, 0, APIC_BASE, &value);
}

static int try_edu(struct hws *hw)
{
	struct hws_mmio *edu;

	return hws_mmio_map(hw, CLIENT_EDU, 0, 0, 0x100, HWS_R, &edu);
}

static int try_dma(struct hws *hw)
{
	struct hws_domain *domain;

	return hws_dma_open(hw, CLIENT_EDU, NULL, &domain);
}

/* It shares its IOMMU group with another function. */
static int try_sibling(struct hws *hw)
{
	struct hws_domain *domain;

	return hws_dma_open(hw, "0000:00:07.1", NULL, &domain);
}

static int try_disk(struct hws *hw)
{
	struct hws_ring *ring;

	return hws_ring_adopt(hw, CLIENT_DISK, NULL, &ring);
}

/* denied WAY WHAT WORDS: -EACCES, with these words. */
void client_denied(char **arguments)
{
	static const struct {
		const char *name;
		int (*attempt)(struct hws *hw);
	} rows[] = { { "clock", try_clock }, { "msr", try_msr },	 { "edu", try_edu },
		     { "dma", try_dma },     { "sibling", try_sibling }, { "disk", try_disk } };
	struct hws *hw = client_open(arguments[0]);
	bool found = false;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, arguments[1]) != 0)
			continue;
		found = true;
		CHECK(rows[i].attempt(hw) == -EACCES);
		CHECK(strstr(hws_why(), arguments[2]) != NULL);
	}
	CHECK(found);
	hws_close(hw);
}
