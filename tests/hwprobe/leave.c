/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Leaves behind what a program does: a trail and last words. Arguments: their files. */
#include <stdio.h>

#include "hw/hwsafe.h"

static void work(struct hws *hw)
{
	struct hws_port *port;
	struct hws_port *none;
	uint8_t value;

	if (hws_port_open(hw, 0x70, 2, HWS_RW, &port) < 0)
		return;
	(void)!hws_port_read8(port, 0x71, &value);
	if (hws_port_open(hw, 0x80, 1, HWS_RW, &none) == 0)
		hws_port_close(none);
	hws_port_close(port);
}

int main(int argc, char **argv)
{
	struct hws_audit_options audit = { .size = sizeof(audit) };
	struct hws_options options = {
		.size = sizeof(options),
		.backend = "sim",
		.policy_text = "port = 0x70-0x71 rw\n",
		.audit = &audit,
		.last_words_always = true,
	};
	struct hws *hw;
	int r;

	if (argc != 3)
		return 2;
	audit.file = argv[1];
	options.last_words = argv[2];
	r = hws_open(&options, &hw);
	if (r < 0)
		return hws_explain(r, stderr);
	work(hw);
	r = hws_audit_flush(hws_trail(hw));
	hws_close(hw);
	return r < 0;
}
