/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hw/registers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guardian/context-internal.h"
#include "hw/registers-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

/* What embed.sh made of registers/. */
extern const char registers_cmos[];
extern const char registers_edu[];
extern const char registers_msr[];
extern const char registers_nvme[];
extern const char registers_pci[];
extern const char registers_pci_testdev[];

static const struct {
	const char *name;
	const char *text;
} shipped[] = {
	{ "cmos", registers_cmos }, { "edu", registers_edu },
	{ "msr", registers_msr },   { "nvme", registers_nvme },
	{ "pci", registers_pci },   { "pci-testdev", registers_pci_testdev },
};

const char *hws_registers_shipped(unsigned int index)
{
	return index < TEXT_COUNT(shipped) ? shipped[index].name : NULL;
}

const char *hws_attribute_name(enum hws_attribute attribute)
{
	static const char *const names[HWS_ATTRIBUTES] = {
		[HWS_ATTRIBUTE_RO] = "ro",     [HWS_ATTRIBUTE_WO] = "wo",
		[HWS_ATTRIBUTE_RW] = "rw",     [HWS_ATTRIBUTE_W1C] = "w1c",
		[HWS_ATTRIBUTE_RCLR] = "rclr", [HWS_ATTRIBUTE_FIFO] = "fifo",
	};

	return (unsigned int)attribute < HWS_ATTRIBUTES ? names[attribute] : "?";
}

bool hws_attribute_side(enum hws_attribute attribute)
{
	return attribute == HWS_ATTRIBUTE_WO || attribute == HWS_ATTRIBUTE_RCLR ||
	       attribute == HWS_ATTRIBUTE_FIFO;
}

struct hws_registers *hws_registers_ref(struct hws_registers *registers)
{
	/* relaxed: who gives a reference on has one */
	atomic_fetch_add_explicit(&registers->holders, 1, memory_order_relaxed);
	return registers;
}

static void release(struct hws_registers *registers)
{
	free(registers->regs);
	free(registers->fields);
	free(registers->words);
	free(registers->text);
	free(registers);
}

void hws_registers_unref(struct hws_registers *registers)
{
	/* acq_rel: the last one must see what the others did, and they must be done */
	if (registers &&
	    atomic_fetch_sub_explicit(&registers->holders, 1, memory_order_acq_rel) == 1)
		release(registers);
}

static void unref_p(struct hws_registers **registers)
{
	hws_registers_unref(*registers);
}

/* Tells errors on, and keeps the first of them. */
struct reporter {
	void (*report)(const char *message, void *context);
	void *context;
	char first[256];
};

static void report_on(const char *message, void *context)
{
	struct reporter *reporter = context;

	if (!*reporter->first)
		snprintf(reporter->first, sizeof(reporter->first), "%s", message);
	if (reporter->report)
		reporter->report(message, reporter->context);
}

/* Takes the text, whatever comes of it. */
static int make(const char *name, char *text, struct reporter *reporter,
		struct hws_registers **ret_registers)
{
	__attribute__((cleanup(unref_p))) struct hws_registers *made = calloc(1, sizeof(*made));
	int r;

	if (!made || !text) {
		free(text);
		return why(-ENOMEM, "no memory for the description %s", name);
	}
	atomic_init(&made->holders, 1);
	made->text = text;
	r = registers_read(made, name, report_on, reporter);
	if (r < 0)
		return why(r, "no memory for the description %s", name);
	if (r > 1)
		return why(-EBADMSG, "%s (and %d more)", reporter->first, r - 1);
	if (r > 0)
		return why(-EBADMSG, "%s", reporter->first);
	*ret_registers = HWS_TAKE_PTR(made);
	return 0;
}

int hws_registers_parse(const char *name, const char *text,
			void (*report)(const char *message, void *context), void *context,
			struct hws_registers **ret_registers)
{
	struct reporter reporter = { .report = report, .context = context };

	if (!name || !text)
		return why(-EINVAL, "a description has a name and a text");
	if (strnlen(text, HWS_REGISTERS_TEXT_MAX + 1) > HWS_REGISTERS_TEXT_MAX)
		return why(-EFBIG, "%s: a description has at most %u bytes", name,
			   HWS_REGISTERS_TEXT_MAX);
	return make(name, strdup(text), &reporter, ret_registers);
}

static int load_file(struct hws *hw, const char *path, struct hws_registers **ret_registers)
{
	HWS_CLEANUP_FREE char *text = malloc(HWS_REGISTERS_TEXT_MAX + 1);
	struct reporter reporter = { 0 };
	ssize_t size;

	if (!text)
		return why(-ENOMEM, "no memory for the description %s", path);
	size = sys_read_file(hw->root, path, text, HWS_REGISTERS_TEXT_MAX + 1);
	if (size == -EFBIG)
		return why(-EFBIG, "%s: a description has at most %u bytes", path,
			   HWS_REGISTERS_TEXT_MAX);
	if (size < 0)
		return why((int)size, "%s: %s", path, strerror((int)-size));
	if (strlen(text) != (size_t)size)
		return why(-EBADMSG, "%s:1:%zu: found a NUL, expected text", path,
			   strlen(text) + 1);
	return make(path, strdup(text), &reporter, ret_registers);
}

