/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A buffer's owners (uring/buf-edge.c, op-done.c, ring-close): a program submits, waits, drops or
 * cancels, and closes its ring; another thread takes whatever is free; the kernel writes to what it
 * has, and may never answer. What the kernel really has is busy[]; the rest is what we believe.
 *
 * Safety: nobody touches what the kernel has, and nothing is lost: submitted == delivered +
 * reclaimed + leaked. Liveness: closing ends, and each lent buffer gets another owner.
 *
 * MUTANT_DROP: a dropped operation's buffer is free at once. MUTANT_CANCEL: a cancelled one's is
 * the user's at once. MUTANT_CLOSE: what is left at the deadline is freed. MUTANT_PATIENCE: there
 * is no deadline.
 */
#define BUFS   2
#define ROUNDS 3
#define FREE   0
#define USER   1
#define KERNEL 2
#define NOBODY 3

byte owner[BUFS];
bool busy[BUFS];
bool orphan[BUFS];
chan done = [BUFS] of { byte };
byte submitted, delivered, reclaimed, leaked;
bool closing, closed;

/* only its owner touches a buffer, and then the kernel doesn't */
inline touch(b)
{
	assert(owner[b] == USER && !busy[b])
}

/* free → user, by compare-and-swap; taken says whether */
inline take(b)
{
	atomic {
		if
		:: owner[b] == FREE -> owner[b] = USER; taken = true
		:: else -> taken = false
		fi
	}
}

/* a completion: the waiting user's again, or, an orphan, the pool's */
inline reap()
{
	done?b;
	if
	:: orphan[b] ->
		orphan[b] = false;
		assert(owner[b] == KERNEL);
		owner[b] = FREE;
		reclaimed++
	:: else ->
		assert(owner[b] == KERNEL);
		owner[b] = USER;
		delivered++;
		touch(b);
		owner[b] = FREE
	fi
}

inline submit(b)
{
	touch(b);
	owner[b] = KERNEL;
	submitted++;
	busy[b] = true
}

active proctype program()
{
	byte b, rounds;
	bool taken;

	do
	:: rounds < ROUNDS ->
		rounds++;
		if
		:: b = 0
		:: b = 1
		fi;
		take(b);
		if
		:: !taken -> skip
		:: else ->
			submit(b);
			if
			:: skip /* waits for it later */
			:: orphan[b] = true; /* drops it */
#ifdef MUTANT_DROP
				owner[b] = FREE
#endif
			:: skip; /* asks for its end: that comes as a completion, as any */
#ifdef MUTANT_CANCEL
				owner[b] = USER;
				touch(b)
#endif
			fi
		fi
	:: nempty(done) -> reap()
	:: rounds == ROUNDS -> break
	od;
	closing = true;
	do
	:: nempty(done) -> reap()
	:: empty(done) && owner[0] != KERNEL && owner[1] != KERNEL -> break
#ifdef MUTANT_PATIENCE
	:: empty(done) && (owner[0] == KERNEL || owner[1] == KERNEL) -> skip
#else
	:: empty(done) && (owner[0] == KERNEL || owner[1] == KERNEL) -> break /* the deadline */
#endif
	od;
	for (b : 0 .. BUFS - 1) {
		if
		:: owner[b] == KERNEL ->
#ifdef MUTANT_CLOSE
			owner[b] = FREE;
#else
			owner[b] = NOBODY;
#endif
			leaked++
		:: else -> skip
		fi
	}
	assert(submitted == delivered + reclaimed + leaked);
	closed = true
}

/* shares the pool */
active proctype other()
{
	byte b;
	bool taken;

end:
	do
	:: !closed ->
		if
		:: b = 0
		:: b = 1
		fi;
		take(b);
		if
		:: taken -> touch(b); owner[b] = FREE
		:: else -> skip
		fi
	:: closed -> break
	od;
	for (b : 0 .. BUFS - 1) {
		take(b);
		if
		:: taken -> touch(b)
		:: else -> skip
		fi
	}
}

/* one answer for each, some time or never */
active [BUFS] proctype kernel()
{
	byte b = _pid - 2;

end:
	do
	:: busy[b] ->
		atomic {
			assert(owner[b] == KERNEL || owner[b] == NOBODY);
			busy[b] = false;
			if
			:: !closed -> done!b
			:: else -> skip
			fi
		}
	:: busy[b] -> break /* stuck for good */
	od
}

ltl closes { [] (closing -> <> closed) }
ltl returns { [] (owner[0] == KERNEL -> <> (owner[0] != KERNEL)) }
