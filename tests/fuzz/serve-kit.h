/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A helper without privileges, on the simulated machine, within a target. */
#ifndef HWSAFE_TESTS_FUZZ_SERVE_KIT_H
#define HWSAFE_TESTS_FUZZ_SERVE_KIT_H

#include "helper/serve.h"

/* Rules for this user. */
struct hws_policy *serve_kit_parse(const char *rules);
struct server *serve_kit_begin(const struct serve_options *options, struct hws_policy *policy);
/* Of its socket. */
const char *serve_kit_path(void);
/* How a program begins: the size of that message. */
size_t serve_kit_hello(union wire_request *request);

#endif