static int no_description(const char *name)
{
	char list[96] = "";
	size_t n = 0;

	for (size_t i = 0; i < TEXT_COUNT(shipped) && n < sizeof(list); i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "",
				      shipped[i].name);
	return why(-ENOENT,
		   "no description '%.64s' comes with the library: there are %s; the path of a "
		   "file has a '/'",
		   name, list);
}

int hws_registers_load(struct hws *hw, const char *name, struct hws_registers **ret_registers)
{
	if (!name)
		return why(-EINVAL, "a description has a name");
	if (strchr(name, '/') && !hw)
		return why(-EINVAL, "%s: a file is opened by a context", name);
	if (strchr(name, '/'))
		return load_file(hw, name, ret_registers);
	for (size_t i = 0; i < TEXT_COUNT(shipped); i++) {
		if (!strcmp(shipped[i].name, name))
			return hws_registers_parse(name, shipped[i].text, NULL, NULL,
						   ret_registers);
	}
	return no_description(name);
}

bool hws_registers_match(const struct hws_registers *registers, uint16_t vendor, uint16_t device,
			 uint32_t class_code)
{
	return (registers->id && registers->id == ((uint32_t)vendor << 16 | device)) ||
	       (registers->has_class && registers->class_code == class_code);
}

uint32_t hws_registers_count(const struct hws_registers *registers)
{
	return registers->reg_count;
}

int hws_registers_at(const struct hws_registers *registers, uint32_t index,
		     struct hws_register *ret_register)
{
	if (index >= registers->reg_count)
		return why(-ERANGE, "there is no register %u: there are %u", index,
			   registers->reg_count);
	*ret_register = registers->regs[index].is;
	return 0;
}

static const struct reg *find_reg(const struct hws_registers *registers, const char *name,
				  size_t length)
{
	for (uint32_t i = 0; i < registers->reg_count; i++) {
		const char *at = registers->regs[i].is.name;

		if (strlen(at) == length && !memcmp(at, name, length))
			return &registers->regs[i];
	}
	return NULL;
}

static const struct field *find_field(const struct hws_registers *registers, const struct reg *reg,
				      const char *name)
{
	for (uint32_t i = 0; i < reg->is.fields; i++) {
		const struct field *field = &registers->fields[reg->first_field + i];

		if (!strcmp(field->is.name, name))
			return field;
	}
	return NULL;
}

/* "; there are A, B and 7 others": names that begin alike before all others, as far as they fit. */
static int no_register(const struct hws_registers *registers, const char *name, size_t length)
{
	char list[160] = "";
	uint32_t told = 0;
	size_t n = 0;

	for (int all = 0; all < 2 && n == 0; all++) {
		for (uint32_t i = 0; i < registers->reg_count && n < sizeof(list) / 2; i++) {
			const char *at = registers->regs[i].is.name;

			if (!all && strncasecmp(at, name, length < 2 ? length : 2) != 0)
				continue;
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "",
					      at);
			told++;
		}
	}
	if (told == registers->reg_count)
		return why(-ENOENT, "there is no register '%.*s'; there are %s", (int)length, name,
			   list);
	return why(-ENOENT, "there is no register '%.*s'; there are %s and %u others", (int)length,
		   name, list, registers->reg_count - told);
}

static int no_field(const struct hws_registers *registers, const struct reg *reg, const char *name)
{
	char list[160] = "";
	size_t n = 0;

	for (uint32_t i = 0; i < reg->is.fields && n < sizeof(list) / 2; i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "",
				      registers->fields[reg->first_field + i].is.name);
	return why(-ENOENT, "%s has no field '%.31s'; it has %s", reg->is.name, name,
		   n ? list : "none");
}

int registers_resolve(const struct hws_registers *registers, const char *name,
		      const struct reg **ret_reg, const struct field **ret_field)
{
	size_t length = strcspn(name, ".");
	const struct reg *reg = find_reg(registers, name, length);
	const struct field *field = NULL;

	if (!reg)
		return no_register(registers, name, length > 64 ? 64 : length);
	if (name[length]) {
		field = find_field(registers, reg, name + length + 1);
		if (!field)
			return no_field(registers, reg, name + length + 1);
	}
	*ret_reg = reg;
	*ret_field = field;
	return 0;
}

int hws_registers_find(const struct hws_registers *registers, const char *name, uint32_t *ret_index)
{
	const struct reg *reg = find_reg(registers, name, strlen(name));

	if (!reg)
		return no_register(registers, name, strnlen(name, 64));
	*ret_index = (uint32_t)(reg - registers->regs);
	return 0;
}

static const struct field *field_at(const struct hws_registers *registers, uint32_t index,
				    uint32_t field)
{
	const struct reg *reg = index < registers->reg_count ? &registers->regs[index] : NULL;

	return reg && field < reg->is.fields ? &registers->fields[reg->first_field + field] : NULL;
}

int hws_registers_field_at(const struct hws_registers *registers, uint32_t index, uint32_t field,
			   struct hws_field *ret_field)
{
	const struct field *found = field_at(registers, index, field);

	if (!found)
		return why(-ERANGE, "register %u has no field %u", index, field);
	*ret_field = found->is;
	return 0;
}

const char *hws_registers_word(const struct hws_registers *registers, uint32_t index,
			       uint32_t field, uint64_t value)
{
	const struct field *found = field_at(registers, index, field);

	for (uint32_t i = 0; found && i < found->is.words; i++) {
		const struct field_word *word = &registers->words[found->first_word + i];

		if (word->number == value)
			return word->name;
	}
	return NULL;
}
