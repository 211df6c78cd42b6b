/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The statements that make ports, PCI functions, BARs and their registers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/sim-parse-internal.h"

#define EXPECT_LATENCY "a time of up to 100ms in ns, us or ms"
#define LATENCY_MAX    100000000

static const struct sim_behaviour *const behaviours[] = { &sim_cmos, &sim_edu };
static const char *const behaviour_names[] = { "cmos", "edu", NULL };

/* What ports and bar share; false with an error reported. */
static bool furnish(struct sim_parser *parser, struct sim_space *space,
		    const struct text_value *memory, const struct text_value *is)
{
	if (memory->word) {
		if (space->size > parser->sim->memory_left) {
			text_error(&parser->text, memory->word,
				   "no more than 64M of memory in all");
			return false;
		}
		parser->sim->memory_left -= space->size;
		space->memory = true;
	}
	if (is->word) {
		const struct sim_behaviour *behaviour = behaviours[is->number];

		if (memory->word || space->size < behaviour->size ||
		    space->kind != (behaviour->ports ? SIM_SPACE_PORTS : SIM_SPACE_MEM)) {
			text_error(&parser->text, is->word, "it alone on %s of at least 0x%llx",
				   behaviour->ports ? "ports" : "a mem BAR",
				   (unsigned long long)behaviour->size);
			return false;
		}
		space->behaviour = behaviour;
	}
	return true;
}

/* ports FIRST COUNT [is NAME] [memory] [latency TIME] [owner NAME] */
enum { PORTS_FIRST, PORTS_COUNT, PORTS_IS, PORTS_MEMORY, PORTS_LATENCY, PORTS_OWNER };
static const struct text_field ports_fields[] = {
	[PORTS_FIRST] = { NULL, word_number, "a port from 0 to 0xffff", 0, 0xffff },
	[PORTS_COUNT] = { NULL, word_number, "a count of ports from 1 to 0x10000", 1, 0x10000 },
	[PORTS_IS] = { "is", word_choice, "cmos or edu", .choices = behaviour_names },
	[PORTS_MEMORY] = { "memory" },
	[PORTS_LATENCY] = { "latency", word_duration, EXPECT_LATENCY, 0, LATENCY_MAX },
	[PORTS_OWNER] = { "owner", word_string, "at most 31 characters", 1, 31 },
};

static void apply_ports(struct text_parser *text, const struct text_value *values)
{
	struct sim_parser *parser = (struct sim_parser *)text;
	uint64_t first = values[PORTS_FIRST].number;
	uint64_t count = values[PORTS_COUNT].number;
	struct sim_space *space;

	if (!hws_range_ok(first, count, 0x10000)) {
		text_error(&parser->text, values[PORTS_COUNT].word, "ports that end at 0xffff");
		return;
	}
	if (sim_ports_at(parser->sim, first, count)) {
		text_error(&parser->text, values[PORTS_FIRST].word, TEXT_EXPECT_NO_OVERLAP);
		return;
	}
	space = text_allocate(&parser->text, sizeof(*space));
	if (!space)
		return;
	*space = (struct sim_space) { .next = parser->sim->ports,
				      .kind = SIM_SPACE_PORTS,
				      .first = first,
				      .size = count,
				      .latency_ns = values[PORTS_LATENCY].number };
	sim_copy(space->owner, &values[PORTS_OWNER]);
	parser->sim->ports = space;
	if (furnish(parser, space, &values[PORTS_MEMORY], &values[PORTS_IS]))
		parser->space = space;
}

/*
 * pci BDF VENDOR:DEVICE class N [subsystem VENDOR:DEVICE] [revision N] [unplug N] [driver NAME]
 *     [users TEXT] [group N] [node N]
 */
enum {
	PCI_BDF,
	PCI_ID,
	PCI_CLASS,
	PCI_SUBSYSTEM,
	PCI_REVISION,
	PCI_UNPLUG,
	PCI_DRIVER,
	PCI_USERS,
	PCI_GROUP,
	PCI_NODE,
};
static const struct text_field pci_fields[] = {
	[PCI_BDF] = { NULL, sim_bdf, "an address as 0000:00:03.0" },
	[PCI_ID] = { NULL, word_id, "vendor and device as 1234:11e8" },
	[PCI_CLASS] = { "class", word_number, "a class of 24 bits", 0, 0xffffff, .must = true },
	[PCI_SUBSYSTEM] = { "subsystem", word_id, "vendor and device as 1234:11e8" },
	[PCI_REVISION] = { "revision", word_number, "a number of up to 8 bits", 0, 0xff },
	[PCI_UNPLUG] = { "unplug", word_number, "a number of accesses", 0, UINT64_MAX },
	[PCI_DRIVER] = { "driver", word_string, "at most 31 characters", 1, 31 },
	[PCI_USERS] = { "users", word_string, "at most 63 characters", 1, 63 },
	[PCI_GROUP] = { "group", word_number, "the number of a group", 0, INT32_MAX },
	[PCI_NODE] = { "node", word_number, "the number of a node", 0, INT32_MAX },
};

