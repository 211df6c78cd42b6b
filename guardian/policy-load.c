/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where policies come from: files of the owner alone, a text, or what is built in. */
#include "guardian/policy-internal.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/sys-internal.h"
#include "shim/trust-internal.h"
#include "shim/why-internal.h"

struct loader {
	const struct hws_policy_options *options;
	struct policy_errors errors;
	struct policy_names names;
	struct hws_policy *policy;
	int root;
	size_t files;
	size_t total; /* bytes of them */
};

void policy_error(struct policy_errors *errors, int code, const struct hws_policy_error *error)
{
	static const char enough[] = "too many errors, the rest is not told";
	struct hws_policy_error last = *error;

	if (errors->count >= POLICY_ERRORS)
		return;
	if (++errors->count == POLICY_ERRORS)
		last.message = enough;
	if (errors->count == 1) {
		errors->code = code;
		if (error->line)
			snprintf(errors->said, sizeof(errors->said), "%s:%u:%u: %s", error->file,
				 error->line, error->column, error->message);
		else
			snprintf(errors->said, sizeof(errors->said), "%s: %s", error->file,
				 error->message);
	}
	if (errors->options->error)
		errors->options->error(errors->options->context, &last);
}

/* An error of the file as a whole. */
static int refuse(struct loader *l, int code, const char *file, const char *format, ...)
	HWS_PRINTF(4, 5);
static int refuse(struct loader *l, int code, const char *file, const char *format, ...)
{
	char message[256];
	struct hws_policy_error error = { .file = file, .message = message };
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	policy_error(&l->errors, code, &error);
	return code;
}

/* For the reason that was just given. */
static int refuse_by(struct loader *l, int code, const char *file)
{
	char words[256];

	snprintf(words, sizeof(words), "%s", hws_why());
	return refuse(l, code, file, "%s", words);
}

static int stat_file(struct loader *l, int fd, const char *file, struct stat *ret_is)
{
	int r = sys_fstat(fd, ret_is);

	if (r < 0)
		return refuse(l, r, file, "can't be examined: %s", strerror(-r));
	if (!S_ISREG(ret_is->st_mode))
		return refuse(l, -EACCES, file, "is no regular file, expected one");
	r = trust_owner(ret_is, l->options->owner_uid, false);
	if (r < 0)
		return refuse_by(l, r, file);
	if (ret_is->st_size > POLICY_FILE_SIZE ||
	    (size_t)ret_is->st_size > POLICY_TOTAL_SIZE - l->total)
		return refuse(l, -EFBIG, file,
			      "is too large, expected at most %d bytes, and %d of "
			      "all files",
			      POLICY_FILE_SIZE, POLICY_TOTAL_SIZE);
	return 0;
}

static int parse_open(struct loader *l, int fd, const char *file, const struct stat *is)
{
	size_t size = (size_t)is->st_size;
	HWS_CLEANUP_FREE char *text = malloc(size + 1);
	struct stat now;
	ssize_t n;
	int r;

	if (!text)
		return refuse(l, -ENOMEM, file, "is too large for the memory there is");
	n = sys_read_all(fd, text, size + 1);
	if (n < 0 && n != -EFBIG)
		return refuse(l, (int)n, file, "can't be read: %s", strerror((int)-n));
	/* a file that somebody writes at this moment is half of the old and half of the new */
	r = sys_fstat(fd, &now);
	if (r < 0)
		return refuse(l, r, file, "can't be examined: %s", strerror(-r));
	if (n != is->st_size || now.st_mtim.tv_sec != is->st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != is->st_mtim.tv_nsec)
		return refuse(l, -EAGAIN, file, "changed while it was read: load it again");
	l->total += size;
	policy_parse(l->policy, &(struct policy_text) { file, text, size, false }, &l->names,
		     &l->errors);
	return 0;
}

static int load_file(struct loader *l, int directory, const char *name)
{
	/* non-blocking: nobody can keep us waiting with a FIFO */
	HWS_CLEANUP_FD int fd = sys_open_resolve(directory, name, O_RDONLY | O_NONBLOCK | O_NOCTTY,
						 0, TRUST_PLAIN | RESOLVE_BENEATH);
	char file[PATH_MAX];
	struct stat is;
	int r;

	snprintf(file, sizeof(file), "%s/%s", l->options->directory, name);
	if (fd < 0)
		return refuse_by(l, trust_open_failed(fd), file);
	r = stat_file(l, fd, file, &is);
	return r < 0 ? r : parse_open(l, fd, file, &is);
}

