/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities as lspci -v tells them, in a line each (PCI 3.0 §6.7, PCIe 6.0 §7.5 to §7.9). */
#include <string.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/pci-verbose.h"

enum { PCIX = 0x07, EXPRESS = 0x10 };

/* What is known of one: its first bytes, behind id and link. */
struct cap {
	const struct view *view;
	uint32_t at;
	uint32_t flags; /* the 16 bits behind the link */
	uint32_t layout;
};

static char sign(uint32_t bit)
{
	return bit ? '+' : '-';
}

static void print_power(const struct cap *cap)
{
	printf("Power Management version %u", cap->flags & 7);
}

static void print_agp(const struct cap *cap)
{
	printf("AGP version %x.%x", cap->flags >> 4 & 15, cap->flags & 15);
}

static void print_slot_id(const struct cap *cap)
{
	printf("Slot ID: %u slots, First%c, chassis %02x", cap->flags & 0x1f,
	       sign(cap->flags & 0x20), cap->flags >> 8);
}

static void print_msi(const struct cap *cap)
{
	printf("MSI: Enable%c Count=%d/%d Maskable%c 64bit%c", sign(cap->flags & 1),
	       1 << (cap->flags >> 4 & 7), 1 << (cap->flags >> 1 & 7), sign(cap->flags & 0x100),
	       sign(cap->flags & 0x80));
}

static void print_pcix(const struct cap *cap)
{
	fputs(cap->layout == 1 ? "PCI-X bridge device" : "PCI-X non-bridge device", stdout);
}

/* HyperTransport 3.1 §7.1: what its upper 5 bits mean; those below 8 have only 3. */
static void print_hypertransport(const struct cap *cap)
{
	static const char *const kinds[32] = {
		[8] = "Switch",		  [16] = "Interrupt Discovery and Configuration",
		[18] = "UnitID Clumping", [19] = "Extended Configuration Space Access",
		[20] = "Address Mapping", [22] = "DirectRoute",
		[23] = "VCSet",		  [24] = "Retry Mode",
		[25] = "X86 (reserved)",
	};
	uint32_t kind = cap->flags >> 11;

	fputs("HyperTransport: ", stdout);
	if (kind < 8)
		fputs(kind < 4 ? "Slave or Primary Interface" : "Host or Secondary Interface",
		      stdout);
	else if (kind == 17)
		printf("Revision ID: %u.%02u", cap->flags >> 5 & 7, cap->flags & 0x1f);
	else if (kind == 21)
		printf("MSI Mapping Enable%c Fixed%c", sign(cap->flags & 1), sign(cap->flags & 2));
	else if (kinds[kind])
		fputs(kinds[kind], stdout);
	else
		printf("#%02x", kind);
}

/* Virtio 1.2 §4.1.4: which structure of a virtio device it leads to. */
static void print_vendor(const struct cap *cap)
{
	static const char *const kinds[] = { "<unknown>", "CommonCfg", "Notify", "ISR",
					     "DeviceCfg" };
	const struct hws_pci_info *info = cap->view->info;
	uint32_t length = cap->flags & 0xff;
	uint32_t kind = cap->flags >> 8;

	fputs("Vendor Specific Information: ", stdout);
	if (info->vendor == 0x1af4 && info->device >= 0x1000 && info->device < 0x1080 &&
	    length >= 16 && cap->at + length <= cap->view->size)
		printf("VirtIO: %s", kinds[kind < COUNT(kinds) ? kind : 0]);
	else
		printf("Len=%02x <?>", length);
}

static void print_debug_port(const struct cap *cap)
{
	printf("Debug port: BAR=%u offset=%04x", cap->flags >> 13, cap->flags & 0x1fff);
}

static void print_subsystem(const struct cap *cap)
{
	struct hws_pci_info info = *cap->view->info;
	char text[NAME_TEXT];

	info.subsystem_vendor = (uint16_t)view_get(cap->view, cap->at + 4, 2);
	info.subsystem_device = (uint16_t)view_get(cap->view, cap->at + 6, 2);
	printf("Subsystem: %s", name_of(cap->view->names, NAME_SUBSYSTEM, &info, text));
}

