/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The daemon: one thread, one loop. Each request is checked for its shape by shim/wire.c, judged by
 * the policy as it is at that moment for whoever connected, done, and answered; nothing is kept
 * for a peer but what its connection needs, and that ends with the connection or the process.
 */
#ifndef HWSAFE_HELPER_SERVE_H
#define HWSAFE_HELPER_SERVE_H

#include "guardian/context-internal.h"
#include "guardian/snapshot.h"
#include "helper/helper.h"
#include "hw/journal-internal.h"
#include "shim/sys-internal.h"
#include "shim/wire-internal.h"

enum {
	SERVE_ACCOUNTS = 256, /* users that are remembered */
	SERVE_WINDOWS = 64,   /* ranges of ports and BARs that the helper has open */
	SERVE_EXE = 4096,
	SERVE_UNDOS = 1024, /* writes of one transaction */
	SERVE_BARS = 16,    /* descriptors that one peer is given */
	/* what one user has in a turn of the loop, in accesses, and what a request costs beside */
	SERVE_TURN = 16,
	SERVE_TURN_ALONE = 512, /* where nobody else is connected */
	SERVE_REQUEST = 8,
	SERVE_NOTES = 500, /* refusals of one user a second that are recorded one by one */
	/* what an event of a peer is about: added to where it lies */
	SERVE_TAG_PROCESS = 1,
	SERVE_TAG_RING = 2,
	SERVE_TAGS = 3,
	SERVE_HOLDS = 4, /* functions that one peer holds whole */
	SERVE_PORTS = 8, /* ranges of ports of such a function and its group */
};

/* Below, equal, above: by the numbers, for what lies between them is anything. */
static inline int bdf_order(struct hws_bdf a, struct hws_bdf b)
{
	uint64_t x = (uint64_t)a.domain << 16 | (uint64_t)a.bus << 8 | (uint64_t)a.device << 3 |
		     a.function;
	uint64_t y = (uint64_t)b.domain << 16 | (uint64_t)b.bus << 8 | (uint64_t)b.device << 3 |
		     b.function;

	return x < y ? -1 : x > y;
}

/* What the command line says. */
struct serve_options {
	struct hws_options context; /* back end, sysroot, policy, audit */
	struct hws_audit_options audit;
	const char *socket;   /* NULL: systemd's */
	const char *journals; /* a directory; NULL: transactions leave no journal */
	const char *user;     /* whom the daemon becomes; NULL: stays who it is */
	uint32_t connections; /* of one user */
	uint32_t total;	      /* connections in all */
	uint32_t rings;	      /* of one user; 0: all comes by messages */
	uint64_t rate;	      /* accesses of one user a second; 0: any */
	uint64_t mapped;      /* bytes of BARs that one user may have */
	bool soft;	      /* without giving up privileges: for tests */
	const char *stat;     /* a file for snapshots; NULL: none */
	uint32_t patience;    /* seconds that a reply may wait to be taken */
};

/* One user, over all of its connections. It is remembered when they end: rates go on. */
struct account {
	bool used;
	uint32_t uid; /* POLICY_NO_ID: of all whom no rule gives anything */
	uint32_t connections;
	uint32_t rings;
	uint64_t turn;	 /* of the loop, that it was last served in */
	uint32_t served; /* in that turn: accesses */
	int64_t tokens;	 /* in billionths of an access; below 0: had in advance */
	uint64_t at;	 /* when they were counted, ns */
	uint64_t mapped; /* bytes */
	uint64_t second; /* in which @notes were recorded */
	uint32_t notes;
	uint64_t unnoted; /* that were counted only */
	/* serve-pace.c; times are those of turns, ns */
	const struct peer *asker; /* who was served last; only compared */
	uint64_t last;		  /* when that was */
	uint64_t came;		  /* the last connection */
	uint64_t pressed;	  /* when it last asked for several things at a time */
	uint64_t ahead;		  /* … of one program */
	uint64_t looked;	  /* for that */
	uint32_t had;		  /* accesses since it waited, if it runs ahead */
	uint64_t next;		  /* not before, if it presses and others ask */
	uint64_t barred;	  /* not before, whoever asks */
	struct peer *line;	  /* who is not read until then, in order */
	struct peer **line_end;
	struct account *line_next; /* the next one that has a line */
	struct rules *rates;	   /* what is counted for the rules of one policy */
};