static int open_directory(struct loader *l, int *ret_fd)
{
	char where[PATH_MAX];
	int r = trust_open_directory(l->root, l->options->directory, l->options->owner_uid, where,
				     ret_fd);

	return r < 0 ? refuse_by(l, r, where) : 0;
}

static int is_policy_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot && !strcmp(dot, ".conf");
}

/* In the order of their bytes, whatever the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_directory(struct loader *l)
{
	struct dirent **entries = NULL;
	HWS_CLEANUP_FD int fd = sys_open_resolve(l->root, l->options->directory, O_PATH, 0,
						 l->root == SYS_REAL_ROOT ? 0 : RESOLVE_IN_ROOT);
	int count;
	int r;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return refuse_by(l, trust_open_failed(fd), l->options->directory);
	fd = sys_close(fd);
	r = open_directory(l, &fd);
	if (r < 0)
		return r;
	count = sys_scandir(fd, &entries, is_policy_file, compare_names);
	if (count < 0)
		return refuse(l, count, l->options->directory, "can't be listed: %s",
			      strerror(-count));
	l->files = (size_t)count;
	if (count > POLICY_FILES)
		r = refuse(l, -EFBIG, l->options->directory, "holds %d files, expected at most %d",
			   count, POLICY_FILES);
	for (int i = 0; i < count; i++) {
		if (count <= POLICY_FILES)
			(void)load_file(l, fd, entries[i]->d_name); /* its errors are told */
		free(entries[i]);
	}
	free(entries);
	return r;
}

static void load_text(struct loader *l, const char *file, const char *text, bool inline_text)
{
	policy_parse(l->policy, &(struct policy_text) { file, text, strlen(text), inline_text },
		     &l->names, &l->errors);
}

static int loader_init(struct loader *l, struct hws_policy_options *options,
		       const struct hws_policy_options *given)
{
	if (given && given->size != sizeof(*given))
		return why(-EINVAL, "policy options of %zu bytes, expected %zu", given->size,
			   sizeof(*given));
	*options = given ? *given : (struct hws_policy_options) { .size = sizeof(*options) };
	if (!options->directory)
		options->directory = HWS_POLICY_DIRECTORY;
	if (options->directory[0] != '/' || strlen(options->directory) > PATH_MAX / 2)
		return why(-EINVAL, "the policy directory '%.80s' is no absolute path",
			   options->directory);
	*l = (struct loader) { .options = options, .errors.options = options };
	l->root = sys_root_open(options->sysroot);
	if (options->sysroot && l->root < 0)
		return why(l->root, "%s can't be opened: %s", options->sysroot, strerror(-l->root));
	l->names.root = l->root;
	l->policy = policy_new();
	if (!l->policy) {
		l->root = sys_close(l->root);
		return why(-ENOMEM, "not enough memory for a policy");
	}
	return 0;
}

/* Gives the policy when there was no error at all. */
static int loader_fini(struct loader *l, struct hws_policy **ret_policy)
{
	policy_names_fini(&l->names);
	sys_close(l->root);
	if (!l->errors.code) {
		*ret_policy = l->policy;
		return 0;
	}
	hws_policy_unref(l->policy);
	/* the first: what looked into the files behind it had words of its own */
	return why(l->errors.code, "%s", l->errors.said);
}

int hws_policy_load(const struct hws_policy_options *options, struct hws_policy **ret_policy)
{
	struct hws_policy_options used;
	struct loader l;
	int r = loader_init(&l, &used, options);

	if (r < 0)
		return r;
	r = load_directory(&l);
	if (r == 0 && l.files == 0)
		load_text(&l, "built-in", policy_builtin_text, false);
	if (used.text)
		load_text(&l, HWS_POLICY_INLINE, used.text, true);
	return loader_fini(&l, ret_policy);
}

int hws_policy_parse(const struct hws_policy_options *options, const char *file, const char *text,
		     size_t length, struct hws_policy **ret_policy)
{
	struct hws_policy_options used;
	struct loader l;
	int r = loader_init(&l, &used, options);

	if (r < 0)
		return r;
	policy_parse(l.policy, &(struct policy_text) { file, text, length, false }, &l.names,
		     &l.errors);
	return loader_fini(&l, ret_policy);
}
