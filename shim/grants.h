/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a launcher hands over: `hwsafe-helper run` writes it, hws_open() finds it. It lies in one
 * sealed memfd, whose number stands in the environment as HWS_GRANTS_NAME:
 *
 *   struct hws_grants             the head, with a bit for each port that is open
 *   struct hws_grants_bar []      the open BARs
 *   struct hws_grants_ring []     the restricted rings
 *   struct hws_grants_hold []     functions that are held whole
 *   char []                       the policy that holds, as the text of a file, and a NUL
 *
 * and nothing else. Programs need nothing of this: for them hws_open() is enough.
 */
#ifndef HWSAFE_SHIM_GRANTS_H
#define HWSAFE_SHIM_GRANTS_H

#include "base.h"

HWS_BEGIN_DECLS

/** HWS_GRANTS_NAME - the environment's variable with the descriptor's number. */
#define HWS_GRANTS_NAME "HWSAFE_GRANTS"
/** HWS_GRANTS_MAGIC - its first eight bytes. */
#define HWS_GRANTS_MAGIC UINT64_C(0x31544e5247535748) /* "HWSGRNT1" */
/** HWS_GRANTS_VERSION - of this layout; another one is refused. */
#define HWS_GRANTS_VERSION 2
/** HWS_GRANTS_BARS - the most BARs. */
#define HWS_GRANTS_BARS 64
/** HWS_GRANTS_RINGS - the most rings. */
#define HWS_GRANTS_RINGS 16
/** HWS_GRANTS_HOLDS - the most functions that are held whole. */
#define HWS_GRANTS_HOLDS 16
/** HWS_GRANTS_PATH - bytes of a path, with its NUL. */
#define HWS_GRANTS_PATH 256
/** HWS_GRANTS_TEXT - the most bytes of the policy, with its NUL. */
#define HWS_GRANTS_TEXT (1u << 20)
/** HWS_GRANTS_PARAMS - words of the kernel's struct io_uring_params. */
#define HWS_GRANTS_PARAMS 30

/** struct hws_grants - the head. */
struct hws_grants {
	uint64_t magic;
	uint32_t version;
	uint32_t size; /* of all, to the byte */
	uint32_t uid;  /* to whom it was granted */
	uint32_t bars; /* how many follow */
	uint32_t rings;
	uint32_t holds;
	uint32_t text;	   /* bytes of the policy, with its NUL */
	uint32_t reserved; /* 0 */
	uint8_t ports[8192];
};

/** struct hws_grants_bar - an open BAR. */
struct hws_grants_bar {
	uint32_t domain;
	uint8_t bus;
	uint8_t device;
	uint8_t function;
	uint8_t bar;
	uint32_t rights; /* HWS_R or HWS_RW */
	int32_t fd;
};

/** struct hws_grants_ring - a ring that is locked to one file. */
struct hws_grants_ring {
	char path[HWS_GRANTS_PATH];
	uint64_t arena; /* the address at which its memory has to lie */
	uint64_t size;	/* of that memory: whole pages */
	uint32_t rights;
	int32_t fd;
	int32_t arena_fd;
	uint32_t reserved; /* 0 */
	uint32_t params[HWS_GRANTS_PARAMS];
};

/** struct hws_grants_hold - a PCI function, held by VFIO. */
struct hws_grants_hold {
	uint32_t domain;
	uint8_t bus;
	uint8_t device;
	uint8_t function;
	uint8_t index;	/* which of these it is, from 0 */
	int32_t fds[2]; /* as enum hws_hold_fd: the IOMMU's domain, the function */
};

HWS_END_DECLS

#endif
