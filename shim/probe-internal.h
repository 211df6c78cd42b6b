/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of the probe: what is known before the ways are tried. */
#ifndef HWSAFE_SHIM_PROBE_INTERNAL_H
#define HWSAFE_SHIM_PROBE_INTERNAL_H

#include "shim/probe.h"
#include "shim/sys-internal.h"

struct finding;

/* Where the asking happens. */
struct scene {
	int root;
	const char *socket;	      /* the helper's */
	const struct finding *helper; /* what is the same for all that goes through it */
	const struct finding *vfio;
	bool captured; /* a tree of files, no kernel to ask */
	bool x86;
	bool arm64;
	bool locked;	       /* lockdown is on, whichever level */
	bool in_user_ns;       /* capabilities don't reach the whole machine */
	bool modules;	       /* the kernel can load modules */
	bool keys;	       /* the processor has protection keys, and the kernel uses them */
	uint64_t bounding;     /* capabilities that the process may ever have */
	bool no_new_privs;     /* an exec gives none */
	char program[128];     /* this one's path; "PROGRAM" when that is not known */
	char nosuid[128];      /* where its file system is mounted nosuid; "" when it isn't */
	const char *elsewhere; /* where hardware is, told in a cloud's service; NULL: maybe here */
	struct hws_probe_machine machine;
};

/* Reads the scene; close it by closing ->root. */
HWS_MUST int scene_open(const struct hws_shim_options *options, struct scene *ret_scene);
/* Does the process hold the capability, for the whole machine? */
bool scene_has(const struct scene *scene, unsigned int capability);
bool scene_exists(const struct scene *scene, const char *path);
/* 0 or why this process may not open the file with these rights, without opening it. */
HWS_MUST int scene_access(const struct scene *scene, const char *path, enum hws_rights rights);
/* How many entries of a directory have such names; 0 also when there is no directory. */
uint32_t scene_count(const struct scene *scene, const char *directory,
		     bool (*named)(const char *name));
/* The last part of what a link points to; "" when there is none. */
enum { SCENE_LINK = 256 };
const char *scene_link(const struct scene *scene, const char *path, char text[SCENE_LINK]);
/* Any name that is not "." or "..". */
bool scene_any_name(const char *name);
/* Fills in the machine's container, and ->elsewhere. */
void scene_container(struct scene *scene);
enum { SCENE_MOUNTS = 1 << 16 }; /* room for /proc/self/mountinfo */

/* A result under work, with room for the words that are not constant. */
struct finding {
	struct hws_probe_result result;
	char why[256];
	char fix[320];
	bool own; /* the fix is the program's own to do, wherever it runs */
};

/* Something to open, and what it takes. */
struct node {
	const char *path;
	enum hws_rights rights; /* that the file's mode must give; it is opened for reading only */
	const char
		*class_path; /* exists when the kernel has the driver; asked first; may be NULL */
	bool locked_out;     /* lockdown keeps everybody out */
	uint8_t capability;  /* what an open needs beyond the file mode; 0: nothing */
	const char *absent_why; /* no node and no driver */
	const char *absent_fix;
};

/* Tries to open the node; true when it opens, else the finding says why not. */
bool probe_node(const struct scene *scene, const struct node *node, struct finding *f);
/* Fills in the cause and cure of @code at @path. */
void probe_refused(const struct scene *scene, int code, const struct node *node, struct finding *f);
void probe_says(struct finding *f, enum hws_probe_status status, int code, const char *words,
		const char *fix);

/* What a child tries: shared with it. */
struct trial {
	unsigned int what;
	int code;
};

/* Runs @body, whose call a filter may kill for, in a child; gives its code. */
HWS_MUST int probe_in_child(void (*body)(void *trial), unsigned int what);
/* What the kernel's answer on a PR_SPEC_ control of this process comes to; or its -errno. */
void probe_says_control(const struct scene *scene, unsigned int control, int answer,
			struct finding *f);

/* One way each; fill status, code, why and fix. */
void probe_ioperm(const struct scene *scene, struct finding *f);
void probe_dev_port(const struct scene *scene, struct finding *f);
void probe_io_resource(const struct scene *scene, struct finding *f);
void probe_msr(const struct scene *scene, struct finding *f);
void probe_config_head(const struct scene *scene, struct finding *f);
void probe_config_full(const struct scene *scene, struct finding *f);
void probe_config_write(const struct scene *scene, struct finding *f);
void probe_bar(const struct scene *scene, struct finding *f);
void probe_cpuid(const struct scene *scene, struct finding *f);
void probe_midr(const struct scene *scene, struct finding *f);
void probe_helper(const struct scene *scene, struct finding *f);
void probe_helper_vfio(const struct scene *scene, struct finding *f);
void probe_vfio(const struct scene *scene, struct finding *f);
void probe_iommufd(const struct scene *scene, struct finding *f);
void probe_iommu(const struct scene *scene, struct finding *f);
void probe_lockdown(const struct scene *scene, struct finding *f);
void probe_pku(const struct scene *scene, struct finding *f);
void probe_memlock(const struct scene *scene, struct finding *f);
void probe_store_bypass(const struct scene *scene, struct finding *f);
void probe_indirect_branch(const struct scene *scene, struct finding *f);
void probe_l1d_flush(const struct scene *scene, struct finding *f);
void probe_flaws(const struct scene *scene, struct finding *f);

/* What is the same for all ways through the helper, or VFIO: found once. */
void probe_greet_helper(const struct scene *scene, struct finding *f);
void probe_find_vfio(const struct scene *scene, struct finding *f);
/* How an IOMMU comes to be. */
const char *probe_iommu_fix(const struct scene *scene);

#endif
