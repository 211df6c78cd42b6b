/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A sliding window (guardian/surge.c): two threads ask for a grain at a time, while a clock goes on,
 * jumps, or says 0 again. A quantum is one tick; what a stripe charges ahead is left out, as that
 * is arithmetic (surge_charge() in wp.table).
 *
 * Safety: no window of WINDOW ticks ever has more than the budget stamped in it, nothing is
 * released twice, and what has left the window doesn't stay charged. Liveness: asking ends.
 *
 * MUTANT_ADD: charging adds without comparing. MUTANT_EARLY: the stamp is of a time read before
 * the charge. MUTANT_FLOOR: a clock that runs backwards is believed; MUTANT_LATE: it is between
 * a release and the note of its time. MUTANT_STORE: a slot is emptied without comparing.
 * MUTANT_STALE: who finds a later lap in its slot doesn't read the time again.
 */
#define WINDOW 2
#define SLOTS  4
#define LAST   4 /* of the times */
#define LAP(word)    ((word) / 4)
#define GRAINS(word) ((word) % 4)

byte budget = 0; /* 1 or 2 */
byte now = 0;
byte used = 0;
byte front = 0;
byte latest = 0;
byte slot[SLOTS];
byte stamped[LAST + 1]; /* grants, by their time */
byte asking = 2;

inline raise(what, to)
{
	atomic { what = (what < to -> to : what) }
}

/* surge_now() */
inline read_time(t)
{
	floor = latest;
	if
	:: t = now
	:: t = 0
	fi;
#ifndef MUTANT_FLOOR
	t = (t > floor -> t : floor);
#endif
	floor = 0
}

inline charge()
{
	seen = used;
	granted = false;
	do
	:: granted || seen + 1 > budget -> break
	:: else ->
		atomic {
			if
#ifdef MUTANT_ADD
			:: true -> used++; granted = true
#else
			:: used == seen -> used++; granted = true
			:: else -> seen = used
#endif
			fi
		}
	od
}

inline uncharge(n)
{
	atomic { assert(used >= n); used = used - n }
}

/* has what @word holds, in the slot of @quantum, left the window? */
inline look(word, quantum)
{
	if
	:: LAP(word) == quantum / SLOTS -> gone = true
	:: else ->
		read_time(later);
#ifndef MUTANT_LATE
		raise(latest, later);
#endif
		last = later + 1;
		last = last - (last + 256 - quantum) % SLOTS; /* below 0 as in C: it wraps */
		gone = (last + WINDOW - 1 < later || LAP(word) != last / SLOTS);
		later = 0;
		last = 0
	fi
}

inline release_slot(quantum)
{
	old = slot[quantum % SLOTS];
	do
	:: GRAINS(old) == 0 -> break
	:: else ->
		look(old, quantum);
		if
		:: !gone -> break
		:: else -> skip
		fi;
		atomic {
			if
#ifdef MUTANT_STORE
			:: true ->
#else
			:: slot[quantum % SLOTS] != old -> old = slot[quantum % SLOTS]
			:: else ->
#endif
				slot[quantum % SLOTS] = old - GRAINS(old);
				uncharge(GRAINS(old));
				break
			fi
		}
	od;
	old = 0;
	gone = false
}

inline expire(t)
{
	k = front;
	do
	:: k + WINDOW - 1 < t ->
#ifndef MUTANT_LATE
		raise(latest, t);
#endif
		release_slot(k);
		k++
	:: else -> break
	od;
#ifdef MUTANT_LATE
	raise(latest, t);
#endif
	raise(front, k);
	k = 0
}

/* surge_stamp(), its time being read: with what is granted no window that @t is in has too much */
inline write()
{
	old = slot[t % SLOTS];
	fresh = t / SLOTS * 4 + 1;
	if
	:: LAP(old) == t / SLOTS -> gone = true; fresh = old + 1
	:: else -> look(old, t)
	fi;
	atomic {
		if
		:: gone && slot[t % SLOTS] == old ->
			slot[t % SLOTS] = fresh;
			stamped[t]++;
			assert(stamped[t] + (t > 0 -> stamped[t - 1] : 0) <= budget);
			assert(stamped[t] + (t < LAST -> stamped[t + 1] : 0) <= budget);
			written = true
		:: else -> skip
		fi
	}
	if
	:: written && LAP(old) != t / SLOTS -> uncharge(GRAINS(old))
	:: else -> skip
	fi
}

/* surge_take(): a charge, perhaps another when there is room, and the stamp, by one loop here */
inline take()
{
	do
	:: written || (!granted && tries == 2) -> break
	:: else ->
#if defined(MUTANT_EARLY)
		read_time(t);
#endif
		if
		:: !granted -> charge(); tries++
		:: else -> skip
		fi;
#if defined(MUTANT_STALE)
		if
		:: !again -> read_time(t)
		:: else -> skip
		fi;
#elif !defined(MUTANT_EARLY)
		read_time(t);
#endif
		expire(t);
		if
		:: granted -> write(); again = true
		:: else -> skip
		fi
	od
}

/* comes by when all has left the window, and a lap later: what was written behind the front waits */
active proctype end()
{
	byte t, k, old, later, last, floor;
	bool gone;

	(_nr_pr == 1);
	t = LAST + WINDOW + SLOTS;
	expire(t);
	assert(used == 0)
}

active proctype clock()
{
	if
	:: budget = 1
	:: budget = 2
	fi;
	do
	:: now < LAST -> now++
	:: asking == 0 -> break
	:: now == LAST -> break
	od
}

active [2] proctype thread()
{
	byte rounds, tries, t, k, seen, old, fresh, later, last, floor;
	bool granted, written, gone, again;

	(budget > 0);
	do
	:: rounds < _pid - 1 -> /* once, and twice */
		rounds++;
		take();
		skip;
		d_step {
			tries = 0; t = 0; seen = 0; old = 0; fresh = 0;
			granted = false; written = false; gone = false; again = false
		}
	:: rounds == _pid - 1 -> break
	od;
	asking--
}

ltl ends { <> (asking == 0) }
