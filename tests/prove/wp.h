/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Put before every file that Frama-C reads: what its compiler and headers lack.
 *
 * All that is assumed of our own accord stands here. Atomics are one thread's: an exchange succeeds
 * when the word is what was expected, so that loops around it are proved for the run in which
 * nobody comes between; what threads do to each other is for the models (*.pml). And gcc's two
 * builtins do what its manual says.
 */
#ifndef PROVE_WP_H
#define PROVE_WP_H

#include <stdbool.h>
#include <stdint.h>

typedef long max_align_t;
#define CLOCK_MONOTONIC_COARSE		   6
#define __builtin_expect(condition, usual) (condition)

/*@ requires \valid(ret);
  @ assigns *ret, \result;
  @ ensures \result <==> a + b > UINT64_MAX;
  @ ensures !\result ==> *ret == a + b; */
bool wp_add_overflow(uint64_t a, uint64_t b, uint64_t *ret);
/*@ requires \valid(ret);
  @ assigns *ret, \result;
  @ ensures \result <==> a * b > UINT64_MAX;
  @ ensures !\result ==> *ret == a * b; */
bool wp_mul_overflow(uint64_t a, uint64_t b, uint64_t *ret);
#define __builtin_add_overflow wp_add_overflow
#define __builtin_mul_overflow wp_mul_overflow

#define __FC_STDATOMIC
#define _Atomic
enum memory_order {
	memory_order_relaxed,
	memory_order_acquire,
	memory_order_release,
	memory_order_acq_rel,
	memory_order_seq_cst
};
#define __atomic_load_n(at, order)	   (*(at))
#define __atomic_store_n(at, value, order) ((void)(*(at) = (value)))
#define __atomic_compare_exchange_n(at, seen, value, weak, good, bad) \
	(*(at) == *(seen) ? (*(at) = (value), 1) : (*(seen) = *(at), 0))
#define atomic_init(at, value)			    ((void)(*(at) = (value)))
#define atomic_load_explicit			    __atomic_load_n
#define atomic_store_explicit			    __atomic_store_n
#define atomic_fetch_add_explicit(at, value, order) ((*(at) += (value)) - (value))
#define atomic_fetch_sub_explicit(at, value, order) ((*(at) -= (value)) + (value))
#define atomic_compare_exchange_strong_explicit(at, seen, value, good, bad) \
	__atomic_compare_exchange_n(at, seen, value, 0, good, bad)
#define atomic_compare_exchange_weak_explicit atomic_compare_exchange_strong_explicit
/* never in a function that is proved */
uint64_t atomic_exchange_explicit(void *at, uint64_t value, enum memory_order order);

#endif
