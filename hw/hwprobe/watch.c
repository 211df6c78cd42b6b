/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/watch.h"

#include <string.h>
#include <time.h>

static const char alarms[] = "Near their limits";
static const char capacities[] = "Capacities: reserved of what may be";
static const char usages[] = "In use by the whole system";
static const char surges[] = "Surges: asked for in the last window";
static const char guards[] = "Guards: accesses granted before they close";
static const char rates[] = "Rates: a second; a full bar is the most so far";
static const char rings[] = "Rings and buffers";
static const char denials[] = "Denied so far, and a second";

/* "caps.ram.used"; NULL: there is no such member. */
static struct json_object *at(struct json_object *from, const char *path)
{
	char key[64];

	while (from && *path) {
		size_t length = strcspn(path, ".");

		snprintf(key, sizeof(key), "%.*s", (int)length, path);
		if (!json_object_object_get_ex(from, key, &from))
			return NULL;
		path += length + (path[length] == '.');
	}
	return from;
}

static double number(struct json_object *from, const char *path)
{
	struct json_object *value = at(from, path);

	double is = 0;

	/* its type is whatever a file had; so is its size */
	if (json_object_is_type(value, json_type_int))
		is = (double)json_object_get_uint64(value);
	else if (json_object_is_type(value, json_type_double))
		is = json_object_get_double(value);
	return is >= 0 && is <= (double)UINT64_MAX ? is : 0;
}

/* "1.2M" */
static void put_amount(char *text, size_t size, double amount)
{
	static const char units[] = " kMGTPE";
	size_t unit = 0;

	while (amount >= 1000 && units[unit + 1]) {
		amount /= 1000;
		unit++;
	}
	snprintf(text, size, amount < 10 && unit ? "%.1f%.1s" : "%.0f%.1s", amount,
		 unit ? &units[unit] : "");
}

static void measure(struct gauge *gauge, double value, double of)
{
	char text[12];
	char most[12];

	put_amount(text, sizeof(text), value);
	put_amount(most, sizeof(most), of);
	gauge->share = of > 0 ? value / of : -1;
	gauge->idle = value == 0;
	if (of > 0)
		snprintf(gauge->detail, sizeof(gauge->detail), "%s/%s", text, most);
	else
		snprintf(gauge->detail, sizeof(gauge->detail), "%s, no capacity known", text);
}

static void add_caps(struct json_object *now, struct gauges *gauges)
{
	struct json_object *caps = at(now, "caps");

	if (!json_object_is_type(caps, json_type_object))
		return;
	json_object_object_foreach(caps, name, cap)
	{
		double error = number(cap, "error");

		measure(gauge_add(gauges, capacities, name), number(cap, "used"),
			error != 0 ? 0 : number(cap, "ceiling"));
	}
	json_object_object_foreach(caps, surged, of)
	{
		if (number(of, "surge_budget") > 0)
			measure(gauge_add(gauges, surges, surged), number(of, "surge_used"),
				number(of, "surge_budget"));
	}
}

static void add_usages(struct json_object *now, struct gauges *gauges)
{
	struct json_object *caps = at(now, "caps");

	if (!json_object_is_type(caps, json_type_object))
		return;
	json_object_object_foreach(caps, name, cap)
	{
		if (number(cap, "usage") > 0)
			measure(gauge_add(gauges, usages, name), number(cap, "usage"),
				number(cap, "capacity"));
	}
}

static void add_guards(struct json_object *now, struct gauges *gauges)
{
	struct json_object *all = at(now, "guards");

	if (!json_object_is_type(all, json_type_object))
		return;
	json_object_object_foreach(all, name, guard) measure(
		gauge_add(gauges, guards, name), number(guard, "granted"), number(guard, "limit"));
}

/* The sum of a member over all elements: "denials" with "", "rings" with "submitted". */
static double sum(struct json_object *from, const char *group, const char *member)
{
	struct json_object *all = at(from, group);
	double total = 0;

	if (!json_object_is_type(all, json_type_object))
		return number(from, group);
	json_object_object_foreach(all, name, element)
	{
		(void)name;
		total += number(element, member);
	}
	return total;
}

static const struct {
	const char *name;
	const char *group;
	const char *member;
} counted[] = {
	{ "denied", "denials", "" },
	{ "refused", "guards", "refused" },
	{ "handles", "kinds", "handles_given" },
	{ "one by one", "kinds", "slow_accesses" },
	{ "submitted", "rings", "submitted" },
	{ "delivered", "rings", "delivered" },
	{ "events", "audit.recorded", "" },
	{ "faults", "faults", "" },
};
_Static_assert(sizeof(counted) / sizeof(counted[0]) ==
		       sizeof((struct watch *)NULL)->most / sizeof(double),
	       "each rate has its highest");

