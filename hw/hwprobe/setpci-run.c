/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All operations are planned, and their functions opened, before the first is done. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/dump.h"
#include "hw/hwprobe/select.h"
#include "hw/hwprobe/setpci.h"

enum { CAPS = 528 }; /* as many as fit: 48, and 480 extended ones */

/* One operation on one function. */
struct step {
	const struct setpci_op *op;
	struct hws_bdf bdf;
	struct hws_pci *pci; /* opened for what the operation does */
	uint32_t base;	     /* of its capability */
	uint32_t at;	     /* of its register */
};

static bool fail(const struct step *step, int code)
{
	char bdf[HWS_BDF_TEXT];

	return setpci_refuse("%s: %s: %s", hws_bdf_format(step->bdf, bdf), step->op->word,
			     *hws_why() ? hws_why() : strerror(-code));
}

static int find_cap(struct step *step, struct hws_pci *pci)
{
	struct hws_pci_cap caps[CAPS];
	const struct setpci_op *op = step->op;
	int count = hws_pci_list_caps(pci, caps, CAPS);
	uint32_t found = 0;

	for (int i = 0; i < count && i < CAPS; i++)
		if (caps[i].id == op->id && caps[i].extended == op->extended &&
		    found++ == op->number) {
			step->base = caps[i].offset;
			return 0;
		}
	return count < 0 ? count : -ENOENT;
}

/* What of the function must be known to know where the register is. */
static bool locate(struct setpci_work *work, struct step *step, const char *bdf)
{
	const struct setpci_op *op = step->op;
	struct hws_pci *pci = NULL;
	uint8_t layout;
	int r = 0;

	step->at = op->offset;
	if (!op->cap && (!op->reg || op->reg->layouts == PCI_REGS_ANY))
		return true;
	r = hws_pci_open(work->hw, bdf, 0, op->cap ? 0 : 64, HWS_R, &pci);
	if (r >= 0)
		r = op->cap ? find_cap(step, pci) : hws_pci_read8(pci, 0x0e, &layout);
	hws_pci_close(pci);
	if (r == -ENOENT)
		return setpci_refuse("%s: %s: it has no %s@%u", bdf, op->word, op->cap, op->number);
	if (r < 0)
		return fail(step, r);
	if (!op->cap && !pci_reg_fits(op->reg, layout))
		return setpci_refuse("%s: %s: a header of type %u has no such register", bdf,
				     op->word, layout & 0x7fu);
	step->at += step->base;
	return true;
}

static bool is_masked(const struct setpci_op *op)
{
	for (size_t i = 0; i < op->count; i++)
		if (op->values[i].mask != setpci_ones(op->width))
			return true;
	return false;
}

/* The rights that the operation takes; 0: it touches nothing. */
static uint32_t rights_of(const struct setpci_work *work, const struct setpci_op *op)
{
	uint32_t reads = !op->count || is_masked(op) ? HWS_R : 0;

	return reads | (op->count && !work->demo ? HWS_W : 0);
}

static bool open_step(struct setpci_work *work, struct step *step)
{
	const struct setpci_op *op = step->op;
	uint32_t size = op->width * (op->count ? (uint32_t)op->count : 1);
	uint32_t rights = rights_of(work, op);
	char bdf[HWS_BDF_TEXT];
	uint32_t first;
	int r;

	hws_bdf_format(step->bdf, bdf);
	if (!locate(work, step, bdf))
		return false;
	if (step->at % op->width || !hws_range_ok(step->at, size, CONFIG_SIZE))
		return setpci_refuse("%s: %s: %u bytes can't be accessed at %02x", bdf, op->word,
				     size, step->at);
	if (!rights)
		return true;
	first = step->at & ~3u;
	size = (step->at - first + size + 3) & ~3u;
	r = hws_pci_open(work->hw, bdf, first, size, rights, &step->pci);
	return r == 0 || fail(step, r);
}

static bool add_steps(struct setpci_work *work, const struct setpci_group *group,
		      struct hws_bdf bdf)
{
	struct step *steps =
		realloc(work->steps, (work->step_count + group->count) * sizeof(*work->steps));

	if (!steps)
		return setpci_refuse("no memory");
	work->steps = steps;
	for (size_t i = 0; i < group->count; i++) {
		struct step *step = &steps[work->step_count++];

		*step = (struct step) { .op = &work->ops[group->first + i], .bdf = bdf };
		if (!open_step(work, step))
			return false;
	}
	return true;
}

