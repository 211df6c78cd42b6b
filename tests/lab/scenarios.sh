# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034 # read by ./lab
#
# The lab's table. HAS is what a scenario's programs find, as the user they run as; test-lab proves each
# word, and that no other holds. A test that needs one of them fails there instead of skipping.
#	ioport		ports by ioperm			no-ioport	ioperm is refused with EPERM
#	edu		its BAR can be mapped		no-bar		no BAR can be mapped by its resourceN
#	io-bar		pci-testdev's ports, resource1	rtc		a PC's clock at ports 0x70 and 0x71
#	msr		/dev/cpu/N/msr can be read	cpuid		/dev/cpu/N/cpuid can be read
#	iommu		vfio-pci can be bound, behind an IOMMU
#	vfio		edu is bound to vfio-pci, alone in its group
#	nvme		/dev/nvme0n1, 16 MiB of scratch	pku, uring	protection keys, io_uring
#	root		all capabilities		unprivileged	uid 1000, no capability
#	lockdown	integrity			no-uring	io_uring is refused with EPERM
#	hugepages	16 of 2 MiB
# Every machine has edu at 00:03.0, pci-testdev at 00:04.0, and nvme at 00:05.0. A second pci-testdev,
# at 00:07.1, shares an IOMMU group with the kernel's random number device.

declare -A MACHINE=(
	[q35]='-M q35 -device intel-iommu,caching-mode=on -cpu max'
	[pc]='-M pc -cpu max'
	[virt]='-M virt,iommu=smmuv3,gic-version=3 -cpu max,pauth-impdef=on'
)
DEVICES='-device edu,addr=03.0 -device pci-testdev,addr=04.0
	-device virtio-rng-pci,addr=07.0,multifunction=on -device pci-testdev,addr=07.1'
declare -A CONSOLE=([amd64]=ttyS0 [arm64]=ttyAMA0)

PC=ioport,msr,cpuid,rtc,edu,io-bar,pku,nvme,uring,root

# A scenario runs the tests of its suites: "lab", which matter on every machine; "lab-arch", which matter once
# for each architecture; "lab-ring", which matter where io_uring, or what a ring has of it, differs.
# name | Debian architecture | kernel | machine | kernel parameters | HAS | suites | seconds | what it shows
SCENARIOS="
x86_64      |amd64|6.1 |q35 |intel_iommu=on|$PC,iommu,vfio|lab lab-arch lab-ring|900|Debian 12's kernel, everything allowed
x86_64-6.12 |amd64|6.12|q35 |intel_iommu=on hugepages=16|$PC,iommu,vfio,hugepages|lab lab-ring|900|the same with a newer kernel, huge pages
aarch64     |arm64|6.1 |virt|hugepages=16|edu,io-bar,iommu,vfio,nvme,uring,root,hugepages|lab lab-arch lab-ring|900|another architecture, SMMUv3
lockdown    |amd64|6.1 |q35 |intel_iommu=on lockdown=integrity|no-ioport,no-bar,msr,cpuid,pku,iommu,vfio,nvme,uring,root,lockdown|lab|900|kernel lockdown: integrity
no-iommu    |amd64|6.1 |pc  ||$PC|lab|900|a machine without an IOMMU
unprivileged|amd64|6.1 |q35 |intel_iommu=on|no-ioport,no-bar,pku,uring,unprivileged|lab lab-ring|900|uid 1000 without a capability
no-uring    |amd64|6.12|pc  |sysctl.kernel.io_uring_disabled=2|${PC/uring/no-uring}|lab-ring|900|io_uring is off for all
uring-group |amd64|6.12|pc  |sysctl.kernel.io_uring_disabled=1|no-ioport,no-bar,pku,no-uring,unprivileged|lab-ring|900|uid 1000 where io_uring is for one group
"

# Kernel log lines that a scenario may have although they look like trouble: an extended regular expression.
declare -A EXPECTED_LOG=()
