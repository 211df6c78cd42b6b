/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plug-in's file: found, trusted, loaded. It is opened once; its bytes are copied to where nobody
 * changes them, and what is checked there is what is loaded.
 */
#ifndef HWSAFE_SHIM_PLUGIN_LIBRARY_INTERNAL_H
#define HWSAFE_SHIM_PLUGIN_LIBRARY_INTERNAL_H

#include "shim/plugin.h"

enum { PLUGIN_FILE = 64 << 20 }; /* the most bytes of one */

struct plugin_library;

/* Which one, and what makes it trusted: @sha256 and @key, where they are given, must both hold. */
struct plugin_source {
	int root;	    /* as sys_root_open() */
	const char *path;   /* absolute, without "." and ".." */
	const char *sha256; /* 64 hexadecimal digits; NULL: not pinned */
	const char *key;    /* a minisign public key; its signature is in @path.minisig; NULL */
	bool bare;	    /* neither is needed */
	uint32_t owner;	    /* of the file and the directories above, which may be root's, too */
};

/*
 * Reads it: whole, sealed, checked. 0; -EACCES: not to be trusted; -ENOEXEC: no plug-in for this
 * machine; -EPROTO: of another version; -EFBIG, -errno. The words go on behind its path.
 */
HWS_MUST int plugin_library_open(const struct plugin_source *source,
				 struct plugin_library **ret_library);
/* Who it says it is; good until it is closed. */
const struct hws_plugin_note *plugin_library_note(const struct plugin_library *library);
/* The SHA-256 of its bytes. */
enum { PLUGIN_HASH = 65 };
HWS_MUST int plugin_library_hash(const struct plugin_library *library, char ret_hash[PLUGIN_HASH]);
/* Its sealed copy; the library's. */
int plugin_library_fd(const struct plugin_library *library);
/* From here on it runs in this process. 0; -ELIBBAD with the linker's words; -EPROTO. */
HWS_MUST int plugin_library_load(struct plugin_library *library,
				 const struct hws_plugin_table **ret_table);
/* Unloads it, if nothing holds it. NULL does nothing. */
void plugin_library_close(struct plugin_library *library);

/* plugin-elf.c: its note. -ENOEXEC, -EPROTO. */
HWS_MUST int plugin_read_note(const void *file, size_t size, struct hws_plugin_note *ret_note);
/* plugin-sign.c: 0 or -EACCES. */
void plugin_hash(const void *file, size_t size, char ret_hash[PLUGIN_HASH]);
HWS_MUST int plugin_check_pin(const void *file, size_t size, const char *sha256);
HWS_MUST int plugin_check_signature(const void *file, size_t size, const char *key,
				    const char *signature);

#endif
