/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How what isn't known is refused: with what is, in one line. */
#include <string.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/near.h"

enum { LIST = 800, AREAS = 64 };

enum result args_refuse(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say_list("hwprobe", format, arguments);
	va_end(arguments);
	return RESULT_USAGE;
}

enum result args_refuse_unknown(const char *what, const char *word, const char *prefix,
				const char *const *names, size_t count)
{
	struct near near = { .word = word + strspn(word, "-") };
	char list[LIST] = "";
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		near_try(&near, names[i]);
	for (size_t i = 0; i < count && n < sizeof(list); i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, " %s%s", prefix, names[i]);
	return args_refuse("unknown %s '%.60s'%s%s%s; known:%s", what, word,
			   near.best ? "; did you mean " : "", near.best ? prefix : "",
			   near.best ? near.best : "", list);
}

enum result args_refuse_area(const char *area, const struct verb *const *verbs)
{
	const char *names[AREAS];
	size_t count = 0;

	for (size_t i = 0; verbs[i] && count < AREAS; i++)
		if (!verbs[i]->hidden &&
		    (i == 0 || strcmp(verbs[i - 1]->area, verbs[i]->area) != 0))
			names[count++] = verbs[i]->area;
	return args_refuse_unknown("command", area, "", names, count);
}

enum result args_refuse_verb(const char *area, const char *name, const struct verb *const *verbs)
{
	char list[LIST] = "";
	size_t n = 0;

	for (; *verbs && n < sizeof(list); verbs++)
		if (!strcmp((*verbs)->area, area))
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s%s%s", n ? ", " : "",
					      (*verbs)->name, (*verbs)->words[0] ? " " : "",
					      (*verbs)->words);
	if (name)
		return args_refuse("%s does not know '%.60s'; it knows: %s", area, name, list);
	return args_refuse("%s needs one of: %s", area, list);
}
