/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The write-once cell (shim/once.h): three threads set it, one reads. A value
 * has two halves, so that half of it could be seen.
 *
 * MUTANT_EARLY: READY is stored before the value is whole. MUTANT_SWAP: the
 * state is looked at and then stored, instead of by compare-and-swap. Liveness:
 * whoever sets it ends, as nobody waits; MUTANT_WAIT: who comes second waits for
 * the first, who waits until it is alone.
 */
#define EMPTY	0
#define WRITING 1
#define READY	2
#define WRITERS 3

byte state = EMPTY;
byte half[2];
byte winners = 0;
byte ended = 0;
#ifdef MUTANT_WAIT
byte waiting = 0;
#endif

/* every change of the state goes through here */
inline become(to)
{
	assert(to == state + 1);
	state = to;
}

/* what hws_once_get() gives is whole, and the winner's */
inline look()
{
	if
	:: state == READY ->
		first = half[0];
		second = half[1];
		assert(first != 0 && first == second);
		assert(seen == 0 || seen == first);
		seen = first;
	:: else -> skip
	fi
}

/* in the end the cell is READY, by one winner, and whole */
active proctype end()
{
	(_nr_pr == 1);
	assert(state == READY && winners == 1);
	assert(half[0] != 0 && half[0] == half[1])
}

active [WRITERS] proctype writer()
{
	byte mine = _pid + 1;
	byte first, second, seen = 0;
	bool won = false;

	if
	:: state == READY -> goto already
	:: else -> skip
	fi;
#ifdef MUTANT_SWAP
	if
	:: state == EMPTY -> won = true
	:: else -> skip
	fi;
	if
	:: won -> become(WRITING)
	:: else -> skip
	fi;
#else
	atomic {
		if
		:: state == EMPTY -> become(WRITING); won = true
		:: else -> skip
		fi
	}
#endif
	if
	:: !won ->
#ifdef MUTANT_WAIT
		waiting++;
		do
		:: state == READY -> break
		:: else -> skip
		od;
		waiting--;
#endif
		goto already
	:: else -> skip
	fi;
#ifdef MUTANT_WAIT
	do
	:: waiting == 0 -> break
	:: else -> skip
	od;
#endif
	winners++;
	assert(winners == 1);
#ifdef MUTANT_EARLY
	half[0] = mine;
	become(READY);
	half[1] = mine;
#else
	half[0] = mine;
	half[1] = mine;
	become(READY);
#endif
already:
	look();
	look();
	ended++
}

active proctype reader()
{
	byte first, second, seen = 0;

	look();
	look();
	look()
}

ltl ends { <> (ended == WRITERS) }
