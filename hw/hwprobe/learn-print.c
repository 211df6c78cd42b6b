/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces as rules of a policy. */
#include <inttypes.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/learn.h"

enum { RANGES = 24 }; /* in a rule: a line has its limit */

static void print_span(const struct span *span, FILE *out)
{
	fprintf(out, " 0x%" PRIx64, span->first);
	if (span->last != span->first)
		fprintf(out, "-0x%" PRIx64, span->last);
}

static void print_device(const struct piece *piece, FILE *out)
{
	char bdf[HWS_BDF_TEXT];

	if (piece->vendor)
		fprintf(out, " %04x:%04x", piece->vendor, piece->device);
	else
		fprintf(out, " %s", hws_bdf_format(piece->bdf, bdf));
}

static void print_rights(uint32_t rights, FILE *out)
{
	static const char *const words[] = { "", " r", " w", " rw" };
	static const struct {
		uint32_t right;
		const char *word;
	} dangers[] = {
		{ HWS_DANGER_RESET, "reset" },
		{ HWS_DANGER_PCI, "pci" },
		{ HWS_DANGER_BAR, "bar" },
		{ HWS_DANGER_BRIDGE, "bridge" },
		{ HWS_DANGER_SMM, "smm" },
		{ HWS_DANGER_MODE, "mode" },
		{ HWS_DANGER_APIC, "apic" },
		{ HWS_DANGER_FEATURES, "features" },
		{ HWS_DANGER_MICROCODE, "microcode" },
		{ HWS_DANGER_ENTRY, "entry" },
		{ HWS_DANGER_MEMORY, "memory" },
		{ HWS_DANGER_CLOCK, "clock" },
		{ HWS_DANGER_VOLTAGE, "voltage" },
	};

	fprintf(out, "%s%s%s%s", words[rights & HWS_RW], rights & HWS_SIDE ? " side" : "",
		rights & HWS_CLAIMED ? " claimed" : "", rights & HWS_DANGER ? " danger" : "");
	for (size_t i = 0; i < COUNT(dangers); i++)
		if (rights & dangers[i].right)
			fprintf(out, " %s", dangers[i].word);
}

static void print_limits(const struct piece *piece, FILE *out)
{
	bool has_widths = piece->kind == HWS_KIND_PORT || piece->kind == HWS_KIND_PCI ||
			  piece->kind == HWS_KIND_BAR;

	for (size_t i = 0; i < piece->cpus.count; i++) {
		fprintf(out, "%s%" PRIu64, i ? " " : ", cpus ", piece->cpus.at[i].first);
		if (piece->cpus.at[i].last != piece->cpus.at[i].first)
			fprintf(out, "-%" PRIu64, piece->cpus.at[i].last);
	}
	if (has_widths && piece->widths) {
		fputs(", width", out);
		for (uint32_t width = 1; width <= 8; width <<= 1)
			if (piece->widths & width)
				fprintf(out, " %u", width);
	}
	if (piece->value_count > LEARN_VALUES_MOST)
		fprintf(out, ", value 0x%" PRIx64 "-0x%" PRIx64, piece->least, piece->greatest);
	else if (piece->value_count)
		fputs(", value", out);
	for (uint32_t i = 0; i < piece->value_count && piece->value_count <= LEARN_VALUES_MOST; i++)
		fprintf(out, " 0x%" PRIx64, piece->values[i]);
	if (piece->kind == HWS_KIND_DMA && piece->bytes)
		fprintf(out, ", max %" PRIu64 ", maps %" PRIu64, piece->bytes, piece->maps);
	if (piece->kind == HWS_KIND_RING && piece->bytes)
		fprintf(out, ", buffers %" PRIu64, piece->bytes);
}

bool learn_can_stand(const char *path)
{
	struct hws_policy *policy;
	char text[512]; /* a note's path is shorter by far */
	int n = snprintf(text, sizeof(text), "[a]\nexe = \"%s\"\nport = 0 r\n", path);

	if (strpbrk(path, "\"\n") || n >= (int)sizeof(text) ||
	    hws_policy_parse(NULL, "", text, (size_t)n, &policy) < 0)
		return false;
	hws_policy_unref(policy);
	return true;
}

static void print_rule(const struct piece *piece, size_t from, FILE *out)
{
	size_t end = from + RANGES < piece->where.count ? from + RANGES : piece->where.count;
	bool has_device = piece->kind == HWS_KIND_PCI || piece->kind == HWS_KIND_BAR ||
			  piece->kind == HWS_KIND_DMA || piece->kind == HWS_KIND_IRQ;

	fprintf(out, "%s =", hws_kind_name(piece->kind));
	if (has_device)
		print_device(piece, out);
	if (piece->kind == HWS_KIND_BAR)
		fprintf(out, " %u", piece->bar);
	if (piece->kind == HWS_KIND_PCI)
		fputs(" config", out);
	if (piece->path)
		fprintf(out, " \"%s\"", piece->path);
	else if (piece->kind != HWS_KIND_DMA)
		for (size_t i = from; i < end; i++)
			print_span(&piece->where.at[i], out);
	print_rights(piece->rights, out);
	print_limits(piece, out);
	fputc('\n', out);
}

void piece_print(const struct piece *piece, FILE *out)
{
	if (piece->path && !learn_can_stand(piece->path)) {
		fprintf(out, "# a %s whose path can't stand in a policy\n",
			hws_kind_name(piece->kind));
		return;
	}
	for (size_t from = 0; from < piece->where.count; from += RANGES)
		print_rule(piece, from, out);
}

static void print_count(uint64_t count, const char *what, const char **separator, FILE *out)
{
	if (!count)
		return;
	fprintf(out, "%s%" PRIu64 " %s", *separator, count, what);
	*separator = ", ";
}

void piece_comment(const struct piece *piece, FILE *out)
{
	const char *separator = "# ";

	print_count(piece->reads, "read", &separator, out);
	print_count(piece->writes, "written", &separator, out);
	if (piece->used)
		print_count(piece->opened, "opened", &separator, out);
	print_count(piece->denied, "denied", &separator, out);
	if (piece->denied)
		fprintf(out, " (%s)", hws_reason_name(piece->reason));
	if (!piece->used)
		fprintf(out, "%s%s", separator,
			"opened, not accessed: with handles that ask for less it can go");
	fputc('\n', out);
}
