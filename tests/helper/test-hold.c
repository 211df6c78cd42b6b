/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may not reach what another user holds: the function, and its IOMMU group. */
#include <errno.h>
#include <stdlib.h>

#include "helper/serve.h"
#include "hw/hwsafe.h"
#include "tests/suite.h"

/* What the helper has besides is not asked here. */
void serve_note(struct server *server, const struct peer *peer, struct hws_event event)
{
	(void)server, (void)peer, (void)event;
}

int access_refuse(struct server *server, struct peer *peer, const struct hws_access *access,
		  const struct hws_decision *decision)
{
	(void)server, (void)peer, (void)access, (void)decision;
	return -EACCES;
}

bool machine_identify(const struct server *server, struct hws_access *access)
{
	(void)server, (void)access;
	return true;
}

void machine_raise(const struct server *server, uint32_t kinds)
{
	(void)server, (void)kinds;
}

void machine_lower(const struct server *server)
{
	(void)server;
}

void machine_close_function(struct server *server, struct hws_bdf bdf)
{
	(void)server, (void)bdf;
}

/* 1 and 2 are one to the IOMMU; 3 is in a group of its own, 4 and 5 in none. */
#define MACHINE                                                         \
	"cpu count 1\n"                                                 \
	"pci 00:01.0 1234:11e8 class 0x00ff00 group 7\n bar 0 mem 4K\n" \
	"pci 00:02.0 1234:11e8 class 0x00ff00 group 7\n bar 0 mem 4K\n" \
	" bar 1 io 32\n"                                                \
	"pci 00:03.0 1234:11e8 class 0x00ff00 group 8\n bar 0 mem 4K\n" \
	"pci 00:04.0 1234:11e8 class 0x00ff00\n bar 0 mem 4K\n"         \
	"pci 00:05.0 1234:11e8 class 0x00ff00\n bar 0 mem 4K\n"
#define POLICY "[all]\ndma = *\n"
enum { FUNCTIONS = 5, ALICE = 1000, BOB };

struct scene {
	struct server server;
	struct account accounts[2];
	struct peer alice, bob;
};

static struct hws_policy_view *view_of(uint32_t uid)
{
	struct hws_policy_options options = { .size = sizeof(options) };
	struct hws_principal who = { .uid = uid, .gid = uid };
	struct hws_policy_view *view;
	struct hws_policy *policy;

	ck_ok(hws_policy_parse(&options, "test", POLICY, sizeof(POLICY) - 1, &policy));
	ck_ok(hws_policy_view_open(policy, &who, &view));
	hws_policy_unref(policy);
	return view;
}

static struct scene *begin(void)
{
	struct hws_options options = { .size = sizeof(options),
				       .backend = "sim",
				       .sim = MACHINE,
				       .policy_directory = "/nowhere/policy.d" };
	struct scene *scene = calloc(1, sizeof(*scene));

	ck_assert_ptr_nonnull(scene);
	ck_ok(hws_open(&options, &scene->server.hw));
	scene->alice = (struct peer) { .next = &scene->bob,
				       .uid = ALICE,
				       .account = &scene->accounts[0],
				       .view = view_of(ALICE) };
	scene->bob =
		(struct peer) { .uid = BOB, .account = &scene->accounts[1], .view = view_of(BOB) };
	scene->server.peers = &scene->alice;
	return scene;
}

static void end(struct scene *scene)
{
	holds_end(&scene->server, &scene->alice);
	hws_policy_view_unref(scene->alice.view);
	hws_policy_view_unref(scene->bob.view);
	hws_close(scene->server.hw);
	free(scene);
}

static struct hws_bdf function(int number)
{
	return (struct hws_bdf) { .device = (uint8_t)number };
}

/* A simulated machine has no descriptors to give: it is held all the same. */
static int holds(struct scene *scene, struct peer *peer, int number)
{
	struct hws_wire_hold ask = { .bdf = { .device = (uint8_t)number } };
	struct hws_wire_held held;
	int fd = -1;
	int r = hold_give(&scene->server, peer, &ask, &held, &fd);

	return r == -EOPNOTSUPP ? 0 : r;
}

