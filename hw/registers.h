/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptions of registers: their names, where they are, what reading and
 * writing them does. docs/registers.md describes the format of their files.
 *
 *	struct hws_registers *nvme;
 *	struct hws_register reg;
 *	uint32_t index;
 *
 *	r = hws_registers_load(hw, "nvme", &nvme);         one that comes with the library
 *	r = hws_registers_find(nvme, "CC", &index);
 *	r = hws_registers_at(nvme, index, &reg);           reg.offset, reg.width, reg.attribute …
 *	hws_registers_unref(nvme);
 *
 * bank.h puts one on a handle: from then on the handle knows its registers.
 */
#ifndef HWSAFE_HW_REGISTERS_H
#define HWSAFE_HW_REGISTERS_H

#include "../guardian/context.h"

HWS_BEGIN_DECLS

/** struct hws_registers - a description; it never changes, and is shared by reference. */
struct hws_registers;

/** HWS_REGISTERS_MAX - registers that a description may have. */
#define HWS_REGISTERS_MAX 4096
/** HWS_REGISTERS_TEXT_MAX - bytes that the text of a description may have. */
#define HWS_REGISTERS_TEXT_MAX (1u << 20)
/** HWS_REGISTERS_ANY - struct hws_register.which where it says nothing. */
#define HWS_REGISTERS_ANY UINT32_MAX

/** enum hws_register_space - what registers lie in. */
enum hws_register_space {
	HWS_SPACE_BAR = 0,    /* a BAR; which: its number */
	HWS_SPACE_PORTS,      /* ports; which: the first one */
	HWS_SPACE_INDEXED,    /* behind two ports, index and data; which: the index */
	HWS_SPACE_MSR,	      /* numbers of MSRs */
	HWS_SPACE_CONFIG,     /* configuration space; which: the header's type, or any */
	HWS_SPACE_CAPABILITY, /* a capability of it; which: its id */
	HWS_SPACE_EXTENDED,   /* an extended capability (from 0x100 on); which: its id */
	HWS_SPACES	      /* how many */
};

/** enum hws_attribute - what reading and writing a register, or a field of it, does. */
enum hws_attribute {
	HWS_ATTRIBUTE_RO = 0, /* writing it does nothing */
	HWS_ATTRIBUTE_WO,     /* reading it tells nothing */
	HWS_ATTRIBUTE_RW,
	HWS_ATTRIBUTE_W1C,  /* writing a one clears the bit */
	HWS_ATTRIBUTE_RCLR, /* reading clears it */
	HWS_ATTRIBUTE_FIFO, /* reading takes an entry, writing adds one */
	HWS_ATTRIBUTES	    /* how many */
};

/**
 * hws_attribute_name() - the attribute's word in descriptions: "ro", "w1c" …
 * @attribute: the attribute
 *
 * Return: a constant string; "?" for a value that is no attribute.
 */
HWS_API const char *hws_attribute_name(enum hws_attribute attribute);

/**
 * hws_attribute_side() - does reading change something, or tell nothing?
 * @attribute: the attribute
 *
 * Return: true where a read needs the right HWS_SIDE.
 */
HWS_API bool hws_attribute_side(enum hws_attribute attribute);

/** struct hws_register - one register; its strings live as long as the description. */
struct hws_register {
	const char *name;
	const char *text; /* what it is for; "" when nothing is said */
	enum hws_register_space space;
	uint32_t which;
	uint64_t offset; /* in the space; of MSRs the number */
	uint32_t width;	 /* bytes */
	enum hws_attribute attribute;
	bool has_reset;
	uint64_t reset;	 /* the value after a reset, where one is told */
	uint32_t fields; /* how many */
	uint32_t line;	 /* where it stands */
};

/** struct hws_field - some bits of a register; its strings live as long as the description. */
struct hws_field {
	const char *name;
	const char *text;
	uint32_t high; /* the bits, both inclusive */
	uint32_t low;
	enum hws_attribute attribute; /* the register's, where the field has none of its own */
	uint32_t words;		      /* how many of its values have names */
};

