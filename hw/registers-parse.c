/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads a description of registers: the statements for registers, fields and their values. */
#include <errno.h>
#include <string.h>

#include "guardian/policy-internal.h"
#include "hw/registers-parse-internal.h"

/* Where an offset must end, and what can be accessed at once. */
static const struct space {
	uint64_t end;
	uint32_t widest;
	const char *widths;
} spaces[HWS_SPACES] = {
	[HWS_SPACE_BAR] = { UINT64_MAX, 8, "a width: 1, 2, 4 or 8" },
	[HWS_SPACE_PORTS] = { REGISTERS_PORT_MAX + 1, 4, "a width: 1, 2 or 4" },
	[HWS_SPACE_INDEXED] = { 0x100, 1, "the width 1" },
	[HWS_SPACE_MSR] = { UINT64_C(1) << 32, 8, "the width 8" },
	[HWS_SPACE_CONFIG] = { 0x1000, 4, "a width: 1, 2 or 4" },
	[HWS_SPACE_CAPABILITY] = { 0xc0, 4, "a width: 1, 2 or 4" },
	[HWS_SPACE_EXTENDED] = { 0xf00, 4, "a width: 1, 2 or 4" },
};

/* Ends a word with a NUL, in the text that the description owns. */
static const char *own(const struct parser *p, const struct text_word *word)
{
	char *text = p->made->text + (word->text - p->made->text);

	text[word->length] = '\0';
	return text;
}

static const char *own_or_empty(const struct parser *p, const struct text_value *value)
{
	return value->word ? own(p, value->word) : "";
}

static bool is_name(const struct text_field *field, const struct text_word *word,
		    struct text_value *ret_value)
{
	(void)field, (void)ret_value;
	if (word->length == 0 || word->length > REGISTERS_NAME)
		return false;
	for (size_t i = 0; i < word->length; i++) {
		char c = word->text[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-')))
			return false;
	}
	return true;
}

/* Any text that can be shown; its length between min and max. */
static bool is_text(const struct text_field *field, const struct text_word *word,
		    struct text_value *ret_value)
{
	for (size_t i = 0; i < word->length; i++) {
		if ((unsigned char)word->text[i] < ' ' || word->text[i] == 0x7f)
			return false;
	}
	return word_string(field, word, ret_value);
}

/* "7" or "15:8": high and low. */
static bool is_bits(const struct text_field *field, const struct text_word *word,
		    struct text_value *ret_value)
{
	const char *at = word->text;
	const char *end = at + word->length;

