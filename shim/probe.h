/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this machine allows: each way to reach each kind of hardware, whether
 * it works for this process, and if not, the cause, the cure and what is left.
 *
 * Nothing is changed by asking: no module is loaded, no file is opened for writing, no port,
 * register or BAR is touched. The helper is greeted, which starts one that systemd keeps ready.
 * With a sysroot only files below it are read.
 */
#ifndef HWSAFE_SHIM_PROBE_H
#define HWSAFE_SHIM_PROBE_H

#include "shim.h"

HWS_BEGIN_DECLS

/** enum hws_probe_status - the answer in one word. */
enum hws_probe_status {
	HWS_PROBE_NO = 0,
	HWS_PROBE_PARTIAL, /* some of it: reads but no writes, the first 64 bytes … */
	HWS_PROBE_WORKS,
};

/**
 * struct hws_probe_result - one way to reach one kind of hardware.
 *
 * The strings stay good until the callback that got them returns; none is NULL.
 */
struct hws_probe_result {
	const char *kind;    /* "port", "msr", "pci", "bar", "irq", "dma", "cpuid", "kernel" … */
	const char *way;     /* "ioperm", "/dev/port" … */
	const char *backend; /* which back end goes this way: "native", "broker", "sim" … */
	const char *through; /* "native", "helper", "vfio", "sim"; "" for what is no access */
	enum hws_probe_status status;
	int code;	  /* 0, or the -errno that stands in the way */
	const char *why;  /* the cause, or what was found */
	const char *fix;  /* a command or a setting that cures it; "" when there is none */
	const char *rest; /* what still works without it; "" when it works */
};

/**
 * hws_probe() - try every way to every kind, and tell.
 * @options: borrowed; only sysroot and socket are used; NULL: the real root, HWS_WIRE_SOCKET
 * @each: called once for each way, in a fixed order
 * @context: borrowed; handed to @each
 *
 * Context: any thread. What a system call filter might kill for is tried in a child process.
 * Return: 0; -ENOENT or -ENOTDIR when the sysroot is no directory; another -errno when it can't
 * be opened. @each was then not called.
 */
HWS_API HWS_MUST int hws_probe(const struct hws_shim_options *options,
			       void (*each)(const struct hws_probe_result *result, void *context),
			       void *context);

/**
 * hws_probe_status_name() - "no", "partial" or "works".
 * @status: the status
 *
 * Return: a constant string; "?" for a value that is no status.
 */
HWS_API const char *hws_probe_status_name(enum hws_probe_status status);

/** struct hws_probe_backend - a back end of this library. */
struct hws_probe_backend {
	const char *name;
	const char *about;
};

/**
 * hws_probe_backend() - the back ends compiled in, one by one.
 * @index: counts from 0
 *
 * Return: a constant; NULL past the last one.
 */
HWS_API const struct hws_probe_backend *hws_probe_backend(unsigned int index);

/** struct hws_probe_machine - what the machine is; "" and 0 stand for what isn't known. */
struct hws_probe_machine {
	char arch[32];	     /* as uname -m says */
	char kernel[72];     /* as uname -r says */
	char cpu_vendor[32]; /* "GenuineIntel", "implementer 0x41" … */
	char cpu_model[72];
	char lockdown[24];  /* "none", "integrity", "confidentiality" */
	char container[24]; /* "docker", "podman", "aws-lambda" …; "" outside */
	uint32_t cpus;	    /* processors online */
	uint32_t pci_functions;
	uint32_t iommu_groups;
	uint32_t uid;	    /* of this process; in a sysroot: of who captured it */
	uint32_t seccomp;   /* 0: no filter, 1: strict, 2: filtered */
	uint64_t effective; /* effective capabilities, a bit each */
};

/**
 * hws_probe_machine() - what the machine is.
 * @options: borrowed; only the sysroot is used; NULL: the real root
 * @ret_machine: out; untouched on failure
 *
 * Return: as hws_probe().
 */
HWS_API HWS_MUST int hws_probe_machine(const struct hws_shim_options *options,
				       struct hws_probe_machine *ret_machine);

/** HWS_PROBE_KINDS - room for each kind of access that there will be. */
#define HWS_PROBE_KINDS 16

/** struct hws_probe_rights - what the helper's policy has for this user. */
struct hws_probe_rights {
	uint32_t rules;			  /* of the policy, for whomever */
	uint32_t rights[HWS_PROBE_KINDS]; /* that some rule gives, by enum hws_kind: HWS_R, HWS_W */
};

/**
 * hws_probe_rights() - ask the helper what its policy has for this user.
 * @options: borrowed; only the socket is used; NULL: HWS_WIRE_SOCKET
 * @ret_rights: out; untouched on failure
 *
 * Nothing is refused by asking, so nothing is recorded but the connection.
 *
 * Context: any thread.
 * Return: 0; -ENODEV nobody listens; -EACCES this user may not connect; -EOPNOTSUPP the helper is
 * older than this; another -errno when it makes no sense. hws_why() says it in words.
 */
HWS_API HWS_MUST int hws_probe_rights(const struct hws_shim_options *options,
				      struct hws_probe_rights *ret_rights);

HWS_END_DECLS

#endif
