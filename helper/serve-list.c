/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has what: into the trail. */
#include "helper/serve.h"

void peer_note_bars(struct server *server, const struct peer *peer, const char *text)
{
	for (uint32_t i = 0; i < peer->bar_count; i++) {
		struct hws_event event =
			audit_access_event(&peer->bars[i], HWS_EVENT_GRANT, HWS_REASON_NONE);

		audit_event_text(&event, text);
		serve_note(server, peer, event);
	}
}

void peers_list(struct server *server)
{
	for (const struct peer *peer = server->peers; peer; peer = peer->next) {
		if (peer->gone || !peer->came_in)
			continue;
		serve_say(server, peer, HWS_LEVEL_INFO, 0,
			  peer->in_txn ? "is connected, in a transaction" : "is connected");
		peer_note_bars(server, peer, "held");
	}
}
