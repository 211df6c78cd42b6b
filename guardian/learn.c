/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What contexts note on a sheet, and what of it they heed. */
#include "guardian/learn-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"

enum { PROBES = 64 }; /* slots that are looked at for a note */

/* All that a simulated machine has. */
static const char everything[] = "[everything]\n"
				 "port = * rw side claimed danger\n"
				 "msr = * rw side claimed danger\n"
				 "pci = * rw side claimed danger\n"
				 "bar = * * rw side claimed danger\n"
				 "dma = *\n"
				 "irq = *\n"
				 "cpuid = *\n";

/* Files are not simulated: what the machine's own policy says of them must not get lost. */
static const char files_are_real[] = "[learn.files-are-real]\n"
				     "deny ring = *\n"
				     "deny plugin = *\n";

/* The shape and seals of a sheet: what is mapped of it can't be taken away. */
static int map_sheet(int fd, struct learn_sheet **ret_sheet)
{
	int seals = sys_seals(fd);
	struct stat is;
	void *address;
	int r;

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || sys_fstat(fd, &is) < 0 ||
	    (size_t)is.st_size != sizeof(**ret_sheet))
		return why(-EACCES, HWS_LEARN_NAME ": descriptor %d is no sheet", fd);
	r = sys_mmap(NULL, sizeof(**ret_sheet), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0,
		     &address);
	if (r < 0)
		return why(r, HWS_LEARN_NAME ": the sheet can't be mapped: %s", strerror(-r));
	*ret_sheet = address;
	if ((*ret_sheet)->magic == LEARN_MAGIC)
		return 0;
	sys_munmap(address, sizeof(**ret_sheet));
	return why(-EACCES, HWS_LEARN_NAME ": descriptor %d is no sheet", fd);
}

static int read_texts(struct learn *learn)
{
	const struct learn_sheet *sheet = learn->sheet;

	learn->simulate = sheet->simulate;
	if (sheet->has_policy)
		learn->policy = strndup(sheet->policy, LEARN_TEXT);
	if (sheet->has_sim)
		learn->sim = strndup(sheet->sim, LEARN_TEXT);
	if ((sheet->has_policy && !learn->policy) || (sheet->has_sim && !learn->sim))
		return why(-ENOMEM, "no memory for what is learned");
	return 0;
}

static void note_context(struct learn *learn)
{
	struct hws_access self = { .kind = HWS_KIND_CPUID };
	char path[LEARN_PATH] = "";

	if (sys_readlink(SYS_REAL_ROOT, "/proc/self/exe", path, sizeof(path)) > 0)
		self.path = path;
	learn_note(learn, HWS_LEARNED_CONTEXT, &self, HWS_REASON_NONE);
}

int learn_find(struct learn **ret_learn)
{
	/* not where the program has more rights than who runs it */
	const char *text = secure_getenv(HWS_LEARN_NAME);
	HWS_CLEANUP_FREE struct learn *learn = NULL;
	int fd;
	int end = 0;
	int r;

	if (!text)
		return 0;
	/* a sheet may stand for "simulated": without it the real machine would be touched */
	if (sscanf(text, "%d%n", &fd, &end) != 1 || text[end] || fd < 0)
		return why(-EACCES, HWS_LEARN_NAME " is '%.40s', expected a descriptor's number",
			   text);
	learn = calloc(1, sizeof(*learn));
	if (!learn)
		return why(-ENOMEM, "no memory for what is learned");
	r = map_sheet(fd, &learn->sheet);
	if (r < 0)
		return r;
	learn->uid = sys_uid();
	r = read_texts(learn);
	if (r < 0) {
		learn_free(HWS_TAKE_PTR(learn));
		return r;
	}
	note_context(learn);
	*ret_learn = HWS_TAKE_PTR(learn);
	return 0;
}

void learn_free(struct learn *learn)
{
	if (!learn)
		return;
	sys_munmap(learn->sheet, sizeof(*learn->sheet));
	free(learn->policy);
	free(learn->sim);
	free(learn);
}

/* Texts, one below the other; each may be NULL. */
static int join(const char *first, const char *second, const char *third, char **ret_text)
{
	const char *texts[] = { first, second, third };
	size_t size = 1;
	char *text;
	char *at;

	for (size_t i = 0; i < 3; i++)
		size += texts[i] ? strlen(texts[i]) + 1 : 0;
	text = malloc(size);
	if (!text)
		return why(-ENOMEM, "no memory for the policy");
	at = text;
	for (size_t i = 0; i < 3; i++)
		if (texts[i])
			at = stpcpy(stpcpy(at, texts[i]), "\n");
	*at = '\0';
	*ret_text = text;
	return 0;
}

int learn_options(const struct learn *learn, struct hws_options *options, char **ret_policy)
{
	const char *own = options->policy_text;
	int r = 0;

	if (learn->simulate) {
		options->backend = "sim";
		options->sim = learn->sim;
		options->sim_name = "the simulated machine";
		r = learn->policy ? join(learn->policy, NULL, files_are_real, ret_policy)
				  : join(everything, own, files_are_real, ret_policy);
	} else if (learn->policy) {
		r = join(own, learn->policy, NULL, ret_policy);
	}
	if (r == 0 && *ret_policy)
		options->policy_text = *ret_policy;
	return r;
}

