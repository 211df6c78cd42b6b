/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI functions to be listed, of this machine, another root, the simulated
 * machine or a dump; and how lspci shows them: as a list or as a tree.
 */
#ifndef HWPROBE_PCI_LIST_H
#define HWPROBE_PCI_LIST_H

#include "hw/hwprobe/dump.h"
#include "hw/hwprobe/names.h"
#include "hw/hwprobe/select.h"

/* What is to be shown, and how: lspci's options. */
struct look {
	const char *slot;
	const char *id;
	const char *file; /* a dump; NULL: a machine */
	enum naming naming;
	bool kernel;
	bool tree;
	bool paths;	      /* through bridges, in place of buses */
	bool buses;	      /* in these paths too */
	bool domains;	      /* also where all are 0 */
	unsigned int machine; /* 1, 2: -m, -mm */
	unsigned int verbose;
	unsigned int hex; /* how often -x was given */
	bool sanitize;	  /* serial numbers are 0 */
};

struct entry {
	struct hws_bdf bdf;
	struct hws_pci_info info;
	int code;			    /* what asking for it gave */
	bool chosen;			    /* by the selectors */
	const struct dump_function *dumped; /* NULL: it can be asked */
	/* in a tree */
	struct bridge *bridge; /* that it is; NULL: none */
	struct entry *above;   /* the bridge that it is behind; NULL: none */
	struct entry *beside;  /* the next on the same bus; NULL: none */
};

struct list {
	const struct look *look;
	struct hws *hw; /* NULL: of a dump */
	struct names *names;
	bool kernel;   /* it is a machine that a kernel runs on */
	char *modules; /* that it has, when -k wants them; NULL: not known */
	struct dump dump;
	struct entry *at; /* in the order of addresses */
	size_t count;
	size_t chosen;
	bool domains;  /* one isn't 0 */
	int blind;     /* why a configuration space could not be read; 0: all could */
	char why[256]; /* in words */
};

/* Else it was told why not. For list_close() in any case. */
enum result list_open(const struct settings *settings, const struct look *look, struct list *list);
void list_close(struct list *list);

/*
 * Bytes of configuration space from 0 on, at most @size: how many there are;
 * or why there are none.
 */
int list_config(const struct list *list, const struct entry *entry, uint32_t size,
		uint8_t bytes[CONFIG_SIZE]);
bool list_has_subsystem(const struct hws_pci_info *info);
const char *list_denied(int code);

/* The chosen ones, as text. */
void list_print(const struct list *list);
/* The bridges between them, for paths and the tree. 0, or -ENOMEM: for tree_free() in any case. */
struct tree;
int tree_grow(struct list *list, struct tree **ret_tree);
void tree_free(struct tree *tree);
int tree_print(const struct list *list, const struct tree *tree);
/* What -v says below a function's first lines. */
void list_print_details(const struct list *list, const struct entry *entry,
			const struct facts *facts);

/* All of it as lspci prints it; what can't be read is told on stderr. */
enum result list_show(struct list *list);

#endif
