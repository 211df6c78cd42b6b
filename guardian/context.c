/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "guardian/gate-internal.h"
#include "guardian/learn-internal.h"
#include "shim/grants-internal.h"
#include "shim/sim-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

/* The helper's socket, where one was named. */
static const char *named_socket(const struct hws_options *options)
{
	return options->socket ? options->socket : secure_getenv("HWSAFE_SOCKET");
}

/* The back end that was asked for; NULL: the best. Who names a socket wants what is behind it. */
static const char *wanted_backend(const struct hws *hw, const struct hws_options *options)
{
	if (options->backend)
		return options->backend;
	if (options->plugin)
		return "plugin";
	/* the helper's socket is this machine's */
	return named_socket(options) && !hw->sysroot ? "broker" : NULL;
}

/* Everything: the helper decides by its own policy, for this process. */
static const char broker_rules[] =
	"[helper]\nport = * rw side claimed danger\nmsr = * rw side danger\n"
	"pci = * rw side claimed danger\nbar = * * rw side claimed\ndma = *\nirq = *\ncpuid = *\n";

void context_log(const struct hws *hw, enum hws_level level, const char *format, ...)
{
	char line[512];
	va_list arguments;

	if (!hw->log)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	hw->log(level, line, hw->log_context);
}

static void log_policy_error(void *context, const struct hws_policy_error *error)
{
	context_log(context, HWS_LEVEL_ERROR, "%s:%u:%u: %s", error->file, error->line,
		    error->column, error->message);
}

static int load_rules(struct hws *hw, struct rules **ret_rules)
{
	struct hws_policy_options options = {
		.size = sizeof(options),
		.sysroot = hw->sysroot,
		.directory = hw->policy_directory,
		.text = hw->policy_text,
		.owner_uid = hw->policy_owner,
		.error = log_policy_error,
		.context = hw,
	};

	if (hw->learn && hw->learn->simulate)
		return rules_parse("learn", hw->policy_text, ret_rules);
	if (hw->shim.self && shim_ops(&hw->shim)->open == broker_ops.open)
		return rules_parse("helper", broker_rules, ret_rules);
	/* who was granted something has these rules: no file, no line of its own adds to them */
	return hw->grants ? rules_parse("granted", hw->grants->text, ret_rules)
			  : rules_load(&options, ret_rules);
}

/* They are this machine's: not for a program that looks at another root. */
static int find_grants(struct hws *hw, const struct hws_options *options,
		       struct hws_shim_options *shim)
{
	int r;

	if (hw->sysroot)
		return why(options->backend ? -EINVAL : -ECANCELED,
			   "another root was asked for; grants are this machine's");
	r = grants_find(&hw->grants);
	shim->grants = hw->grants;
	return r;
}

/* The rules come first here: they say whether it may be loaded. */
static int load_plugin(struct hws *hw, const struct hws_options *options,
		       struct hws_shim_options *shim)
{
	int r;

	if (!options->plugin)
		return why(-EINVAL, "the back end 'plugin' is in a file, and none was named");
	r = load_rules(hw, &hw->rules);
	r = r < 0 ? r : context_plugin_open(hw, options->plugin, &hw->plugin);
	shim->plugin = hw->plugin;
	return r;
}

/* In the order in which they are tried; one that is not for everybody must be asked for by name. */
static const struct {
	const char *name;
	const struct hws_shim_ops *ops;
	bool only_by_name;
	int (*prepare)(struct hws *hw, const struct hws_options *options,
		       struct hws_shim_options *shim); /* NULL: nothing to do before it is opened */
} backends[BACKENDS] = {
	{ "grants", &native_ops, false, find_grants }, { "native", &native_ops, false, NULL },
	{ "broker", &broker_ops, false, NULL },	       { "sim", &sim_ops, true, NULL },
	{ "plugin", &plugin_ops, true, load_plugin },
};

static int try_backend(struct hws *hw, const struct hws_options *options, unsigned int which)
{
	struct hws_shim_options shim = {
		.size = sizeof(shim),
		.sysroot = options->sysroot,
		.sim = options->sim,
		.sim_name = options->sim_name,
		.socket = named_socket(options),
	};
	const char *wanted = wanted_backend(hw, options);
	int r;

	if (wanted ? strcmp(wanted, backends[which].name) != 0 : backends[which].only_by_name)
		return why(-ECANCELED,
			   wanted ? "'%s' was asked for"
				  : "taken only when it is asked for by name",
			   wanted);
	r = backends[which].prepare ? backends[which].prepare(hw, options, &shim) : 0;
	return r < 0 ? r : shim_open(backends[which].ops, &shim, &hw->shim);
}

