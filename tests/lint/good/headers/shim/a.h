/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef A_H
#define A_H

HWS_BEGIN_DECLS

/* A plain comment will do. */
struct hws_forward;

/** typedef hws_call - what is called back. */
typedef int (*hws_call)(void *context);

/** typedef hws_visit - the same, as a function's type. */
typedef int hws_visit(void *context);

/** HWS_MAX() - the greater of @a and @b. */
#define HWS_MAX(a, b) ((a) > (b) ? (a) : (b))

/**
 * struct hws_thing - a thing.
 */
struct hws_thing {
	int (*entry)(void *self, int x);
	struct {
		int a;
	} inner;
};

/**
 * hws_walk() - calls @each for every thing.
 * @first: borrowed; where to begin
 * @each: called for each
 * @context: borrowed; handed to @each
 * @ret_things: out; NULL is fine
 * @format: borrowed; as printf
 * @...: what it formats
 *
 * Return: 0 or -EINVAL.
 */
HWS_API HWS_MUST HWS_PRINTF(5, 6) int hws_walk(struct hws_thing *first,
					       int (*each)(struct hws_thing *, void *),
					       void *context, struct hws_thing **ret_things,
					       const char *format, ...);

/**
 * hws_visit_all() - calls it.
 * @call: called once
 */
HWS_API void hws_visit_all(hws_visit *call);

/**
 * hws_name() - its name.
 * @text: out; room for it
 *
 * Return: @text.
 */
static inline const char *hws_name(char text[8])
{
	return text;
}

HWS_END_DECLS

#endif
