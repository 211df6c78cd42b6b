/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes that can take the machine down, or get past the policy: each danger has its own right. */
#ifndef HWSAFE_GUARDIAN_DANGER_INTERNAL_H
#define HWSAFE_GUARDIAN_DANGER_INTERNAL_H

#include "guardian/access.h"

/* The dangers of a write, as rights: of this one, or of any that a window would let through. */
uint32_t danger_of(const struct hws_access *access);

/* A danger's word in policies. */
struct danger {
	uint32_t right;
	const char *name;
	const char *does;
};
enum { DANGERS = 13 };
extern const struct danger dangers[DANGERS];

/* "resets the machine; the rule must have 'danger reset'". Gives @text. */
const char *danger_text(uint32_t rights, char *text, size_t size);

#endif
