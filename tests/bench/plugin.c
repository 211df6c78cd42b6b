/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plug-ins: what a call through the boundary costs, and what it costs to load one. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/plugin-internal.h"
#include "shim/plugin-library-internal.h"
#include "shim/shim-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"
#include "tests/bench/bench.h"

/* ---- calls: a plug-in in this program, whose free() only counts ---- */

static volatile uint64_t result; /* what is stored here can't be optimised away */

static struct hws_error *create(struct hws_call_create *call)
{
	call->ret_self = call;
	return NULL;
}

static void destroy(void *self)
{
	(void)self;
}

__attribute__((noinline)) static struct hws_error *look(void *self,
							struct hws_call_attributes *call)
{
	__asm__ volatile("" : "+r"(self), "+r"(call)); /* nothing is known of what it does */
	return NULL;
}

static struct hws_error *nothing(void)
{
	return NULL;
}

static int their_open(const struct hws_shim_options *options, void **ret_self)
{
	(void)options;
	*ret_self = (void *)(uintptr_t)&result;
	return 0;
}

__attribute__((noinline)) static int their_read(void *self, uint32_t cpu, uint32_t reg,
						uint64_t *ret_value)
{
	__asm__ volatile("" : "+r"(self), "+r"(cpu), "+r"(reg));
	*ret_value = reg;
	return 0;
}

static struct hws_shim_ops ops = {
	.struct_size = sizeof(ops),
	.abi = HWS_SHIM_ABI,
	.flags = HWS_SHIM_THREAD_SAFE,
	.name = "bench",
	.open = their_open,
	.close = destroy,
	.msr_read = their_read,
};
static struct hws_ext_backend backend = {
	.ext = { .struct_size = sizeof(backend), .type = HWS_EXT_BACKEND, .version = 1 },
	.ops = &ops,
};
static struct hws_ext_device device = {
	.ext = { .struct_size = sizeof(device),
		 .type = HWS_EXT_DEVICE,
		 .version = 1,
		 .next = &backend.ext },
	.attributes = look,
	.alloc = (void *)nothing,
	.free = (void *)nothing,
	.copy_in = (void *)nothing,
	.copy_out = (void *)nothing,
};

static int open_here(uint32_t flags, struct hws_plugin **ret_plugin)
{
	static struct hws_plugin_table table = {
		.struct_size = sizeof(table),
		.abi = HWS_PLUGIN_ABI,
		.next = &device.ext,
		.create = create,
		.destroy = destroy,
	};

	table.flags = flags;
	return plugin_open(&table, &(struct plugin_options) { .name = "bench" }, ret_plugin);
}

static int call_setup(const struct bench_case *of, void **ret_context)
{
	return open_here(of->arg ? 0 : HWS_PLUGIN_THREAD_SAFE, (struct hws_plugin **)ret_context);
}

static void call_teardown(void *context)
{
	plugin_close(context, NULL);
}

static int call_ours(void *context, uint64_t n)
{
	struct hws_call_attributes call = HWS_INIT(struct hws_call_attributes);
	int r = 0;

	for (; n && r == 0; n = bench_next(n))
		r = PLUGIN_CALL(context, attributes, &call);
	return r;
}

static int call_base(void *context, uint64_t n)
{
	struct hws_call_attributes call = HWS_INIT(struct hws_call_attributes);
	struct hws_plugin *plugin = context;

	for (; n; n = bench_next(n))
		if (look(plugin->self, &call))
			return -EIO;
	return 0;
}

/* A back end's: through the slot, and what it gives is looked at. */
struct far {
	struct hws_plugin *plugin;
	struct hws_shim shim;
};

static int far_setup(const struct bench_case *of, void **ret_context)
{
	struct hws_shim_options options = { .size = sizeof(options) };
	struct far *far = calloc(1, sizeof(*far));
	int r = far ? open_here(HWS_PLUGIN_THREAD_SAFE, &far->plugin) : -ENOMEM;

	(void)of;
	if (r == 0) {
		options.plugin = far->plugin;
		r = shim_open(&plugin_ops, &options, &far->shim);
	}
	if (r < 0)
		free(far);
	else
		*ret_context = far;
	return r;
}

static void far_teardown(void *context)
{
	struct far *far = context;

	shim_close(&far->shim);
	plugin_close(far->plugin, NULL);
	free(far);
}

static int far_ours(void *context, uint64_t n)
{
	struct far *far = context;
	uint64_t value = 0;
	int r = 0;

	for (; n && r == 0; n = bench_next(n))
		r = shim_ops(&far->shim)->msr_read(far->shim.self, 0, 1, &value);
	result = value;
	return r;
}

static int far_base(void *context, uint64_t n)
{
	uint64_t value = 0;

	for (; n; n = bench_next(n))
		if (their_read(context, 0, 1, &value) < 0)
			return -EIO;
	result = value;
	return 0;
}

/* ---- loading: one of a MiB, in a directory of its own ---- */

enum { MIB = 1 << 20, KEY = 10 + crypto_sign_PUBLICKEYBYTES };
#define NAME "/p.so"

struct load {
	char folder[64];
	char path[80];
	char text[128]; /* of the pin, or the key */
	struct plugin_source source;
	char bytes[MIB];
};

static int write_file(const char *path, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n = fd < 0 ? -1 : write(fd, bytes, size);

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)size ? 0 : -EIO;
}

static int read_plugin(struct load *load)
{
	int fd = open(PLUGIN, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, load->bytes, sizeof(load->bytes));

	if (fd >= 0)
		close(fd);
	return n > 0 ? 0 : why(-ENOENT, PLUGIN " can't be read");
}

