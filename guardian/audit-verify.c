/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guardian/audit-verify-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shim/sys-internal.h"
#include "shim/why-internal.h"

struct check {
	const struct chain_key *key;
	hws_finding_fn *call;
	void *context;
	struct files_head head;
	bool has_head;
	bool started;
	bool bad;
	uint64_t first;	 /* n of the first line */
	struct chain at; /* as the lines say */
	uint64_t size;	 /* of FILE's whole lines */
	uint64_t torn;	 /* number of the torn line; 0: none */
	char torn_file[FILES_NAME];
};

static void find(struct check *check, enum hws_audit_verdict verdict, const char *file,
		 uint64_t line, uint64_t count, const char *text)
{
	struct hws_audit_finding finding = {
		.verdict = verdict, .file = file, .line = line, .count = count, .text = text
	};

	if (verdict != HWS_AUDIT_TORN && !check->bad) {
		check->bad = true;
		if (line)
			why(-EBADMSG, "audit trail: %s line %" PRIu64 ": %s", file, line, text);
		else
			why(-EBADMSG, "audit trail: %s: %s", file, text);
	}
	if (check->call)
		check->call(&finding, check->context);
}

static void broken(struct check *check, const struct files_line *line, const char *text)
{
	find(check, HWS_AUDIT_BROKEN, line->file, line->number, 0, text);
}

/* The hash that the line must follow; a header of its own says which. */
static bool start(struct check *check, const struct files_line *line,
		  const struct chain_line *parsed)
{
	static const uint8_t zero[CHAIN_BYTES];

	check->started = true;
	check->first = parsed->n;
	check->at.n = parsed->n - 1;
	if (!parsed->prev || !chain_from_hex(parsed->prev, check->at.value)) {
		broken(check, line, "the trail does not begin with a header");
		return false;
	}
	if (parsed->n == 1 && memcmp(check->at.value, zero, sizeof(zero)) != 0)
		broken(check, line, "the first header follows another record");
	return true;
}

/* Is it the number that comes next? */
static bool check_number(struct check *check, const struct files_line *line, uint64_t n)
{
	if (n == check->at.n + 1)
		return true;
	if (n > check->at.n)
		find(check, HWS_AUDIT_MISSING, line->file, line->number, n - check->at.n - 1,
		     "records before this one are gone");
	else
		broken(check, line, "this record was here before or comes too late");
	return false;
}

static void check_head(struct check *check, const struct files_line *line, const struct chain *at)
{
	if (check->has_head && check->head.chain.n == at->n &&
	    memcmp(check->head.chain.value, at->value, CHAIN_BYTES) != 0)
		broken(check, line, "this is not the record that the head knows");
}

static void check_line(struct check *check, const struct files_line *line,
		       const struct chain_line *parsed)
{
	bool follows = check->started || start(check, line, parsed);
	struct chain next = { .n = parsed->n };
	char hex[CHAIN_HEX + 1];

	if (line->number == 1 && !parsed->prev)
		broken(check, line, "the file does not begin with a header");
	if (!check_number(check, line, parsed->n))
		follows = false; /* the hash can't fit then: one finding is enough */
	chain_hash(check->key, check->at.value, line->bytes, parsed->hashed, next.value);
	chain_to_hex(next.value, hex);
	if (memcmp(hex, parsed->hex, CHAIN_HEX) != 0) {
		if (follows)
			broken(check, line, "the hash does not fit");
		/* go on from what the line says, to find what else was changed */
		if (!chain_from_hex(parsed->hex, next.value))
			broken(check, line, "the hash is none");
	}
	check_head(check, line, &next);
	check->at = next;
}

static int take_line(const struct files_line *line, void *context)
{
	struct check *check = context;
	struct chain_line parsed;

	if (check->torn) {
		find(check, HWS_AUDIT_BROKEN, check->torn_file, check->torn, 0,
		     "the line is cut short, but there are more");
		check->torn = 0;
	}
	if (!line->whole && line->number == 1) {
		broken(check, line, "the file does not begin with a header");
	} else if (!line->whole) {
		check->torn = line->number;
		memcpy(check->torn_file, line->file, strlen(line->file) + 1);
	} else if (!chain_parse(line->bytes, line->length, &parsed)) {
		broken(check, line, "this is no record");
	} else {
		check_line(check, line, &parsed);
	}
	if (line->which == 0 && line->whole)
		check->size = line->offset + line->length + 1;
	return 0;
}

