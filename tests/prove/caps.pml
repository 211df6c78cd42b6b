/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A ledger and its tokens (guardian/caps.c, guardian/tokens.c): three threads
 * reserve; each token is released by two of them at once.
 *
 * MUTANT_ADD: charging adds without comparing. MUTANT_END: a token's end is
 * looked at and then stored, instead of by compare-and-swap. MUTANT_LATE: what
 * a token stands for is read after its end, when its slot may be another's.
 */
#define CEILING 3
#define THREADS 3
#define IS_LIVE(word) ((word) % 2 == 1)

byte used = 0;
byte really = 0; /* what the live tokens stand for */
byte word[THREADS]; /* of each thread's slot; only counts up: free, live, free … */
byte amount[THREADS];

/* ledger_charge() */
inline charge(n)
{
	seen = used;
again:
	if
	:: n > CEILING || seen > CEILING - n -> granted = false
	:: else ->
		atomic {
			if
#ifdef MUTANT_ADD
			:: true -> used = used + n; granted = true
#else
			:: used == seen -> used = seen + n; granted = true
			:: else -> seen = used; goto again
#endif
			fi;
			really = really + n;
			assert(really <= CEILING && used <= CEILING)
		}
	fi
}

/* tokens_end() and ledger_uncharge(); the token is the slot's word as it was when it was live */
inline release(which)
{
	token = word[which];
	if
	:: !IS_LIVE(token) -> skip
	:: else ->
		mine = false;
#ifndef MUTANT_LATE
		n = amount[which];
#endif
#ifdef MUTANT_END
		if
		:: word[which] == token -> mine = true
		:: else -> skip
		fi;
		if
		:: mine -> word[which] = token + 1
		:: else -> skip
		fi;
#else
		atomic {
			if
			:: word[which] == token -> word[which] = token + 1; mine = true
			:: else -> skip
			fi
		}
#endif
#ifdef MUTANT_LATE
		n = amount[which];
#endif
		if
		:: mine ->
			atomic {
				assert(used >= n);
				used = used - n;
				really = really - n
			}
		:: else -> skip
		fi
	fi
}

active proctype end()
{
	byte i, sum = 0;

	(_nr_pr == 1);
	for (i : 0 .. THREADS - 1) {
		if
		:: IS_LIVE(word[i]) -> sum = sum + amount[i]
		:: else -> skip
		fi
	}
	assert(sum == used && used == really)
}

active [THREADS] proctype thread()
{
	byte me = _pid - 1; /* the first process is end */
	byte seen, n, token, slot;
	byte rounds = 0;
	bool granted, mine;

	do
	:: rounds < 2 ->
		rounds++;
		if
		:: IS_LIVE(word[me]) -> skip
		:: else ->
			n = 1 + (rounds + me) % 2; /* 1 and 2, in either order */
			charge(n);
			if
			:: granted ->
				amount[me] = n;
				word[me] = word[me] + 1 /* tokens_publish() */
			:: else -> skip
			fi
		fi;
		if
		:: slot = me
		:: slot = (me + 1) % THREADS
		:: slot = THREADS
		fi;
		if
		:: slot < THREADS -> release(slot)
		:: else -> skip
		fi;
		/* what is not needed any more must not tell states apart */
		d_step { seen = 0; n = 0; token = 0; slot = 0; granted = false; mine = false }
	:: rounds == 2 -> break
	od
}
