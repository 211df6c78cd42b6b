/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "hw/hwsafe.h"

int main(void)
{
	printf("hwsafe-helper %s\n", hws_version());
	return 0;
}
