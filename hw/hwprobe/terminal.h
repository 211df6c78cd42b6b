/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page that stays on the terminal: keys, sizes and signals for it, and the
 * terminal as it was at the end, however that comes.
 */
#ifndef HWPROBE_TERMINAL_H
#define HWPROBE_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

enum terminal_event {
	TERMINAL_TIME,	  /* nothing happened for so long */
	TERMINAL_REDRAW,  /* another size, or back from the background */
	TERMINAL_REFRESH, /* the key for that */
	TERMINAL_QUIT,
};

/* Takes signals over; with @page the terminal, too, which must be one. */
void terminal_open(bool page);
void terminal_close(void);
/* Its size; 24 by 80 where it doesn't tell. */
void terminal_size(unsigned int *ret_rows, unsigned int *ret_columns);
/*
 * A page in one write, so that nothing half drawn is seen. False: errno says why nobody reads it
 * any more; EINTR: somebody interrupts.
 */
bool terminal_write(const char *text, size_t length);
enum terminal_event terminal_wait(unsigned int milliseconds);

#endif
