/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Allocations: of the whole process, libraries included. Under a sanitizer, which has functions of
 * its own in their place, the library's alone, by --wrap.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/inject/inject.h"

#if SUITE_SANITIZED
#define OURS(name) __wrap_##name
#define REAL(name) __real_##name
size_t __sanitizer_get_current_allocated_bytes(void);
#else
#define OURS(name) name
#define REAL(name) __libc_##name
#endif

/* of the other libraries, too, that are found by their names */
#pragma GCC visibility push(default)

#define CALLER __builtin_return_address(0)

uintptr_t inject_linker, inject_linker_size;
static _Atomic long blocks;

/*
 * The dynamic linker's are not looked at, but for those in dlopen(): a thread's first touch of a
 * loaded object's own data ends the process where there is no memory for it, and what it took for
 * an object it lets go of when it likes. What stays loaded is seen by its mappings.
 */
static bool is_linkers(const void *caller)
{
	return (uintptr_t)caller - inject_linker < inject_linker_size;
}

/* relaxed: a sum, looked at when threads are gone */
static void *took(void *block, const void *caller)
{
	if (block && !is_linkers(caller))
		atomic_fetch_add_explicit(&blocks, 1, memory_order_relaxed);
	return block;
}

long inject_allocated(void)
{
#if SUITE_SANITIZED
	return (long)__sanitizer_get_current_allocated_bytes();
#else
	return blocks;
#endif
}

static bool fails(const char *name, const void *caller)
{
	int code = is_linkers(caller) && !inject_is_loading() ? 0 : inject_code(name, ENOMEM, 0);

	if (code)
		errno = code;
	return code != 0;
}

void *REAL(malloc)(size_t size);
void *OURS(malloc)(size_t size);
void *OURS(malloc)(size_t size)
{
	return fails("malloc", CALLER) ? NULL : took(REAL(malloc)(size), CALLER);
}

void *REAL(calloc)(size_t count, size_t size);
void *OURS(calloc)(size_t count, size_t size);
void *OURS(calloc)(size_t count, size_t size)
{
	return fails("calloc", CALLER) ? NULL : took(REAL(calloc)(count, size), CALLER);
}

void *REAL(realloc)(void *block, size_t size);
void *OURS(realloc)(void *block, size_t size);
void *OURS(realloc)(void *block, size_t size)
{
	void *now;

	if (fails("realloc", CALLER))
		return NULL;
	now = REAL(realloc)(block, size);
	if (block && !now && size == 0)
		atomic_fetch_sub_explicit(&blocks, 1, memory_order_relaxed);
	return block ? now : took(now, CALLER);
}

#if SUITE_SANITIZED
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails("aligned_alloc", CALLER) ? NULL : __real_aligned_alloc(alignment, size);
}
#else
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);
void *memalign(size_t alignment, size_t size);

void *memalign(size_t alignment, size_t size)
{
	return fails("memalign", CALLER) ? NULL : took(__libc_memalign(alignment, size), CALLER);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **ret_block, size_t alignment, size_t size)
{
	void *block = memalign(alignment, size);

	if (!block)
		return ENOMEM;
	*ret_block = block;
	return 0;
}

void free(void *block)
{
	if (block && !is_linkers(CALLER))
		atomic_fetch_sub_explicit(&blocks, 1, memory_order_relaxed);
	__libc_free(block);
}
#endif
