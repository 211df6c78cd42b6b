/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "tests/bench/bench-internal.h"

static double ratio_of(const struct bench_result *result)
{
	return result->ratio;
}

static double noise_of(const struct bench_result *result)
{
	return result->noise;
}

static double instructions_of(const struct bench_result *result)
{
	return result->counter ? result->extra_instructions : NAN;
}

static double no_noise(const struct bench_result *result)
{
	(void)result;
	return 0;
}

static double extra_ns_of(const struct bench_result *result)
{
	return result->extra_ns;
}

static double ns_of(const struct bench_result *result)
{
	return result->ours;
}

static double noise_ns_of(const struct bench_result *result)
{
	return result->noise * result->base;
}

const struct bench_kind_row bench_kinds[BENCH_KINDS] = {
	[BENCH_RATIO] = { "max_ratio", "ratio <= ", "", ratio_of, noise_of },
	[BENCH_EXTRA_INSTRUCTIONS] = { "max_extra_instructions", "instr <= +", "", instructions_of,
				       no_noise },
	[BENCH_EXTRA_NS] = { "max_extra_ns", "<= ", " ns more", extra_ns_of, noise_ns_of },
	[BENCH_NS] = { "max_ns", "<= ", " ns", ns_of, noise_ns_of },
};

enum bench_verdict bench_judge(const struct bench_result *result, const struct bench_limit *limit)
{
	const struct bench_kind_row *kind = &bench_kinds[limit->kind];
	double value;

	if (!kind->key)
		return BENCH_NO_LIMIT;
	value = kind->value(result);
	if (isnan(value))
		return BENCH_NOT_COUNTED;
	if (value <= limit->most)
		return BENCH_HOLDS;
	return value <= limit->most + kind->noise(result) ? BENCH_WITHIN_NOISE : BENCH_MISSED;
}

enum bench_verdict bench_judge_all(const struct bench_result *result)
{
	enum bench_verdict worst = BENCH_NO_LIMIT;

	for (int i = 0; i < BENCH_LIMITS; i++) {
		enum bench_verdict one = bench_judge(result, &result->of->limits[i]);

		if (one > worst)
			worst = one;
	}
	return worst;
}

const char *bench_verdict_text(enum bench_verdict verdict)
{
	static const char *const texts[] = {
		[BENCH_NO_LIMIT] = "",
		[BENCH_HOLDS] = "holds",
		[BENCH_WITHIN_NOISE] = "within noise",
		[BENCH_NOT_COUNTED] = "not counted",
		[BENCH_MISSED] = "MISSED",
		[BENCH_SKIPPED] = "skipped",
		[BENCH_FAILED] = "FAILED",
	};

	return texts[verdict];
}

const char *bench_limits_text(const struct bench_case *of, char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");
	const char *between = "";

	text[0] = '\0';
	for (int i = 0; out && i < BENCH_LIMITS; i++) {
		const struct bench_kind_row *kind = &bench_kinds[of->limits[i].kind];

		if (!kind->key)
			continue;
		fprintf(out, "%s%s%g%s", between, kind->before, of->limits[i].most, kind->after);
		between = ", ";
	}
	if (out)
		fclose(out);
	return text;
}
