/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A helper's transaction (helper/serve-txn.c): each register's old value is kept, on disk and in
 * memory, before it is written. The program may die at any time: its writes are undone in reverse.
 * The helper may die between any two steps: the next one undoes what the journal holds, where what
 * was written still stands. Two writes, which may be to the same register, and one that ends well.
 *
 * Safety: without a transaction open, either all of it stands or nothing does. Liveness: what was
 * begun ends, whoever dies.
 *
 * MUTANT_LATE: written first, kept then. MUTANT_FORWARD: undone in the order it was done.
 * MUTANT_FORGET: the journal is removed before the writes are undone. MUTANT_IDLE: nobody starts
 * the next helper.
 */
#define WRITES 2
#define OLD    0 /* of each register; write i writes i + 1 */

byte reg[WRITES];
/* the journal: survives the helper */
byte kept;
byte at[WRITES], before[WRITES], after[WRITES];
bool journal;
/* what the program has been told, and how it goes */
bool gone, committed;
bool helper = true, ended;
byte deaths;

/* between any two steps the helper may be killed; so may the next */
inline alive()
{
	if
	:: deaths < 2 -> deaths++; helper = false; goto dead
	:: skip
	fi
}

inline keep(n, value)
{
	d_step {
		at[kept] = n;
		before[kept] = reg[n];
		after[kept] = value;
		kept++
	}
}

/* all that is kept, newest first; only where it still stands, as another may have written since */
inline undo()
{
	i = kept;
	do
	:: i == 0 -> break
	:: else ->
		i--;
#ifdef MUTANT_FORWARD
		j = kept - 1 - i;
#else
		j = i;
#endif
		alive();
		if
		:: reg[at[j]] == after[j] -> reg[at[j]] = before[j]
		:: else -> skip
		fi
	od
}

inline remove()
{
	d_step { journal = false; kept = 0; at[0] = 0; at[1] = 0; before[0] = 0; before[1] = 0; after[0] = 0; after[1] = 0 }
}

inline whole()
{
	assert(committed || (reg[0] == OLD && reg[1] == OLD));
	assert(!committed || reg[n] == WRITES)
}

active proctype serve()
{
	byte i, j, n, count;

	alive();
	journal = true;
	do
	:: count < WRITES && !gone ->
		if
		:: n = 0
		:: n = 1
		fi;
		alive();
#ifdef MUTANT_LATE
		reg[n] = count + 1;
		alive();
		keep(n, count + 1);
#else
		keep(n, count + 1);
		alive();
		reg[n] = count + 1;
#endif
		count++
	:: gone -> break
	:: count == WRITES -> break
	od;
	alive();
	if
	:: count == WRITES -> /* its end came, or it died before it said so */
		if
		:: !gone -> d_step { committed = true; journal = false; kept = 0 }; goto over
		:: gone -> skip
		fi
	:: else -> skip
	fi;
#ifdef MUTANT_FORGET
	d_step { journal = false };
#endif
	undo();
	alive();
	remove();
	goto over;
dead:
	/* the next one, before it serves anybody */
#ifdef MUTANT_IDLE
	goto stay;
#endif
	helper = true;
	if
	:: journal -> undo(); remove()
	:: else -> skip
	fi;
over:
	whole();
	ended = true;
stay:
	skip
}

/* dies, or lives to see the end */
active proctype program()
{
	if
	:: gone = true
	:: skip
	fi
}

ltl ends { <> ended }