/* A file, whatever it is called. */
struct file_id {
	uint32_t device[2]; /* major, minor */
	uint64_t inode;
};

/* A write that is undone if its peer dies. */
struct undo {
	struct hws_access access; /* the place, the value, and the one before */
	bool may;		  /* the policy would have had the peer write that one, too */
};

/* Shared memory; its doorbell rings once it is started. */
struct peer_ring {
	struct hws_wire_ring *shared; /* NULL: none */
	int memory;		      /* until it is started */
	int doorbell;
	uint32_t answered;
	bool busy; /* there may be requests: it is looked at in each turn */
};

/* A function that a peer holds whole. */
struct held {
	struct hws_access access;
	int32_t group;			    /* of the IOMMU; -1: none */
	struct hws_span ports[SERVE_PORTS]; /* its BARs of I/O ports, and the group's */
	uint32_t port_count;
	struct hws_hold hold;
};

struct peer {
	struct peer *next;
	struct peer **link;
	int fd;
	int pidfd; /* -1: this kernel has none */
	int32_t pid;
	uint32_t uid;
	uint32_t gid;
	uint32_t *groups;
	size_t group_count;
	char *exe;	     /* NULL: not known */
	struct file_id file; /* that it runs, if that is known */
	bool is_exe;	     /* it is the one that lies at that path here: seen once */
	bool gone;	     /* freed at the end of the turn */
	bool came_in;	     /* it is known who it is */
	bool in_line;
	struct peer *behind; /* in line */
	uint16_t version;    /* 0: before HELLO */
	struct account *account;
	struct hws_policy_view *view;
	/* grants that a descriptor stands for: rechecked when the policy changes */
	struct hws_access bars[SERVE_BARS];
	uint32_t bar_count;
	struct held holds[SERVE_HOLDS];
	uint32_t hold_count;
	uint64_t windows; /* a bit for each of server->opened that it has used */
	/* a reply that it has not taken: nothing of it is read until then */
	union wire_reply *waiting;
	int waiting_fd;
	uint64_t since;
	struct peer_ring ring;
	/* its transaction */
	bool in_txn;
	struct undo *undos;
	uint32_t undo_count;
	struct journal journal;
};

/* A function as the policy knows it. */
struct known {
	struct hws_bdf bdf;
	uint16_t vendor;
	uint16_t device;
	uint32_t class_code;
};

/* Something of the machine that is open. */
struct opened {
	bool used;
	enum hws_kind kind; /* port, bar; pci: a function that a write keeps open */
	uint32_t rights;
	struct hws_bdf bdf;
	uint32_t bar;
	struct hws_window window;
};

struct harden;

struct server {
	const struct serve_options *options;
	struct hws *hw; /* the machine, the trail; its policy is not asked */
	struct hws_policy *policy;
	int poller;
	int listener;
	int signals;
	int spare; /* given up for a moment when no descriptor is left */
	bool stop;
	enum result failure; /* what it ends with if what it does now fails */
	uint64_t permitted;  /* capabilities, after the start; 0: there is nothing to be raised */
	int exe_reader;	     /* serve-exe.c: who says what programs are; -1: nobody */
	int notify;	     /* whom to tell that it serves; -1: nobody asked */
	uint64_t alive, alive_at;    /* how often to tell that it still does, ns, 0: never; last */
	uint64_t now;		     /* ns, of this turn */
	uint64_t turn;		     /* its number */
	uint64_t due;		     /* when the next turn is to be, if nothing comes before */
	const struct account *asker; /* who was served last of those who do not press … */
	uint64_t asked;		     /* … and when */
	uint64_t door;		     /* when the listener is looked at again; 0: it is */
	uint32_t comers;	     /* since it was opened, who had to wait or to go */
	struct account *lines;	     /* users who have one */
	uint64_t told;		     /* the second in which accounts_tell() last looked */
	uint32_t busy;		     /* rings that are looked at in each turn */
	uint32_t gone;		     /* peers that the sweep frees */
	uint32_t kept;		     /* replies that nobody has taken yet */
	struct peer *peers;
	struct peer *asks; /* whose request is being done; NULL: nobody's */
	uint32_t peer_count;
	uint32_t users; /* who are connected */
	uint64_t journal_number;
	struct known *known; /* every function, in order */
	uint32_t known_count;
	struct opened opened[SERVE_WINDOWS];
	uint32_t oldest; /* of them: the next to be given up */
	struct account accounts[SERVE_ACCOUNTS];
	struct account nobody; /* who is sent away before he has one */
	/* what was decided so far */
	uint64_t denied[HWS_REASONS];
	struct hws_kind_state kinds[HWS_KINDS];
	uint64_t stat_at; /* when the last snapshot was written; ns */
	bool stat_made;
	bool stat_failed;
	union wire_request request;
	union wire_reply reply;
};