static double seconds_between(struct json_object *before, struct json_object *now)
{
	return (number(now, "clock_ns") - number(before, "clock_ns")) / 1e9;
}

/* A counter that went back is another process's: its rate is not known. */
static double rate(struct watch *watch, struct json_object *now, const char *group,
		   const char *member)
{
	double seconds = watch->before ? seconds_between(watch->before, now) : 0;
	double more = sum(now, group, member) - sum(watch->before, group, member);

	return seconds > 0 && more > 0 ? more / seconds : 0;
}

static void add_rates(struct watch *watch, struct json_object *now, struct gauges *gauges)
{
	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
		struct gauge *gauge = gauge_add(gauges, rates, counted[i].name);
		double value = rate(watch, now, counted[i].group, counted[i].member);
		char text[12];

		if (value > watch->most[i])
			watch->most[i] = value;
		put_amount(text, sizeof(text), value);
		snprintf(gauge->detail, sizeof(gauge->detail), "%s/s", text);
		gauge->share = watch->most[i] > 0 ? value / watch->most[i] : 0;
		gauge->idle = value == 0;
	}
}

static void add_rings(struct json_object *now, struct gauges *gauges)
{
	static const char *const members[] = { "open", "in_flight", "orphans", "lost", "broken" };
	struct gauge *gauge;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		double value = sum(now, "rings", members[i]);

		gauge = gauge_add(gauges, rings, members[i]);
		snprintf(gauge->detail, sizeof(gauge->detail), "%.0f", value);
		gauge->idle = value == 0;
	}
	measure(gauge_add(gauges, rings, "buffers"), number(now, "pools.in_use"),
		number(now, "pools.capacity"));
}

static void add_denials(struct watch *watch, struct json_object *now, struct gauges *gauges)
{
	struct json_object *all = at(now, "denials");
	char path[64];

	if (!json_object_is_type(all, json_type_object))
		return;
	json_object_object_foreach(all, reason, count)
	{
		struct gauge *gauge;

		if (!json_object_get_uint64(count))
			continue;
		gauge = gauge_add(gauges, denials, reason);
		snprintf(path, sizeof(path), "denials.%s", reason);
		snprintf(gauge->detail, sizeof(gauge->detail), "%llu, %.0f/s",
			 (unsigned long long)json_object_get_uint64(count),
			 rate(watch, now, path, ""));
	}
}

static void add_all(const struct gauges *from, struct gauges *to)
{
	for (size_t i = 0; i < from->count; i++)
		*gauge_add(to, from->at[i].section, "") = from->at[i];
}

/* They stand first, so that they are seen on any screen. */
static void add_alarms(const struct gauges *from, struct gauges *to)
{
	for (size_t i = 0; i < from->count; i++)
		if (from->at[i].share >= 0.9) {
			struct gauge *gauge = gauge_add(to, alarms, "");

			*gauge = from->at[i];
			gauge->section = alarms;
		}
}

void watch_look(struct watch *watch, struct json_object *now, struct gauges *ret_gauges)
{
	struct gauges limited = { .count = 0 };

	ret_gauges->count = 0;
	add_caps(now, &limited);
	add_guards(now, &limited);
	add_alarms(&limited, ret_gauges);
	add_denials(watch, now, ret_gauges);
	add_rates(watch, now, ret_gauges);
	add_all(&limited, ret_gauges);
	add_rings(now, ret_gauges);
	add_usages(now, ret_gauges);
	json_object_put(watch->before);
	watch->before = now;
}

void watch_head(struct json_object *now, char *text, size_t size)
{
	time_t seconds = (time_t)(number(now, "time_ns") / 1e9);
	char backend[32];
	char clock[16] = "";
	struct tm parts;

	frame_plain(backend, sizeof(backend), json_object_get_string(at(now, "backend")));
	if (gmtime_r(&seconds, &parts))
		strftime(clock, sizeof(clock), "%H:%M:%S", &parts);
	snprintf(text, size, "%s UTC  pid %.0f  %s  %.0f rules", clock, number(now, "pid"), backend,
		 number(now, "policy.rules"));
}

void watch_fini(struct watch *watch)
{
	json_object_put(watch->before);
	watch->before = NULL;
}
