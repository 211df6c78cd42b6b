/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The probe on captured trees, and on the machine it runs on; its causes: test-probe-causes.c. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "shim/probe-internal.h"
#include "shim/shim-internal.h"
#include "tests/shim/probe-kit.h"

START_TEST(probe_reads_config_space_by_rights)
{
	static const char zeros[4096];
	static const struct {
		const char *capabilities;
		size_t size;
		enum hws_probe_status full;
		int code;
	} cases[] = {
		{ "CapEff:\t000001ffffffffff\n", 4096, HWS_PROBE_WORKS, 0 },
		{ "CapEff:\t0000000000000000\n", 4096, HWS_PROBE_NO, -EPERM },
		{ "CapEff:\t000001ffffffffff\n", 63, HWS_PROBE_NO, -EIO },
	};
	struct seen seen;

	for (size_t c = 0; c < COUNT(cases); c++) {
		make_tree();
		put("proc/self/status", cases[c].capabilities, strlen(cases[c].capabilities));
		put("sys/bus/pci/devices/0000:00:03.0/config", zeros, cases[c].size);
		probe_tree(&seen);
		remove_tree();
		ck_assert_int_eq(seen.at[index_of(&seen, "config, 64 bytes")].status,
				 cases[c].size < 64 ? HWS_PROBE_NO : HWS_PROBE_WORKS);
		ck_assert_int_eq(seen.at[index_of(&seen, "config, full")].status, cases[c].full);
		ck_assert_int_eq(seen.at[index_of(&seen, "config, full")].code, cases[c].code);
	}
}
END_TEST

/* As the kernel's modes make it, for who is not root. */
START_TEST(msr_file_for_reading_only_is_not_called_writable)
{
	struct scene scene = { .x86 = true };
	struct finding f = { 0 };
	char path[256];
	bool root = geteuid() == 0;

	make_tree();
	put("sys/class/msr/", "", 0);
	put("dev/cpu/0/msr", "", 0);
	snprintf(path, sizeof(path), "%s/dev/cpu/0/msr", tree);
	ck_ok(chmod(tree, 0755));
	ck_ok(chmod(path, 0444));
	scene.root = sys_root_open(tree);
	ck_assert_int_ge(scene.root, 0);
	if (root)
		ck_ok(seteuid(65534));
	probe_msr(&scene, &f);
	if (root)
		ck_ok(seteuid(0));
	ck_assert_int_eq(f.result.status, HWS_PROBE_PARTIAL);
	ck_assert_int_eq(f.result.code, -EACCES);
	ck_assert_msg(strstr(f.why, "reads only"), "%s", f.why);
	sys_close(scene.root);
	remove_tree();
}
END_TEST

START_TEST(probe_refuses_what_is_no_directory)
{
	struct hws_shim_options options = { .sysroot = "/nonexistent/tree" };
	struct hws_probe_machine machine = { .cpus = 77 };
	struct seen seen = { 0 };

	ck_assert_int_eq(hws_probe(&options, see, &seen), -ENOENT);
	ck_assert_int_eq(hws_probe_machine(&options, &machine), -ENOENT);
	options.sysroot = "/dev/null";
	ck_assert_int_eq(hws_probe(&options, see, &seen), -ENOTDIR);
	ck_assert_uint_eq(seen.count, 0);
	ck_assert_uint_eq(machine.cpus, 77);
}
END_TEST