static bool is_selected(struct setpci_work *work, const struct setpci_group *group,
			const struct selection *selection, struct hws_bdf bdf)
{
	struct hws_pci_info info = { .size = sizeof(info) };
	char text[HWS_BDF_TEXT];

	if (!select_slot(selection, &bdf))
		return false;
	return !group->id || (hws_pci_get_info(work->hw, hws_bdf_format(bdf, text), &info) == 0 &&
			      select_id(selection, &info));
}

static bool plan_group(struct setpci_work *work, size_t index)
{
	const struct setpci_group *group = &work->groups[index];
	struct selection selection;
	struct hws_bdf bdf;
	bool found = false;
	int r;

	if (!select_parse(group->slot, group->id, &selection))
		return false;
	for (r = hws_pci_next(work->hw, NULL, &bdf); r == 0 && group->count;
	     r = hws_pci_next(work->hw, &bdf, &bdf)) {
		if (!is_selected(work, group, &selection, bdf))
			continue;
		found = true;
		if (!add_steps(work, group, bdf))
			return false;
	}
	if (r < 0 && r != -ENOENT)
		return setpci_refuse("%s", *hws_why() ? hws_why() : strerror(-r));
	if (found || work->quiet)
		return true;
	setpci_refuse("%sno function is selected by group %zu%s",
		      work->strict ? "" : "warning: ", index + 1,
		      group->count ? "" : ": it has no operation");
	return !work->strict;
}

static int read_at(const struct step *step, uint32_t at, uint32_t *ret_value)
{
	struct hws_step read = hws_step_read(hws_in_pci(step->pci, at, step->op->width));
	int r = hws_batch_run(&read, 1, 0);

	if (r < 0)
		return r;
	*ret_value = (uint32_t)read.result;
	return 0;
}

static int write_at(const struct step *step, uint32_t at, uint32_t value)
{
	struct hws_step write = hws_step_write(hws_in_pci(step->pci, at, step->op->width), value);

	return hws_batch_run(&write, 1, 0);
}

static void print_place(const struct step *step)
{
	const struct setpci_op *op = step->op;
	char bdf[HWS_BDF_TEXT];

	printf("%s ", hws_bdf_format(step->bdf, bdf));
	if (op->cap)
		printf(op->extended ? "(ecap %04x @%03x) " : "(cap %02x @%02x) ", op->id,
		       step->base);
	printf("@%02x", step->at);
}

static int run_read(const struct setpci_work *work, const struct step *step)
{
	uint32_t value;
	int r = read_at(step, step->at, &value);

	if (r < 0)
		return r;
	if (work->verbose) {
		print_place(step);
		fputs(" = ", stdout);
	}
	printf("%0*x\n", 2 * (int)step->op->width, value);
	return 0;
}

static int run_write(const struct setpci_work *work, const struct step *step)
{
	const struct setpci_op *op = step->op;
	int digits = 2 * (int)op->width;
	uint32_t at = step->at;
	int r = 0;

	if (work->verbose)
		print_place(step);
	for (size_t i = 0; i < op->count && r == 0; i++, at += op->width) {
		const struct setpci_value *v = &op->values[i];
		bool masked = v->mask != setpci_ones(op->width);
		uint32_t value = v->value;
		uint32_t old;

		r = masked ? read_at(step, at, &old) : 0;
		if (r == 0 && masked)
			value |= old & ~v->mask;
		if (r == 0 && work->verbose && masked)
			printf(" %0*x->(%0*x:%0*x)->%0*x", digits, old, digits, v->value, digits,
			       v->mask, digits, value);
		else if (r == 0 && work->verbose)
			printf(" %0*x", digits, value);
		if (r == 0 && !work->demo)
			r = write_at(step, at, value);
	}
	if (work->verbose)
		putchar('\n');
	return r;
}

bool setpci_run(struct setpci_work *work)
{
	for (size_t i = 0; i < work->group_count; i++)
		if (!plan_group(work, i))
			return false;
	for (size_t i = 0; i < work->step_count; i++) {
		const struct step *step = &work->steps[i];
		int r = (step->op->count ? run_write : run_read)(work, step);

		if (r < 0)
			return fail(step, r);
	}
	return true;
}

void setpci_fini(struct setpci_work *work)
{
	for (size_t i = 0; i < work->step_count; i++)
		hws_pci_close(work->steps[i].pci);
	for (size_t i = 0; i < work->op_count; i++)
		free(work->ops[i].values);
	free(work->steps);
	free(work->groups);
	free(work->ops);
	hws_close(work->hw);
}
