/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Without privileges: the identity of QEMU's educational device, by the helper or not at all. */
#include <hwsafe.h>
#include <stdio.h>

int main(void)
{
	struct hws *hw;
	struct hws_mmio *edu;
	uint32_t id = 0;
	int r = hws_open(NULL, &hw);

	if (r < 0) {
		fprintf(stderr, "%s\n", hws_why());
		return 1;
	}
	r = hws_mmio_map(hw, "0000:00:03.0", 0, 0, 0x100, HWS_R, &edu);
	if (r == 0) {
		r = hws_mmio_read32(edu, 0, &id);
		hws_mmio_unmap(edu);
	}
	if (r < 0)
		fprintf(stderr, "%s\n", hws_why());
	else
		printf("%s 0x%08x\n", hws_backend(hw), id);
	hws_close(hw);
	return r < 0;
}