static int choose_backend(struct hws *hw, const struct hws_options *options)
{
	char said[512] = ""; /* whole; what is kept of each is cut */
	int failed = 0;

	for (unsigned int i = 0; i < BACKENDS; i++) {
		struct hws_backend_try *try = &hw->tries[hw->tried++];

		try->name = backends[i].name;
		try->code = try_backend(hw, options, i);
		if (try->code == 0)
			return 0;
		snprintf(try->why, sizeof(try->why), "%s", hws_why());
		if (try->code == -ECANCELED)
			continue;
		failed = try->code;
		snprintf(said, sizeof(said), "%s", hws_why());
	}
	if (!failed)
		return why(-EINVAL,
			   "there is no back end '%s'; there are grants, native, broker, "
			   "sim and plugin",
			   options->backend);
	return why(failed, "%s", said);
}

static int copy_text(const char *from, char **ret_copy)
{
	*ret_copy = from ? strdup(from) : NULL;
	return from && !*ret_copy ? why(-ENOMEM, "no memory for the options") : 0;
}

static int copy_options(struct hws *hw, const struct hws_options *options)
{
	int r = copy_text(options->sysroot, &hw->sysroot);

	hw->log = options->log;
	hw->log_context = options->log_context;
	hw->policy_owner = options->policy_owner;
	r = r < 0 ? r : copy_text(options->policy_directory, &hw->policy_directory);
	r = r < 0 ? r : copy_text(options->policy_text, &hw->policy_text);
	if (r < 0)
		return r;
	hw->root = sys_root_open(options->sysroot);
	return options->sysroot && hw->root < 0
		       ? why(hw->root, "sysroot '%s': %s", options->sysroot, strerror(-hw->root))
		       : 0;
}

static int set_limits(struct hws *hw, const struct hws_options *options)
{
	struct caps_options caps = { .refresh_ns = 0 };
	int r;

	memcpy(caps.limits, options->caps, sizeof(caps.limits));
	r = caps_init(&hw->caps, hw->root, &caps);
	for (enum hws_guard_class i = 0; r == 0 && i < HWS_GUARDS; i++)
		r = guard_init(&hw->guards[i], i, &options->guards[i], &(struct clock_source) { 0 },
			       &hw->era);
	return r;
}

static int open_last_words(struct hws *hw, const struct hws_options *options)
{
	if (!options->last_words)
		return options->last_words_always
			       ? why(-EINVAL, "last words of every access need a file")
			       : 0;
	hw->last_words_always = options->last_words_always;
	return last_words_open(hw->root, options->last_words, &hw->last_words);
}

static int set_up(struct hws *hw, const struct hws_options *given)
{
	HWS_CLEANUP_FREE char *learned = NULL;
	struct hws_options copy = *given;
	const struct hws_options *options = &copy;
	int r = learn_find(&hw->learn);

	if (r == 0 && hw->learn)
		r = learn_options(hw->learn, &copy, &learned);
	r = r < 0 ? r : copy_options(hw, options);

	r = r < 0 ? r : set_limits(hw, options);
	r = r < 0 ? r : hws_audit_open(options->audit, &hw->audit);
	r = r < 0 ? r : open_last_words(hw, options);
	r = r < 0 ? r : choose_backend(hw, options);
	/* a plug-in's came before it */
	return r < 0 || hw->rules ? r : load_rules(hw, &hw->rules);
}

static void tear_down(struct hws *hw)
{
	rules_unref(hw->rules);
	shim_close(&hw->shim);
	context_plugin_close(hw, hw->plugin);
	grants_free(hw->grants);
	hws_audit_close(hw->audit);
	last_words_close(hw->last_words);
	learn_free(hw->learn);
	caps_fini(&hw->caps);
	sys_close(hw->root);
	pthread_mutex_destroy(&hw->lock);
	pthread_mutex_destroy(&hw->reloading);
	meters_fini(&hw->meters);
	free(hw->policy_directory);
	free(hw->policy_text);
	free(hw->sysroot);
	free(hw);
}

