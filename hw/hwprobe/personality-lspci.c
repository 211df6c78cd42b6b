/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As lspci of pciutils. Not as it: garbage is told where it is; -v tells what
 * it says of every capability in a line, -vv and -vvv tell no more; what the
 * policy keeps back is marked as denied.
 */
#include <string.h>
#include <unistd.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/pci-list.h"
#include "hw/hwprobe/personality.h"

static int usage(void)
{
	puts("Usage: lspci [OPTION]...\n"
	     "  -n, -nn      numbers, no names; twice: both\n"
	     "  -m, -mm      lines for programs; with -v a line for each field\n"
	     "  -v           details: as lspci -v; -vv and -vvv tell no more than it\n"
	     "  -k           kernel drivers and modules too\n"
	     "  -x           configuration space: 64 bytes; -xxx 256; -xxxx 4096\n"
	     "  -t           as a tree; with -v names\n"
	     "  -D           always write the domain\n"
	     "  -P, -PP      through bridges; twice: with buses\n"
	     "  -s SLOT      only [[[[DOMAIN]:]BUS]:][DEVICE][.[FUNCTION]], in hexadecimal\n"
	     "  -d ID        only [VENDOR]:[DEVICE][:CLASS[:INTERFACE]]\n"
	     "  -F FILE      what lspci -x printed, not this machine\n"
	     "It is hwprobe: the policy decides about -x, -v and -t. Of lspci's options these\n"
	     "are not done: -A -b -G -H -i -M -O -p -q -Q.");
	return RESULT_OK;
}

/* False: it is none of ours. */
static bool take_option(struct look *look, int letter)
{
	switch (letter) {
	case 'n':
		look->naming = look->naming == NAMING_NAMES ? NAMING_NUMBERS : NAMING_BOTH;
		return true;
	case 'm':
		look->machine++;
		return true;
	case 'v':
		look->verbose++;
		return true;
	case 'k':
		return look->kernel = true;
	case 'x':
		look->hex++;
		return true;
	case 't':
		return look->tree = true;
	case 'D':
		return look->domains = true;
	case 'P':
		look->buses = look->paths;
		return look->paths = true;
	case 's':
		look->slot = optarg;
		return true;
	case 'd':
		look->id = optarg;
		return true;
	case 'F':
		look->file = optarg;
		return true;
	default:
		return false;
	}
}

static int refuse(int letter)
{
	bool theirs = optopt && strchr("AbGHiMOpqQ", optopt);

	if (letter == ':')
		say_as("lspci", "-%c needs a value", optopt);
	else
		say_as("lspci", "%s option '-%c'; lspci --help tells those that are",
		       theirs ? "hwprobe does not do the" : "there is no", optopt);
	return RESULT_FAILURE;
}

int lspci_main(const struct settings *settings, int argc, char **argv)
{
	struct look look = { 0 };
	struct list list;
	enum result result;
	int letter;

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return usage();
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		printf("lspci version hwprobe-%s\n", hws_version());
		return RESULT_OK;
	}
	opterr = 0;
	optind = 0;
	while ((letter = getopt(argc, argv, ":nmvkxtDPs:d:F:")) != -1)
		if (!take_option(&look, letter))
			return refuse(letter);
	if (optind < argc) {
		say_as("lspci", "'%s': no word was expected", argv[optind]);
		return RESULT_FAILURE;
	}
	result = list_open(settings, &look, &list);
	if (result == RESULT_OK)
		result = list_show(&list);
	list_close(&list);
	return result == RESULT_OK ? RESULT_OK : RESULT_FAILURE;
}
