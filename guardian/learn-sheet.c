/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sheets, for who makes and reads them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "guardian/learn-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

struct hws_learn {
	struct learn_sheet *sheet;
	int fd;
};

static int make_sheet(struct hws_learn *learn)
{
	void *address;
	int r = sys_memfd_sized("hwsafe-learn", sizeof(struct learn_sheet));

	if (r < 0)
		return why(r, "no file in memory to learn on: %s", strerror(-r));
	learn->fd = r;
	r = sys_mmap(NULL, sizeof(struct learn_sheet), PROT_READ | PROT_WRITE, MAP_SHARED,
		     learn->fd, 0, &address);
	if (r < 0)
		return why(r, "no memory to learn on: %s", strerror(-r));
	learn->sheet = address;
	return 0;
}

static int put_text(const char *what, const char *text, char room[LEARN_TEXT], uint32_t *ret_has)
{
	if (!text)
		return 0;
	if (strlen(text) >= LEARN_TEXT)
		return why(-E2BIG, "%s has more than %d bytes", what, LEARN_TEXT - 1);
	memcpy(room, text, strlen(text) + 1);
	*ret_has = 1;
	return 0;
}

static int write_sheet(struct learn_sheet *sheet, const struct hws_learn_options *options)
{
	int r = put_text("the policy", options->policy, sheet->policy, &sheet->has_policy);

	if (r == 0)
		r = put_text("the machine", options->sim, sheet->sim, &sheet->has_sim);
	sheet->simulate = options->simulate;
	sheet->magic = LEARN_MAGIC;
	return r;
}

int hws_learn_open(const struct hws_learn_options *options, struct hws_learn **ret_learn)
{
	static const struct hws_learn_options defaults = { .size = sizeof(defaults) };
	struct hws_learn *learn;
	int r;

	options = options ? options : &defaults;
	if (!ret_learn || options->size != sizeof(*options))
		return why(-EINVAL, "learning needs its options' size, and a place for the sheet");
	learn = calloc(1, sizeof(*learn));
	if (!learn)
		return why(-ENOMEM, "no memory to learn");
	learn->fd = -1;
	r = make_sheet(learn);
	if (r == 0)
		r = write_sheet(learn->sheet, options);
	if (r < 0) {
		hws_learn_close(learn);
		return r;
	}
	*ret_learn = learn;
	return 0;
}

void hws_learn_close(struct hws_learn *learn)
{
	if (!learn)
		return;
	if (learn->sheet)
		sys_munmap(learn->sheet, sizeof(*learn->sheet));
	sys_close(learn->fd);
	free(learn);
}

int hws_learn_fd(const struct hws_learn *learn)
{
	return learn->fd;
}

/* Whoever holds the descriptor may have written anything: what makes no sense is left out. */
static bool read_key(const struct learn_key *key, struct hws_learned *ret)
{
	if (key->what >= HWS_LEARNEDS || key->reason >= HWS_REASONS || key->kind >= HWS_KINDS ||
	    key->first > key->last || key->slot > 31 || key->function > 7 ||
	    key->path[LEARN_PATH - 1])
		return false;
	*ret = (struct hws_learned) {
		.what = key->what,
		.reason = key->reason,
		.uid = key->uid,
		.access = {
			.kind = key->kind,
			.rights = key->rights,
			.first = key->first,
			.last = key->last,
			.bdf = { key->domain, key->bus, key->slot, key->function },
			.vendor = key->vendor,
			.device = key->device,
			.class_code = key->class_code,
			.bar = key->bar,
			.cpu = key->cpu,
			.width = key->width,
			.path = key->path[0] ? key->path : NULL,
		},
	};
	return true;
}

/* Threads that find the same value missing at once note it twice. */
static void add_value(struct hws_learned *learned, uint64_t value)
{
	for (uint32_t i = 0; i < learned->value_count; i++)
		if (learned->values[i] == value)
			return;
	learned->values[learned->value_count++] = value;
}

/* Relaxed, but for the bits of the values: counts order nothing. */
static void read_values(struct learn_slot *slot, struct hws_learned *learned)
{
	/* acquire: pairs with the release in note_value() */
	uint32_t valid = atomic_load_explicit(&slot->valid, memory_order_acquire);
	uint32_t taken = atomic_load_explicit(&slot->taken, memory_order_relaxed);

	learned->count = atomic_load_explicit(&slot->count, memory_order_relaxed);
	learned->greatest = atomic_load_explicit(&slot->greatest, memory_order_relaxed);
	learned->least = ~atomic_load_explicit(&slot->below, memory_order_relaxed);
	learned->more_values = taken > HWS_LEARN_VALUES;
	for (uint32_t i = 0; i < HWS_LEARN_VALUES; i++)
		if (valid >> i & 1)
			add_value(learned,
				  atomic_load_explicit(&slot->values[i], memory_order_relaxed));
}

int hws_learn_each(const struct hws_learn *learn, hws_learned_fn *call, void *context,
		   uint64_t *ret_lost)
{
	struct hws_learned learned;
	struct learn_key key;

	if (!learn || !call)
		return why(-EINVAL, "there is no sheet, or nobody to take its notes");
	for (uint32_t i = 0; i < LEARN_SLOTS; i++) {
		struct learn_slot *slot = &learn->sheet->slots[i];

		/* acquire: pairs with the release in find_slot() */
		if (atomic_load_explicit(&slot->state, memory_order_acquire) != LEARN_READY)
			continue;
		key = slot->key;
		if (!read_key(&key, &learned))
			continue;
		read_values(slot, &learned);
		call(&learned, context);
	}
	if (ret_lost)
		/* relaxed: it is only counted */
		*ret_lost = atomic_load_explicit(&learn->sheet->lost, memory_order_relaxed);
	return 0;
}