START_TEST(machine_speaks_for_its_tree)
{
	static const char cpuinfo[] = "CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
	struct hws_shim_options options = { .size = sizeof(options), .sysroot = tree };
	struct hws_probe_machine m;

	make_tree();
	put("proc/cpuinfo", cpuinfo, strlen(cpuinfo));
	put("proc/sys/kernel/osrelease", "6.1.0-test\n", 11);
	put("sys/devices/system/cpu/online", "0-3,8\n", 6);
	put("proc/self/status", "Uid:\t12\t13\nSeccomp:\t2\nCapEff:\t21\n", 34);
	put("run/.containerenv", "", 0);
	ck_ok(hws_probe_machine(&options, &m));
	remove_tree();
	ck_assert_str_eq(m.arch, "aarch64");
	ck_assert_str_eq(m.kernel, "6.1.0-test");
	ck_assert_str_eq(m.cpu_vendor, "implementer 0x41");
	ck_assert_str_eq(m.cpu_model, "part 0xd0c");
	ck_assert_str_eq(m.container, "podman");
	ck_assert_uint_eq(m.cpus, 5);
	ck_assert_uint_eq(m.uid, 12);
	ck_assert_uint_eq(m.seccomp, 2);
	ck_assert_uint_eq(m.effective, 0x21);
}
END_TEST

START_TEST(containers_are_known_by_what_they_leave)
{
	static const struct {
		const char *path;
		const char *text;
		const char *name;
	} rows[] = {
		{ ".dockerenv", "", "docker" },
		{ "run/systemd/container", "systemd-nspawn\n", "systemd-nspawn" },
		{ "proc/self/mountinfo",
		  "611 520 0:53 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/containerd/"
		  "io.containerd.snapshotter.v1.overlayfs/snapshots/30/fs\n",
		  "containerd" },
		{ "proc/self/mountinfo",
		  "611 520 0:53 / / ro - overlay overlay rw,upperdir=/var/lib/containers/storage/"
		  "overlay/0a/diff\n612 611 0:5 / /proc rw - proc proc rw\n",
		  "cri-o" },
		/* a machine that has containers is none */
		{ "proc/self/mountinfo",
		  "25 1 8:1 / / rw - ext4 /dev/sda1 rw\n611 25 0:53 / /run/containerd/rootfs rw - "
		  "overlay overlay rw,upperdir=/var/lib/containerd/1/fs\n",
		  "" },
		{ "proc/self/mountinfo", "25 1 0:3 / / rw - overlay overlay rw,upperdir=/cow\n",
		  "" },
	};
	struct hws_shim_options options = { .size = sizeof(options), .sysroot = tree };
	struct hws_probe_machine m;

	for (size_t i = 0; i < COUNT(rows); i++) {
		make_tree();
		put(rows[i].path, rows[i].text, strlen(rows[i].text));
		ck_ok(hws_probe_machine(&options, &m));
		remove_tree();
		ck_assert_str_eq(m.container, rows[i].name);
	}
}
END_TEST

START_TEST(services_are_known_by_their_variables)
{
	static const struct {
		const char *variables[4]; /* each with its value behind it */
		const char *name;
	} rows[] = {
		{ { "AWS_LAMBDA_FUNCTION_NAME", "f" }, "aws-lambda" },
		{ { "ECS_CONTAINER_METADATA_URI_V4", "http://x", "AWS_EXECUTION_ENV",
		    "AWS_ECS_FARGATE" },
		  "aws-fargate" },
		{ { "ECS_CONTAINER_METADATA_URI_V4", "http://x", "AWS_EXECUTION_ENV",
		    "AWS_ECS_EC2" },
		  "aws-ecs" },
		{ { "CONTAINER_APP_NAME", "a" }, "azure-container-apps" },
		{ { "FUNCTIONS_WORKER_RUNTIME", "node" }, "azure-functions" },
		{ { "K_SERVICE", "s" }, "cloud-run" },
		{ { "K_SERVICE", "s", "FUNCTION_TARGET", "main" }, "cloud-functions" },
		{ { "K_SERVICE", "s", "KUBERNETES_SERVICE_HOST", "10.0.0.1" }, "kubernetes" },
	};
	struct hws_shim_options captured = { .size = sizeof(captured), .sysroot = tree };
	struct hws_probe_machine here;
	struct hws_probe_machine m;

	ck_ok(clearenv());
	ck_ok(hws_probe_machine(NULL, &here));
	ck_ok(setenv("FUNCTION_TARGET", "main", 1)); /* alone it says nothing */
	ck_ok(setenv("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE", 1));
	ck_ok(hws_probe_machine(NULL, &m));
	ck_assert_str_eq(m.container, here.container);
	make_tree();
	for (size_t i = 0; i < COUNT(rows); i++) {
		ck_ok(clearenv());
		ck_ok(setenv(rows[i].variables[0], rows[i].variables[1], 1));
		if (rows[i].variables[2])
			ck_ok(setenv(rows[i].variables[2], rows[i].variables[3], 1));
		ck_ok(hws_probe_machine(NULL, &m));
		ck_assert_str_eq(m.container, rows[i].name);
		ck_ok(hws_probe_machine(&captured, &m));
		ck_assert_str_eq(m.container, "");
	}
	remove_tree();
}
END_TEST