static struct learn_key key_of(const struct learn *learn, enum hws_learned_what what,
			       const struct hws_access *a, enum hws_reason reason)
{
	struct learn_key key = {
		.what = what,
		.reason = reason,
		.uid = learn->uid,
		.kind = a->kind,
		.rights = a->rights,
		.bar = a->bar,
		.cpu = a->cpu,
		.width = a->width,
		.first = a->first,
		.last = a->last,
		.domain = a->bdf.domain,
		.bus = a->bdf.bus,
		.slot = a->bdf.device,
		.function = a->bdf.function,
		.vendor = a->vendor,
		.device = a->device,
		.class_code = a->class_code,
	};

	if (a->path)
		snprintf(key.path, sizeof(key.path), "%s", a->path);
	return key;
}

/* FNV-1a: it only has to spread. */
static uint32_t hash_of(const struct learn_key *key)
{
	const unsigned char *bytes = (const unsigned char *)key;
	uint32_t hash = 0x811c9dc5;

	for (size_t i = 0; i < sizeof(*key); i++)
		hash = (hash ^ bytes[i]) * 0x01000193;
	return hash;
}

/* The note's slot, a new one if need be; NULL: there is no room. */
static struct learn_slot *find_slot(struct learn_sheet *sheet, const struct learn_key *key)
{
	uint32_t hash = hash_of(key);

	for (uint32_t i = 0; i < PROBES; i++) {
		struct learn_slot *slot = &sheet->slots[(hash + i) % LEARN_SLOTS];
		uint32_t state = LEARN_EMPTY;

		/* acquire, for a key that is there: pairs with the release below */
		if (atomic_compare_exchange_strong_explicit(&slot->state, &state, LEARN_WRITING,
							    memory_order_acquire,
							    memory_order_acquire)) {
			slot->hash = hash;
			slot->key = *key;
			/* release: the key comes before its state */
			atomic_store_explicit(&slot->state, LEARN_READY, memory_order_release);
			return slot;
		}
		if (state == LEARN_READY && slot->hash == hash &&
		    !memcmp(&slot->key, key, sizeof(*key)))
			return slot;
	}
	return NULL;
}

/* Relaxed, as all that is counted here: who reads it wants no order. */
static void raise_to(_Atomic uint64_t *cell, uint64_t value)
{
	uint64_t is = atomic_load_explicit(cell, memory_order_relaxed);

	while (is < value && !atomic_compare_exchange_weak_explicit(
				     cell, &is, value, memory_order_relaxed, memory_order_relaxed))
		;
}

static void note_value(struct learn_slot *slot, uint64_t value)
{
	/* acquire: pairs with the release below */
	uint32_t valid = atomic_load_explicit(&slot->valid, memory_order_acquire);
	uint32_t at;

	raise_to(&slot->greatest, value);
	raise_to(&slot->below, ~value);
	for (uint32_t i = 0; i < HWS_LEARN_VALUES; i++) {
		/* relaxed: its bit said that it is there */
		if (valid >> i & 1 &&
		    atomic_load_explicit(&slot->values[i], memory_order_relaxed) == value)
			return;
	}
	/* relaxed: only the number counts */
	if (atomic_load_explicit(&slot->taken, memory_order_relaxed) > HWS_LEARN_VALUES)
		return;
	at = atomic_fetch_add_explicit(&slot->taken, 1, memory_order_relaxed);
	if (at >= HWS_LEARN_VALUES)
		return;
	atomic_store_explicit(&slot->values[at], value, memory_order_relaxed);
	/* release: the value comes before its bit */
	atomic_fetch_or_explicit(&slot->valid, 1u << at, memory_order_release);
}

void learn_note(struct learn *learn, enum hws_learned_what what, const struct hws_access *access,
		enum hws_reason reason)
{
	struct learn_slot *slot = NULL;
	struct learn_key key;

	if (!learn)
		return;
	key = key_of(learn, what, access, reason);
	if (!access->path || strlen(access->path) < LEARN_PATH)
		slot = find_slot(learn->sheet, &key);
	if (!slot) {
		/* relaxed: a count orders nothing, as the next one */
		atomic_fetch_add_explicit(&learn->sheet->lost, 1, memory_order_relaxed);
		return;
	}
	atomic_fetch_add_explicit(&slot->count, 1, memory_order_relaxed);
	if (access->has & HWS_HAS_VALUE)
		note_value(slot, access->value);
}

/* Another policy, or another kernel's word, would have let these through. */
static bool is_curable(enum hws_learned_what what, enum hws_reason reason)
{
	static const uint32_t by_rules = 1u << HWS_REASON_NO_RULE | 1u << HWS_REASON_DENY_RULE |
					 1u << HWS_REASON_WIDTH | 1u << HWS_REASON_MASK |
					 1u << HWS_REASON_VALUE | 1u << HWS_REASON_LIMIT |
					 1u << HWS_REASON_RATE | 1u << HWS_REASON_DANGER |
					 1u << HWS_REASON_CLAIMED | 1u << HWS_REASON_STALE;

	return (by_rules >> reason & 1) ||
	       (what == HWS_LEARNED_WINDOW && reason == HWS_REASON_KERNEL);
}

void learn_refusal(struct learn *learn, enum hws_learned_what what, const struct hws_access *access,
		   enum hws_reason reason)
{
	if (learn && is_curable(what, reason))
		learn_note(learn, what, access, reason);
}

void learn_held(struct learn *learn, const struct hws_access *window, uint64_t bytes, uint64_t maps,
		enum hws_reason reason)
{
	struct hws_access held = *window;

	held.path = NULL;
	held.has = HWS_HAS_VALUE;
	held.first = held.last = 0;
	held.value = bytes;
	learn_note(learn, HWS_LEARNED_HELD, &held, reason);
	held.first = held.last = 1;
	held.value = maps;
	learn_note(learn, HWS_LEARNED_HELD, &held, reason);
}