/* serve.c */
void serve_note(struct server *server, const struct peer *peer, struct hws_event event);
/* Why a call failed that got @code: where nobody said it since why_times() was @said, its name. */
const char *serve_cause(unsigned int said, int code);
/* Something that is no access: "dropped: …". */
void serve_say(struct server *server, const struct peer *peer, enum hws_level level, int code,
	       const char *text);

/* serve-listen.c: descriptors; -errno with words in hws_why() */
int serve_listen(const char *path);
int serve_activated(void);
int serve_watch(int poller, int fd, uint32_t events, void *tag);

/* The service manager, if one waits: how often it wants to hear that it serves, and still does. */
int serve_notify_open(void);
uint64_t serve_alive_every(void);
void serve_ready(struct server *server);
void serve_alive(struct server *server);

/* serve-exe.c: a process that looks what program a process is; 0 or -errno, with words */
int exe_start(struct server *server);
/* It gives up all but that; to be called when the server has. */
int exe_harden(struct server *server);
/* The path, and the file; NULL where that can't be told. For free(). */
char *exe_of(struct server *server, int32_t pid, struct file_id *ret_file);
/* The path for rules to be compared with; NULL: what it runs is not what lies there. */
const char *exe_for_rules(const struct server *server, struct peer *peer);

/* serve-harden.c: gives up all that serving doesn't need; 0 or -errno, with words */
int serve_harden(struct server *server);
/* Whom it becomes. 0 or -ENOENT. */
int serve_find_user(const char *name, struct harden *what);

/* serve-come.c */
void peer_accept(struct server *server);
/* At its turn: finds out who it is. */
void peer_come_in(struct server *server, struct peer *peer);
/* The policy's part for it. */
int peer_choose_rules(struct server *server, struct peer *peer);

/* serve-pace.c */
#define PACE_NONE UINT64_MAX
/* There is something to do by then. */
void pace_due(struct server *server, uint64_t when);
/* May the user be served now? */
bool pace_allows(struct server *server, const struct account *account);
/* One of its programs asks without waiting for its answers. */
void pace_ahead(const struct server *server, struct account *account);
/* Does this one? It has been heard, but not answered. Now and then it is looked. */
void pace_look_ahead(const struct server *server, const struct peer *peer);
/* It runs ahead, and has not had all it may have before it waits: it goes on at once. */
bool pace_goes_on(const struct server *server, const struct account *account);
void pace_served(struct server *server, const struct peer *peer, uint32_t accesses);
void pace_came(const struct server *server, struct account *account);
/* Its program was looked at. */
void pace_looked(const struct server *server, struct account *account);
/* It has had its rate. */
void pace_bar(const struct server *server, struct account *account);
/* Nothing more is read of it until its user may be served. */
void line_join(struct server *server, struct peer *peer);
void line_leave(struct server *server, struct peer *peer);
void lines_serve(struct server *server);
/* Somebody has come whom nobody waits for: after many, nobody is let in for a moment. */
void door_mind(struct server *server);
void door_look(struct server *server);
/* Until something comes or is due; what epoll_wait() is to wait then, ms. */
int pace_wait(struct server *server);

/* serve-peer.c */
void peer_free(struct peer *peer);
void peer_readable(struct server *server, struct peer *peer);
void peer_writable(struct server *server, struct peer *peer);
/*
 * Checks and does what is in server->request, @size bytes; the reply is in server->reply. False:
 * the peer has been dropped for it.
 */
bool peer_answer(struct server *server, struct peer *peer, size_t size, bool ring, int *ret_fd);
/* Ends everything that was granted, with @cause in the trail, or NULL; freed by peers_sweep(). */
void peer_end(struct server *server, struct peer *peer, const char *cause);
void peers_sweep(struct server *server);
void peers_impatient(struct server *server);
/* The policy changed. */
void peers_recheck(struct server *server);

/* serve-ring.c */
int ring_share(struct server *server, struct peer *peer, bool begin, int *ret_fd);
void ring_end(struct server *server, struct peer *peer);
void ring_doorbell(struct server *server, struct peer *peer);
/* What waits in rings, a fair part of each. */
void rings_serve(struct server *server);

