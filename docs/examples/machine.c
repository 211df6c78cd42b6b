/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processor and the PCI functions: "machine", or "machine sim" for the simulated one. */
#include <hwsafe.h>
#include <stdio.h>

static int print_processor(struct hws *hw)
{
	struct hws_cpuid *cpuid;
	uint32_t regs[4];
	int r = hws_cpuid_open(hw, 0, 0, &cpuid);

	if (r < 0)
		return r;
	r = hws_cpuid_read(cpuid, 0, 0, regs);
	if (r == 0)
		printf("%.4s%.4s%.4s\n", (char *)&regs[1], (char *)&regs[3], (char *)&regs[2]);
	hws_cpuid_close(cpuid);
	return r;
}

static int print_function(struct hws *hw, struct hws_bdf bdf)
{
	struct hws_pci *pci;
	char text[HWS_BDF_TEXT];
	int r = hws_pci_open(hw, hws_bdf_format(bdf, text), 0, 0x40, HWS_R, &pci);

	if (r < 0)
		return r;
	printf("%s %04x:%04x class %06x\n", text, hws_pci_vendor(pci), hws_pci_device(pci),
	       hws_pci_class(pci));
	hws_pci_close(pci);
	return 0;
}

int main(int argc, char **argv)
{
	struct hws_options options = { .size = sizeof(options),
				       .backend = argc > 1 ? argv[1] : NULL,
				       .policy_text = "pci = *, config 0x00-0x3f r" };
	struct hws *hw = NULL;
	struct hws_bdf bdf;
	int next;
	int r = hws_open(&options, &hw);

	if (r < 0)
		return hws_explain(r, stderr);
	if (print_processor(hw) < 0)
		fprintf(stderr, "no CPUID: %s\n", hws_why());
	for (next = hws_pci_next(hw, NULL, &bdf); next == 0; next = hws_pci_next(hw, &bdf, &bdf)) {
		r = print_function(hw, bdf);
		if (r < 0)
			break;
	}
	r = hws_explain(r, stderr);
	hws_close(hw);
	return r;
}
