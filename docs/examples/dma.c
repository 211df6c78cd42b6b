/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's educational device fetches bytes from our memory, and brings them back to another place:
 * "dma", or "dma sim" on the simulated machine. In QEMU: -device edu,addr=03.0, bound to vfio-pci
 */
#include <hwsafe.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The device's registers, and its own memory as its engine sees it. */
enum { SOURCE = 0x80, TARGET = 0x88, COUNT = 0x90, COMMAND = 0x98, MEMORY = 0x40000 };
enum { RUN = 1, TO_US = 2 };
enum { SIZE = 1024 };

static const char address[] = "0000:00:03.0";
static const char text[] = "from here to there, and back";

static int move(struct hws_mmio *edu, uint64_t from, uint64_t to, uint32_t command)
{
	struct hws_step steps[] = {
		hws_step_write(hws_in_mmio(edu, SOURCE, 4), from),
		hws_step_write(hws_in_mmio(edu, TARGET, 4), to),
		hws_step_write(hws_in_mmio(edu, COUNT, 4), SIZE),
		hws_step_write(hws_in_mmio(edu, COMMAND, 4), command | RUN),
		hws_step_poll(hws_in_mmio(edu, COMMAND, 4), RUN, 0, UINT64_C(10000000000)),
	};

	return hws_batch_run(steps, sizeof(steps) / sizeof(steps[0]), 0);
}

/* A buffer of ours that holds the text, or zeros. */
static int fill(struct hws_domain *domain, const char *with, struct hws_buf *ret_buf)
{
	HWS_VIEW(view);
	int r = hws_buf_take(hws_dma_pool(domain), SIZE, ret_buf);

	if (r == 0)
		r = hws_view_open(hws_dma_pool(domain), *ret_buf, HWS_RW, &view);
	if (r == 0)
		strcpy(memset(view.bytes, 0, view.size), with);
	return r;
}

/* The buffer is the device's while it works on it, and ours again when it is done. */
static int lend(struct hws_domain *domain, struct hws_mmio *edu, struct hws_buf buf, bool out)
{
	uint64_t iova;
	int r = hws_dma_give(domain, buf, out ? HWS_TO_DEVICE : HWS_FROM_DEVICE, &iova);

	if (r == 0)
		r = out ? move(edu, iova, MEMORY, 0) : move(edu, MEMORY, iova, TO_US);
	return r < 0 ? r : hws_dma_take(domain, buf);
}

static int go_round(struct hws_domain *domain, struct hws_mmio *edu)
{
	struct hws_buf out;
	struct hws_buf back;
	HWS_VIEW(view);
	int r = fill(domain, text, &out);

	if (r == 0)
		r = fill(domain, "", &back);
	if (r == 0)
		r = lend(domain, edu, out, true);
	if (r == 0)
		r = lend(domain, edu, back, false);
	if (r == 0)
		r = hws_view_open(hws_dma_pool(domain), back, HWS_R, &view);
	if (r == 0)
		printf("%.*s\n", (int)sizeof(text), (const char *)view.bytes);
	return r;
}

int main(int argc, char **argv)
{
	struct hws_options options = {
		.size = sizeof(options),
		.backend = argc > 1 ? argv[1] : NULL,
		.policy_text = "pci = 1234:11e8, config r\n"
			       "bar = 1234:11e8 0 0x00-0xff rw, width 4\n"
			       "dma = 1234:11e8 max 64K, maps 4",
	};
	/* the device drives 28 address lines */
	struct hws_dma_options lines = { .address_bits = 28 };
	struct hws_domain *domain = NULL;
	struct hws_mmio *edu = NULL;
	struct hws *hw = NULL;
	int r = hws_open(&options, &hw);

	if (r == 0)
		r = hws_dma_open(hw, address, &lines, &domain);
	if (r == 0)
		r = hws_mmio_map(hw, address, 0, 0, 0x100, HWS_RW, &edu);
	if (r == 0)
		r = go_round(domain, edu);
	r = hws_explain(r, stderr);
	hws_mmio_unmap(edu);
	hws_dma_close(domain);
	hws_close(hw);
	return r;
}