/* serve-list.c: who is connected and has what; and what of one's descriptors: "held", "over" */
void peers_list(struct server *server);
void peer_note_bars(struct server *server, const struct peer *peer, const char *text);

/* serve-who.c: fills uid, gid, pid, groups; pidfd; exe */
int who_connected(struct peer *peer);
int who_is(struct peer *peer);
void who_look(struct server *server, struct peer *peer);

/* serve-account.c */
struct account *account_of(struct server *server, uint32_t uid);
/* Takes @count accesses; false: too fast. */
bool account_take(struct server *server, struct account *account, uint32_t count);
/* May it be served once more in this turn of the loop? And: it was, with so many accesses. */
bool account_turn(const struct server *server, struct account *account);
void account_served(struct server *server, const struct peer *peer, uint32_t accesses);
/* May what it was refused be recorded? Else it is counted. */
bool account_may_note(struct server *server, struct account *account);
/* Records what was only counted, once a second. */
void accounts_tell(struct server *server);
void accounts_new_policy(struct server *server);
void accounts_free(struct server *server);

/* serve-do.c: the reply is in server->reply; the code; @ret_fd goes along, or is -1 */
int serve_do(struct server *server, struct peer *peer, int *ret_fd);

/* serve-access.c */
struct hws_access access_of_step(const struct server *server, const struct hws_wire_step *step);
int access_run(struct server *server, struct peer *peer, const struct hws_wire_run *run,
	       struct hws_wire_end *ends);
/* The policy's word, and the kernel's claims where it is to be written. 0 or -EACCES. */
int access_judge_writing(struct server *server, const struct peer *peer, struct hws_access *access,
			 struct hws_decision *ret_decision);
/* A refusal that tells who asks no more than that, whatever the reason. */
int access_refuse(struct server *server, struct peer *peer, const struct hws_access *access,
		  const struct hws_decision *decision);

/* serve-machine.c */
int machine_learn(struct server *server);
/* Fills what policy knows the function by; false: there is none. Takes as long either way. */
bool machine_identify(const struct server *server, struct hws_access *access);
/* Is it still the device that the policy was asked for, and no other in its place? 0 or -ENODEV. */
int machine_is_known(const struct server *server, const struct hws_access *access);
int machine_is_another(void); /* tells that it is not */
void machine_forget(struct server *server);
/* Closes the ranges that no peer uses; and all of a function, for whom they are opened anew. */
void machine_close_unused(struct server *server);
void machine_close_function(struct server *server, struct hws_bdf bdf);
/* One access, whose rights are HWS_R or HWS_W; *value is read or written. */
int machine_do(struct server *server, const struct hws_access *access, uint64_t *value);
int machine_open(struct server *server, enum hws_kind kind, const struct hws_access *access,
		 struct opened **ret_opened);
/* Raises what accesses of these kinds need (NEEDS_OF()), around them; and drops it again. */
void machine_raise(const struct server *server, uint32_t kinds);
void machine_lower(const struct server *server);

/* serve-hold.c: one descriptor of a function, which is the caller's; and what goes with it */
int hold_give(struct server *server, struct peer *peer, const struct hws_wire_hold *ask,
	      struct hws_wire_held *ret_held, int *ret_fd);
/* The peer's end: its devices stop. */
void holds_end(struct server *server, struct peer *peer);
/* Does it reach what another user holds, or one of its IOMMU group: and so his memory? */
bool hold_keeps_out(struct server *server, const struct peer *peer, const struct hws_access *of);
/* Does the policy still give all that it holds? */
bool holds_are_granted(struct server *server, const struct peer *peer);

/* serve-stat.c: counts what is recorded; and a snapshot of it in a file, where one is wanted */
void stat_count(struct server *server, const struct hws_event *event);
int stat_begin(struct server *server); /* 0 or -errno, with words */
void stat_tell(struct server *server);
void stat_end(const struct server *server);

/* serve-txn.c */
int txn_begin(struct server *server, struct peer *peer);
int txn_end(struct server *server, struct peer *peer, bool undo);
/* Keeps what stands where @access will write; to be called before. */
int txn_keep(struct server *server, struct peer *peer, const struct hws_access *access);
/* What a helper before this one left. */
int txn_replay(struct server *server);

#endif
