/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As inb, inw, inl, outb, outw and outl of ioport. */
#include <getopt.h>
#include <string.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/personality.h"

enum { FAILED = 1, PORT_MAX = 0xffff };

static const struct option options[] = {
	{ "code", no_argument, NULL, 'c' },
	{ "hex", no_argument, NULL, 'x' },
	{ "read", no_argument, NULL, 'r' },
	{ "write", no_argument, NULL, 'w' },
	{ "size", required_argument, NULL, 's' },
	{ "help", no_argument, NULL, '?' },
	{ 0 },
};

/* What was asked for. */
struct wish {
	const char *name;
	uint32_t width;
	bool writes;
	bool code;
	bool hex;
	uint64_t port;
	uint64_t value;
};

static int usage(void)
{
	fputs("Usage:\n"
	      "  inb|inw|inl [--options] address\n"
	      "  outb|outw|outl [--options] address data\n"
	      "Options:\n"
	      "  --code    end with the value instead of printing it\n"
	      "  --hex     print it in hexadecimal\n"
	      "  --read, --write, --size 1|2|4: what else the name says\n",
	      stderr);
	return FAILED;
}

static bool take_number(const char *name, const char *word, uint64_t max, uint64_t *ret_value)
{
	if (args_c_number(word, max, ret_value))
		return true;
	say_as(name, "'%s': expected a number up to 0x%llx", word, (unsigned long long)max);
	return false;
}

static bool take_size(struct wish *wish, const char *text)
{
	uint64_t size;

	if (!args_c_number(text, 4, &size) || (size != 1 && size != 2 && size != 4)) {
		say_as(wish->name, "size '%s': expected 1, 2 or 4", text);
		return false;
	}
	wish->width = (uint32_t)size;
	return true;
}

/* Of the name: "outw". */
static struct wish wish_of(const char *name)
{
	bool writes = name[0] == 'o';
	char size = name[writes ? 3 : 2];

	return (struct wish) { .name = name,
			       .writes = writes,
			       .width = size == 'b'   ? 1
					: size == 'w' ? 2
						      : 4 };
}

static bool take_options(int argc, char **argv, struct wish *wish)
{
	int got;

	optind = 0; /* anew, with all of getopt's state */
	opterr = 1;
	while ((got = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (got == '?' || (got == 's' && !take_size(wish, optarg)))
			return false;
		wish->code |= got == 'c';
		wish->hex |= got == 'x';
		wish->writes = got == 'w' || (wish->writes && got != 'r');
	}
	return true;
}

static bool take(int argc, char **argv, struct wish *wish)
{
	int words = wish->writes ? 2 : 1;

	if (argc - optind != words) {
		say_as(wish->name, "%s",
		       argc - optind < words ? "missing parameter" : "extra parameters");
		return false;
	}
	return take_number(wish->name, argv[optind], PORT_MAX, &wish->port) &&
	       (!wish->writes || take_number(wish->name, argv[optind + 1],
					     UINT32_MAX >> (32 - 8 * wish->width), &wish->value));
}

static int fail(const struct wish *wish, int code)
{
	say_as(wish->name, "%s", *hws_why() ? hws_why() : strerror(-code));
	return FAILED;
}

static int access_port(const struct wish *wish, struct hws_port *port)
{
	struct hws_place place = hws_in_port(port, (uint32_t)wish->port, wish->width);
	struct hws_step step = wish->writes ? hws_step_write(place, wish->value)
					    : hws_step_read(place);
	int r = hws_batch_run(&step, 1, 0);

	if (r < 0)
		return fail(wish, r);
	if (wish->writes)
		return 0;
	if (wish->code)
		return (int)(step.result & 0xff);
	printf(wish->hex ? "%llx\n" : "%llu\n", (unsigned long long)step.result);
	return 0;
}

static int run(const struct settings *settings, const struct wish *wish)
{
	struct call call = { .settings = *settings };
	struct hws_port *port = NULL;
	struct hws *hw = NULL;
	int end = FAILED;
	int r;

	if (settings->sysroot)
		return (int)call_live_only(wish->name);
	if (call_open(&call, &hw) == RESULT_OK) {
		r = hws_port_open(hw, (uint32_t)wish->port, wish->width,
				  wish->writes ? HWS_W : HWS_R, &port);
		end = r < 0 ? fail(wish, r) : access_port(wish, port);
	}
	hws_port_close(port);
	hws_close(hw);
	return end;
}

/* inb, outl and their like. */
int io_main(const struct settings *settings, int argc, char **argv)
{
	struct wish wish = wish_of(argv[0]);

	if (!take_options(argc, argv, &wish))
		return usage();
	return take(argc, argv, &wish) ? run(settings, &wish) : FAILED;
}
