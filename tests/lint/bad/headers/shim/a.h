/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef A_H
#define A_H

HWS_BEGIN_DECLS

/** HWS_ONE - documented. */
#define HWS_ONE 1
#define HWS_TWO 2 /* covered: it follows at once */

#define HWS_BARE 3

/** HWS_OTHER - the wrong name. */
#define HWS_NAMED(x) (x)

/**
 * hws_twice() - a macro that is called as a function is.
 * @y: no such
 */
#define hws_twice(x) ((x) * 2)

enum hws_bare {
	HWS_A,
};

/** struct hws_other - something else. */
struct hws_wrong {
	int a;
};

typedef struct hws_wrong hws_wrong_t;

HWS_API int hws_undocumented(void);

/* A plain comment. */
HWS_API void hws_plain(void);

/** hws_misnamed() - a name that disagrees. */
HWS_API void hws_named(void);

/**
 * hws_params() - everything that can be wrong with parameters.
 * @b: nothing that says whose
 * @a: a number
 * @d: no such parameter
 */
HWS_API int hws_params(int a, const char *b, char c[4]);

/**
 * hws_void() - gives nothing.
 *
 * Return: something.
 */
static inline void hws_void(void)
{
}

HWS_END_DECLS

#endif
