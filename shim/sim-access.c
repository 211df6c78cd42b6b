/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where an access of each kind goes; how it is counted and shown. */
#include <errno.h>

#include "shim/sim-machine-internal.h"
#include "shim/sys-internal.h"
#include "shim/why-internal.h"

static int port_access(struct sim *sim, struct sim_access *access)
{
	uint64_t port = access->offset;
	struct sim_space *space = sim_ports_at(sim, port, access->width);

	if (space)
		return sim_space_access(sim, space, port - space->first, access);
	for (struct sim_function *function = sim->functions; function; function = function->next) {
		for (uint32_t bar = 0; bar < SIM_BARS; bar++) {
			uint64_t at = port - sim_config_io_base(function, bar);

			if (function->bars[bar] &&
			    hws_range_ok(at, access->width, function->bars[bar]->size) &&
			    sim_function_answers(function))
				return sim_space_access(sim, function->bars[bar], at, access);
		}
	}
	return sim_nothing_there(access);
}

/* A processor raises #GP where the description has no such register or no such right. */
static int msr_refused(struct sim_access *access, const char *cause)
{
	return why(-EIO, "processor %u %s MSR 0x%llx: %s", access->cpu,
		   access->write ? "can't write" : "can't read", (unsigned long long)access->offset,
		   cause);
}

static int msr_access(struct sim *sim, struct sim_access *access)
{
	struct sim_register *reg;

	if (access->cpu >= sim->cpu.cpus) {
		access->outside = true;
		return why(-ENODEV, "there is no processor %u, only %u of them", access->cpu,
			   sim->cpu.cpus);
	}
	reg = sim_msr_find(sim, access->cpu, access->offset);
	if (!reg) {
		access->outside = true;
		return msr_refused(access, "there is none");
	}
	if (!access->write && reg->attribute == SIM_WO)
		return msr_refused(access, "it is write-only");
	if (access->write && (reg->attribute == SIM_RO || reg->attribute == SIM_COUNTER))
		return msr_refused(access, "it is read-only");
	if (access->write && reg->attribute == SIM_RW && (access->value ^ reg->value) & ~reg->mask)
		return msr_refused(access, "reserved bits would change");
	return sim_register_access(reg, access->offset, access);
}

static int no_function(struct sim_access *access)
{
	char text[HWS_BDF_TEXT];

	access->outside = true;
	return why(-ENODEV, "there is no PCI function %s", hws_bdf_format(access->bdf, text));
}

static int gone(struct sim_access *access)
{
	char text[HWS_BDF_TEXT];

	return why(-ENODEV, "%s is unplugged", hws_bdf_format(access->bdf, text));
}

static int pci_access(struct sim *sim, struct sim_access *access)
{
	struct sim_function *function = sim_function_find(sim, access->bdf);

	if (!function)
		return no_function(access);
	return sim_function_answers(function) ? sim_config_access(function, access) : gone(access);
}

static int mmio_access(struct sim *sim, struct sim_access *access)
{
	struct sim_function *function = sim_function_find(sim, access->bdf);
	struct sim_space *space;

	if (!function || access->bar >= SIM_BARS || !function->bars[access->bar])
		return no_function(access);
	if (!sim_function_answers(function))
		return gone(access);
	space = function->bars[access->bar];
	if (sim_config_decodes(function, space->kind))
		return sim_space_access(sim, space, access->offset, access);
	/* switched off in the command register: nobody answers on the bus */
	access->ignored = access->write;
	access->value = access->write ? access->value : shim_ones(access->width);
	return 0;
}

static int cpuid_access(struct sim *sim, struct sim_access *access)
{
	const struct sim_leaf *leaf =
		sim_leaf_find(sim, (uint32_t)access->offset, (uint32_t)access->value);

	access->outside = !leaf;
	access->value = leaf ? leaf->registers[0] : 0;
	return 0;
}

static void count(struct sim_stats *stats, const struct sim_access *access)
{
	(access->write ? stats->writes : stats->reads)[access->kind]++;
	stats->outside += access->outside;
	stats->ignored += access->ignored;
	stats->failed += access->result < 0;
	stats->waits += access->latency_ns != 0;
	stats->waited_ns += access->latency_ns;
}

/* What every access ends with, whatever it came to. */
static inline void end(struct sim *sim, struct sim_access *access, int result)
{
	access->result = result;
	if (result < 0 && !access->write)
		access->value = shim_ones(access->width);
	count(&sim->stats, access);
	sim->ticks++;
	if (sim->log)
		sim->log(access, sim->log_context);
}

int sim_perform(struct sim *sim, struct sim_access *access, int refused)
{
	static int (*const by_kind[SIM_KINDS])(struct sim *, struct sim_access *) = {
		[SIM_PORT] = port_access, [SIM_MSR] = msr_access,     [SIM_PCI] = pci_access,
		[SIM_MMIO] = mmio_access, [SIM_CPUID] = cpuid_access,
	};

	pthread_mutex_lock(&sim->lock);
	end(sim, access, refused < 0 ? refused : by_kind[access->kind](sim, access));
	pthread_mutex_unlock(&sim->lock);
	if (access->latency_ns)
		sys_sleep(access->latency_ns);
	return access->result;
}

/* One register of a batch; the caller holds the lock. @access: zeroed but for what all share. */
static int msr_perform(struct sim *sim, struct hws_msr_op *op, struct sim_access *access)
{
	access->write = op->write;
	access->cpu = op->cpu;
	access->offset = op->reg;
	access->value = op->value;
	access->outside = access->ignored = false;
	end(sim, access, msr_access(sim, access));
	op->status = access->result;
	op->value = access->value;
	return op->status;
}

int sim_msr_batch(void *self, struct hws_msr_op *ops, size_t count)
{
	struct sim_access access = { .kind = SIM_MSR, .width = 8 };
	struct sim *sim = self;
	bool ended = false;
	int failed = 0;

	pthread_mutex_lock(&sim->lock);
	for (size_t i = 0; i < count; i++) {
		if (ended) {
			ops[i].status = -ECANCELED;
		} else if (msr_perform(sim, &ops[i], &access) < 0) {
			failed = failed ? failed : ops[i].status;
			ended = ops[i].write;
		}
	}
	pthread_mutex_unlock(&sim->lock);
	return failed;
}