/* The header (PCI 3.0 §6.1), as far as the line says it. */
static void fill_header(struct sim_function *function, const struct text_value *values)
{
	sim_config_put(function, 0x00, 2, (uint32_t)values[PCI_ID].number);
	sim_config_put(function, 0x02, 2, (uint32_t)values[PCI_ID].second);
	sim_config_put(function, 0x08, 1, (uint32_t)values[PCI_REVISION].number);
	sim_config_put(function, 0x09, 3, (uint32_t)values[PCI_CLASS].number);
	sim_config_put(function, 0x2c, 2, (uint32_t)values[PCI_SUBSYSTEM].number);
	sim_config_put(function, 0x2e, 2, (uint32_t)values[PCI_SUBSYSTEM].second);
}

static int32_t number_or_none(const struct text_value *value)
{
	return value->word ? (int32_t)value->number : -1;
}

/* What configuration space does not tell. */
static void fill_facts(struct sim_function *function, const struct text_value *values)
{
	function->unplugs = values[PCI_UNPLUG].word != NULL;
	function->accesses_left = values[PCI_UNPLUG].number;
	function->iommu_group = number_or_none(&values[PCI_GROUP]);
	function->numa_node = number_or_none(&values[PCI_NODE]);
	sim_copy(function->driver, &values[PCI_DRIVER]);
	sim_copy(function->users, &values[PCI_USERS]);
}

static void apply_pci(struct text_parser *text, const struct text_value *values)
{
	struct sim_parser *parser = (struct sim_parser *)text;
	struct sim_function **at = &parser->sim->functions;
	uint64_t order = values[PCI_BDF].number;
	struct sim_function *function;

	while (*at && sim_bdf_order((*at)->bdf) < order)
		at = &(*at)->next;
	if (*at && sim_bdf_order((*at)->bdf) == order) {
		text_error(&parser->text, values[PCI_BDF].word, TEXT_EXPECT_NO_OVERLAP);
		return;
	}
	function = text_allocate(&parser->text, sizeof(*function));
	if (!function)
		return;
	function->next = *at;
	*at = function;
	function->bdf = sim_bdf_from_order(order);
	fill_facts(function, values);
	sim_config_init(function);
	fill_header(function, values);
	parser->function = function;
}

/* cap NAME, as enum sim_capability */
static const char *const capability_names[] = { "pm", "msi", "pcie", NULL };
static const struct text_field cap_fields[] = {
	{ NULL, word_choice, "one of pm, msi, pcie", .choices = capability_names },
};

static void apply_cap(struct text_parser *text, const struct text_value *values)
{
	struct sim_parser *parser = (struct sim_parser *)text;
	if (!sim_config_capability(parser->function, (enum sim_capability)values[0].number))
		text_error(&parser->text, values[0].word,
			   "a capability that finds room below 0x100");
}

/* bar INDEX KIND SIZE [prefetch] [is NAME] [memory] [latency TIME] */
enum { BAR_INDEX, BAR_KIND, BAR_SIZE, BAR_PREFETCH, BAR_IS, BAR_MEMORY, BAR_LATENCY };
static const char *const bar_kinds[] = { "mem", "mem64", "io", NULL };
static const struct bar_kind {
	enum sim_space_kind kind;
	uint32_t slots; /* 32-bit registers that it takes */
	uint64_t smallest;
	uint64_t largest;
	const char *expected;
} bar_limits[] = {
	{ SIM_SPACE_MEM, 1, 16, 256 << 20, "a power of two from 16 to 256M" },
	{ SIM_SPACE_MEM64, 2, 16, 256 << 20, "a power of two from 16 to 256M" },
	{ SIM_SPACE_IO, 1, 4, 256, "a power of two from 4 to 256" },
};
static const struct text_field bar_fields[] = {
	[BAR_INDEX] = { NULL, word_number, "a BAR from 0 to 5", 0, SIM_BARS - 1 },
	[BAR_KIND] = { NULL, word_choice, "one of mem, mem64, io", .choices = bar_kinds },
	[BAR_SIZE] = { NULL, word_size, "a size", 0, UINT64_MAX },
	[BAR_PREFETCH] = { "prefetch" },
	[BAR_IS] = { "is", word_choice, "cmos or edu", .choices = behaviour_names },
	[BAR_MEMORY] = { "memory" },
	[BAR_LATENCY] = { "latency", word_duration, EXPECT_LATENCY, 0, LATENCY_MAX },
};

