/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy's inside. A text goes this way:
 *
 *   policy-load.c  files, whom they belong to      policy-names.c   names of users and groups
 *   policy-parse.c lines, sections, principals     policy-lex.c     words and numbers
 *   policy-rule.c  rules                           policy-option.c  their options
 *   policy.c       what they become                policy-builtin.c the text without files
 *
 * and a view of it: policy-view.c and policy-index.c (policy-view-internal.h has their forms); then
 * policy-access.c, policy-check.c and policy-explain.c. Of whole policies: policy-relate.c,
 * policy-lint.c, policy-diff.c.
 */
#ifndef HWSAFE_GUARDIAN_POLICY_INTERNAL_H
#define HWSAFE_GUARDIAN_POLICY_INTERNAL_H

#include <stdatomic.h>

#include "guardian/policy.h"

enum {
	POLICY_LINE = 4096,	      /* bytes of a line */
	POLICY_NAME = 64,	      /* bytes of a name or a keyword */
	POLICY_ERRORS = 100,	      /* told of one load */
	POLICY_SECTIONS = 1000,	      /* of a file */
	POLICY_FILES = 1000,	      /* of a directory */
	POLICY_FILE_SIZE = 1 << 20,   /* bytes of a file */
	POLICY_TOTAL_SIZE = 16 << 20, /* bytes of all files */
	POLICY_RIGHTS = HWS_RW | HWS_SIDE | HWS_CLAIMED | HWS_DANGER,
	POLICY_BARS = 6,
};
/* The kernel's overflow ids: whoever this user namespace can't name. */
#define POLICY_OVERFLOW_ID 65534u
#define POLICY_NO_ID	   UINT32_MAX

/* What a kind's rules are made of. */
enum policy_object {
	OBJECT_DEVICE = 1,
	OBJECT_BAR = 2,
	OBJECT_SPANS = 4, /* one or more */
	OBJECT_MORE = 8,  /* spans, or none for all */
	OBJECT_PATH = 16,
};
struct policy_kind {
	uint32_t object;
	const char *what; /* a number is of it */
	uint64_t max;	  /* its largest number */
	uint32_t rights;  /* that a rule may give */
	uint32_t usual;	  /* the rights of a rule that names none; 0: it must */
	uint32_t options; /* enum policy_option */
	uint32_t widths;
	uint64_t values; /* the largest value */
};
/* policy-option.c */
extern const struct policy_kind policy_kinds[HWS_KINDS];

/* Numbers from first to last. */
struct policy_span {
	uint64_t first;
	uint64_t last;
};

/* In order, disjoint, never side by side. */
struct policy_spans {
	struct policy_span *at;
	size_t count; /* 0: any number */
};

/*
 * Which devices: those whose identity, of the shape's sort and cut to the
 * shape's mask, is the value. Shapes are small so that a view can look each of
 * them up by a hash of the value.
 */
enum policy_shape {
	SHAPE_ANY = 0,
	SHAPE_ID = 0,	 /* + 1: device known, + 2: vendor known */
	SHAPE_CLASS = 4, /* + 0, 1, 2: base; base and sub; base, sub and interface */
	SHAPE_BDF = 16,	 /* + 1: function known, + 2: device, + 4: bus, + 8: domain */
	SHAPES = 32,
};

struct policy_device {
	uint32_t shape;
	uint64_t value;
};

struct policy_rule {
	enum hws_kind kind;
	bool deny;
	bool inline_rule;
	bool limited; /* in width, mask, value or rate, or by last words */
	bool last_words;
	uint32_t rights;
	uint32_t section;
	uint32_t line;
	struct policy_device device;
	struct policy_span bars;
	struct policy_spans where; /* ports, registers, offsets, vectors, leaves; never empty */
	const char *path;	   /* NULL: any */
	struct policy_spans cpus;
	struct policy_spans values;
	uint64_t mask;
	uint32_t widths;
	uint64_t max;
	uint64_t maps;
	uint64_t buffers;
	uint64_t rate;
	uint64_t rate_ns;
	const char *sha256;
	const char *key;
	bool unsigned_ok;
	const char *text;
};

