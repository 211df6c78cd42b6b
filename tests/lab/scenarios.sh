# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034 # read by ./lab
#
# The lab's table. What a scenario HAS is what its programs can really use, as the user they run as; a
# test that needs one of these words fails there instead of skipping:
#	ioport	ports by ioperm or /dev/port	msr	/dev/cpu/N/msr can be read
#	cpuid	/dev/cpu/N/cpuid can be read	rtc	a CMOS clock at ports 0x70-0x71
#	edu	QEMU's teaching device	pcibar	a BAR can be mapped by its resourceN
#	iommu	an IOMMU; vfio-pci can be bound	nvme	/dev/nvme0n1, 16 MiB, scratch
#	pku	protection keys		uring	io_uring may be used
#	root	uid 0 with all capabilities
# and what is so rather than usable: lockdown, unprivileged.

declare -A MACHINE=(
	[q35]='-M q35 -device intel-iommu,caching-mode=on -cpu max'
	[pc]='-M pc -cpu max'
	[virt]='-M virt,iommu=smmuv3,gic-version=3 -cpu max,pauth-impdef=on'
)
DEVICES='-device edu,addr=03.0 -device pci-testdev,addr=04.0'
declare -A CONSOLE=([amd64]=ttyS0 [arm64]=ttyAMA0)

PC=ioport,msr,cpuid,rtc,edu,pcibar,pku,nvme,uring,root

# name | Debian architecture | kernel | machine | kernel parameters | HAS | seconds | what it shows
SCENARIOS="
x86_64      |amd64|6.1 |q35 |intel_iommu=on|$PC,iommu|150|Debian 12's kernel, everything allowed
x86_64-6.12 |amd64|6.12|q35 |intel_iommu=on|$PC,iommu|150|the same with a newer kernel
aarch64     |arm64|6.1 |virt||edu,pcibar,iommu,nvme,uring,root|150|another architecture, SMMUv3
lockdown    |amd64|6.1 |q35 |intel_iommu=on lockdown=integrity|msr,cpuid,edu,pku,iommu,nvme,uring,root,lockdown|150|kernel lockdown: integrity
no-iommu    |amd64|6.1 |pc  ||$PC|150|a machine without an IOMMU
unprivileged|amd64|6.1 |q35 |intel_iommu=on|pku,uring,unprivileged|150|uid 1000 without a capability
"

# Kernel log lines that a scenario may have although they look like trouble: an extended regular expression.
declare -A EXPECTED_LOG=()