	(void)field;
	if (!text_digits(&at, end, 10, &ret_value->number))
		return false;
	ret_value->second = ret_value->number;
	if (at < end && (*at++ != ':' || !text_digits(&at, end, 10, &ret_value->second)))
		return false;
	return at == end && ret_value->second <= ret_value->number && ret_value->number < 64;
}

/* reg NAME OFFSET WIDTH ATTRIBUTE [reset N] [text T] */
enum { REG_NAME, REG_OFFSET, REG_WIDTH, REG_ATTRIBUTE, REG_RESET, REG_TEXT };
static const char *const widths[] = { "1", "2", "4", "8", NULL };
/* as enum hws_attribute; fields may have those from FIELD_RO on */
static const char *const attributes[] = { "ro", "wo", "rw", "w1c", "rclr", "fifo", NULL };
#define EXPECT_NAME "a name: up to 31 letters, digits, _ and -, a letter first"
#define EXPECT_TEXT "at most 255 characters, none of them control characters"
static const struct text_field reg_fields[] = {
	[REG_NAME] = { NULL, is_name, EXPECT_NAME },
	[REG_OFFSET] = { NULL, word_number, "an offset", 0, UINT64_MAX },
	[REG_WIDTH] = { NULL, word_choice, "a width: 1, 2, 4 or 8", .choices = widths },
	[REG_ATTRIBUTE] = { NULL, word_choice, "one of ro, wo, rw, w1c, rclr, fifo",
			    .choices = attributes },
	[REG_RESET] = { "reset", word_number, "a number", 0, UINT64_MAX },
	[REG_TEXT] = { "text", is_text, EXPECT_TEXT, 0, 255 },
};

static bool overlaps(const struct hws_register *a, const struct hws_register *b)
{
	uint64_t a_size = a->space == HWS_SPACE_MSR ? 1 : a->width;
	uint64_t b_size = b->space == HWS_SPACE_MSR ? 1 : b->width;

	return a->space == b->space && a->which == b->which && a->offset < b->offset + b_size &&
	       b->offset < a->offset + a_size;
}

/* Reports and gives false when the register can't be there. */
static bool place_ok(struct parser *p, const struct hws_register *reg,
		     const struct text_value *values)
{
	const struct space *space = &spaces[reg->space];
	uint64_t first = reg->space == HWS_SPACE_PORTS ? reg->which : 0;
	uint64_t size = reg->space == HWS_SPACE_MSR ? 1 : reg->width;

	if (reg->width > space->widest || (reg->space == HWS_SPACE_MSR && reg->width != 8))
		text_error(&p->text, values[REG_WIDTH].word, "%s", space->widths);
	else if (!hws_range_ok(reg->offset, size, space->end - first))
		text_error(&p->text, values[REG_OFFSET].word, "a register that ends at 0x%llx",
			   (unsigned long long)(space->end - first));
	else if (reg->space != HWS_SPACE_PORTS && reg->offset % size)
		text_error(&p->text, values[REG_OFFSET].word, "a multiple of its width");
	else if (reg->reset > UINT64_MAX >> (64 - 8 * reg->width))
		text_error(&p->text, values[REG_RESET].word, "a number of %u bits", 8 * reg->width);
	return !p->text.line_failed;
}

/* Reports and gives false when another register has its name or its place. */
static bool is_new(struct parser *p, const struct hws_register *reg,
		   const struct text_value *values)
{
	const struct hws_registers *made = p->made;

	for (uint32_t i = 0; i < made->reg_count; i++) {
		if (text_is(values[REG_NAME].word, made->regs[i].is.name))
			text_error(&p->text, values[REG_NAME].word, "a name that line %u has not",
				   made->regs[i].is.line);
		if (overlaps(reg, &made->regs[i].is))
			text_error(&p->text, values[REG_OFFSET].word, TEXT_EXPECT_NO_OVERLAP);
	}
	return !p->text.line_failed;
}

static void apply_reg(struct text_parser *text, const struct text_value *values)
{
	struct parser *p = (struct parser *)text;
	struct hws_registers *made = p->made;
	struct hws_register reg = {
		.space = p->space,
		.which = p->which,
		.offset = values[REG_OFFSET].number,
		.width = 1u << values[REG_WIDTH].number,
		.attribute = (enum hws_attribute)values[REG_ATTRIBUTE].number,
		.has_reset = values[REG_RESET].word,
		.reset = values[REG_RESET].number,
		.line = text->line,
	};

	if (!place_ok(p, &reg, values) || !is_new(p, &reg, values))
		return;
	if (made->reg_count == HWS_REGISTERS_MAX) {
		text_error(text, &text->words[0], "at most %d registers", HWS_REGISTERS_MAX);
		return;
	}
	if (!policy_grow(&made->regs, made->reg_count, sizeof(*made->regs))) {
		text->failure = -ENOMEM;
		return;
	}
	reg.name = own(p, values[REG_NAME].word);
	reg.text = own_or_empty(p, &values[REG_TEXT]);
	made->regs[made->reg_count++] =
		(struct reg) { .is = reg, .first_field = made->field_count };
}

/* field NAME BITS [ro] [rw] [w1c] [text T] */
enum { FIELD_NAME, FIELD_BITS, FIELD_RO, FIELD_RW, FIELD_W1C, FIELD_TEXT };
static const struct text_field field_fields[] = {
	[FIELD_NAME] = { NULL, is_name, EXPECT_NAME },
	[FIELD_BITS] = { NULL, is_bits, "bits as 7 or 15:8, below 64" },
	[FIELD_RO] = { "ro" },
	[FIELD_RW] = { "rw" },
	[FIELD_W1C] = { "w1c" },
	[FIELD_TEXT] = { "text", is_text, EXPECT_TEXT, 0, 255 },
};

/* The attribute that the field says; else the register's. False with an error reported. */
static bool field_attribute(struct parser *p, const struct hws_register *reg,
			    const struct text_value *values, enum hws_attribute *ret)
{
	static const enum hws_attribute meant[] = {
		[FIELD_RO] = HWS_ATTRIBUTE_RO,
		[FIELD_RW] = HWS_ATTRIBUTE_RW,
		[FIELD_W1C] = HWS_ATTRIBUTE_W1C,
	};
	bool mixed = reg->attribute == HWS_ATTRIBUTE_RW || reg->attribute == HWS_ATTRIBUTE_W1C;
	const struct text_word *said = NULL;

	*ret = reg->attribute;
	for (int i = FIELD_RO; i <= FIELD_W1C; i++) {
		if (!values[i].word)
			continue;
		if (said || !mixed)
			text_error(&p->text, values[i].word,
				   said ? "one attribute" : "it only in a register of rw or w1c");
		said = values[i].word;
		*ret = meant[i];
	}
	return !p->text.line_failed;
}

static bool field_ok(struct parser *p, const struct reg *reg, const struct hws_field *field,
		     const struct text_value *values)
{
	for (uint32_t i = 0; i < reg->is.fields; i++) {
		const struct field *other = &p->made->fields[reg->first_field + i];

		if (text_is(values[FIELD_NAME].word, other->is.name))
			text_error(&p->text, values[FIELD_NAME].word,
				   "a name that no other field of %s has", reg->is.name);
	}
	if (field->high >= 8 * reg->is.width)
		text_error(&p->text, values[FIELD_BITS].word, "bits below %u", 8 * reg->is.width);
	else if (reg->given & field_mask(field))
		text_error(&p->text, values[FIELD_BITS].word, "bits that no other field has");
	return !p->text.line_failed;
}

static void apply_field(struct text_parser *text, const struct text_value *values)
{
	struct parser *p = (struct parser *)text;
	struct hws_registers *made = p->made;
	struct reg *reg = &made->regs[made->reg_count - 1];
	struct hws_field field = { .high = (uint32_t)values[FIELD_BITS].number,
				   .low = (uint32_t)values[FIELD_BITS].second };

	if (!field_attribute(p, &reg->is, values, &field.attribute) ||
	    !field_ok(p, reg, &field, values))
		return;
	if (!policy_grow(&made->fields, made->field_count, sizeof(*made->fields))) {
		text->failure = -ENOMEM;
		return;
	}
	field.name = own(p, values[FIELD_NAME].word);
	field.text = own_or_empty(p, &values[FIELD_TEXT]);
	made->fields[made->field_count++] =
		(struct field) { .is = field, .first_word = made->word_count };
	reg->is.fields++;
	reg->given |= field_mask(&field);
}

/* value NUMBER NAME */
enum { VALUE_NUMBER, VALUE_NAME };
static const struct text_field value_fields[] = {
	[VALUE_NUMBER] = { NULL, word_number, "a number", 0, UINT64_MAX },
	[VALUE_NAME] = { NULL, is_text, "a name of 1 to 31 characters", 1, REGISTERS_NAME },
};

static void apply_value(struct text_parser *text, const struct text_value *values)
{
	struct parser *p = (struct parser *)text;
	struct hws_registers *made = p->made;
	struct field *field = &made->fields[made->field_count - 1];
	uint64_t number = values[VALUE_NUMBER].number;

	for (uint32_t i = 0; i < field->is.words; i++) {
		if (made->words[field->first_word + i].number == number)
			text_error(text, values[VALUE_NUMBER].word, "a value that has no name yet");
	}
	if (number > field_mask(&field->is) >> field->is.low)
		text_error(text, values[VALUE_NUMBER].word, "a value of %u bits",
			   field->is.high - field->is.low + 1);
	if (text->line_failed)
		return;
	if (!policy_grow(&made->words, made->word_count, sizeof(*made->words))) {
		text->failure = -ENOMEM;
		return;
	}
	made->words[made->word_count++] =
		(struct field_word) { number, own(p, values[VALUE_NAME].word) };
	field->is.words++;
}

REGISTERS_SAYS(reg, IN_SPACE, IN_REGISTER, "bar, ports, msr, config, cap or extcap");
REGISTERS_SAYS(field, IN_REGISTER, IN_FIELD, "reg");
REGISTERS_SAYS(value, IN_FIELD, 0, "field");

static const struct text_statement *const statements[] = {
	&registers_says_device, &registers_says_bar,   &registers_says_ports,  &registers_says_msr,
	&registers_says_config, &registers_says_cap,   &registers_says_extcap, &registers_says_reg,
	&registers_says_field,	&registers_says_value,
};

int registers_read(struct hws_registers *registers, const char *name, text_report_fn *report,
		   void *context)
{
	struct parser p = { .text = { .name = name,
				      .statements = statements,
				      .statement_count = TEXT_COUNT(statements),
				      .report = report,
				      .context = context },
			    .made = registers };

	return text_parse(&p.text, registers->text);
}
