/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The time of a PC's clock, by its ports: "clock", or "clock sim" on the simulated machine. */
#include <hwsafe.h>
#include <stdio.h>

enum { INDEX = 0x70, DATA = 0x71, SECONDS = 0, MINUTES = 2, HOURS = 4 };

/* A register of the clock; its digits are decimal, one in each half of the byte. */
static unsigned int get(struct hws_port *clock, uint8_t reg)
{
	hws_port_put8(clock, INDEX, reg);
	return hws_port_get8(clock, DATA);
}

int main(int argc, char **argv)
{
	struct hws_options options = { .size = sizeof(options),
				       .backend = argc > 1 ? argv[1] : NULL,
				       .policy_text = "port = 0x70-0x71 rw claimed" };
	struct hws_port *clock = NULL;
	struct hws *hw = NULL;
	int r = hws_open(&options, &hw);

	if (r == 0)
		r = hws_port_open(hw, INDEX, 2, HWS_RW, &clock);
	if (r == 0)
		printf("%02x:%02x:%02x by %s\n", get(clock, HOURS), get(clock, MINUTES),
		       get(clock, SECONDS), hws_port_way(clock));
	if (r == 0 && hws_last_denial())
		r = hws_last_denial()->code;
	r = hws_explain(r, stderr);
	hws_port_close(clock);
	hws_close(hw);
	return r;
}
