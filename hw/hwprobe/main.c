/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "hw/hwsafe.h"

int main(void)
{
	printf("hwprobe %s\n", hws_version());
	return 0;
}