struct policy_ids {
	uint32_t *at;
	size_t count;
};

struct policy_section {
	const char *name;
	const char *file;
	uint32_t line;
	uint32_t rules;
	bool gives; /* not all of them deny */
	struct policy_ids users;
	struct policy_ids groups;
	const char **exes;
	size_t exe_count;
};

struct hws_policy {
	_Atomic uint32_t holders;
	uint64_t generation;
	struct policy_chunk *memory; /* of all that hangs below */
	struct policy_rule *rules;
	size_t rule_count;
	struct policy_section *sections;
	size_t section_count;
};

/* Where the errors of a load go; makes one sentence for hws_why(). */
struct policy_errors {
	const struct hws_policy_options *options;
	uint32_t count;
	int code; /* of the first; 0: none */
	char said[512];
};

/* policy.c */
struct hws_policy *policy_new(void);
/* Zeroed memory that lives as long as the policy; NULL when there is none. */
void *policy_memory(struct hws_policy *policy, size_t size);
char *policy_copy(struct hws_policy *policy, const char *text, size_t length);
/* Room for one more element behind @count of them, from malloc; false when there is none. */
bool policy_grow(void *pointer_to_array, size_t count, size_t element);
/* How much memory it takes. */
uint64_t policy_size(const struct hws_policy *policy);
/* Sorts and joins what overlaps or touches. */
void policy_spans_tidy(struct policy_spans *spans);
/* Are all numbers from @first to @last among them? False when there are none. */
bool policy_spans_cover(const struct policy_spans *spans, uint64_t first, uint64_t last);
/* Is it one of them? False when there are none. */
bool policy_spans_have(const struct policy_spans *spans, uint64_t number);
/* Does a write stay inside a rule's mask? What isn't known can't be shown to. */
/*@ requires \valid_read(a);
  @ assigns \nothing;
  @ ensures mask == UINT64_MAX ==> \result;
  @ ensures \result && mask != UINT64_MAX ==> (a->has & HWS_HAS_VALUE) != 0;
  @ ensures \result && mask != UINT64_MAX ==> (a->has & HWS_HAS_OLD) != 0; */
static inline bool policy_mask_keeps(uint64_t mask, const struct hws_access *a)
{
	if (mask == UINT64_MAX)
		return true;
	return a->has & HWS_HAS_VALUE && a->has & HWS_HAS_OLD && !((a->value ^ a->old) & ~mask);
}

/* Bits of an identity that a shape looks at; identities are of three sorts. */
uint64_t policy_shape_mask(uint32_t shape);
/* What of an access a shape looks at. */
uint64_t policy_identity(const struct hws_access *access, uint32_t shape);

/* policy-load.c: tells an error of the whole file or of a place in it. */
void policy_error(struct policy_errors *errors, int code, const struct hws_policy_error *error);

/* policy-names.c */
struct policy_names {
	int root;
	char *text[2]; /* passwd, group; NULL: not read yet */
};
enum policy_name_kind { NAME_USER = 0, NAME_GROUP = 1 };
void policy_names_fini(struct policy_names *names);
/* 0, -ESRCH when nobody has that name, or what reading gave. */
HWS_MUST int policy_name_find(struct policy_names *names, enum policy_name_kind kind,
			      const char *name, size_t length, uint32_t *ret_id);
const char *policy_name_file(enum policy_name_kind kind);

/* policy-parse.c: adds the rules of a text to the policy; errors go to @errors. */
struct policy_text {
	const char *file;
	const char *text;
	size_t length;
	bool inline_text;
};
void policy_parse(struct hws_policy *policy, const struct policy_text *from,
		  struct policy_names *names, struct policy_errors *errors);

/* policy-builtin.c */
extern const char policy_builtin_text[];

/* policy-view.c: could any of its rules give him something, whatever program he runs? */
bool policy_knows(const struct hws_policy *policy, const struct hws_principal *principal);

/* policy-access.c: is it an access at all? 0 or -EINVAL. */
HWS_MUST int policy_access_check(const struct hws_access *access);

/* policy-explain.c: the line that would allow the access, as a policy has it. */
void policy_line(const struct hws_access *access, char *text, size_t size);

#endif
