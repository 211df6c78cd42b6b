/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a handle knows of its registers, in the way of each of its accesses. */
#ifndef HWSAFE_HW_BANK_INTERNAL_H
#define HWSAFE_HW_BANK_INTERNAL_H

#include "hw/bank.h"
#include "hw/face-internal.h"

/* Puts a description on a handle. The file that has the handle's face calls it. */
HWS_MUST int bank_open(struct gate *gate, const struct face *face, struct hws_registers *registers,
		       struct hws_bank **ret_bank);
/* Before the gate is closed; a gate without one is left alone. */
void bank_close(struct gate *gate);

/* May it be, as far as registers are concerned? 0, or a refusal, told and counted. */
HWS_MUST int bank_ask(struct hws_bank *bank, enum gate_use use, const struct gate_access *one);
/* Would reading there change something, or tell nothing? */
HWS_MUST bool bank_hides(const struct hws_bank *bank, const struct gate_access *one);
/* The write was done: it may have chosen what stands behind a data port. */
void bank_wrote(struct hws_bank *bank, const struct gate_access *one);

#endif
