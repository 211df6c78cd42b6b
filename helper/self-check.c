/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this process holds, read back from the kernel: never what it believes to hold. */
#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include "helper/helper.h"
#include "hw/hwsafe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	LINE = 256,
	CAPABILITIES = 64, /* bits in the kernel's sets */
};

static const struct {
	const char *field; /* in /proc/self/status */
	const char *name;
	bool held; /* counts for --expect: it can be used, or become usable, without an exec */
} sets[] = {
	{ "CapEff", "effective", true },   { "CapPrm", "permitted", true },
	{ "CapInh", "inheritable", true }, { "CapAmb", "ambient", true },
	{ "CapBnd", "bounding", false },
};

static const struct {
	unsigned int bit;
	const char *name;
} securebits[] = {
	{ SECBIT_NOROOT, "noroot" },
	{ SECBIT_NOROOT_LOCKED, "noroot-locked" },
	{ SECBIT_NO_SETUID_FIXUP, "no-setuid-fixup" },
	{ SECBIT_NO_SETUID_FIXUP_LOCKED, "no-setuid-fixup-locked" },
	{ SECBIT_KEEP_CAPS, "keep-caps" },
	{ SECBIT_KEEP_CAPS_LOCKED, "keep-caps-locked" },
	{ SECBIT_NO_CAP_AMBIENT_RAISE, "no-cap-ambient-raise" },
	{ SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED, "no-cap-ambient-raise-locked" },
};

struct state {
	uint64_t sets[COUNT(sets)];
	unsigned long no_new_privs;
	unsigned long seccomp;
	int dumpable;
	int securebits;
	unsigned int open_fds;
};

struct wanted {
	bool json;
	bool checked; /* --expect was given */
	uint64_t expected;
};

/* Takes "Name:\tvalue" where it is one of ours. */
static void take_line(const char *line, struct state *state, unsigned int *ret_found)
{
	const char *value = strchr(line, ':');
	size_t length = value ? (size_t)(value - line) : 0;

	for (size_t i = 0; i < COUNT(sets); i++)
		if (strlen(sets[i].field) == length && !strncmp(line, sets[i].field, length)) {
			state->sets[i] = strtoull(value + 1, NULL, 16);
			++*ret_found;
		}
	if (length == 10 && !strncmp(line, "NoNewPrivs", length))
		state->no_new_privs = strtoul(value + 1, NULL, 10);
	if (length == 7 && !strncmp(line, "Seccomp", length))
		state->seccomp = strtoul(value + 1, NULL, 10);
}

static int read_status(struct state *state)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[4096];
	unsigned int found = 0;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file))
		take_line(line, state, &found);
	fclose(file);
	return found == COUNT(sets) ? 0 : -EBADMSG;
}

/* All but the one that counts them. */
static int count_fds(unsigned int *ret_count)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	unsigned int count = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(dir);
	closedir(dir);
	*ret_count = count;
	return 0;
}

static int read_state(struct state *state)
{
	int r = read_status(state);

	if (r == 0)
		r = count_fds(&state->open_fds);
	if (r < 0)
		return r;
	state->dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	state->securebits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
	return state->dumpable < 0 || state->securebits < 0 ? -errno : 0;
}

/* "cap_sys_rawio", or the number of one too new for libcap. */
static const char *capability_name(unsigned int capability, char text[LINE])
{
	char *name = cap_to_name((cap_value_t)capability);

	snprintf(text, LINE, "%s", name ? name : "?");
	cap_free(name);
	return text;
}

static void print_set(const char *label, uint64_t set)
{
	char name[LINE];

	printf("%-13s", label);
	for (unsigned int i = 0; i < CAPABILITIES; i++)
		if (set >> i & 1)
			printf(" %s", capability_name(i, name));
	puts(set ? "" : " none");
}

static void print_text(const struct state *state)
{
	for (size_t i = 0; i < COUNT(sets); i++)
		print_set(sets[i].name, state->sets[i]);
	printf("%-13s", "securebits");
	for (size_t i = 0; i < COUNT(securebits); i++)
		if ((unsigned int)state->securebits & securebits[i].bit)
			printf(" %s", securebits[i].name);
	puts(state->securebits ? "" : " none");
	printf("%-13s %lu\n", "no_new_privs", state->no_new_privs);
	printf("%-13s %lu\n", "seccomp", state->seccomp);
	printf("%-13s %d\n", "dumpable", state->dumpable);
	printf("%-13s %u\n", "open_fds", state->open_fds);
}

