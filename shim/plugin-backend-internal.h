/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A back end that a plug-in brings, as an opened one; its page is read-only. */
#ifndef HWSAFE_SHIM_PLUGIN_BACKEND_INTERNAL_H
#define HWSAFE_SHIM_PLUGIN_BACKEND_INTERNAL_H

#include "shim/plugin-internal.h"
#include "shim/why-internal.h"

struct plugin_backend {
	struct hws_plugin *plugin;
	void *self;		 /* the plug-in's */
	struct hws_shim_ops ops; /* what it lacks has become the safe default */
	char name[33];		 /* also the way of all that it opens */
};

/*
 * plugin-believe.c: is it possible, what an entry gave? 0, or -EPROTO: it is in quarantine. What is
 * kept of it is made ours: strings, and names of ways.
 */
int believe_value(const struct plugin_backend *backend, const char *entry, uint64_t value,
		  uint32_t width);
int believe_cpu(const struct plugin_backend *backend, const struct hws_cpu *cpu);
/* @size 0: as much as there is. */
int believe_window(const struct plugin_backend *backend, const char *entry, uint64_t first,
		   uint64_t size, struct hws_window *window);
int believe_next(const struct plugin_backend *backend, const struct hws_bdf *after,
		 const struct hws_bdf *next);
int believe_hold(const struct plugin_backend *backend, struct hws_bdf bdf, struct hws_hold *hold);
int believe_info(const struct plugin_backend *backend, const struct hws_pci_info *info);
int believe_status(const struct plugin_backend *backend, const char *entry, int status);

/*
 * After an entry: the status as it is believed. @said: why_times() before it; when nobody said why
 * it failed, this does.
 */
int backend_left(const struct plugin_backend *backend, const char *entry, unsigned int said,
		 int status);

/* ASK() - an entry that gives 0 or -errno. */
#define ASK(backend, entry, ...)                                                           \
	__extension__({                                                                    \
		const struct plugin_backend *ask_b_ = (backend);                           \
		const unsigned int ask_said_ = why_times();                                \
		int ask_r_ = plugin_enter(ask_b_->plugin, #entry);                         \
		ask_r_ < 0 ? ask_r_                                                        \
			   : backend_left(ask_b_, #entry, ask_said_,                       \
					  ask_b_->ops.entry(ask_b_->self, ##__VA_ARGS__)); \
	})

/* TELL() - an entry that gives nothing. */
#define TELL(backend, entry, ...)                                          \
	do {                                                               \
		const struct plugin_backend *tell_b_ = (backend);          \
		if (plugin_enter(tell_b_->plugin, #entry) == 0) {          \
			tell_b_->ops.entry(tell_b_->self, ##__VA_ARGS__);  \
			(void)plugin_leave(tell_b_->plugin, #entry, NULL); \
		}                                                          \
	} while (0)

/* plugin-backend-many.c: many registers at once. */
int backend_msr_batch(void *self, struct hws_msr_op *ops, size_t count);

#endif
