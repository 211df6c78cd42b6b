/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may stand in the places that the help names: functions, registers, files of rules. */
#include <dirent.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwprobe/complete.h"
#include "hw/hwprobe/names.h"
#include "hw/hwprobe/policy.h"

/* A context on the machine that the line is about; NULL: there is none to be had. */
static struct hws *open_machine(const struct completing *c)
{
	struct call call = { .settings = c->settings };
	const char *sim = c->settings.sim_file;
	struct hws *hw;

	/* standard input is where the line is being typed */
	if (sim && !strcmp(sim, "-"))
		return NULL;
	return call_open(&call, &hw) == RESULT_OK ? hw : NULL;
}

/* Functions, each handed to @tell. */
static void each_function(const struct completing *c,
			  void (*tell)(const struct completing *c, const char *bdf,
				       const struct hws_pci_info *info, const char *name))
{
	struct names *names = names_open(NAMING_NAMES, NULL);
	struct hws *hw = open_machine(c);
	char name[NAME_TEXT];
	char text[HWS_BDF_TEXT];
	struct hws_bdf bdf;
	int r = hw && names ? hws_pci_next(hw, NULL, &bdf) : -1;

	for (; r == 0; r = hws_pci_next(hw, &bdf, &bdf)) {
		struct hws_pci_info info = { .size = sizeof(info) };

		if (hws_pci_get_info(hw, hws_bdf_format(bdf, text), &info) == 0)
			tell(c, text, &info, name_of(names, NAME_BOTH, &info, name));
	}
	hws_close(hw);
	names_close(names);
}

static void tell_function(const struct completing *c, const char *bdf,
			  const struct hws_pci_info *info, const char *name)
{
	(void)info;
	complete_offer(c, bdf, name);
	/* as lspci has it */
	if (!strncmp(bdf, "0000:", 5))
		complete_offer(c, bdf + 5, name);
}

static void functions(const struct completing *c)
{
	each_function(c, tell_function);
}

static void tell_bars(const struct completing *c, const char *bdf, const struct hws_pci_info *info,
		      const char *name)
{
	char word[64];

	for (unsigned int bar = 0; bar < HWS_PCI_BARS; bar++) {
		if (!info->bars[bar].size || info->bars[bar].flags & HWS_BAR_IO)
			continue;
		snprintf(word, sizeof(word), "%s:%u+", bdf, bar);
		complete_offer(c, word, name);
		if (!strncmp(bdf, "0000:", 5))
			complete_offer(c, word + 5, name);
	}
}

/* "00:04.0:CC": registers that a description has in one of the function's BARs. */
static void tell_described(const struct completing *c, const char *bdf,
			   const struct hws_pci_info *info, const char *description)
{
	struct hws_registers *made;
	struct hws_register reg;
	char word[80];

	if (hws_registers_load(NULL, description, &made) < 0)
		return;
	if (hws_registers_match(made, info->vendor, info->device, info->class_code))
		for (uint32_t i = 0; hws_registers_at(made, i, &reg) == 0; i++) {
			snprintf(word, sizeof(word), "%s:%s", bdf, reg.name);
			if (reg.space == HWS_SPACE_BAR)
				complete_offer(c, word, reg.text);
		}
	hws_registers_unref(made);
}

static void tell_memory(const struct completing *c, const char *bdf,
			const struct hws_pci_info *info, const char *name)
{
	const char *description;
	size_t typed = strlen(c->word);
	const char *form = strncmp(bdf, "0000:", 5) != 0 || !strncmp(c->word, bdf, typed) ? bdf
											  : bdf + 5;

	tell_bars(c, bdf, info, name);
	/* there are many: once it is clear of which function */
	if (typed <= strlen(form) || strncmp(c->word, form, strlen(form)) != 0)
		return;
	for (unsigned int i = 0; (description = hws_registers_shipped(i)); i++)
		tell_described(c, form, info, description);
}

static void bars(const struct completing *c)
{
	each_function(c, tell_memory);
}

static void tell_id(const struct completing *c, const char *bdf, const struct hws_pci_info *info,
		    const char *name)
{
	char word[16];

	(void)bdf;
	snprintf(word, sizeof(word), "%04x:%04x", info->vendor, info->device);
	complete_offer(c, word, name);
}

static void ids(const struct completing *c)
{
	each_function(c, tell_id);
}

/* Registers of a description; once a dot is typed, the fields of the one before it. */
static void tell_registers(const struct completing *c, const struct hws_registers *made)
{
	const char *dot = strchr(c->word, '.');
	struct hws_register reg;
	struct hws_field field;
	char word[80];

	for (uint32_t i = 0; hws_registers_at(made, i, &reg) == 0; i++) {
		if (!dot)
			complete_offer(c, reg.name, reg.text);
		if (!dot || strlen(reg.name) != (size_t)(dot - c->word) ||
		    strncmp(reg.name, c->word, (size_t)(dot - c->word)) != 0)
			continue;
		for (uint32_t k = 0; hws_registers_field_at(made, i, k, &field) == 0; k++) {
			snprintf(word, sizeof(word), "%s.%s", reg.name, field.name);
			complete_offer(c, word, field.text);
		}
	}
}

static void registers_of(const struct completing *c, const char *description)
{
	struct hws_registers *made;

	if (hws_registers_load(NULL, description, &made) < 0)
		return;
	tell_registers(c, made);
	hws_registers_unref(made);
}

