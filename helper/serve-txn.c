/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Transactions: what a peer writes between begin and end is undone when it dies; and when the
 * helper dies, by the next one, from the journal.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/needs.h"
#include "helper/serve.h"
#include "shim/why-internal.h"

enum { PATH = 4096 };

static void free_undos(struct peer *peer)
{
	free(peer->undos);
	peer->undos = NULL;
	peer->undo_count = 0;
	peer->in_txn = false;
}

static int make_journal(struct server *server, struct peer *peer)
{
	char path[PATH];
	int r = -EEXIST;

	/* numbers that a helper before this one used and left are passed over */
	while (r == -EEXIST) {
		snprintf(path, sizeof(path), "%s/txn-%llu", server->options->journals,
			 (unsigned long long)server->journal_number++);
		r = journal_make(&peer->journal, path);
	}
	return r;
}

int txn_begin(struct server *server, struct peer *peer)
{
	int r = 0;

	if (peer->in_txn)
		return why(-EALREADY, "a transaction is open");
	peer->undos = calloc(SERVE_UNDOS, sizeof(*peer->undos));
	peer->journal = JOURNAL_NONE;
	if (!peer->undos)
		return why(-ENOMEM, "no memory for a transaction");
	if (server->options->journals)
		r = make_journal(server, peer);
	peer->in_txn = r == 0;
	if (r < 0)
		free_undos(peer);
	return r;
}

int txn_keep(struct server *server, struct peer *peer, const struct hws_access *access)
{
	int r = 0;

	if (!peer->in_txn)
		return 0;
	if (peer->undo_count == SERVE_UNDOS)
		return why(-EDQUOT, "a transaction has up to %d writes", SERVE_UNDOS);
	if (server->options->journals)
		r = journal_add(&peer->journal, access);
	if (r == 0)
		peer->undos[peer->undo_count++].access = *access;
	return r;
}

/* The old value stands there again, or did all the time. */
static bool put_back(struct server *server, const struct hws_access *written)
{
	struct hws_access access = *written;
	uint64_t value = written->old;

	access.rights = HWS_W;
	return machine_do(server, &access, &value) == 0;
}

int txn_end(struct server *server, struct peer *peer, bool undo)
{
	uint32_t failed = 0;
	int r = 0;

	if (!peer->in_txn)
		return why(-EINVAL, "no transaction is open");
	machine_raise(server, NEEDS_ALL_KINDS);
	while (undo && peer->undo_count > 0)
		failed += !put_back(server, &peer->undos[--peer->undo_count].access);
	machine_lower(server);
	if (server->options->journals) {
		/* what could not be undone waits for the next start */
		if (!failed)
			r = journal_remove(&peer->journal);
		journal_close(&peer->journal);
	}
	free_undos(peer);
	if (failed)
		serve_say(server, peer, HWS_LEVEL_CRITICAL, -ENOTRECOVERABLE,
			  "registers not written back");
	else if (undo)
		serve_say(server, peer, HWS_LEVEL_WARNING, 0, "transaction undone");
	return r;
}

/* Writes back where what the dead one wrote still stands. */
static bool replay_one(struct server *server, const struct hws_access *written)
{
	struct hws_access access = *written;
	uint64_t now;

	access.rights = HWS_R;
	if (machine_do(server, &access, &now) < 0)
		return false;
	return now == written->old || now != written->value || put_back(server, written);
}

static int replay(struct server *server, const char *name)
{
	struct hws_access *registers;
	struct journal journal;
	char path[PATH];
	uint32_t count;
	uint32_t failed = 0;
	int r;

	snprintf(path, sizeof(path), "%s/%s", server->options->journals, name);
	r = journal_open(&journal, path, &registers, &count);
	if (r < 0)
		return r;
	while (count-- > 0) {
		struct hws_access *one = &registers[count];

		one->last = one->first + (one->kind == HWS_KIND_MSR ? 0 : one->width - 1);
		failed += !replay_one(server, one);
	}
	free(registers);
	if (!failed)
		r = journal_remove(&journal);
	journal_close(&journal);
	return failed ? why(-ENOTRECOVERABLE, "%s: %u registers could not be written back", path,
			    failed)
		      : r;
}

int txn_replay(struct server *server)
{
	HWS_CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	int r = 0;

	if (!server->options->journals)
		return 0;
	r = sys_opendir(SYS_REAL_ROOT, server->options->journals, &dir);
	if (r < 0)
		return why(r, "journals '%s': %s", server->options->journals, strerror(-r));
	machine_raise(server, NEEDS_ALL_KINDS);
	while (r == 0 && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "txn-", 4)) {
			r = replay(server, entry->d_name);
			serve_say(server, NULL, r < 0 ? HWS_LEVEL_CRITICAL : HWS_LEVEL_WARNING, r,
				  entry->d_name);
		}
	}
	machine_lower(server);
	return r;
}
