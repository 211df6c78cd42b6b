/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guard's word (guardian/guard.c): epoch * (LIMIT + 1) + used, changed only
 * by compare-and-swap. Three threads take, give back, and re-arm with what they
 * read before any number of others' steps.
 *
 * granted[e] counts what is really out in epoch e: taken and not given back.
 * MUTANT_GIVE: giving back doesn't look at the epoch. MUTANT_STORE: taking
 * stores without comparing. MUTANT_REARM: re-arming adds to what it read,
 * whatever stands there now. Liveness: nobody waits for anybody; MUTANT_WAIT:
 * who finds nothing left does.
 */
#define LIMIT  2
#define EPOCHS 3
#define BASE(e)	 ((e) * (LIMIT + 1))
#define EPOCH(s) ((s) / (LIMIT + 1))
#define USED(s)	 ((s) % (LIMIT + 1))
#define LAST	 (EPOCHS - 1)
#define ROUNDS(thread) (thread < 3 -> 2 : 1) /* twice each takes four times as long */

byte state = 0;
byte granted[EPOCHS];
byte running = 3;

/* never more than the limit; the word is of an epoch that exists, and none comes again */
inline move(from, to)
{
	assert(EPOCH(to) < EPOCHS && EPOCH(to) >= EPOCH(from));
	state = to;
}

/* guard_take(): as much as is left, at most @n */
inline take(n)
{
	seen = state;
again_take:
	count = LIMIT - USED(seen);
	if
	:: count > n -> count = n
	:: else -> skip
	fi;
	if
#ifdef MUTANT_WAIT
	:: count == 0 -> seen = state; goto again_take
#else
	:: count == 0 -> skip
#endif
	:: else ->
		atomic {
			if
#ifdef MUTANT_STORE
			:: true ->
#else
			:: state == seen ->
#endif
				move(seen, seen + count);
				epoch = EPOCH(seen);
				granted[epoch] = granted[epoch] + count;
				assert(granted[epoch] <= LIMIT);
				held = count
#ifndef MUTANT_STORE
			:: else -> seen = state; goto again_take
#endif
			fi
		}
	fi
}

/* guard_give(): nothing once the epoch is over */
inline give()
{
	seen = state;
again_give:
	if
#ifdef MUTANT_GIVE
	:: held == 0 -> skip
#else
	:: held == 0 || EPOCH(seen) != epoch -> skip
#endif
	:: else ->
		atomic {
			if
			:: state == seen ->
				assert(USED(seen) >= held);
				move(seen, seen - held);
				granted[epoch] = granted[epoch] - held
			:: else -> seen = state; goto again_give
			fi
		}
	fi;
	held = 0
}

/* next_epoch(): unless another thread just did */
inline rearm()
{
	seen = state;
	old = EPOCH(seen);
again_rearm:
	if
	:: old >= LAST -> skip
	:: old < LAST && EPOCH(seen) != old -> skip
	:: else ->
		atomic {
			if
#ifdef MUTANT_REARM
			:: true -> state = seen + LIMIT + 1
#else
			:: state == seen -> move(seen, BASE(old + 1))
			:: else -> seen = state; goto again_rearm
#endif
			fi
		}
	fi
}

active proctype end()
{
	(_nr_pr == 1);
	/* the word says what is out, or more: what was dropped with its epoch is not counted */
	assert(granted[EPOCH(state)] == USED(state))
}

active [3] proctype thread()
{
	byte seen, count, epoch, old, most;
	byte held = 0;
	byte rounds = 0;

	do
	:: rounds < ROUNDS(_pid) ->
		rounds++;
		if
		:: most = 1
		:: most = LIMIT
		fi;
		take(most);
		if
		:: held > 0 -> give()
		:: held = 0 /* used up */
		fi;
		/* what is not needed any more must not tell states apart */
		d_step { seen = 0; count = 0; epoch = 0; most = 0 }
	:: rounds < ROUNDS(_pid) ->
		rounds++;
		rearm();
		d_step { seen = 0; old = 0 }
	:: rounds == ROUNDS(_pid) -> break
	od;
	running--
}

ltl ends { <> (running == 0) }