/* What is closed there is closed for good; what works works, and is not talked away. */
START_TEST(service_sends_elsewhere)
{
	struct hws_shim_options options = { .size = sizeof(options),
					    .socket = "/nonexistent/socket" };
	struct seen here = { 0 };
	struct seen seen = { 0 };

	ck_ok(clearenv());
	ck_ok(hws_probe(&options, see, &here));
	ck_ok(setenv("AWS_LAMBDA_FUNCTION_NAME", "f", 1));
	ck_ok(hws_probe(&options, see, &seen));
	ck_assert_uint_eq(seen.count, here.count);
	for (size_t i = 0; i < seen.count; i++) {
		bool access = seen.at[i].through[0] && seen.at[i].status == HWS_PROBE_NO &&
			      strcmp(seen.at[i].why, here.at[i].why) != 0;
		bool cured = strcmp(seen.at[i].fix, here.at[i].fix) != 0;

		ck_assert_int_eq(seen.at[i].status, here.at[i].status);
		ck_assert_int_eq(seen.at[i].code, here.at[i].code);
		ck_assert_ptr_null(strstr(seen.at[i].fix, "sudo "));
		ck_assert(!cured || seen.at[i].status != HWS_PROBE_WORKS);
		ck_assert(!cured || strstr(seen.at[i].fix, "use sim, or an EC2 instance"));
		ck_assert(!access || strstr(seen.at[i].why, "aws-lambda gives no program"));
		ck_assert(!access || !strcmp(seen.at[i].rest, "sim"));
		if (!strcmp(seen.at[i].way, "hwsafe-helper")) /* nobody serves it */
			ck_assert(access && cured);
	}
}
END_TEST

START_TEST(probe_changes_nothing_here)
{
	struct hws_shim_options options = { .size = sizeof(options) };
	int before = open("/dev/null", O_RDONLY);
	int after;
	struct seen seen = { 0 };

	ck_ok(hws_probe(&options, see, &seen));
	ck_ok(hws_probe(NULL, see, &seen));
	close(before);
	after = open("/dev/null", O_RDONLY);
	ck_assert_int_eq(before, after);			   /* no descriptor stayed open */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1); /* nor a child */
	for (size_t i = 0; i < seen.count; i++)
		ck_assert_int_eq(seen.at[i].code == 0, seen.at[i].status == HWS_PROBE_WORKS);
	/* the generic library has no instruction to reach anything with */
	if (!native_ops.identify)
		ck_assert_int_eq(seen.at[index_of(&seen, "instruction")].code, -EOPNOTSUPP);
}
END_TEST

