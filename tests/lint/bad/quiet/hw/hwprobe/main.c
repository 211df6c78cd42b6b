/* SPDX-License-Identifier: GPL-2.0-or-later */
int main(void)
{
	printf("a program may");
	exit(0);
}