int hws_open(const struct hws_options *options, struct hws **ret_hw)
{
	static const struct hws_options defaults = { .size = sizeof(defaults) };
	struct hws *hw;
	int r;

	if (!ret_hw)
		return why(-EINVAL, "there is nowhere to put the context");
	if (!options)
		options = &defaults;
	if (options->size != sizeof(*options))
		return why(
			-EINVAL,
			"the options' size is %zu, not %zu: set it to sizeof(struct hws_options)",
			options->size, sizeof(*options));
	hw = calloc(1, sizeof(*hw));
	if (!hw)
		return why(-ENOMEM, "no memory for a context");
	hw->refs = 1;
	hw->pid = sys_pid();
	hw->root = SYS_REAL_ROOT;
	pthread_mutex_init(&hw->lock, NULL);
	hw->reloading = (pthread_mutex_t)PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
	meters_init(&hw->meters);
	r = set_up(hw, options);
	if (r < 0) {
		tear_down(hw);
		return r;
	}
	*ret_hw = hw;
	return 0;
}

struct hws *context_ref(struct hws *hw)
{
	/* relaxed: whoever asks holds a reference already */
	atomic_fetch_add_explicit(&hw->refs, 1, memory_order_relaxed);
	return hw;
}

void context_unref(struct hws *hw)
{
	/* acq_rel: what other holders did with it comes before its end */
	if (atomic_fetch_sub_explicit(&hw->refs, 1, memory_order_acq_rel) == 1)
		tear_down(hw);
}

void hws_close(struct hws *hw)
{
	if (hw)
		context_unref(hw);
}

struct rules *context_rules(struct hws *hw)
{
	struct rules *rules;

	pthread_mutex_lock(&hw->lock);
	rules = rules_ref(hw->rules);
	pthread_mutex_unlock(&hw->lock);
	return rules;
}

static void take_rules(struct hws *hw, struct rules *rules)
{
	struct rules *before;

	pthread_mutex_lock(&hw->lock);
	before = hw->rules;
	hw->rules = rules;
	gates_stop(hw);
	pthread_mutex_unlock(&hw->lock);
	rules_unref(before);
}

int hws_reload(struct hws *hw)
{
	struct hws_event event = { .type = HWS_EVENT_POLICY };
	struct rules *rules;
	int r;

	/* who read the files first also takes them first: nothing newer is replaced */
	r = -pthread_mutex_lock(&hw->reloading);
	if (r < 0)
		return why(r, "this thread reloads already: what hears of it, as the log's "
			      "function, can't do so, too");
	r = load_rules(hw, &rules);
	event.level = r < 0 ? HWS_LEVEL_ERROR : HWS_LEVEL_INFO;
	event.code = r;
	if (r == 0) {
		event.generation = (uint32_t)rules->generation;
		take_rules(hw, rules);
	}
	pthread_mutex_unlock(&hw->reloading);
	audit_identity_changed(hw->audit);
	audit_record(hw->audit, &event);
	return r;
}

int hws_guard_rearm(struct hws *hw, enum hws_guard_class guard)
{
	int r;

	if ((unsigned int)guard >= HWS_GUARDS)
		return why(-EINVAL, "there is no guard %d", (int)guard);
	pthread_mutex_lock(&hw->lock);
	r = guard_rearm(&hw->guards[guard]);
	gates_stop(hw);
	pthread_mutex_unlock(&hw->lock);
	return r;
}

int hws_check(struct hws *hw, const struct hws_access *access, char *text, size_t size)
{
	struct rules *rules = context_rules(hw);
	struct hws_decision decision;
	int r = hws_policy_check(rules->view, access, &decision);

	if (text && size && r != -EINVAL)
		hws_policy_explain(rules->view, access, text, size);
	rules_unref(rules);
	return r;
}

const char *hws_backend(const struct hws *hw)
{
	return hw->tries[hw->tried - 1].name; /* the last: the others failed */
}

const struct hws_backend_try *hws_backend_tried(const struct hws *hw, unsigned int index)
{
	return index < hw->tried ? &hw->tries[index] : NULL;
}

struct hws_audit *hws_trail(struct hws *hw)
{
	return hw->audit;
}
