/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a process holds, read back from the kernel: never what it believes to hold. */
#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include "helper/harden.h"
#include "helper/helper.h"
#include "helper/needs.h"
#include "hw/hwsafe.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	LINE = 256,
	CAPABILITIES = 64, /* bits in the kernel's sets */
};

static const struct {
	const char *field; /* in /proc/PID/status */
	const char *name;
	bool held; /* counts for --expect: it can be used, or become usable, without an exec */
} sets[] = {
	{ "CapEff", "effective", true },   { "CapPrm", "permitted", true },
	{ "CapInh", "inheritable", true }, { "CapAmb", "ambient", true },
	{ "CapBnd", "bounding", false },
};

/* Numbers: those of the status file, and the process's own word. */
enum { NO_NEW_PRIVS, SECCOMP, THREADS, DUMPABLE, OPEN_FDS, LANDLOCK_ABI, NUMBERS };
static const struct {
	const char *field; /* NULL: not in the status file */
	const char *name;
} numbers[NUMBERS] = {
	[NO_NEW_PRIVS] = { "NoNewPrivs", "no_new_privs" },
	[SECCOMP] = { "Seccomp", "seccomp" },
	[THREADS] = { "Threads", "threads" },
	[DUMPABLE] = { NULL, "dumpable" },
	[OPEN_FDS] = { NULL, "open_fds" },
	[LANDLOCK_ABI] = { NULL, "landlock_abi" }, /* of the kernel; 0: it has none */
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

enum { UNKNOWN = -1 }; /* the kernel tells it to the process itself only */

struct state {
	uint64_t sets[COUNT(sets)];
	long numbers[NUMBERS];
	int securebits;
};

struct wanted {
	bool json;
	bool declared; /* only to be told what serve may hold */
	bool checked;  /* --expect was given */
	bool serves;   /* as hwsafe-helper serve: not only what it holds, but how it is kept */
	uint64_t expected;
	const char *pid; /* NULL: this process */
};

/* Takes "Name:\tvalue" where it is one of ours. */
static void take_line(const char *line, struct state *state, unsigned int *ret_found)
{
	const char *value = strchr(line, ':');
	size_t length;

	if (!value)
		return;
	length = (size_t)(value - line);
	for (size_t i = 0; i < COUNT(sets); i++)
		if (strlen(sets[i].field) == length && !strncmp(line, sets[i].field, length)) {
			state->sets[i] = strtoull(value + 1, NULL, 16);
			++*ret_found;
		}
	for (size_t i = 0; i < NUMBERS; i++)
		if (numbers[i].field && strlen(numbers[i].field) == length &&
		    !strncmp(line, numbers[i].field, length))
			state->numbers[i] = strtol(value + 1, NULL, 10);
}

static int read_status(const char *pid, struct state *state)
{
	char path[LINE];
	FILE *file;
	char line[4096];
	unsigned int found = 0;

	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file))
		take_line(line, state, &found);
	fclose(file);
	return found == COUNT(sets) ? 0 : -EBADMSG;
}

/* All but the one that counts them. */
static int count_fds(const char *pid, long *ret_count)
{
	char path[LINE];
	const struct dirent *entry;
	long count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	count -= !strcmp(pid, "self");
	closedir(dir);
	*ret_count = count;
	return 0;
}

static int read_state(const char *pid, struct state *state)
{
	int r = read_status(pid ? pid : "self", state);

	if (r == 0)
		r = count_fds(pid ? pid : "self", &state->numbers[OPEN_FDS]);
	if (r < 0)
		return r;
	state->numbers[LANDLOCK_ABI] = harden_landlock_abi();
	state->numbers[DUMPABLE] = pid ? UNKNOWN : prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	state->securebits = pid ? UNKNOWN : prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
	return !pid && (state->numbers[DUMPABLE] < 0 || state->securebits < 0) ? -errno : 0;
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
	if (state->securebits != UNKNOWN) {
		printf("%-13s", "securebits");
		for (size_t i = 0; i < COUNT(securebits); i++)
			if ((unsigned int)state->securebits & securebits[i].bit)
				printf(" %s", securebits[i].name);
		puts(state->securebits ? "" : " none");
	}
	for (size_t i = 0; i < NUMBERS; i++)
		if (state->numbers[i] != UNKNOWN)
			printf("%-13s %ld\n", numbers[i].name, state->numbers[i]);
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
	if (state->securebits != UNKNOWN) {
		for (size_t i = 0; i < COUNT(securebits); i++)
			if ((unsigned int)state->securebits & securebits[i].bit)
				json_object_array_add(bits,
						      json_object_new_string(securebits[i].name));
		json_object_object_add(o, "securebits", json_object_get(bits));
	}
	json_object_put(bits);
	for (size_t i = 0; i < NUMBERS; i++)
		if (state->numbers[i] != UNKNOWN)
			json_object_object_add(o, numbers[i].name,
					       json_object_new_int64(state->numbers[i]));
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED));
	json_object_put(o);
}

