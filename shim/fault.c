/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim/fault-internal.h"

#include <pthread.h>
#include <string.h>

#include "raw-internal.h"
#include "shim/once.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

/* Both are distances from the field itself: the table needs no relocation and stays read-only. */
struct entry {
	int32_t at;
	int32_t fixup;
};

/* The linker's names for the ends of the section that RAW_FIXUP fills; weak: it may be empty. */
extern const struct entry __start_hws_extable[] __attribute__((weak, visibility("hidden")));
extern const struct entry __stop_hws_extable[] __attribute__((weak, visibility("hidden")));

static const int signals[] = { SIGSEGV, SIGBUS };
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

/* What stood before us, for each time that we were put in front. */
static HWS_ONCE(struct sigaction) previous[SIGNALS][FAULT_ARMS];
static _Atomic uint64_t handled;
static HWS_ONCE(fault_observer) observing;

static bool fix_up(ucontext_t *context)
{
	/* SAFETY: the kernel gave the context to our handler */
	uintptr_t pc = raw_pc(context);

	for (const struct entry *e = __start_hws_extable; e < __stop_hws_extable; e++) {
		if ((uintptr_t)&e->at + (uintptr_t)(intptr_t)e->at != pc)
			continue;
		/* SAFETY: the fix-up belongs to the very instruction that faulted */
		raw_set_pc(context, (uintptr_t)&e->fixup + (uintptr_t)(intptr_t)e->fixup);
		handled++;
		return true;
	}
	return false;
}

static bool set_default(int signal)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	return sys_sigaction(signal, &action, NULL) == 0;
}

/* The default action: the fault comes again when we return, and ends the process as it should. */
static void die_of(int signal, const siginfo_t *info)
{
	if (set_default(signal) && info->si_code <= 0)
		raise(signal); /* sent, not raised by the processor: it won't come by itself */
}

static void chain(const struct sigaction *to, int signal, siginfo_t *info, void *context)
{
	bool sent = info->si_code <= 0;

	if (!(to->sa_flags & SA_SIGINFO) && to->sa_handler == SIG_IGN && sent)
		return;
	if (!(to->sa_flags & SA_SIGINFO) &&
	    (to->sa_handler == SIG_DFL || to->sa_handler == SIG_IGN)) {
		die_of(signal, info);
		return;
	}
	if (to->sa_flags & (int)SA_RESETHAND && !set_default(signal))
		return;
	if (to->sa_flags & SA_SIGINFO)
		to->sa_sigaction(signal, info, context);
	else
		to->sa_handler(signal);
}

static void on_fault(int arm, int signal, siginfo_t *info, void *context)
{
	const struct sigaction *before;
	const fault_observer *observer = hws_once_get(&observing);

	if (info->si_code > 0 && fix_up(context))
		return;
	if (info->si_code > 0 && observer)
		(*observer)(signal, info);
	before = hws_once_get(&previous[signal == signals[0] ? 0 : 1][arm]);
	if (before)
		chain(before, signal, info, context);
}

/*
 * A handler of its own for each time that we are put in front: a program's handler that chains to
 * the one it found gets the older of ours, which knows what stood before it. No loop.
 */
#define HANDLER(n)                                                          \
	static void handler_##n(int signal, siginfo_t *info, void *context) \
	{                                                                   \
		on_fault(n, signal, info, context);                         \
	}
HANDLER(0)
HANDLER(1)
HANDLER(2)
HANDLER(3)
HANDLER(4)
HANDLER(5)
HANDLER(6)
HANDLER(7)
static void (*const handlers[FAULT_ARMS])(int, siginfo_t *, void *) = {
	handler_0, handler_1, handler_2, handler_3, handler_4, handler_5, handler_6, handler_7,
};

static bool is_ours(const struct sigaction *action)
{
	for (int arm = 0; arm < FAULT_ARMS && action->sa_flags & SA_SIGINFO; arm++) {
		if (action->sa_sigaction == handlers[arm])
			return true;
	}
	return false;
}

static int no_handler(int which, int code)
{
	return why(code, "signal %d can't be handled: %s", signals[which], strerror(-code));
}

static int arm_signal(int which)
{
	struct sigaction now;
	int r = sys_sigaction(signals[which], NULL, &now);

	if (r < 0)
		return no_handler(which, r);
	if (is_ours(&now))
		return 0;
	for (int arm = 0; arm < FAULT_ARMS; arm++) {
		struct sigaction ours = {
			.sa_sigaction = handlers[arm],
			.sa_mask = now.sa_mask,
			.sa_flags = SA_SIGINFO | SA_ONSTACK |
				    (now.sa_flags & (SA_NODEFER | SA_RESTART)),
		};

		if (hws_once_set(&previous[which][arm], &now) < 0)
			continue;
		r = sys_sigaction(signals[which], &ours, NULL);
		return r < 0 ? no_handler(which, r) : 0;
	}
	return why(-EMFILE, "signal %d: the program replaced the fault handler more than %d times",
		   signals[which], (int)FAULT_ARMS);
}

int fault_arm(void)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	int r = 0;

	if (RAW_ARCH == HWS_ARCH_UNKNOWN)
		return why(-EOPNOTSUPP, "faults can't be caught on an architecture we don't know");
	pthread_mutex_lock(&one_at_a_time);
	for (int i = 0; i < SIGNALS && r == 0; i++)
		r = arm_signal(i);
	pthread_mutex_unlock(&one_at_a_time);
	/* of a thread that blocks what the processor raises the kernel makes an end */
	return r < 0 ? r : sys_unblock_faults();
}

int fault_observe(fault_observer observer)
{
	int r = hws_once_set(&observing, &observer);

	return r == -EALREADY && observing.value == observer ? 0 : r;
}

uint64_t fault_count(void)
{
	return handled;
}