/* Are the 32-bit registers from @bar on, @slots of them, in nobody's use? */
static bool bar_is_free(const struct sim_function *function, uint64_t bar, uint32_t slots)
{
	const struct sim_space *before = bar > 0 ? function->bars[bar - 1] : NULL;

	return bar + slots <= SIM_BARS && !function->bars[bar] &&
	       !(before && before->kind == SIM_SPACE_MEM64) &&
	       !(slots == 2 && function->bars[bar + 1]);
}

static void apply_bar(struct text_parser *text, const struct text_value *values)
{
	struct sim_parser *parser = (struct sim_parser *)text;
	const struct bar_kind *kind = &bar_limits[values[BAR_KIND].number];
	uint32_t bar = (uint32_t)values[BAR_INDEX].number;
	uint64_t size = values[BAR_SIZE].number;
	struct sim_space *space;

	if (parser->function->exact || !bar_is_free(parser->function, bar, kind->slots)) {
		text_error(&parser->text, values[BAR_INDEX].word, "a BAR that is free");
		return;
	}
	if (size < kind->smallest || size > kind->largest || (size & (size - 1)) != 0) {
		text_error(&parser->text, values[BAR_SIZE].word, "%s", kind->expected);
		return;
	}
	space = text_allocate(&parser->text, sizeof(*space));
	if (!space)
		return;
	*space = (struct sim_space) { .kind = kind->kind,
				      .size = size,
				      .latency_ns = values[BAR_LATENCY].number };
	parser->function->bars[bar] = space;
	if (!sim_config_bar(parser->sim, parser->function, bar, values[BAR_PREFETCH].word != NULL))
		text_error(&parser->text, values[BAR_SIZE].word,
			   "BARs that fit below 0xfec00000 in all");
	else if (furnish(parser, space, &values[BAR_MEMORY], &values[BAR_IS]))
		parser->space = space;
}

/*
 * reg OFFSET WIDTH ATTRIBUTE [value N] [mask N] [step N] [depth N] [raises OFFSET] [clears OFFSET]
 *     [follows OFFSET] [split]
 */
enum {
	REG_WIDTH = SIM_REG_FIELDS,
	REG_ATTRIBUTE,
	REG_DEPTH,
	REG_RAISES,
	REG_CLEARS,
	REG_FOLLOWS,
	REG_SPLIT,
};
static const char *const widths[] = { "1", "2", "4", "8", NULL };
/* as enum sim_attribute */
static const char *const attributes[] = {
	"ro", "wo", "rw", "w1c", "rclr", "counter", "fifo", NULL
};
static const struct text_field reg_fields[] = {
	[SIM_REG_AT] = { NULL, word_number, "an offset", 0, UINT64_MAX },
	SIM_REGISTER_FIELDS,
	[REG_WIDTH] = { NULL, word_choice, "a width: 1, 2, 4 or 8", .choices = widths },
	[REG_ATTRIBUTE] = { NULL, word_choice, "one of ro, wo, rw, w1c, rclr, counter, fifo",
			    .choices = attributes },
	[REG_DEPTH] = { "depth", word_number, "a depth from 1 to 4096", 1, 4096 },
	[REG_RAISES] = { "raises", word_number, "an offset", 0, UINT64_MAX },
	[REG_CLEARS] = { "clears", word_number, "an offset", 0, UINT64_MAX },
	[REG_FOLLOWS] = { "follows", word_number, "an offset", 0, UINT64_MAX },
	[REG_SPLIT] = { "split" },
};

