/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/hwprobe/terminal.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* The other page, no cursor; and back: as xterm names them (ctlseqs). */
#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"

/* What signals ask for; lock-free, so that a handler may set them. */
static _Atomic int quit;
static _Atomic int resized;
static _Atomic int stopped;

/* The one terminal of the process. */
static struct {
	bool page;
	bool keys; /* standard input is a terminal, and is ours */
	struct termios before;
	sigset_t outside; /* what was blocked before */
} terminal;

static void take(int signal)
{
	_Atomic int *of = signal == SIGWINCH ? &resized : signal == SIGTSTP ? &stopped : &quit;

	/* relaxed: nothing else is published by it */
	atomic_store_explicit(of, 1, memory_order_relaxed);
}

static bool is_set(_Atomic int *of)
{
	/* relaxed: as in take() */
	return atomic_exchange_explicit(of, 0, memory_order_relaxed);
}

static void enter(void)
{
	struct termios raw = terminal.before;

	raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (terminal.keys)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
	if (terminal.page)
		terminal_write(ENTER, strlen(ENTER));
}

static void leave(void)
{
	if (terminal.page)
		terminal_write(LEAVE, strlen(LEAVE));
	if (terminal.keys)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal.before);
}

/* Signals come only while it waits: none is lost between a look and the wait. */
static void take_signals(bool page)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP };
	size_t count = page ? sizeof(signals) / sizeof(signals[0]) : 3;
	struct sigaction action = { .sa_handler = take };
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < count; i++) {
		sigaddset(&blocked, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, &terminal.outside);
}

void terminal_open(bool page)
{
	terminal.page = page;
	terminal.keys = page && isatty(STDIN_FILENO) &&
			tcgetattr(STDIN_FILENO, &terminal.before) == 0;
	take_signals(page);
	enter();
}

void terminal_close(void)
{
	leave();
	terminal.page = terminal.keys = false;
	sigprocmask(SIG_SETMASK, &terminal.outside, NULL);
}

void terminal_size(unsigned int *ret_rows, unsigned int *ret_columns)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col) {
		size.ws_row = 24;
		size.ws_col = 80;
	}
	*ret_rows = size.ws_row;
	*ret_columns = size.ws_col;
}

/* Somebody may never read on: signals are taken while it waits for that; who quits doesn't wait. */
static bool wait_to_write(void)
{
	static const struct timespec at_once;
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
	int r;

	do
		/* relaxed: as in take() */
		r = ppoll(&out, 1,
			  atomic_load_explicit(&quit, memory_order_relaxed) ? &at_once : NULL,
			  &terminal.outside);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		errno = EINTR;
	return r > 0;
}

/* There may be room for less than a page: signals are taken in its middle, too. */
static ssize_t write_open(const char *text, size_t length)
{
	sigset_t inside;
	ssize_t n;
	int error;

	sigprocmask(SIG_SETMASK, &terminal.outside, &inside);
	n = write(STDOUT_FILENO, text, length);
	error = errno;
	sigprocmask(SIG_SETMASK, &inside, NULL);
	errno = error;
	return n;
}

bool terminal_write(const char *text, size_t length)
{
	/* so much fits a pipe that can be written to; a page goes in one */
	size_t most = terminal.page ? length : PIPE_BUF;

	while (length) {
		ssize_t n = -1;

		if (!wait_to_write())
			return false;
		n = write_open(text, length < most ? length : most);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return false;
		text += n > 0 ? n : 0;
		length -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* Into the background with a terminal as it was; back when the shell says so. */
static void stop(void)
{
	leave();
	raise(SIGSTOP);
	enter();
}

static enum terminal_event take_key(void)
{
	char key;
	ssize_t n = read(STDIN_FILENO, &key, 1);

	if (n <= 0)
		return n < 0 && errno == EINTR ? TERMINAL_TIME : TERMINAL_QUIT;
	if (key == 'q' || key == 'Q')
		return TERMINAL_QUIT;
	return key == ' ' ? TERMINAL_REFRESH : TERMINAL_REDRAW;
}

static enum terminal_event take_signal(void)
{
	if (is_set(&quit))
		return TERMINAL_QUIT;
	if (is_set(&stopped))
		stop();
	is_set(&resized);
	return TERMINAL_REDRAW;
}

enum terminal_event terminal_wait(unsigned int milliseconds)
{
	struct timespec limit = { .tv_sec = (time_t)(milliseconds / 1000),
				  .tv_nsec = (long)(milliseconds % 1000) * 1000000 };
	struct pollfd keys = { .fd = terminal.keys ? STDIN_FILENO : -1, .events = POLLIN };
	int r;

	/* relaxed: as in take(); what came while it wrote */
	if (atomic_load_explicit(&quit, memory_order_relaxed) ||
	    atomic_load_explicit(&stopped, memory_order_relaxed) ||
	    atomic_load_explicit(&resized, memory_order_relaxed))
		return take_signal();
	r = ppoll(&keys, 1, &limit, &terminal.outside);
	if (r < 0)
		return take_signal();
	return r ? take_key() : TERMINAL_TIME;
}
