/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "guardian/snapshot-internal.h"
#include "shim/why-internal.h"

enum { NAME = 96 };
#define NS_PER_SECOND UINT64_C(1000000000)

struct family {
	const struct snapshot_group *group;
	const struct snapshot_field *field;
	char name[NAME];
	const char *total; /* what its samples' names have besides */
};

static void name_family(struct family *family, const struct snapshot_group *group,
			const struct snapshot_field *field)
{
	const char *unit = snapshot_unit(field->form);

	*family = (struct family) {
		.group = group,
		.field = field,
		.total = field->use == SNAPSHOT_COUNTER ? "_total" : "",
	};
	snprintf(family->name, NAME, "hwsafe_%s%s%s%s", group->metric, field->key ? field->key : "",
		 *unit ? "_" : "", unit);
}

static void head(FILE *file, const struct family *family, uint32_t flags)
{
	const struct snapshot_field *field = family->field;
	const char *total = flags & HWS_METRICS_STRICT ? "" : family->total;
	const char *unit = snapshot_unit(field->form);

	fprintf(file, "# HELP %s%s %s\n", family->name, total, field->help);
	fprintf(file, "# TYPE %s%s %s\n", family->name, total,
		field->use == SNAPSHOT_COUNTER ? "counter" : "gauge");
	if (*unit)
		fprintf(file, "# UNIT %s%s %s\n", family->name, total, unit);
}

static void value(FILE *file, const struct snapshot_field *field, const void *element)
{
	uint64_t number = snapshot_number(field, element);

	if (field->form == SNAPSHOT_I32)
		fprintf(file, " %" PRId64 "\n", (int64_t)number);
	else if (field->form == SNAPSHOT_NS)
		fprintf(file, " %" PRIu64 ".%09" PRIu64 "\n", number / NS_PER_SECOND,
			number % NS_PER_SECOND);
	else if (field->form == SNAPSHOT_HUNDREDTHS)
		fprintf(file, " %" PRIu64 ".%04" PRIu64 "\n", number / 10000, number % 10000);
	else
		fprintf(file, " %" PRIu64 "\n", number);
}

static void samples(FILE *file, const struct family *family, const struct hws_snapshot *snapshot)
{
	const struct snapshot_group *group = family->group;

	for (unsigned int i = group->first; i < group->end; i++) {
		fprintf(file, "%s%s", family->name, family->total);
		if (group->label)
			fprintf(file, "{%s=\"%s\"}", group->label, group->name(i));
		value(file, family->field, snapshot_element(group, snapshot, i));
	}
}

static void all(FILE *file, const struct hws_snapshot *snapshot, uint32_t flags)
{
	struct family family;

	fprintf(file,
		"# HELP hwsafe_info What this is.\n"
		"# TYPE hwsafe_info gauge\n"
		"hwsafe_info{version=\"%s\",backend=\"%s\",pid=\"%" PRId32 "\"} 1\n",
		HWS_VERSION, snapshot->backend, snapshot->pid);
	for (const struct snapshot_group *group = snapshot_groups; group->fields; group++)
		for (const struct snapshot_field *field = group->fields; field->help; field++) {
			if (field->use == SNAPSHOT_PLAIN)
				continue;
			name_family(&family, group, field);
			head(file, &family, flags);
			samples(file, &family, snapshot);
		}
	fputs("# EOF\n", file);
}

int hws_snapshot_openmetrics(const struct hws_snapshot *snapshot, uint32_t flags, char **ret_text)
{
	size_t size;
	char *text = NULL;
	FILE *file;
	bool failed;
	int r = snapshot_known(snapshot);

	if (r < 0)
		return r;
	if (flags & ~(uint32_t)HWS_METRICS_STRICT)
		return why(-EINVAL, "metrics know no flag 0x%" PRIx32, flags);
	file = open_memstream(&text, &size);
	if (!file)
		return why(-ENOMEM, "no memory for the snapshot's text");
	all(file, snapshot, flags);
	failed = ferror(file) != 0;
	if (fclose(file) != 0 || failed) {
		free(text);
		return why(-ENOMEM, "no memory for the snapshot's text");
	}
	*ret_text = text;
	return 0;
}
