/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The note of a shared object, found in its bytes before the linker sees them. */
#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "shim/plugin-library-internal.h"
#include "shim/why-internal.h"

/* This library's own header, made by the linker: what a plug-in must be like. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

enum { NOTE_TYPE = 1, NOTES_MOST = 64 };

static int not_one(const char *what)
{
	return why(-ENOEXEC, "is no plug-in: %s", what);
}

static int read_header(const void *file, size_t size, ElfW(Ehdr) * header)
{
	if (size < sizeof(*header))
		return not_one("it is too short for a shared object");
	memcpy(header, file, sizeof(*header));
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return not_one("it is no ELF file");
	/* class, byte order */
	if (memcmp(header->e_ident, __ehdr_start.e_ident, EI_VERSION) != 0 ||
	    header->e_machine != __ehdr_start.e_machine)
		return why(-ENOEXEC, "is for another machine (ELF machine %u, not %u)",
			   header->e_machine, __ehdr_start.e_machine);
	if (header->e_type != ET_DYN)
		return not_one("it is no shared object");
	if (header->e_phentsize != sizeof(ElfW(Phdr)) ||
	    !hws_range_ok(header->e_phoff, (uint64_t)header->e_phnum * sizeof(ElfW(Phdr)), size))
		return not_one("it is cut off");
	return 0;
}

static uint64_t padded(uint64_t size)
{
	return (size + 3) & ~UINT64_C(3);
}

/* A name or a version: printable, short, ended. */
static bool is_word(const char *word, size_t room)
{
	size_t length = strnlen(word, room);

	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)word[i]) && !strchr("-_.", word[i]))
			return false;
	return length && length < room;
}

static int take_note(const char *content, size_t size, struct hws_plugin_note *ret_note)
{
	struct hws_plugin_note note = { 0 };

	if (size < sizeof(note))
		return not_one("its note is cut off");
	memcpy(&note, content, sizeof(note));
	if (note.struct_size < sizeof(note) || note.struct_size > size)
		return not_one("its note says a size that can't be");
	if (note.abi >> 16 != HWS_PLUGIN_ABI >> 16)
		return why(-EPROTO, "speaks version %u of the boundary, not %u: build it anew",
			   note.abi >> 16, HWS_PLUGIN_ABI >> 16);
	if (!is_word(note.name, sizeof(note.name)) || !is_word(note.version, sizeof(note.version)))
		return not_one("its note has no proper name and version");
	*ret_note = note;
	return 0;
}

/* One segment of notes: 0, -ENOENT: ours is not there, -errno. */
static int search(const char *notes, uint64_t size, struct hws_plugin_note *ret_note)
{
	uint64_t at = 0;

	for (int n = 0; n < NOTES_MOST && size - at >= sizeof(ElfW(Nhdr)); n++) {
		ElfW(Nhdr) head;
		uint64_t name = at + sizeof(head);
		uint64_t content;

		memcpy(&head, notes + at, sizeof(head));
		content = name + padded(head.n_namesz);
		if (!hws_range_ok(content, head.n_descsz, size))
			return not_one("its notes are cut off");
		if (head.n_type == NOTE_TYPE && head.n_namesz == sizeof(HWS_PLUGIN_NOTE) &&
		    memcmp(notes + name, HWS_PLUGIN_NOTE, sizeof(HWS_PLUGIN_NOTE)) == 0)
			return take_note(notes + content, head.n_descsz, ret_note);
		at = content + padded(head.n_descsz);
		if (at > size)
			break;
	}
	return -ENOENT;
}

int plugin_read_note(const void *file, size_t size, struct hws_plugin_note *ret_note)
{
	ElfW(Ehdr) header;
	int r = read_header(file, size, &header);

	if (r < 0)
		return r;
	for (unsigned int i = 0; i < header.e_phnum; i++) {
		ElfW(Phdr) segment;

		memcpy(&segment, (const char *)file + header.e_phoff + i * sizeof(segment),
		       sizeof(segment));
		if (segment.p_type != PT_NOTE)
			continue;
		if (!hws_range_ok(segment.p_offset, segment.p_filesz, size))
			return not_one("it is cut off");
		r = search((const char *)file + segment.p_offset, segment.p_filesz, ret_note);
		if (r != -ENOENT)
			return r;
	}
	return not_one("it has no note of hwsafe (HWS_PLUGIN() makes one)");
}