static void put_set(struct json_object *o, const char *key, uint64_t set)
{
	struct json_object *array = json_object_new_array();
	char name[LINE];

	for (unsigned int i = 0; i < CAPABILITIES; i++)
		if (set >> i & 1)
			json_object_array_add(array,
					      json_object_new_string(capability_name(i, name)));
	json_object_object_add(o, key, array);
}

/* The keys are the words of the text form. */
static void print_json(const struct state *state)
{
	struct json_object *o = json_object_new_object();
	struct json_object *bits = json_object_new_array();

	json_object_object_add(o, "schema_version", json_object_new_int(1));
	for (size_t i = 0; i < COUNT(sets); i++)
		put_set(o, sets[i].name, state->sets[i]);
	for (size_t i = 0; i < COUNT(securebits); i++)
		if ((unsigned int)state->securebits & securebits[i].bit)
			json_object_array_add(bits, json_object_new_string(securebits[i].name));
	json_object_object_add(o, "securebits", bits);
	json_object_object_add(o, "no_new_privs", json_object_new_uint64(state->no_new_privs));
	json_object_object_add(o, "seccomp", json_object_new_uint64(state->seccomp));
	json_object_object_add(o, "dumpable", json_object_new_int(state->dumpable));
	json_object_object_add(o, "open_fds", json_object_new_uint64(state->open_fds));
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED));
	json_object_put(o);
}

/* "none", or names with commas between. */
static enum result take_expected(const char *list, struct wanted *wanted)
{
	wanted->checked = true;
	if (!strcmp(list, "none"))
		return RESULT_OK;
	for (;;) {
		char name[64];
		size_t length = strcspn(list, ",");
		cap_value_t value;

		snprintf(name, sizeof(name), "%.*s", (int)length, list);
		if (length >= sizeof(name) || cap_from_name(name, &value) < 0 || value < 0 ||
		    value >= CAPABILITIES) {
			fprintf(stderr, "hwsafe-helper: --expect: '%.*s' is no capability\n",
				(int)length, list);
			return RESULT_USAGE;
		}
		wanted->expected |= UINT64_C(1) << value;
		if (!list[length])
			return RESULT_OK;
		list += length + 1;
	}
}

static enum result take_arguments(int count, char **arguments, struct wanted *wanted)
{
	for (int i = 0; i < count; i++) {
		enum result result = RESULT_OK;

		if (!strcmp(arguments[i], "--json")) {
			wanted->json = true;
		} else if (!strcmp(arguments[i], "--expect") && i + 1 < count) {
			result = take_expected(arguments[++i], wanted);
		} else {
			fprintf(stderr,
				"hwsafe-helper: self-check: '%s'; known: --json, --expect "
				"CAP,...|none\n",
				arguments[i]);
			result = RESULT_USAGE;
		}
		if (result != RESULT_OK)
			return result;
	}
	return RESULT_OK;
}

static enum result compare(const struct state *state, uint64_t expected)
{
	uint64_t beyond = 0;
	char name[LINE];

	for (size_t i = 0; i < COUNT(sets); i++)
		beyond |= sets[i].held ? state->sets[i] & ~expected : 0;
	if (!beyond)
		return RESULT_OK;
	fprintf(stderr, "hwsafe-helper: self-check: holds beyond what is expected:");
	for (unsigned int i = 0; i < CAPABILITIES; i++)
		if (beyond >> i & 1)
			fprintf(stderr, " %s", capability_name(i, name));
	fputc('\n', stderr);
	return RESULT_FAILURE;
}

enum result self_check(int count, char **arguments)
{
	struct wanted wanted = { 0 };
	struct state state = { 0 };
	enum result result = take_arguments(count, arguments, &wanted);
	int r;

	if (result != RESULT_OK)
		return result;
	r = read_state(&state);
	if (r < 0) {
		fprintf(stderr, "hwsafe-helper: self-check: /proc: %s\n", strerror(-r));
		return RESULT_FAILURE;
	}
	if (wanted.json)
		print_json(&state);
	else
		print_text(&state);
	return wanted.checked ? compare(&state, wanted.expected) : RESULT_OK;
}
