/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptions of registers: what was taken keeps the rules of docs/registers.md, and written down
 * from what was taken it reads the same again.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/registers-internal.h"
#include "tests/fuzz/fuzz.h"

enum { NAME = 31 };

static void told(const char *message, void *context)
{
	fuzz_must(!strncmp(message, "fuzz:", 5));
	++*(int *)context;
}

static bool is_name(const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < length; i++)
		if (!isalpha((unsigned char)name[i]) && name[i] != '_' &&
		    (i == 0 || (!isdigit((unsigned char)name[i]) && name[i] != '-')))
			return false;
	return length > 0 && length <= NAME;
}

static bool overlap(const struct hws_register *a, const struct hws_register *b)
{
	bool msr = a->space == HWS_SPACE_MSR;

	return a->space == b->space && a->which == b->which &&
	       a->offset < b->offset + (msr ? 1 : b->width) &&
	       b->offset < a->offset + (msr ? 1 : a->width);
}

/* Its fields share no bit and lie inside; each of their words is found again. */
static void check_fields(const struct hws_registers *registers, uint32_t index,
			 const struct hws_register *reg)
{
	uint64_t taken = 0;

	for (uint32_t i = 0; i < reg->fields; i++) {
		const struct field *inside =
			&registers->fields[registers->regs[index].first_field + i];
		struct hws_field field;
		uint64_t mask;

		fuzz_must(hws_registers_field_at(registers, index, i, &field) == 0);
		fuzz_must(is_name(field.name) && field.low <= field.high);
		fuzz_must(field.high < 8 * reg->width);
		mask = UINT64_MAX >> (63 - (field.high - field.low)) << field.low;
		fuzz_must(!(taken & mask));
		taken |= mask;
		for (uint32_t k = 0; k < field.words; k++) {
			const struct field_word *word = &registers->words[inside->first_word + k];

			fuzz_must(word->number <= mask >> field.low);
			fuzz_must(hws_registers_word(registers, index, i, word->number) ==
				  word->name);
		}
	}
}

static void check_one(const struct hws_registers *registers, uint32_t index)
{
	struct hws_register reg;
	struct hws_register other;
	uint32_t found;

	fuzz_must(hws_registers_at(registers, index, &reg) == 0);
	fuzz_must(reg.space < HWS_SPACES && reg.attribute < HWS_ATTRIBUTES && is_name(reg.name));
	fuzz_must(reg.width == 1 || reg.width == 2 || reg.width == 4 || reg.width == 8);
	fuzz_must(reg.width == 8 || reg.reset >> 8 * reg.width == 0);
	fuzz_must(reg.offset + reg.width - 1 >= reg.offset);
	fuzz_must(hws_registers_find(registers, reg.name, &found) == 0 && found == index);
	for (uint32_t i = 0; i < index; i++) {
		fuzz_must(hws_registers_at(registers, i, &other) == 0);
		fuzz_must(!overlap(&reg, &other));
	}
	check_fields(registers, index, &reg);
}

static void print_space(FILE *out, const struct hws_register *reg)
{
	static const char *const words[HWS_SPACES] = {
		[HWS_SPACE_BAR] = "bar",	 [HWS_SPACE_PORTS] = "ports",
		[HWS_SPACE_INDEXED] = "ports",	 [HWS_SPACE_MSR] = "msr",
		[HWS_SPACE_CONFIG] = "config",	 [HWS_SPACE_CAPABILITY] = "cap",
		[HWS_SPACE_EXTENDED] = "extcap",
	};

	fputs(words[reg->space], out);
	if (reg->which != HWS_REGISTERS_ANY)
		fprintf(out, "%s %u", reg->space == HWS_SPACE_CONFIG ? " header" : "", reg->which);
	fputs(reg->space == HWS_SPACE_INDEXED ? " indexed\n" : "\n", out);
}

/* In the quotes that it hasn't: a text can't have both. */
static void print_text(FILE *out, const char *before, const char *text)
{
	if (*text)
		fprintf(out, "%s\"%s\"", before, text);
}

static void print_fields(FILE *out, const struct hws_registers *registers, uint32_t index,
			 const struct hws_register *reg)
{
	for (uint32_t i = 0; i < reg->fields; i++) {
		const struct field *field =
			&registers->fields[registers->regs[index].first_field + i];

		fprintf(out, "field %s %u:%u", field->is.name, field->is.high, field->is.low);
		if (field->is.attribute != reg->attribute)
			fprintf(out, " %s", hws_attribute_name(field->is.attribute));
		print_text(out, " text ", field->is.text);
		fputc('\n', out);
		for (uint32_t k = 0; k < field->is.words; k++) {
			const struct field_word *word = &registers->words[field->first_word + k];

			fprintf(out, "value 0x%llx", (unsigned long long)word->number);
			print_text(out, " ", word->name);
			fputc('\n', out);
		}
	}
}

/* The caller's to free. */
static char *print(const struct hws_registers *registers)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fuzz_must(out);
	if (registers->id || registers->has_class)
		fputs("device", out);
	if (registers->id)
		fprintf(out, " id %04x:%04x", registers->id >> 16, registers->id & 0xffff);
	if (registers->has_class)
		fprintf(out, " class %u", registers->class_code);
	fputc('\n', out);
	for (uint32_t i = 0; i < registers->reg_count; i++) {
		const struct hws_register *reg = &registers->regs[i].is;

		print_space(out, reg);
		fprintf(out, "reg %s %llu %u %s", reg->name, (unsigned long long)reg->offset,
			reg->width, hws_attribute_name(reg->attribute));
		if (reg->has_reset)
			fprintf(out, " reset 0x%llx", (unsigned long long)reg->reset);
		print_text(out, " text ", reg->text);
		fputc('\n', out);
		print_fields(out, registers, i, reg);
	}
	fclose(out);
	return text;
}

/* Written down and read again, it is written down the same: nothing was lost or made of it. */
static void round_trip(const struct hws_registers *registers)
{
	struct hws_registers *again;
	char *text = print(registers);
	char *twice;
	int count = 0;

	fuzz_must(hws_registers_parse("fuzz", text, told, &count, &again) == 0);
	fuzz_must(again->reg_count == registers->reg_count &&
		  again->field_count == registers->field_count &&
		  again->word_count == registers->word_count && again->id == registers->id);
	twice = print(again);
	fuzz_must(!strcmp(text, twice));
	free(twice);
	free(text);
	hws_registers_unref(again);
}

/* A name of any form: what it gives is what stands there, or there is none. */
static void resolve(const struct hws_registers *registers, const char *name)
{
	const struct reg *reg = NULL;
	const struct field *field = NULL;
	size_t length;

	if (registers_resolve(registers, name, &reg, &field) < 0)
		return;
	length = strlen(reg->is.name);
	fuzz_must(!strncmp(name, reg->is.name, length));
	fuzz_must(field ? name[length] == '.' && !strcmp(name + length + 1, field->is.name)
			: !name[length]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz input = { data, size };
	struct hws_registers *registers;
	size_t length;
	char *text = fuzz_text(&input, &length);
	char *name = fuzz_text(&input, &length);
	int count = 0;
	int r = hws_registers_parse("fuzz", text, told, &count, &registers);

	fuzz_must((r == 0) == (count == 0) && (r == 0 || r == -74));
	if (r == 0) {
		for (uint32_t i = 0; i < hws_registers_count(registers); i++)
			check_one(registers, i);
		resolve(registers, name);
		round_trip(registers);
		hws_registers_unref(registers);
	}
	free(name);
	free(text);
	return 0;
}