static void check_end(struct check *check, const struct files *files)
{
	const struct files_head *head = &check->head;

	if (check->has_head && head->chain.n > check->at.n)
		find(check, HWS_AUDIT_TRUNCATED, files->name, 0, head->chain.n - check->at.n,
		     "records at the end are gone");
	else if (!check->has_head && !check->bad && check->at.n > 1)
		find(check, HWS_AUDIT_HEAD, files->name, 0, 0,
		     "the head is missing: nothing tells whether the end was cut off");
	else if (check->torn)
		find(check, HWS_AUDIT_TORN, check->torn_file, check->torn, 0,
		     "the last line was cut short by a crash");
	if (check->has_head && check->first > head->first)
		find(check, HWS_AUDIT_MISSING, files->name, 0, check->first - head->first,
		     "the oldest files are gone");
}

static int read_head(struct check *check, const struct files *files)
{
	int r = files_head_read(files, check->key, &check->head);

	check->has_head = r == 0;
	if (r == -EBADMSG)
		find(check, HWS_AUDIT_HEAD, files->name, 0, 0, "the head is not what was written");
	return r == -ENOENT || r == -EBADMSG ? 0 : r;
}

int audit_verify(const struct files *files, const struct chain_key *key, hws_finding_fn *call,
		 void *context, struct audit_verified *ret_verified)
{
	struct check check = { .key = key, .call = call, .context = context };
	int r = read_head(&check, files);

	if (r < 0)
		return r;
	r = files_walk(files, take_line, &check);
	if (r == -ENOENT && !check.has_head && !check.bad)
		return why(-ENOENT, "there is no audit file %s", files->name);
	if (r < 0 && r != -ENOENT)
		return r;
	check_end(&check, files);
	if (check.bad)
		return -EBADMSG;
	ret_verified->end.chain = check.at;
	ret_verified->end.first = check.has_head ? check.head.first : check.first;
	ret_verified->size = check.size;
	ret_verified->torn = check.torn != 0;
	return 0;
}

/* Opens what the source names; a failure leaves nothing open. */
static int open_source(const struct hws_audit_source *source, struct chain_key *key,
		       struct files *files)
{
	int r;

	if (!source || source->size != sizeof(*source))
		return why(-EINVAL, "an audit source needs its size");
	r = chain_key_set(key, source->key, source->key_size);
	return r < 0 ? r : files_open(files, source->sysroot, source->file);
}

int hws_audit_verify(const struct hws_audit_source *source, hws_finding_fn *call, void *context)
{
	struct audit_verified verified;
	struct chain_key key;
	struct files files;
	int r = open_source(source, &key, &files);

	if (r < 0)
		return r;
	r = audit_verify(&files, &key, call, context, &verified);
	files_close(&files);
	return r;
}

int audit_filter_check(const struct hws_audit_filter *filter)
{
	if (filter && filter->size != sizeof(*filter))
		return why(-EINVAL, "an audit filter needs its size");
	return 0;
}

static bool mask_takes(uint32_t mask, uint32_t value)
{
	return mask == 0 || (value < 32 && mask >> value & 1);
}

bool audit_filter_takes(const struct hws_audit_filter *filter, const struct hws_event *event)
{
	if (!filter)
		return true;
	return event->level >= filter->level && event->time >= filter->since &&
	       event->sequence >= filter->sequence && mask_takes(filter->types, event->type) &&
	       mask_takes(filter->reasons, event->reason) &&
	       mask_takes(filter->kinds, audit_type_has_kind(event->type) ? event->kind : 32);
}

struct reading {
	const struct hws_audit_filter *filter;
	hws_event_fn *call;
	void *context;
};

static int read_line(const struct files_line *line, void *context)
{
	const struct reading *reading = context;
	struct chain_line parsed;
	struct hws_event event;

	if (!line->whole)
		return 0;
	if (!chain_parse(line->bytes, line->length, &parsed) ||
	    (!parsed.prev && audit_json_read(line->bytes, line->length, &event) < 0))
		return why(-EBADMSG, "%s line %" PRIu64 " is no audit record", line->file,
			   line->number);
	if (parsed.prev || !audit_filter_takes(reading->filter, &event))
		return 0;
	return reading->call(&event, reading->context);
}

int hws_audit_read(const struct hws_audit_source *source, const struct hws_audit_filter *filter,
		   hws_event_fn *call, void *context)
{
	struct reading reading = { .filter = filter, .call = call, .context = context };
	struct chain_key key;
	struct files files;
	int r = call ? audit_filter_check(filter)
		     : why(-EINVAL, "an audit reader needs a callback");

	if (r == 0)
		r = open_source(source, &key, &files);
	if (r < 0)
		return r;
	r = files_walk(&files, read_line, &reading);
	files_close(&files);
	return r;
}
