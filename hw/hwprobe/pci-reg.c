/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwprobe pci get, pci set: registers of configuration space, by their names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/dump.h"
#include "hw/hwprobe/pci-name.h"
#include "hw/hwprobe/verbs.h"

static const struct args_option get_options[] = { ARGS_PCI_FILE, { 0 } };
static const struct args_option set_options[] = { ARGS_WRITE_OPTIONS, { 0 } };

/* Of the machine, or of the dump that -F names. */
enum result pci_open_machine(const struct call *call, const char *file, struct hws_bdf bdf,
			     struct hws **ret_hw)
{
	const struct dump_function *function;
	struct dump dump = { 0 };
	enum result result;
	char text[HWS_BDF_TEXT];

	if (!file)
		return call_open(call, ret_hw);
	if (call->settings.sim || call->settings.sysroot)
		return args_refuse("-F and --%s are two machines: give one of them",
				   call->settings.sim ? "sim" : "sysroot");
	result = dump_read(file, &dump);
	function = result == RESULT_OK ? dump_find(&dump, bdf) : NULL;
	if (function) {
		result = dump_open(&call->settings, function, ret_hw);
	} else if (result == RESULT_OK) {
		args_refuse("%s: there is no function %s in it", file, hws_bdf_format(bdf, text));
		result = RESULT_NOT_FOUND;
	}
	dump_fini(&dump);
	return result;
}

enum result pci_space_open(const struct call *call, const char *file, uint32_t rights,
			   struct hws **ret_hw, struct space *space)
{
	const char *bdf = call->words[0];
	struct hws_bdf parsed;
	enum result result;
	int r;

	if (hws_bdf_parse(bdf, &parsed) < 0)
		return args_refuse("'%s' is no PCI function: expected BDF, as in 00:03.0", bdf);
	result = pci_open_machine(call, file, parsed, ret_hw);
	if (result != RESULT_OK)
		return result;
	r = hws_pci_open(*ret_hw, bdf, 0, 0, rights, &space->pci);
	if (r == 0)
		r = hws_registers_load(*ret_hw, "pci", &space->registers);
	/* from here on a register that is read-only can't be written */
	if (r == 0)
		r = hws_pci_describe(space->pci, space->registers, &space->bank);
	return r < 0 ? call_fail(bdf, r) : RESULT_OK;
}

void pci_space_close(struct hws *hw, struct space *space)
{
	hws_pci_close(space->pci);
	hws_registers_unref(space->registers);
	hws_close(hw);
}

static enum result find_all(const struct call *call, const struct space *space, struct spots *spots)
{
	enum result result = RESULT_OK;

	spots->at = calloc((size_t)call->count, sizeof(*spots->at));
	if (!spots->at)
		return call_fail(call->words[0], -ENOMEM);
	for (int i = 1; i < call->count && result == RESULT_OK; i++)
		result = pci_name_find(space, call->words[i], &spots->at[spots->count++]);
	return result;
}

static enum result pci_get(const struct call *call)
{
	struct spots spots = { 0 };
	struct space space = { 0 };
	struct hws *hw = NULL;
	enum result result = pci_space_open(call, call->given[PCI_FILE].value, HWS_R, &hw, &space);

	if (result == RESULT_OK)
		result = find_all(call, &space, &spots);
	if (result == RESULT_OK)
		result = spots_read(call, &spots);
	free(spots.at);
	pci_space_close(hw, &space);
	return result;
}

/* The value that has this name; false: none has. */
static bool word_value(const struct spot *spot, const char *word, uint64_t *ret_value)
{
	uint64_t max = spot->mask >> spot->low;

	for (uint64_t value = 0; spot->registers && value <= max && value < 256; value++) {
		const char *name =
			hws_registers_word(spot->registers, spot->index, spot->field, value);

		if (name && !strcmp(name, word)) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

/* As offsets: a number that setpci would take for another is refused. */
static bool is_ambiguous(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (digits < 2 || text[1] == 'x' || text[1] == 'X' || (text[digits] && text[digits] != ':'))
		return false;
	args_refuse("value '%s': hexadecimal needs 0x: 0x%s", text, text);
	return true;
}

/* NAME=VALUE[:MASK]; a field's value may be its name. */
static enum result take_change(const struct space *space, const char *word, struct change *change)
{
	const char *equals = strchr(word, '=');
	struct spot *spot = &change->spot;
	enum result result;
	char name[SPOT_NAME];

	if (!equals || (size_t)(equals - word) >= sizeof(name))
		return args_refuse("'%s': expected NAME=VALUE[:MASK]", word);
	memcpy(name, word, (size_t)(equals - word));
	name[equals - word] = '\0';
	result = pci_name_find(space, name, spot);
	if (result != RESULT_OK)
		return result;
	if (!word_value(spot, equals + 1, &change->value)) {
		uint64_t bits = spot->mask ? spot->mask : spot_ones(spot->place.width);

		if (is_ambiguous(equals + 1) || !spot_value("value", equals + 1, bits >> spot->low,
							    &change->value, &change->mask))
			return RESULT_USAGE;
	}
	change->value <<= spot->low;
	change->mask = change->mask ? change->mask << spot->low : spot->mask;
	return RESULT_OK;
}

static enum result pci_set(const struct call *call)
{
	size_t count = (size_t)call->count - 1;
	struct change *changes = calloc(count, sizeof(*changes));
	struct space space = { 0 };
	struct hws *hw = NULL;
	enum result result;

	if (!changes)
		return call_fail(call->words[0], -ENOMEM);
	result = pci_space_open(call, NULL, HWS_RW, &hw, &space);
	for (size_t i = 0; i < count && result == RESULT_OK; i++)
		result = take_change(&space, call->words[i + 1], &changes[i]);
	if (result == RESULT_OK)
		result = spots_write(call, changes, count);
	free(changes);
	pci_space_close(hw, &space);
	return result;
}

const struct verb verb_pci_get = {
	.area = "pci",
	.name = "get",
	.words = "BDF NAME...",
	.help = "registers, by name: DevCtl.MaxPayload, 0x10.l",
	.options = get_options,
	.least = 2,
	.most = ARGS_ANY,
	.run = pci_get,
};

const struct verb verb_pci_set = {
	.area = "pci",
	.name = "set",
	.words = "BDF NAME=VALUE[:MASK]...",
	.help = "write them; a field's value may be its name",
	.options = set_options,
	.least = 2,
	.most = ARGS_ANY,
	.run = pci_set,
};