/* What a lab machine has must be seen; "partial" here means at least that. */
START_TEST(probe_agrees_with_the_lab)
{
	static const struct {
		const char *what;
		const char *way;
		enum hws_probe_status status;
	} facts[] = {
		{ "ioport", "ioperm", HWS_PROBE_WORKS },
		{ "no-ioport", "ioperm", HWS_PROBE_NO },
		{ "msr", "/dev/cpu/N/msr", HWS_PROBE_PARTIAL },
		{ "edu", "resourceN mmap", HWS_PROBE_WORKS },
		{ "no-bar", "resourceN mmap", HWS_PROBE_NO },
		{ "io-bar", "PCI resourceN", HWS_PROBE_PARTIAL },
		{ "iommu", "IOMMU", HWS_PROBE_PARTIAL },
		{ "pku", "protection keys", HWS_PROBE_WORKS },
		{ "lockdown", "lockdown", HWS_PROBE_PARTIAL },
	};
	struct seen seen = { 0 };

	ck_ok(hws_probe(NULL, see, &seen));
	for (size_t f = 0; f < COUNT(facts); f++) {
		size_t i = index_of(&seen, facts[f].way);
		bool agrees = facts[f].status == HWS_PROBE_PARTIAL
				      ? seen.at[i].status != HWS_PROBE_NO
				      : seen.at[i].status == facts[f].status;

		ck_assert_msg(agrees || !suite_lab_has(facts[f].what), "%s: %s is %s: %s",
			      facts[f].what, facts[f].way, hws_probe_status_name(seen.at[i].status),
			      seen.at[i].why);
	}
}
END_TEST

/* What people go through has a name for every kind of access, and for nothing else. */
START_TEST(probe_names_what_is_gone_through)
{
	struct seen seen = { 0 };
	bool helped = false;

	ck_ok(hws_probe(NULL, see, &seen));
	for (size_t i = 0; i < seen.count; i++) {
		bool access = strcmp(seen.at[i].kind, "kernel") &&
			      strcmp(seen.at[i].kind, "generic");

		ck_assert_int_eq(seen.at[i].through[0] != '\0', access);
		helped = helped || !strcmp(seen.at[i].through, "helper");
	}
	ck_assert(helped);
}
END_TEST

/* Each kind that goes through the helper: what stands in its way, if anything, is not that. */
static void check_helped(const struct seen *seen, int code)
{
	size_t count = 0;

	for (size_t i = 0; i < seen->count; i++) {
		if (strcmp(seen->at[i].way, "hwsafe-helper") != 0)
			continue;
		ck_assert_int_eq(seen->at[i].code, code);
		count++;
	}
	ck_assert_uint_eq(count, 6); /* port, msr, pci, bar, irq, dma */
}

/* A socket that nobody serves, and one whose other side says nothing that makes sense. */
START_TEST(probe_greets_the_helper)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct hws_shim_options options = { .size = sizeof(options), .socket = address.sun_path };
	struct seen seen = { 0 };
	size_t i;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	make_tree();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", tree);
	ck_ok(bind(fd, (struct sockaddr *)&address, sizeof(address)));
	ck_ok(hws_probe(&options, see, &seen));
	i = index_of(&seen, "hwsafe-helper");
	check_helped(&seen, -ENODEV);
	ck_assert_ptr_nonnull(strstr(seen.at[i].fix, "restart"));
	ck_ok(listen(fd, 1));
	seen.count = 0;
	ck_ok(hws_probe(&options, see, &seen));
	check_helped(&seen, -EIO);
	ck_assert_ptr_nonnull(strstr(seen.at[i].fix, "journalctl"));
	close(fd);
	remove_tree();
}
END_TEST

START_TEST(names_are_safe_past_the_end)
{
	unsigned int count = 0;

	ck_assert_str_eq(hws_probe_status_name(HWS_PROBE_PARTIAL), "partial");
	ck_assert_str_eq(hws_probe_status_name((enum hws_probe_status)3), "?");
	while (hws_probe_backend(count))
		count++;
	ck_assert_uint_eq(count, 4);
	ck_assert_ptr_null(hws_probe_backend(UINT32_MAX));
}
END_TEST

int main(void)
{
	return suite_run(
		"shim/probe",
		(const TTest *[]) { probe_reads_config_space_by_rights,
				    msr_file_for_reading_only_is_not_called_writable,
				    probe_refuses_what_is_no_directory, machine_speaks_for_its_tree,
				    containers_are_known_by_what_they_leave,
				    services_are_known_by_their_variables, service_sends_elsewhere,
				    probe_changes_nothing_here, probe_agrees_with_the_lab,
				    probe_names_what_is_gone_through, probe_greets_the_helper,
				    names_are_safe_past_the_end, NULL });
}
