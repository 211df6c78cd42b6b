/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Transactions: what a peer writes between begin and end is undone when it dies; and when the
 * helper dies, by the next one, from the journal.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

static bool may_write_back(struct server *server, const struct peer *peer,
			   const struct hws_access *written)
{
	struct hws_access access = *written;
	struct hws_decision decision;

	access.rights = HWS_W;
	access.has = HWS_HAS_VALUE | HWS_HAS_OLD;
	access.value = written->old;
	access.old = written->value;
	return access_judge_writing(server, peer, &access, &decision) == 0;
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
		peer->undos[peer->undo_count++] =
			(struct undo) { *access, may_write_back(server, peer, access) };
	return r;
}

/* The old value stands there again, or did all the time: its write may have failed as this one. */
static bool put_back(struct server *server, const struct hws_access *written)
{
	struct hws_access access = *written;
	uint64_t value = written->old;

	access.rights = HWS_W;
	if (machine_do(server, &access, &value) == 0)
		return true;
	access.rights = HWS_R;
	return machine_do(server, &access, &value) == 0 && value == written->old;
}

/*
 * What another user holds by now was reset for him: what stands there is his, and nothing of it is
 * written. A value that the policy doesn't have the peer write was his to change only: it is
 * written where it surely stood, for the register gives back what was written. What reads as
 * something else, a status say, would be a command that he gets by dying.
 */
static bool undo_one(struct server *server, const struct peer *peer, const struct undo *one,
		     uint32_t *refused)
{
	struct hws_access access = one->access;
	uint64_t now = 0;
	int r;

	if (hold_keeps_out(server, peer, &access)) {
		++*refused;
		return true;
	}
	if (one->may)
		return put_back(server, &one->access);
	access.rights = HWS_R;
	r = machine_do(server, &access, &now);
	if (r == 0 && now == one->access.old)
		return true;
	if (r == 0 && now == one->access.value)
		return put_back(server, &one->access);
	++*refused;
	return true;
}

int txn_end(struct server *server, struct peer *peer, bool undo)
{
	uint32_t refused = 0;
	uint32_t failed = 0;
	int r = 0;

	if (!peer->in_txn)
		return why(-EINVAL, "no transaction is open");
	/* as long as there is a journal it may all be undone: then nothing is committed */
	if (!undo && server->options->journals)
		r = journal_remove(&peer->journal);
	if (r < 0)
		return r;
	machine_raise(server, NEEDS_ALL_KINDS);
	while (undo && peer->undo_count > 0)
		failed += !undo_one(server, peer, &peer->undos[--peer->undo_count], &refused);
	machine_lower(server);
	if (undo && server->options->journals) {
		/* what could not be undone waits for the next start */
		if (!failed)
			r = journal_remove(&peer->journal);
		journal_close(&peer->journal);
	}
	free_undos(peer);
	if (r < 0)
		serve_say(server, peer, HWS_LEVEL_ERROR, r, hws_why());
	if (refused)
		serve_say(server, peer, HWS_LEVEL_CRITICAL, -EACCES,
			  "old values it may not write: left as they are");
	if (failed)
		serve_say(server, peer, HWS_LEVEL_CRITICAL, -ENOTRECOVERABLE,
			  "registers not written back");
	else if (undo)
		serve_say(server, peer, HWS_LEVEL_WARNING, 0, "transaction undone");
	return r;
}

/*
 * Whatever stands there now, for a register may read as something else than was written: it was
 * not its peer who ended the helper, so what undo_one() minds is not asked here. A device that is
 * gone took its registers along.
 */
static bool replay_one(struct server *server, const struct hws_access *written)
{
	struct hws_access access = *written;
	uint64_t now;
	int r;

	access.rights = HWS_R;
	r = machine_do(server, &access, &now);
	if (r == -ENODEV || (r == 0 && now == written->old))
		return true;
	return put_back(server, written);
}

/* Of another start of the machine: what it names was reset since. */
static int discard(struct server *server, const char *path)
{
	const char *name;
	HWS_CLEANUP_FD int dir = sys_open_folder(SYS_REAL_ROOT, path, O_PATH, &name);
	int r = dir < 0 ? dir : sys_unlink_in(dir, name);

	serve_say(server, NULL, HWS_LEVEL_WARNING, -ESTALE, "journal of before a reset: removed");
	return r < 0 ? why(r, "%s: %s", path, strerror(-r)) : 0;
}

/* Whoever made a journal that can't be believed: nothing is served until somebody has looked. */
static int replay(struct server *server, const char *path)
{
	struct hws_access *registers;
	struct journal journal;
	uint32_t count;
	uint32_t failed = 0;
	int r = journal_open(&journal, path, &registers, &count);

	if (r == -ESTALE)
		return discard(server, path);
	if (r < 0)
		return r;
	while (count-- > 0) {
		machine_identify(server, &registers[count]);
		failed += !replay_one(server, &registers[count]);
	}
	free(registers);
	if (!failed)
		r = journal_remove(&journal);
	journal_close(&journal);
	return failed ? why(-ENOTRECOVERABLE,
			    "%s: %u registers could not be written back: look at them, then "
			    "remove it",
			    path, failed)
		      : r;
}

/* Who else may write there could take a journal away before it is replayed. */
static int check_folder(const char *path, int fd)
{
	struct stat stat;
	int r = sys_fstat(fd, &stat);

	if (r < 0)
		return why(r, "journals '%s': %s", path, strerror(-r));
	if (stat.st_uid != 0 && stat.st_uid != sys_uid())
		return why(-EACCES, "journals '%s': it belongs to uid %u, expected 0 or %u", path,
			   stat.st_uid, sys_uid());
	if (stat.st_mode & (S_IWGRP | S_IWOTH))
		return why(-EACCES, "journals '%s': others may write there: chmod go-w", path);
	return 0;
}

static int replay_all(struct server *server, DIR *dir)
{
	const struct dirent *entry;
	char path[PATH];
	int r = 0;

	while (r == 0 && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "txn-", 4) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", server->options->journals, entry->d_name);
		r = replay(server, path);
		serve_say(server, NULL, r < 0 ? HWS_LEVEL_CRITICAL : HWS_LEVEL_WARNING, r,
			  entry->d_name);
	}
	return r;
}

int txn_replay(struct server *server)
{
	const char *path = server->options->journals;
	HWS_CLEANUP_DIR DIR *dir = NULL;
	int r = 0;

	if (!path)
		return 0;
	r = sys_opendir(SYS_REAL_ROOT, path, &dir);
	if (r < 0)
		return why(r, "journals '%s': %s", path, strerror(-r));
	r = check_folder(path, dirfd(dir));
	machine_raise(server, NEEDS_ALL_KINDS);
	r = r < 0 ? r : replay_all(server, dir);
	machine_close_unused(server);
	machine_lower(server);
	return r;
}