static void print_express(const struct cap *cap)
{
	static const struct {
		const char *name;
		bool slot;
	} kinds[16] = {
		[0] = { "Endpoint", false },
		[1] = { "Legacy Endpoint", false },
		[4] = { "Root Port", true },
		[5] = { "Upstream Port", false },
		[6] = { "Downstream Port", true },
		[7] = { "PCI-Express to PCI/PCI-X Bridge", false },
		[8] = { "PCI/PCI-X to PCI-Express Bridge", true },
		[9] = { "Root Complex Integrated Endpoint", false },
		[10] = { "Root Complex Event Collector", false },
	};
	uint32_t kind = cap->flags >> 4 & 15;

	if (kinds[kind].name)
		printf("Express %s", kinds[kind].name);
	else
		printf("Express Unknown type %u", kind);
	if (kinds[kind].slot)
		printf(" (Slot%c)", sign(cap->flags & 0x100));
	printf(", MSI %02x", cap->flags >> 9 & 0x1f);
}

static void print_msix(const struct cap *cap)
{
	printf("MSI-X: Enable%c Count=%u Masked%c", sign(cap->flags & 0x8000),
	       (cap->flags & 0x7ff) + 1, sign(cap->flags & 0x4000));
}

static void print_sata(const struct cap *cap)
{
	printf("SATA HBA v%u.%u", cap->flags >> 4 & 15, cap->flags & 15);
}

static void print_allocation(const struct cap *cap)
{
	printf("Enhanced Allocation (EA): NumEntries=%u", cap->flags & 0x3f);
	if (cap->layout == 1)
		printf(", secondary=%u, subordinate=%u", view_get(cap->view, cap->at + 4, 1),
		       view_get(cap->view, cap->at + 5, 1));
}

static void print_serial(const struct cap *cap)
{
	fputs("Device Serial Number ", stdout);
	for (uint32_t i = 8; i-- > 0;)
		printf("%02x%s", view_get(cap->view, cap->at + 4 + i, 1), i ? "-" : "");
}

static void print_vendor_header(const struct cap *cap)
{
	uint32_t header = view_get(cap->view, cap->at + 4, 4);

	printf("Vendor Specific Information: ID=%04x Rev=%u Len=%03x <?>", header & 0xffff,
	       header >> 16 & 15, header >> 20);
}

static void print_designated(const struct cap *cap)
{
	uint32_t header = view_get(cap->view, cap->at + 4, 4);
	bool cxl = (header & 0xffff) == 0x1e98; /* CXL 3.0 §8.1.3 */

	printf("Designated Vendor-Specific: Vendor=%04x ID=%04x Rev=%u Len=%u%s", header & 0xffff,
	       view_get(cap->view, cap->at + 8, 2), header >> 16 & 15, header >> 20,
	       cxl ? ": CXL" : " <?>");
}

/* Either a text or more than that. */
struct kind {
	const char *text;
	void (*print)(const struct cap *cap);
};

static const struct kind plain[] = {
	[0x00] = { "Null", NULL },
	[0x01] = { NULL, print_power },
	[0x02] = { NULL, print_agp },
	[0x03] = { "Vital Product Data", NULL },
	[0x04] = { NULL, print_slot_id },
	[0x05] = { NULL, print_msi },
	[0x06] = { "CompactPCI hot-swap <?>", NULL },
	[PCIX] = { NULL, print_pcix },
	[0x08] = { NULL, print_hypertransport },
	[0x09] = { NULL, print_vendor },
	[0x0a] = { NULL, print_debug_port },
	[0x0b] = { "CompactPCI central resource control <?>", NULL },
	[0x0c] = { "Hot-plug capable", NULL },
	[0x0d] = { NULL, print_subsystem },
	[0x0e] = { "AGP3 <?>", NULL },
	[0x0f] = { "Secure device <?>", NULL },
	[EXPRESS] = { NULL, print_express },
	[0x11] = { NULL, print_msix },
	[0x12] = { NULL, print_sata },
	[0x13] = { "PCI Advanced Features", NULL },
	[0x14] = { NULL, print_allocation },
};