/**
 * hws_registers_parse() - make a description of a text.
 * @name: borrowed; what errors call the text
 * @text: borrowed; at most HWS_REGISTERS_TEXT_MAX bytes
 * @report: called for each error, as "name:line:column: found 'x', expected …"; NULL: only
 * hws_why() tells the first
 * @context: borrowed; handed to @report
 * @ret_registers: out; to be given up by hws_registers_unref(); untouched on failure
 *
 * Return: 0; -EBADMSG when the text has errors; -EFBIG when it is too long; -EINVAL; -ENOMEM.
 */
HWS_API HWS_MUST int hws_registers_parse(const char *name, const char *text,
					 void (*report)(const char *message, void *context),
					 void *context, struct hws_registers **ret_registers);

/**
 * hws_registers_load() - load a description by its name.
 * @hw: borrowed; files are opened below its sysroot; NULL: only what comes with the library
 * @name: borrowed; one that hws_registers_shipped() gives, or the path of a file: it has a '/'
 * @ret_registers: out; to be given up by hws_registers_unref(); untouched on failure
 *
 * Return: 0; -ENOENT; -EBADMSG when the file has errors; -EFBIG; -EINVAL; -ENOMEM; or what opening
 * gave. hws_why() has the first error.
 */
HWS_API HWS_MUST int hws_registers_load(struct hws *hw, const char *name,
					struct hws_registers **ret_registers);

/**
 * hws_registers_shipped() - the descriptions that come with the library.
 * @index: which, from 0
 *
 * Return: its name; NULL: there are no more.
 */
HWS_API const char *hws_registers_shipped(unsigned int index);

/**
 * hws_registers_ref() - one more holder of a description.
 * @registers: shared
 *
 * Context: any thread.
 * Return: @registers.
 */
HWS_API struct hws_registers *hws_registers_ref(struct hws_registers *registers);

/**
 * hws_registers_unref() - one holder less; the last one frees it.
 * @registers: taken; NULL is left alone
 *
 * Context: any thread.
 */
HWS_API void hws_registers_unref(struct hws_registers *registers);

/**
 * hws_registers_match() - is the description about this PCI function?
 * @registers: borrowed
 * @vendor: the function's
 * @device: the function's
 * @class_code: base class, sub-class and interface, a byte each
 *
 * Return: true when the description names that device or that class.
 */
HWS_API bool hws_registers_match(const struct hws_registers *registers, uint16_t vendor,
				 uint16_t device, uint32_t class_code);

/**
 * hws_registers_count() - how many registers are described.
 * @registers: borrowed
 *
 * Return: the number.
 */
HWS_API uint32_t hws_registers_count(const struct hws_registers *registers);

/**
 * hws_registers_at() - one of them.
 * @registers: borrowed
 * @index: which, from 0, in the description's order
 * @ret_register: out; untouched on failure
 *
 * Return: 0, or -ERANGE when there is no such register.
 */
HWS_API HWS_MUST int hws_registers_at(const struct hws_registers *registers, uint32_t index,
				      struct hws_register *ret_register);

/**
 * hws_registers_find() - the register of a name.
 * @registers: borrowed
 * @name: borrowed; "CC"
 * @ret_index: out; for hws_registers_at(); untouched on failure
 *
 * Return: 0, or -ENOENT, with names that are alike in hws_why().
 */
HWS_API HWS_MUST int hws_registers_find(const struct hws_registers *registers, const char *name,
					uint32_t *ret_index);

/**
 * hws_registers_field_at() - a field of a register.
 * @registers: borrowed
 * @index: which register
 * @field: which of its fields, from 0
 * @ret_field: out; untouched on failure
 *
 * Return: 0, or -ERANGE when there is none.
 */
HWS_API HWS_MUST int hws_registers_field_at(const struct hws_registers *registers, uint32_t index,
					    uint32_t field, struct hws_field *ret_field);

/**
 * hws_registers_word() - the name of a field's value.
 * @registers: borrowed
 * @index: which register
 * @field: which of its fields
 * @value: the field's value
 *
 * Return: a string that lives as long as the description; NULL: it has no name.
 */
HWS_API const char *hws_registers_word(const struct hws_registers *registers, uint32_t index,
				       uint32_t field, uint64_t value);

HWS_END_DECLS

#endif
