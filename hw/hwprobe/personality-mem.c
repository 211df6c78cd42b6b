/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As busybox's devmem. Not as it: only addresses inside the BARs of PCI
 * functions are reached, by their function, BAR and offset.
 */
#include <inttypes.h>
#include <string.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/personality.h"

enum { FAILED = 1 };

static const struct {
	const char *bits;
	const char *letter;
	uint32_t width;
} widths[] = { { "32", "w", 4 }, { "8", "b", 1 }, { "16", "h", 2 }, { "64", "l", 8 } };

/* What was asked for, and where that is. */
struct wish {
	uint64_t address;
	uint32_t width;
	uint64_t value;
	bool writes;
	char bdf[HWS_BDF_TEXT];
	uint32_t bar;
	uint64_t offset;
};

static int usage(void)
{
	fputs("Usage: devmem ADDRESS [WIDTH [VALUE]]\n\n"
	      "Read or write device memory by its physical address\n\n"
	      "\tADDRESS	inside a BAR of a PCI function\n"
	      "\tWIDTH	8, 16, 32 (when not given) or 64\n"
	      "\tVALUE	to be written\n",
	      stderr);
	return FAILED;
}

static bool take_number(const char *what, const char *word, uint64_t max, uint64_t *ret_value)
{
	if (args_c_number(word, max, ret_value))
		return true;
	say_as("devmem", "%s '%s': expected a number up to 0x%" PRIx64, what, word, max);
	return false;
}

static bool take_width(const char *word, uint32_t *ret_width)
{
	for (size_t i = 0; i < COUNT(widths); i++)
		if (!strcmp(widths[i].bits, word) || !strcmp(widths[i].letter, word)) {
			*ret_width = widths[i].width;
			return true;
		}
	say_as("devmem", "width '%s': expected 8, 16, 32 or 64", word);
	return false;
}

static bool take(int argc, char **argv, struct wish *wish)
{
	*wish = (struct wish) { .width = widths[0].width, .writes = argc > 3 };
	return take_number("address", argv[1], UINT64_MAX, &wish->address) &&
	       (argc < 3 || take_width(argv[2], &wish->width)) &&
	       (argc < 4 ||
		take_number("value", argv[3], UINT64_MAX >> (64 - 8 * wish->width), &wish->value));
}

/* Does the BAR hold the address? All of the access then lies in it, or is refused as too long. */
static bool holds(const struct hws_pci_bar *bar, uint64_t address)
{
	return !(bar->flags & HWS_BAR_IO) && address - bar->base < bar->size;
}

static bool find_in(struct hws *hw, const struct hws_bdf *bdf, struct wish *wish)
{
	struct hws_pci_info info = { .size = sizeof(info) };

	if (hws_pci_get_info(hw, hws_bdf_format(*bdf, wish->bdf), &info) < 0)
		return false;
	for (uint32_t i = 0; i < HWS_PCI_BARS; i++)
		if (holds(&info.bars[i], wish->address)) {
			wish->bar = i;
			wish->offset = wish->address - info.bars[i].base;
			return true;
		}
	return false;
}

static bool find(struct hws *hw, struct wish *wish)
{
	struct hws_bdf bdf;

	for (int r = hws_pci_next(hw, NULL, &bdf); r == 0; r = hws_pci_next(hw, &bdf, &bdf))
		if (find_in(hw, &bdf, wish))
			return true;
	say_as("devmem",
	       "0x%" PRIx64 " lies in no BAR of a PCI function, and only those may be "
	       "reached; hwprobe pci show BDF tells where they are",
	       wish->address);
	return false;
}

static int fail(const struct wish *wish, int code)
{
	say_as("devmem", "0x%" PRIx64 ", which is %s:%u+0x%" PRIx64 ": %s", wish->address,
	       wish->bdf, wish->bar, wish->offset, *hws_why() ? hws_why() : strerror(-code));
	return FAILED;
}

static int access_memory(struct hws *hw, const struct wish *wish)
{
	struct hws_mmio *mmio;
	struct hws_step step;
	int r = hws_mmio_map(hw, wish->bdf, wish->bar, wish->offset, wish->width,
			     wish->writes ? HWS_W : HWS_R, &mmio);

	if (r < 0)
		return fail(wish, r);
	step = hws_step_read(hws_in_mmio(mmio, 0, wish->width));
	if (wish->writes)
		step = hws_step_write(step.place, wish->value);
	r = hws_batch_run(&step, 1, 0);
	hws_mmio_unmap(mmio);
	if (r < 0)
		return fail(wish, r);
	if (!wish->writes)
		printf("0x%0*" PRIX64 "\n", (int)wish->width * 2, step.result);
	return 0;
}

int devmem_main(const struct settings *settings, int argc, char **argv)
{
	struct call call = { .settings = *settings };
	struct hws *hw = NULL;
	struct wish wish;
	int end = FAILED;

	if (argc < 2 || argc > 4)
		return usage();
	if (!take(argc, argv, &wish))
		return FAILED;
	if (call_open(&call, &hw) == RESULT_OK && find(hw, &wish))
		end = access_memory(hw, &wish);
	hws_close(hw);
	return end;
}