static const struct kind extended[] = {
	[0x00] = { "Null", NULL },
	[0x01] = { "Advanced Error Reporting", NULL },
	[0x02] = { "Virtual Channel", NULL },
	[0x03] = { NULL, print_serial },
	[0x04] = { "Power Budgeting <?>", NULL },
	[0x05] = { "Root Complex Link", NULL },
	[0x06] = { "Root Complex Internal Link <?>", NULL },
	[0x07] = { "Root Complex Event Collector Endpoint Association", NULL },
	[0x08] = { "Multi-Function Virtual Channel <?>", NULL },
	[0x09] = { "Virtual Channel", NULL },
	[0x0a] = { "Root Complex Register Block <?>", NULL },
	[0x0b] = { NULL, print_vendor_header },
	[0x0d] = { "Access Control Services", NULL },
	[0x0e] = { "Alternative Routing-ID Interpretation (ARI)", NULL },
	[0x0f] = { "Address Translation Service (ATS)", NULL },
	[0x10] = { "Single Root I/O Virtualization (SR-IOV)", NULL },
	[0x11] = { "Multi-Root I/O Virtualization <?>", NULL },
	[0x12] = { "Multicast", NULL },
	[0x13] = { "Page Request Interface (PRI)", NULL },
	[0x15] = { "Physical Resizable BAR", NULL },
	[0x16] = { "Dynamic Power Allocation <?>", NULL },
	[0x17] = { "Transaction Processing Hints", NULL },
	[0x18] = { "Latency Tolerance Reporting", NULL },
	[0x19] = { "Secondary PCI Express", NULL },
	[0x1a] = { "Protocol Multiplexing <?>", NULL },
	[0x1b] = { "Process Address Space ID (PASID)", NULL },
	[0x1c] = { "LN Requester <?>", NULL },
	[0x1d] = { "Downstream Port Containment", NULL },
	[0x1e] = { "L1 PM Substates", NULL },
	[0x1f] = { "Precision Time Measurement", NULL },
	[0x20] = { "PCI Express over M_PHY <?>", NULL },
	[0x21] = { "FRS Queueing <?>", NULL },
	[0x22] = { "Readiness Time Reporting <?>", NULL },
	[0x23] = { NULL, print_designated },
	[0x24] = { "Virtual Resizable BAR", NULL },
	[0x25] = { "Data Link Feature <?>", NULL },
	[0x26] = { "Physical Layer 16.0 GT/s <?>", NULL },
	[0x27] = { "Lane Margining at the Receiver <?>", NULL },
	[0x28] = { "Hierarchy ID <?>", NULL },
	[0x29] = { "Native PCIe Enclosure Management <?>", NULL },
	[0x2e] = { "Data Object Exchange", NULL },
};

/* False: nobody knows that id. */
static bool print_kind(const struct kind *kinds, size_t count, uint32_t id, const struct cap *cap)
{
	const struct kind *kind = id < count ? &kinds[id] : NULL;

	if (kind && kind->print)
		kind->print(cap);
	else if (kind && kind->text)
		fputs(kind->text, stdout);
	return kind && (kind->print || kind->text);
}

/* Gives where the chain goes on; 0: here it ends. */
static uint32_t print_plain_cap(const struct view *view, uint32_t at, uint32_t layout, bool met)
{
	uint32_t id = view_get(view, at, 1);
	struct cap cap = { view, at, view_get(view, at + 2, 2), layout };

	if (at + 4 > view->size) {
		puts("\tCapabilities: <access denied>");
		return 0;
	}
	printf("\tCapabilities: [%02x] ", at);
	if (met || id == 0xff) {
		puts(met ? "<chain looped>" : "<chain broken>");
		return 0;
	}
	if (!print_kind(plain, COUNT(plain), id, &cap))
		printf("Capability ID %#02x [%04x]", id, cap.flags);
	putchar('\n');
	return view_get(view, at + 1, 1) & ~3u;
}

static void print_extended_caps(const struct view *view)
{
	bool met[CONFIG_SIZE / 4] = { false };
	uint32_t at = 0x100;

	while (at && at + 4 <= view->size) {
		uint32_t header = view_get(view, at, 4);
		uint32_t id = header & 0xffff;
		struct cap cap = { .view = view, .at = at };

		if (!header || header == UINT32_MAX)
			return;
		printf("\tCapabilities: [%03x] ", at);
		if (met[at / 4]) {
			puts("<chain looped>");
			return;
		}
		met[at / 4] = true;
		if (!print_kind(extended, COUNT(extended), id, &cap))
			printf("Extended Capability ID %#02x", id);
		putchar('\n');
		at = header >> 20 & ~3u;
	}
}

void view_print_caps(const struct view *view, uint32_t layout)
{
	bool met[256] = { false };
	bool express = false;
	uint32_t at = view_get(view, layout == 2 ? 0x14 : 0x34, 1) & ~3u;

	if (!(view_get(view, 0x06, 2) & 0x10))
		return;
	while (at) {
		uint32_t id = view_get(view, at, 1);
		uint32_t next = print_plain_cap(view, at, layout, met[at]);

		express |= !met[at] && (id == EXPRESS || id == PCIX);
		met[at] = true;
		at = next;
	}
	if (express)
		print_extended_caps(view);
}