/* As minisign -S does, with a key of this moment. */
static int sign(struct load *load)
{
	static const char comment[] = "bench";
	uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];
	uint8_t key[KEY] = "Ed12345678", raw[10 + crypto_sign_BYTES] = "ED12345678";
	uint8_t hash[crypto_generichash_BYTES_MAX], both[crypto_sign_BYTES + sizeof(comment)];
	char text[128], global[128], whole[512], path[96];

	crypto_sign_keypair(public_key, secret_key);
	memcpy(key + 10, public_key, sizeof(public_key));
	sodium_bin2base64(load->text, sizeof(load->text), key, sizeof(key),
			  sodium_base64_VARIANT_ORIGINAL);
	crypto_generichash(hash, sizeof(hash), (const uint8_t *)load->bytes, MIB, NULL, 0);
	crypto_sign_detached(raw + 10, NULL, hash, sizeof(hash), secret_key);
	memcpy(both, raw + 10, crypto_sign_BYTES);
	memcpy(both + crypto_sign_BYTES, comment, sizeof(comment) - 1);
	sodium_bin2base64(text, sizeof(text), raw, sizeof(raw), sodium_base64_VARIANT_ORIGINAL);
	crypto_sign_detached(hash, NULL, both, sizeof(both) - 1, secret_key);
	sodium_bin2base64(global, sizeof(global), hash, crypto_sign_BYTES,
			  sodium_base64_VARIANT_ORIGINAL);
	snprintf(whole, sizeof(whole), "untrusted comment: x\n%s\ntrusted comment: %s\n%s\n", text,
		 comment, global);
	snprintf(path, sizeof(path), "%s.minisig", load->path);
	load->source.key = load->text;
	return write_file(path, whole, strlen(whole));
}

static int pin(struct load *load)
{
	plugin_hash(load->bytes, MIB, load->text);
	load->source.sha256 = load->text;
	return 0;
}

static void load_teardown(void *context)
{
	struct load *load = context;
	char path[96];

	snprintf(path, sizeof(path), "%s.minisig", load->path);
	unlink(path);
	unlink(load->path);
	rmdir(load->folder);
	free(load);
}

static int load_setup(const struct bench_case *of, void **ret_context)
{
	struct load *load = calloc(1, sizeof(*load));
	int r;

	if (!load)
		return -ENOMEM;
	snprintf(load->folder, sizeof(load->folder), "/tmp/hwsafe-bench-XXXXXX");
	if (!mkdtemp(load->folder)) {
		free(load);
		return -EIO;
	}
	snprintf(load->path, sizeof(load->path), "%s" NAME, load->folder);
	load->source = (struct plugin_source) { .root = SYS_REAL_ROOT,
						.path = load->path,
						.owner = getuid() };
	r = read_plugin(load);
	r = r < 0 ? r : write_file(load->path, load->bytes, MIB);
	r = r < 0 ? r : of->arg ? sign(load) : pin(load);
	if (r < 0)
		load_teardown(load);
	else
		*ret_context = load;
	return r;
}

static int load_ours(void *context, uint64_t n)
{
	const struct hws_plugin_table *table;
	struct plugin_library *library;
	struct load *load = context;
	int r = 0;

	for (; n && r == 0; n = bench_next(n)) {
		r = plugin_library_open(&load->source, &library);
		if (r < 0)
			break;
		r = plugin_library_load(library, &table);
		plugin_library_close(library);
	}
	return r;
}

static int load_base(void *context, uint64_t n)
{
	struct load *load = context;

	for (; n; n = bench_next(n)) {
		void *handle = dlopen(load->path, RTLD_NOW | RTLD_LOCAL);

		if (!handle)
			return why(-ELIBBAD, "%s", dlerror());
		dlclose(handle);
	}
	return 0;
}

static const struct bench_case cases[] = {
	{ .name = "call",
	  .baseline = "direct call",
	  .what = "a call of a plug-in that is thread-safe",
	  .setup = call_setup,
	  .teardown = call_teardown,
	  .ours = call_ours,
	  .base = call_base,
	  .limits = { { BENCH_EXTRA_INSTRUCTIONS, 20 }, { BENCH_EXTRA_NS, 5 } } },
	{ .name = "call-serial",
	  .baseline = "direct call",
	  .what = "a call of one that is called by one thread at a time",
	  .arg = "serial",
	  .setup = call_setup,
	  .teardown = call_teardown,
	  .ours = call_ours,
	  .base = call_base },
	{ .name = "call-backend",
	  .baseline = "direct call",
	  .what = "a read of a back end that a plug-in brings",
	  .setup = far_setup,
	  .teardown = far_teardown,
	  .ours = far_ours,
	  .base = far_base },
	{ .name = "load-pin",
	  .baseline = "bare dlopen",
	  .what = "a plug-in of a MiB: copied, sealed, checked by its SHA-256, loaded, unloaded",
	  .setup = load_setup,
	  .teardown = load_teardown,
	  .ours = load_ours,
	  .base = load_base,
	  .limits = { { BENCH_NS, 20e6 } } },
	{ .name = "load-signed",
	  .baseline = "bare dlopen",
	  .what = "the same, checked by its signature",
	  .arg = "signed",
	  .setup = load_setup,
	  .teardown = load_teardown,
	  .ours = load_ours,
	  .base = load_base,
	  .limits = { { BENCH_NS, 20e6 } } },
	{ 0 },
};

int main(int argc, char **argv)
{
	return bench_main("plugin", cases, argc, argv);
}
