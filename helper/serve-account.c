/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is counted for a user, however many connections it makes. */
#include <errno.h>
#include <stdlib.h>

#include "helper/serve.h"

static const int64_t billion = 1000000000;

static void drop_rates(struct account *account)
{
	rules_unref(account->rates);
	account->rates = NULL;
}

static void tell(struct server *server, struct account *account)
{
	struct hws_event event = { .type = HWS_EVENT_PRIVILEGE,
				   .level = HWS_LEVEL_WARNING,
				   .code = -EDQUOT,
				   .uid = account->uid,
				   .has = HWS_HAS_VALUE,
				   .value = account->unnoted };

	if (!account->unnoted)
		return;
	event.pid = event.tid = sys_pid();
	audit_event_text(&event, "refusals counted, not recorded one by one");
	account->unnoted = 0;
	serve_note(server, NULL, event);
}

/* A free one, or that of a user who has been away for longest. */
static struct account *place_for(struct server *server)
{
	struct account *oldest = NULL;

	for (struct account *one = server->accounts; one < server->accounts + SERVE_ACCOUNTS;
	     one++) {
		if (!one->used)
			return one;
		if (!one->connections && (!oldest || one->at < oldest->at))
			oldest = one;
	}
	return oldest;
}

struct account *account_of(struct server *server, uint32_t uid)
{
	struct account *account;

	for (account = server->accounts; account < server->accounts + SERVE_ACCOUNTS; account++) {
		if (account->used && account->uid == uid)
			return account;
	}
	account = place_for(server);
	if (!account)
		return NULL;
	tell(server, account);
	drop_rates(account);
	*account = (struct account) { .used = true,
				      .uid = uid,
				      .tokens = (int64_t)server->options->rate * billion,
				      .at = server->now };
	return account;
}

/* A bucket that holds a second's worth. */
static void refill(struct server *server, struct account *account)
{
	uint64_t rate = server->options->rate;
	uint64_t passed = server->now - account->at;
	uint64_t room = (uint64_t)((int64_t)rate * billion - account->tokens);

	account->tokens += (int64_t)(passed > room / rate ? room : rate * passed);
	account->at = server->now;
}

/* What is more than a second's worth comes when that is there; who had it waits for the rest. */
bool account_take(struct server *server, struct account *account, uint32_t count)
{
	uint64_t rate = server->options->rate;

	if (!rate)
		return true;
	refill(server, account);
	if (account->tokens < (int64_t)(count < rate ? count : rate) * billion) {
		pace_bar(server, account);
		return false;
	}
	account->tokens -= count * billion;
	return true;
}

bool account_turn(const struct server *server, struct account *account)
{
	if (account->turn != server->turn)
		account->served = 0;
	account->turn = server->turn;
	if (server->users > 1 && !pace_goes_on(server, account))
		return account->served < SERVE_TURN;
	return account->served < SERVE_TURN_ALONE;
}

void account_served(struct server *server, const struct peer *peer, uint32_t accesses)
{
	peer->account->served += SERVE_REQUEST + accesses;
	pace_served(server, peer, SERVE_REQUEST + accesses);
}

bool account_may_note(struct server *server, struct account *account)
{
	uint64_t second = server->now / (uint64_t)billion;

	if (account->second != second) {
		tell(server, account);
		account->second = second;
		account->notes = 0;
	}
	if (account->notes < SERVE_NOTES) {
		account->notes++;
		return true;
	}
	account->unnoted++;
	return false;
}

static void tell_all(struct server *server)
{
	tell(server, &server->nobody);
	for (struct account *one = server->accounts; one < server->accounts + SERVE_ACCOUNTS; one++)
		tell(server, one);
}

void accounts_tell(struct server *server)
{
	uint64_t second = server->now / (uint64_t)billion;

	if (second == server->told)
		return;
	server->told = second;
	tell_all(server);
}

void accounts_new_policy(struct server *server)
{
	for (struct account *one = server->accounts; one < server->accounts + SERVE_ACCOUNTS; one++)
		drop_rates(one);
}

void accounts_free(struct server *server)
{
	tell_all(server);
	accounts_new_policy(server);
}
