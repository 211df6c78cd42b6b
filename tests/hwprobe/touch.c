/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Touches what it is told, one after the other: "port r 0x80", "port w 0x80 1", "msr r 0x10",
 * "msr w 0x10 5" (of MSRs on all processors), "plugin r PATH". Ends with 1 when something was
 * refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/hwsafe.h"

static int touch_port(struct hws *hw, uint32_t number, uint32_t rights, uint64_t value)
{
	struct hws_port *port;
	uint8_t read;
	int r = hws_port_open(hw, number, 1, rights, &port);

	if (r < 0)
		return r;
	r = rights == HWS_W ? hws_port_write8(port, number, (uint8_t)value)
			    : hws_port_read8(port, number, &read);
	hws_port_close(port);
	return r;
}

static int touch_msr(struct hws *hw, uint32_t number, uint32_t rights, uint64_t value)
{
	struct hws_msr *msr;
	uint64_t read;
	uint32_t cpu = 0;
	int r = hws_msr_open(hw, "all", number, number, rights, &msr);

	if (r < 0)
		return r;
	for (; r == 0 && hws_msr_next_cpu(msr, cpu, &cpu) == 0; cpu++)
		r = rights == HWS_W ? hws_msr_write(msr, cpu, number, value)
				    : hws_msr_read(msr, cpu, number, &read);
	hws_msr_close(msr);
	return r;
}

static int touch_plugin(struct hws *hw, const char *path)
{
	struct hws_plugin *plugin;
	int r = hws_plugin_open(hw, path, NULL, &plugin);

	if (r == 0)
		hws_plugin_close(plugin);
	return r;
}

int main(int argc, char **argv)
{
	struct hws *hw;
	int bad = 0;
	int r = hws_open(NULL, &hw);

	if (r < 0)
		return hws_explain(r, stderr);
	for (int i = 1; i + 2 < argc; i += 3) {
		uint32_t rights = *argv[i + 1] == 'w' ? HWS_W : HWS_R;
		uint32_t number = (uint32_t)strtoul(argv[i + 2], NULL, 0);
		uint64_t value = rights == HWS_W && i + 3 < argc ? strtoull(argv[i + 3], NULL, 0)
								 : 0;

		if (!strcmp(argv[i], "plugin"))
			r = touch_plugin(hw, argv[i + 2]);
		else
			r = strcmp(argv[i], "msr") ? touch_port(hw, number, rights, value)
						   : touch_msr(hw, number, rights, value);
		if (r < 0) {
			fprintf(stderr, "touch: %s %s: %s\n", argv[i], argv[i + 2], hws_why());
			bad = 1;
		}
		i += rights == HWS_W;
	}
	hws_close(hw);
	return bad;
}