static bool is_area(const struct completing *c, const char *area)
{
	return c->area && !strcmp(c->area, area);
}

static void registers(const struct completing *c)
{
	if (is_area(c, "msr"))
		registers_of(c, "msr");
	else if (is_area(c, "pci"))
		registers_of(c, "pci");
}

static void files(const struct completing *c)
{
	(void)c;
	puts(":files");
}

static void directories(const struct completing *c)
{
	(void)c;
	puts(":directories");
}

static void list_rules(const struct completing *c)
{
	char *folder = path_below(&c->settings, HWS_POLICY_DIRECTORY);
	DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *entry;
	char path[512];

	while (dir && (entry = readdir(dir))) {
		size_t length = strlen(entry->d_name);

		if (entry->d_name[0] == '.' || length < 5 ||
		    strcmp(entry->d_name + length - 5, ".conf") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", HWS_POLICY_DIRECTORY, entry->d_name);
		complete_offer(c, path, "policy");
	}
	if (dir)
		closedir(dir);
	free(folder);
}

/* Files of rules, where the area is about them. */
static void paths(const struct completing *c)
{
	if (is_area(c, "policy"))
		list_rules(c);
	puts(":files");
}

static void users(const struct completing *c)
{
	FILE *file = open_below(&c->settings, "/etc/passwd");
	struct passwd *entry;

	while (file && (entry = fgetpwent(file)))
		complete_offer(c, entry->pw_name, entry->pw_gecos);
	if (file)
		fclose(file);
}

static void groups(const struct completing *c)
{
	FILE *file = open_below(&c->settings, "/etc/group");
	struct group *entry;

	while (file && (entry = fgetgrent(file)))
		complete_offer(c, entry->gr_name, NULL);
	if (file)
		fclose(file);
}

static void kinds(const struct completing *c)
{
	for (enum hws_kind kind = 0; kind < HWS_KINDS; kind++)
		complete_offer(c, hws_kind_name(kind), NULL);
}

static void rules(const struct completing *c)
{
	char word[32];

	for (enum hws_kind kind = 0; kind < HWS_KINDS; kind++) {
		snprintf(word, sizeof(word), "%s = ", hws_kind_name(kind));
		complete_offer(c, word, NULL);
	}
}

/* What policy explain asks about depends on the kind that was named. */
static void what(const struct completing *c)
{
	const char *kind = c->count ? c->words[0] : "";
	bool has_device = !strcmp(kind, "pci") || !strcmp(kind, "bar") || !strcmp(kind, "dma") ||
			  !strcmp(kind, "irq");

	if (!strcmp(kind, "msr"))
		registers_of(c, "msr");
	else if (!strcmp(kind, "mem"))
		bars(c);
	else if (has_device && c->count == 2)
		functions(c);
	else if (!strcmp(kind, "pci"))
		registers_of(c, "pci");
	else if (!strcmp(kind, "ring") || !strcmp(kind, "plugin"))
		puts(":files");
}

static const struct {
	const char *place;
	void (*list)(const struct completing *c);
	const char *words; /* or these, with blanks between */
} places[] = {
	{ "BDF", functions, NULL },
	{ "BDF:BAR+OFFSET", bars, NULL },
	{ "SLOT", functions, NULL },
	{ "ID", ids, NULL },
	{ "REGISTER", registers, NULL },
	{ "PART-OF-A-NAME", registers, NULL },
	{ "NAME", registers, NULL },
	{ "NAME=VALUE", registers, NULL },
	{ "WHAT", what, NULL },
	{ "KIND", kinds, NULL },
	{ "RULE", rules, NULL },
	{ "FILE", paths, NULL },
	{ "FILE|DIR", paths, NULL },
	{ "OLD", paths, NULL },
	{ "NEW", paths, NULL },
	{ "PATH", paths, NULL },
	{ "COMMAND", files, NULL },
	{ "WORD", files, NULL },
	{ "DIR", directories, NULL },
	{ "USER", users, NULL },
	{ "GROUP", groups, NULL },
	{ "CPUS", NULL, "all 0" },
	{ "RIGHTS", NULL, "read write rw side claimed danger" },
	{ "WHEN", NULL, "auto always never" },
	{ "WIDTH", NULL, "b w l q 8 16 32 64" },
	{ "BYTES", NULL, "1 2 4 8" },
	{ "LEVEL", NULL, "info warning error critical" },
	{ "SHELL", NULL, "bash zsh fish" },
	{ "PROGRAM", NULL, "rdmsr wrmsr inb inw inl outb outw outl devmem lspci setpci" },
	{ "NAMES", NULL,
	  "reset pci bar bridge smm mode apic features microcode entry memory clock voltage" },
};

static void list_words(const struct completing *c, const char *words)
{
	char *copy = strdup(words);
	char *next = copy;

	while (next)
		complete_offer(c, strsep(&next, " "), NULL);
	free(copy);
}

void complete_place(const struct completing *c, const char *place)
{
	const char *bar = strchr(place, '|');
	char first[64];

	for (size_t i = 0; i < COUNT(places); i++) {
		if (strcmp(places[i].place, place) != 0)
			continue;
		if (places[i].list)
			places[i].list(c);
		else
			list_words(c, places[i].words);
		return;
	}
	if (bar) {
		snprintf(first, sizeof(first), "%.*s", (int)(bar - place), place);
		complete_place(c, first);
	}
}
