/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plug-ins: shared objects that bring a device or a way to one. Which may be loaded, and what
 * proves that it is the one that was meant, is the policy's to say:
 *
 *	plugin = /usr/lib/hwsafe/npu.so sha256 4c0e…      these very bytes
 *	plugin = /usr/lib/hwsafe/npu.so key RWQf…         what that key signed (minisign)
 *	plugin = /home/me/npu.so unsigned                 anything there: said loudly, each time
 *
 * A plug-in runs in this process and can do what the process can: load only what you trust. What
 * it says is checked all the same. Those who write one begin with shim/plugin.h.
 */
#ifndef HWSAFE_GUARDIAN_PLUGIN_H
#define HWSAFE_GUARDIAN_PLUGIN_H

#include "../shim/plugin.h"
#include "context.h"

HWS_BEGIN_DECLS

/** struct hws_plugin - one that is loaded, and an instance of it. */
struct hws_plugin;

/**
 * struct hws_plugin_options - what it is told, and may ask for; all zero but the size: nothing.
 *
 * The functions are called from any thread, until @release. A key and its value have been checked:
 * their pointers hold for as many bytes as they say.
 */
struct hws_plugin_options {
	size_t size;		  /* sizeof(struct hws_plugin_options) */
	struct hws_values values; /* borrowed */
	/* fills kv->value and value_size; -ENOENT; -ENOSPC with value_size; -ETIMEDOUT */
	int (*get)(void *context, struct hws_kv *kv);
	/* the same without waiting for it */
	int (*try_get)(void *context, struct hws_kv *kv);
	int (*put)(void *context, const struct hws_kv *kv);
	void (*release)(void *context); /* called once, when none of them can be any more */
	void *context;			/* borrowed until @release */
	bool isolate;			/* in a process of its own: see hws_plugin_open() */
	uint64_t patience_ns;		/* isolated: how long an answer may take; 0: 10 s */
};

/**
 * hws_plugin_open() - load a plug-in and make an instance.
 * @hw: borrowed; what it logs goes to this context's log
 * @path: borrowed; absolute, no link, and like the directories above of the policy's owner alone
 * @options: borrowed; NULL: the defaults. Its @release is called in any case
 * @ret_plugin: out; for hws_plugin_close(); untouched on failure
 *
 * The file is opened once and copied to sealed memory; pin or signature, and the note that tells
 * name and version, are checked there, and those bytes are what is loaded. Its table and chain of
 * extensions are copied and checked before anything in them is called.
 *
 * Isolated, the plug-in runs in a child process that may compute and read files, and nothing else;
 * where Linux has Landlock no file of /dev, /proc and /sys either, but for a few that tell nothing.
 * When it crashes or hangs, calls say -ENODEV or -ETIMEDOUT, and this process goes on. Calls are
 * done when they return, one at a time; there is no memory made of buffers, no mapping, no store.
 *
 * Return: 0; -EACCES by policy, or when it can't be trusted; -ENOEXEC when it is no plug-in for
 * this machine; -ELIBBAD when it can't be linked; -EPROTO when it doesn't keep the contract;
 * what its own create() said; -EINVAL, -ENOENT, -EFBIG, -EMFILE, -ENOMEM.
 */
HWS_API HWS_MUST int hws_plugin_open(struct hws *hw, const char *path,
				     const struct hws_plugin_options *options,
				     struct hws_plugin **ret_plugin);

/**
 * hws_plugin_close() - destroy the instance, and unload the plug-in.
 * @plugin: taken; NULL does nothing. No call to it may be under way
 *
 * Events that it never set are cancelled, chunks that it wasn't done with are let go, and both are
 * told in the log. One that broke the contract is not called again, and stays loaded.
 */
HWS_API void hws_plugin_close(struct hws_plugin *plugin);

/**
 * hws_plugin_name() - who it says it is: "name version".
 * @plugin: borrowed
 *
 * Return: a string that lives as long as the plug-in.
 */
HWS_API const char *hws_plugin_name(const struct hws_plugin *plugin);

/** enum hws_plugin_brings - what a plug-in brings, as bits. */
enum hws_plugin_brings {
	HWS_PLUGIN_BACKEND = 1,
	HWS_PLUGIN_DEVICE = 2,
};

/**
 * hws_plugin_brings() - what there is in it.
 * @plugin: borrowed
 *
 * Return: bits of enum hws_plugin_brings.
 */
HWS_API uint32_t hws_plugin_brings(const struct hws_plugin *plugin);

/** struct hws_plugin_file - what a plug-in's file says, before anything in it is run. */
struct hws_plugin_file {
	size_t size;	  /* sizeof(struct hws_plugin_file): set it before the call */
	char name[32];	  /* who it says it is */
	char version[16]; /* the same */
	uint32_t abi;	  /* of the boundary: the upper half must be HWS_PLUGIN_ABI's */
	char sha256[65];  /* of its bytes, as a rule of the policy pins it */
};

/**
 * hws_plugin_inspect() - look at a plug-in's file as it would be loaded, and run nothing of it.
 * @path: borrowed; absolute, without "." and ".."
 * @owner: who must own it; the directories above may be root's, too
 * @key: borrowed; a minisign public key that must have signed it; NULL: not asked
 * @ret_file: out; untouched on failure
 *
 * No policy is asked: it needs no rule.
 *
 * Context: any thread.
 * Return: 0, or what hws_plugin_open() gives for such a file.
 */
HWS_API HWS_MUST int hws_plugin_inspect(const char *path, uint32_t owner, const char *key,
					struct hws_plugin_file *ret_file);

/**
 * hws_plugin_check() - has it kept the contract so far?
 * @plugin: borrowed
 *
 * Context: any thread.
 * Return: 0, or -EPROTO: it is in quarantine, and hws_why() says for what.
 */
HWS_API HWS_MUST int hws_plugin_check(const struct hws_plugin *plugin);

HWS_END_DECLS

#endif
