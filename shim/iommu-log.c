/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/iommu-log-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a line says: the number after @key; false: it has none. */
static bool number_after(const char *line, const char *key, uint64_t *ret_value)
{
	const char *at = strstr(line, key);
	char *end;

	if (!at)
		return false;
	at += strlen(key);
	if (strncmp(at, "0x", 2) != 0)
		return false;
	errno = 0;
	*ret_value = strtoull(at, &end, 16);
	return errno == 0 && end > at + 2;
}

/* The function that is named after @key. */
static bool function_after(const char *line, const char *key, struct hws_bdf *ret_bdf)
{
	const char *at = strstr(line, key);
	char text[HWS_BDF_TEXT];
	size_t length;

	if (!at)
		return false;
	at += strlen(key);
	length = strspn(at, "0123456789abcdef:.");
	if (length > 0 && at[length - 1] == ':')
		length--;
	if (length >= sizeof(text))
		return false;
	memcpy(text, at, length);
	text[length] = '\0';
	return hws_bdf_parse(text, ret_bdf) == 0;
}

static uint32_t requester(struct hws_bdf bdf)
{
	return (uint32_t)bdf.bus << 8 | (uint32_t)bdf.device << 3 | bdf.function;
}

/* Intel, drivers/iommu/intel/dmar.c: no domain is named. */
static bool intel(struct iommu_log *log, const char *line, struct hws_bdf bdf,
		  struct hws_dma_fault *ret)
{
	struct hws_bdf named;

	(void)log;
	if (!function_after(line, "Request device [", &named) ||
	    requester(named) != requester(bdf) || !number_after(line, "fault addr ", &ret->address))
		return false;
	ret->write = strstr(line, "[DMA Write") != NULL;
	return ret->write || strstr(line, "[DMA Read") != NULL;
}

/* AMD, drivers/iommu/amd/iommu.c: before the colon, or as device=. */
static bool amd(struct iommu_log *log, const char *line, struct hws_bdf bdf,
		struct hws_dma_fault *ret)
{
	enum { WRITE = 0x20 };
	struct hws_bdf named;
	uint64_t flags;

	(void)log;
	if (!function_after(line, "device=", &named) && !function_after(line, "vfio-pci ", &named))
		return false;
	if (named.domain != bdf.domain || requester(named) != requester(bdf) ||
	    !number_after(line, "address=", &ret->address) || !number_after(line, "flags=", &flags))
		return false;
	ret->write = flags & WRITE;
	return true;
}

/* Arm SMMUv3, drivers/iommu/arm/arm-smmu-v3: the event's words follow, a line each. */
static bool smmu_begins(struct iommu_log *log, const char *line, struct hws_bdf bdf,
			struct hws_dma_fault *ret)
{
	(void)line, (void)bdf, (void)ret;
	*log = (struct iommu_log) { .expected = 4 };
	return false;
}

/* IHI 0070 §7.3: a translation, address size, access or permission fault. */
static bool smmu_event(const uint64_t word[4], struct hws_bdf bdf, struct hws_dma_fault *ret)
{
	uint32_t kind = word[0] & 0xff;

	/* a stream is a requester where the firmware maps them one to one */
	if (kind < 0x10 || kind > 0x13 || (uint16_t)(word[0] >> 32) != requester(bdf))
		return false;
	ret->address = word[2];
	ret->write = !(word[1] >> 35 & 1);
	return true;
}

static bool smmu_word(struct iommu_log *log, const char *line, struct hws_bdf bdf,
		      struct hws_dma_fault *ret)
{
	const char *colon = strstr(line, ": ");
	const char *at = colon ? strstr(colon, "0x") : NULL;

	if (log->expected == 0)
		return false;
	if (!at || !number_after(at, "", &log->word[log->words])) {
		*log = (struct iommu_log) { 0 };
		return false;
	}
	if (++log->words < log->expected)
		return false;
	log->expected = 0;
	return smmu_event(log->word, bdf, ret);
}

#define AMD_FAULT "AMD-Vi: Event logged [IO_PAGE_FAULT"

/*
 * A line belongs to the first row that it fits. How it begins is the driver's own; further on may
 * be what others say: a device's name, a file's.
 */
static const struct form {
	const char *begins;
	const char *has;
	bool (*read)(struct iommu_log *log, const char *line, struct hws_bdf bdf,
		     struct hws_dma_fault *ret);
} forms[] = {
	{ "DMAR: [DMA ", "Request device [", intel },
	{ AMD_FAULT, "address=", amd },
	{ "vfio-pci ", AMD_FAULT, amd },
	{ "arm-smmu-v3 ", " event 0x", smmu_begins },
	{ "arm-smmu-v3 ", "0x", smmu_word },
};

bool iommu_log_feed(struct iommu_log *log, const char *line, struct hws_bdf bdf,
		    struct hws_dma_fault *ret_fault)
{
	struct hws_dma_fault fault = { 0 };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strncmp(line, forms[i].begins, strlen(forms[i].begins)) != 0 ||
		    !strstr(line, forms[i].has))
			continue;
		if (!forms[i].read(log, line, bdf, &fault))
			return false;
		*ret_fault = fault;
		return true;
	}
	return false;
}