/* Reports and gives false when the register can't stand there. */
static bool place_ok(struct sim_parser *parser, const struct text_value *values, uint32_t width)
{
	const struct sim_space *space = parser->space;
	bool ports = space->kind == SIM_SPACE_PORTS || space->kind == SIM_SPACE_IO;
	uint64_t at = values[SIM_REG_AT].number;

	if (space->behaviour)
		text_error(&parser->text, values[SIM_REG_AT].word - 1, "no registers in what is %s",
			   space->behaviour->name);
	else if (width > (ports ? 4 : 8))
		text_error(&parser->text, values[REG_WIDTH].word, "at most 4, for ports");
	else if (!hws_range_ok(at, width, space->size))
		text_error(&parser->text, values[SIM_REG_AT].word, "a register that ends at 0x%llx",
			   (unsigned long long)space->size);
	else if (at % width != 0)
		text_error(&parser->text, values[SIM_REG_AT].word, "a multiple of its width");
	else if (sim_register_at(space, at, width))
		text_error(&parser->text, values[SIM_REG_AT].word, TEXT_EXPECT_NO_OVERLAP);
	return !parser->text.line_failed;
}

/* Reports fields that don't go with the attribute. */
static bool fields_ok(struct sim_parser *parser, const struct text_value *values)
{
	enum sim_attribute attribute = (enum sim_attribute)values[REG_ATTRIBUTE].number;
	bool whole = attribute == SIM_FIFO || attribute == SIM_COUNTER || attribute == SIM_RCLR;

	if (attribute == SIM_FIFO && !values[REG_DEPTH].word)
		text_error(&parser->text, parser->text.next, "'depth'");
	if (attribute != SIM_FIFO && values[REG_DEPTH].word)
		text_error(&parser->text, values[REG_DEPTH].word - 1, "it only for a fifo");
	if (attribute != SIM_RO && values[REG_FOLLOWS].word)
		text_error(&parser->text, values[REG_FOLLOWS].word - 1, "it only for ro");
	if (whole && values[REG_SPLIT].word)
		text_error(&parser->text, values[REG_SPLIT].word, "it only for ro, wo, rw and w1c");
	return !parser->text.line_failed;
}

/* The register that a link names: one of the lines above. */
static struct sim_register *target(struct sim_parser *parser, const struct text_value *link)
{
	struct sim_register *reg;

	if (!link->word)
		return NULL;
	reg = sim_register_at(parser->space, link->number, 1);
	if (!reg || reg->offset != link->number || reg->attribute == SIM_FIFO)
		text_error(&parser->text, link->word,
			   "the offset of a register above that is no fifo");
	return reg;
}

static void apply_reg(struct text_parser *text, const struct text_value *values)
{
	struct sim_parser *parser = (struct sim_parser *)text;
	uint32_t width = 1u << values[REG_WIDTH].number;
	struct sim_register *raises;
	struct sim_register *clears;
	struct sim_register *follows;
	struct sim_register *reg;

	if (!place_ok(parser, values, width) || !fields_ok(parser, values))
		return;
	raises = target(parser, &values[REG_RAISES]);
	clears = target(parser, &values[REG_CLEARS]);
	follows = target(parser, &values[REG_FOLLOWS]);
	if (parser->text.line_failed)
		return;
	reg = sim_make_register(parser, values, (enum sim_attribute)values[REG_ATTRIBUTE].number,
				width);
	if (!reg)
		return;
	reg->raises = raises;
	reg->clears = clears;
	reg->follows = follows;
	reg->depth = (uint32_t)values[REG_DEPTH].number;
	reg->split = values[REG_SPLIT].word != NULL;
	sim_add_register(parser->space, reg);
}

const struct text_statement sim_says_ports = {
	"ports", 0, SIM_IN_SPACE, NULL, ports_fields, TEXT_COUNT(ports_fields), apply_ports
};
const struct text_statement sim_says_pci = { "pci",    0,	   SIM_IN_PCI,
					     NULL,     pci_fields, TEXT_COUNT(pci_fields),
					     apply_pci };
const struct text_statement sim_says_cap = { "cap",    SIM_IN_PCI, 0,
					     "pci",    cap_fields, TEXT_COUNT(cap_fields),
					     apply_cap };
const struct text_statement sim_says_bar = { "bar",    SIM_IN_PCI, SIM_IN_SPACE,
					     "pci",    bar_fields, TEXT_COUNT(bar_fields),
					     apply_bar };
const struct text_statement sim_says_reg = { "reg",	     SIM_IN_SPACE, 0,
					     "bar or ports", reg_fields,   TEXT_COUNT(reg_fields),
					     apply_reg };