static void print_declared(void)
{
	char name[LINE];

	for (int i = 0; i < NEEDS_COUNT; i++)
		printf("%-17s %s\n", capability_name((unsigned int)needs[i].capability, name),
		       needs[i].what_for);
}

/* "none", "serve", or names with commas between. */
static enum result take_expected(const char *list, struct wanted *wanted)
{
	wanted->checked = true;
	if (!strcmp(list, "none"))
		return RESULT_OK;
	wanted->serves = !strcmp(list, "serve");
	if (wanted->serves) {
		wanted->expected = needs_declared();
		return RESULT_OK;
	}
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

/* Of a running helper, and then it is to be one that serves. */
static enum result take_pid(const char *pid, struct wanted *wanted)
{
	if (strspn(pid, "0123456789") != strlen(pid) || !*pid || strlen(pid) > 10) {
		fprintf(stderr, "hwsafe-helper: --pid: '%.64s' is no process\n", pid);
		return RESULT_USAGE;
	}
	wanted->pid = pid;
	return wanted->checked ? RESULT_OK : take_expected("serve", wanted);
}

static enum result take_arguments(int count, char **arguments, struct wanted *wanted)
{
	for (int i = 0; i < count; i++) {
		enum result result = RESULT_OK;

		if (!strcmp(arguments[i], "--json")) {
			wanted->json = true;
		} else if (!strcmp(arguments[i], "--declared")) {
			wanted->declared = true;
		} else if (!strcmp(arguments[i], "--expect") && i + 1 < count) {
			result = take_expected(arguments[++i], wanted);
		} else if (!strcmp(arguments[i], "--pid") && i + 1 < count) {
			result = take_pid(arguments[++i], wanted);
		} else {
			fprintf(stderr,
				"hwsafe-helper: self-check: '%s'; known: --json, --declared, --pid PID, "
				"--expect CAP,...|none|serve\n",
				arguments[i]);
			result = RESULT_USAGE;
		}
		if (result != RESULT_OK)
			return result;
	}
	return RESULT_OK;
}

/* One that serves is also kept from ever having more. */
static bool is_kept(const struct state *state)
{
	static const struct {
		int number;
		long value;
		const char *cure;
	} must[] = {
		{ NO_NEW_PRIVS, 1, "an exec could give it privileges" },
		{ SECCOMP, 2, "no filter keeps it from system calls" },
		{ THREADS, 1, "a thread may hold other privileges" },
	};

	for (size_t i = 0; i < COUNT(must); i++)
		if (state->numbers[must[i].number] != must[i].value) {
			fprintf(stderr, "hwsafe-helper: self-check: %s is %ld, not %ld: %s\n",
				numbers[must[i].number].name, state->numbers[must[i].number],
				must[i].value, must[i].cure);
			return false;
		}
	return true;
}

static enum result compare(const struct state *state, const struct wanted *wanted)
{
	uint64_t beyond = 0;
	char name[LINE];

	for (size_t i = 0; i < COUNT(sets); i++)
		if (sets[i].held || wanted->serves)
			beyond |= state->sets[i] & ~wanted->expected;
	if (!beyond)
		return !wanted->serves || is_kept(state) ? RESULT_OK : RESULT_FAILURE;
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
	if (wanted.declared) {
		print_declared();
		return RESULT_OK;
	}
	r = read_state(wanted.pid, &state);
	if (r < 0) {
		fprintf(stderr, "hwsafe-helper: self-check: /proc/%s: %s\n",
			wanted.pid ? wanted.pid : "self", strerror(-r));
		return r == -ENOENT ? RESULT_NOT_FOUND : RESULT_SYSTEM;
	}
	if (wanted.json)
		print_json(&state);
	else
		print_text(&state);
	return wanted.checked ? compare(&state, &wanted) : RESULT_OK;
}
