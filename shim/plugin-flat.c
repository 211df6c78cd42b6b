/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/plugin-isolate-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

/* Before each value's name (with its NUL) and content, which are padded to this size's multiple. */
struct flat {
	uint32_t type;
	uint32_t name_size;
	uint64_t count;
	uint64_t scalar;
};

/*@ requires count <= HWS_VALUE_MOST;
  @ assigns \nothing;
  @ ensures \result <= 8 * count;
  @ ensures type == HWS_VALUE_STRING ==> \result == count;
  @ ensures type == HWS_VALUE_INTS ==> \result == 8 * count; */
static uint64_t content_size(uint32_t type, uint64_t count)
{
	return type == HWS_VALUE_STRING ? count
	       : type == HWS_VALUE_INTS ? count * sizeof(int64_t)
					: 0;
}

/*@ requires size <= UINT64_MAX - 7;
  @ assigns \nothing;
  @ ensures size <= \result < size + 8 && \result % 8 == 0; */
static uint64_t padded(uint64_t size)
{
	return (size + 7) / 8 * 8;
}

int flat_pack(const struct hws_values *values, char *bytes, size_t size, uint64_t *ret_size)
{
	const char *at = (const char *)values->at;
	uint64_t done = 0;

	for (uint64_t i = 0; i < values->count; i++, at += values->at->struct_size) {
		const struct hws_value *value = (const void *)at;
		struct flat flat = { .type = value->type, .count = value->count };
		uint64_t content = content_size(value->type, value->count);

		flat.name_size = (uint32_t)strlen(value->name) + 1;
		if (!hws_range_ok(done, sizeof(flat) + padded(flat.name_size) + padded(content),
				  size))
			return why(-E2BIG, "the values take more than %zu bytes", size);
		if (!content)
			memcpy(&flat.scalar, &value->as, sizeof(flat.scalar));
		memcpy(bytes + done, &flat, sizeof(flat));
		done += sizeof(flat);
		memcpy(bytes + done, value->name, flat.name_size);
		done += padded(flat.name_size);
		if (content)
			memcpy(bytes + done, value->as.string, (size_t)content);
		done += padded(content);
	}
	*ret_size = done;
	return 0;
}

/* One value, whose pointers lead into @bytes; how many it took, or -EPROTO. */
static int64_t unpack_one(const char *bytes, uint64_t size, struct hws_value *value)
{
	struct flat flat;
	uint64_t name, content;

	if (size < sizeof(flat))
		return -EPROTO;
	memcpy(&flat, bytes, sizeof(flat));
	if (flat.count > HWS_VALUE_MOST || !flat.name_size || flat.name_size > size)
		return -EPROTO;
	name = padded(flat.name_size);
	content = content_size(flat.type, flat.count);
	if (!hws_range_ok(sizeof(flat), name + padded(content), size) ||
	    bytes[sizeof(flat) + flat.name_size - 1])
		return -EPROTO;
	*value = (struct hws_value) {
		.struct_size = sizeof(*value),
		.name = bytes + sizeof(flat),
		.type = flat.type,
		.count = flat.count,
	};
	memcpy(&value->as, &flat.scalar, sizeof(flat.scalar));
	if (content)
		value->as.string = bytes + sizeof(flat) + name;
	return (int64_t)(sizeof(flat) + name + padded(content));
}

int flat_unpack(const char *bytes, size_t size, struct hws_values **ret_values)
{
	struct hws_value *values = calloc(HWS_VALUES_MOST, sizeof(*values));
	uint64_t count = 0;
	int r = values ? 0 : why(-ENOMEM, "no memory for values");

	for (uint64_t done = 0; r == 0 && done < size; count++) {
		int64_t took = count < HWS_VALUES_MOST
				       ? unpack_one(bytes + done, size - done, &values[count])
				       : -EPROTO;

		if (took < 0)
			r = why(-EPROTO, "values that are none");
		else
			done += (uint64_t)took;
	}
	if (r == 0)
		r = plugin_copy_values(&(struct hws_values) { values, count }, ret_values);
	free(values);
	return r;
}

int flat_take(const char *window, uint64_t size, struct hws_values **ret_values)
{
	HWS_CLEANUP_FREE char *bytes = size <= ISOLATE_WINDOW ? malloc((size_t)size + 1) : NULL;

	if (!bytes)
		return why(-EPROTO, "values of %llu bytes", (unsigned long long)size);
	memcpy(bytes, window, (size_t)size);
	return flat_unpack(bytes, (size_t)size, ret_values);
}