static bool is_others(struct server *server, const struct peer *peer, struct hws_bdf bdf)
{
	const struct hws_access access = { .kind = HWS_KIND_PCI, .bdf = bdf };

	return hold_keeps_out(server, peer, &access);
}

/* Alice holds one; a bit for each that is another's then to bob. */
START_TEST(hold_reaches_as_far_as_its_group)
{
	static const struct {
		int held;
		uint32_t others; /* to bob */
	} table[] = { { 1, 0x6 }, { 2, 0x6 }, { 3, 0x8 }, { 4, 0x10 } };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct scene *scene = begin();
		uint32_t others = 0;

		ck_ok(holds(scene, &scene->alice, table[i].held));
		for (int number = 1; number <= FUNCTIONS; number++) {
			ck_assert(!is_others(&scene->server, &scene->alice, function(number)));
			if (is_others(&scene->server, &scene->bob, function(number)))
				others |= UINT32_C(1) << number;
		}
		ck_assert_uint_eq(others, table[i].others);
		scene->alice.gone = true;
		ck_assert(!is_others(&scene->server, &scene->bob, function(table[i].held)));
		end(scene);
	}
}
END_TEST

START_TEST(hold_is_refused_while_others_write_to_its_group)
{
	static const struct {
		uint32_t rights;
		int written;
		uint32_t refused; /* to alice */
	} table[] = {
		{ HWS_RW, 1, 0x6 }, { HWS_RW, 2, 0x6 },	 { HWS_R, 2, 0 },
		{ HWS_RW, 3, 0x8 }, { HWS_RW, 5, 0x20 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint32_t refused = 0;

		for (int number = 1; number <= FUNCTIONS; number++) {
			struct scene *scene = begin();
			int r;

			scene->bob.bars[scene->bob.bar_count++] =
				(struct hws_access) { .rights = table[i].rights,
						      .bdf = function(table[i].written) };
			r = holds(scene, &scene->alice, number);
			ck_assert(r == 0 || r == -EBUSY);
			if (r < 0)
				refused |= UINT32_C(1) << number;
			end(scene);
		}
		ck_assert_uint_eq(refused, table[i].refused);
	}
}
END_TEST

static uint64_t first_port(struct scene *scene)
{
	struct hws_pci_info info = { .size = sizeof(info) };
	struct hws_shim *shim = &scene->server.hw->shim;

	ck_ok(shim_ops(shim)->pci_info(shim->self, function(2), &info));
	ck_assert_uint_eq(info.bars[1].size, 32);
	return info.bars[1].base;
}

static bool keeps_out(struct scene *scene, const struct peer *peer, uint64_t first, uint64_t last)
{
	const struct hws_access access = { .kind = HWS_KIND_PORT, .first = first, .last = last };

	return hold_keeps_out(&scene->server, peer, &access);
}

/* By those of 2 its registers are written, and 1 is one with it. */
START_TEST(hold_reaches_to_the_ports_of_its_group)
{
	for (int number = 1; number <= FUNCTIONS; number++) {
		struct scene *scene = begin();
		uint64_t port = first_port(scene);
		bool all = number <= 2;

		ck_assert(!keeps_out(scene, &scene->bob, port, port));
		ck_ok(holds(scene, &scene->alice, number));
		ck_assert(!keeps_out(scene, &scene->alice, port, port + 31));
		ck_assert(keeps_out(scene, &scene->bob, port, port) == all);
		ck_assert(keeps_out(scene, &scene->bob, port + 31, port + 34) == all);
		ck_assert(!keeps_out(scene, &scene->bob, port - 4, port - 1));
		ck_assert(!keeps_out(scene, &scene->bob, port + 32, port + 35));
		end(scene);
	}
}
END_TEST

int main(void)
{
	return suite_run("helper/hold", (const TTest *[]) {
						hold_reaches_as_far_as_its_group,
						hold_reaches_to_the_ports_of_its_group,
						hold_is_refused_while_others_write_to_its_group,
						NULL,
					});
}
