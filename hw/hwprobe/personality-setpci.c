/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As setpci of pciutils. Not as it: garbage is never taken for a number, an
 * empty value not for 0; all that could refuse is found out before the first
 * write; what can't be read is an error, not all-ones; functions come in the
 * order of their addresses.
 */
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/personality.h"
#include "hw/hwprobe/setpci.h"

static void print_usage(void)
{
	puts("Usage: setpci [-v] [-f] [-D] [-r] (SELECTOR... OPERATION...)...\n"
	     "  -v           what is done, and where\n"
	     "  -f           say nothing when no function is selected\n"
	     "  -D           don't write\n"
	     "  -r           no function selected is an error\n"
	     "  --dumpregs   the names of registers and capabilities\n"
	     "  SELECTOR     -s [[[[DOMAIN]:]BUS]:][DEVICE][.[FUNCTION]]\n"
	     "               -d [VENDOR]:[DEVICE][:CLASS[:INTERFACE]]\n"
	     "  OPERATION    REGISTER[+OFFSET][.B|.W|.L][@NUMBER][=VALUE[:MASK],...]\n"
	     "  REGISTER     its offset; COMMAND, CAP_EXP, CAP10, ECAP_AER, ECAP001\n"
	     "All numbers are hexadecimal. It is hwprobe: the policy decides what may be read\n"
	     "and written. Of setpci's options these are not done: -A -G -H -O.");
}

static void print_names(void)
{
	const struct pci_cap_name *cap;
	const struct pci_reg *reg;

	puts("cap pos w name");
	for (size_t i = 0; (reg = pci_reg_at(i)); i++)
		printf("     %02x %c %s\n", reg->offset, "-BW-L"[reg->width], reg -> name);
	for (size_t i = 0; (cap = pci_cap_name_at(i)); i++)
		printf("%*s%0*x 00 - %s\n", cap->extended ? 0 : 2, "", cap->extended ? 4 : 2,
		       cap->id, cap->name);
}

/* Letters before the first selector. */
static bool take_letters(const char *letters, struct setpci_work *work)
{
	for (; *letters; letters++)
		switch (*letters) {
		case 'v':
			work->verbose = true;
			break;
		case 'f':
			work->quiet = true;
			break;
		case 'D':
			work->demo = true;
			break;
		case 'r':
			work->strict = true;
			break;
		default:
			return setpci_refuse("%s option '-%c'",
					     strchr("AGHO", *letters) ? "hwprobe does not do the"
								      : "there is no",
					     *letters);
		}
	return true;
}

/* -s SLOT or -d ID, apart or in one word; moves *@at to its last word. */
static bool take_selector(char ***at, struct setpci_group *group)
{
	const char *word = **at;
	const char *value = word[2] ? word + 2 : *++*at;

	if (word[1] != 's' && word[1] != 'd')
		return setpci_refuse("'%s': here only -s, -d and operations are expected", word);
	if (!value)
		return setpci_refuse("%s needs a value", word);
	*(word[1] == 's' ? &group->slot : &group->id) = value;
	return true;
}

/* Selectors and operations. */
static bool take_groups(char **at, struct setpci_work *work)
{
	struct setpci_group *group = NULL;

	for (; *at; at++) {
		if ((*at)[0] == '-') {
			if (!group || group->count) {
				group = &work->groups[work->group_count++];
				group->first = work->op_count;
			}
			if (!take_selector(&at, group))
				return false;
			continue;
		}
		if (!group)
			return setpci_refuse("'%s': first say of which functions: -s or -d", *at);
		group->count++;
		if (!setpci_parse(*at, &work->ops[work->op_count++]))
			return false;
	}
	return work->group_count || setpci_refuse("no operation: setpci --help");
}

static bool take(int argc, char **argv, struct setpci_work *work)
{
	char **at = argv + 1;

	work->groups = calloc((size_t)argc, sizeof(*work->groups));
	work->ops = calloc((size_t)argc, sizeof(*work->ops));
	if (!work->groups || !work->ops)
		return setpci_refuse("no memory");
	for (; *at && (*at)[0] == '-' && (*at)[1] != 's' && (*at)[1] != 'd'; at++)
		if (!take_letters(*at + 1, work))
			return false;
	return take_groups(at, work);
}

int setpci_main(const struct settings *settings, int argc, char **argv)
{
	struct call call = { .settings = *settings };
	struct setpci_work work = { 0 };
	bool done;

	if (argc == 2 && !strcmp(argv[1], "--help"))
		print_usage();
	else if (argc == 2 && !strcmp(argv[1], "--version"))
		printf("setpci version hwprobe-%s\n", hws_version());
	else if (argc == 2 && !strcmp(argv[1], "--dumpregs"))
		print_names();
	else {
		done = take(argc, argv, &work) && call_open(&call, &work.hw) == RESULT_OK &&
		       setpci_run(&work);
		setpci_fini(&work);
		return done ? RESULT_OK : RESULT_FAILURE;
	}
	return RESULT_OK;
}
