# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the lab takes from Debian, into the cache: kernels, busybox, and for another architecture a
# sysroot to build against. apt keeps a state of its own there; the host's packages are left alone.
# Each thing is prepared under another name and renamed when whole: what is there is good.

CACHE=${HWS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hwsafe}

# Loaded in the guests, with what they depend on.
declare -A MODULES=(
	[amd64]='virtio_pci virtio_console nvme vfio_iommu_type1 vfio-pci msr cpuid'
	[arm64]='virtio_pci virtio_console nvme vfio_iommu_type1 vfio-pci'
)
declare -A META=([6.1-amd64]=linux-image-amd64 [6.12-amd64]=linux-image-6.12-amd64
	[6.1-arm64]=linux-image-arm64 [6.12-arm64]=linux-image-6.12-arm64)
SYSROOT_PACKAGES='libc6-dev linux-libc-dev check libjson-c-dev libsodium-dev liburing-dev libcap-dev
	libpci-dev zlib1g-dev libudev-dev libkmod-dev libseccomp-dev'

kernel_dir() { # LINE ARCH
	echo "$CACHE/kernel-$1-$2-$(cksum <<<"vmlinux ${MODULES[$2]}" | cut -d' ' -f1)"
}

sysroot_dir() { # ARCH
	echo "$CACHE/sysroot-$1-$(cksum <<<"$SYSROOT_PACKAGES" | cut -d' ' -f1)"
}

busybox_path() { # ARCH
	echo "$CACHE/busybox-$1"
}

# The programs that hwprobe is held against byte for byte: what they are in Debian, for x86 only.
ORIGINALS='msr-tools ioport'

originals_dir() { # ARCH
	echo "$CACHE/originals-$1-$(cksum <<<"$ORIGINALS" | cut -d' ' -f1)"
}

# Debian 12 has no riscv64; the release after it has.
declare -A RELEASE=([riscv64]=trixie)

# The debian.org part of what the host uses; of another release, where the architecture is only there.
debian_sources() { # ARCH
	local keys=/usr/share/keyrings/debian-archive-keyring.gpg release=${RELEASE[$1]:-} line found=

	# shellcheck disable=SC2016 # apt's own placeholders
	while IFS='|' read -r -a line; do
		[[ ${line[0]} == *debian.org/* ]] || continue
		[[ -z $release || ${line[1]} != *-* ]] || continue # its updates and the like
		found=yes
		echo "deb [signed-by=$keys] ${line[0]} ${release:-${line[1]}} ${line[2]}"
	done < <(apt-get indextargets --format '$(REPO_URI)|$(RELEASE)|$(COMPONENT)' 'Created-By: Packages')
	[[ $found ]] || say "apt on this machine has no debian.org source to take kernels from"
	[[ $found ]]
}

apt_in() { # ARCH apt-command…
	local state=$CACHE/apt-$1 command=$2 log

	log=$state/log
	if ! "$command" -q -o APT::Get::Assume-Yes=true -o Dir::State="$state" -o Dir::State::status="$state/status" \
		-o Dir::Cache="$state/cache" -o Dir::Etc::sourcelist="$state/sources.list" \
		-o Dir::Etc::sourceparts=- -o APT::Architecture="$1" -o APT::Architectures="$1" \
		-o APT::Sandbox::User=root -o Debug::NoLocking=1 "${@:3}" 2>"$log"; then
		say "apt failed: $(grep -m1 '^E:' "$log" || tail -n1 "$log")"
		return 1
	fi
}

apt_ready() { # ARCH
	local state=$CACHE/apt-$1

	[[ -e $SCRATCH/apt-$1 ]] && return
	mkdir -p "$state/cache/archives/partial" "$state/lists/partial"
	: >"$state/status"
	debian_sources "$1" >"$state/sources.list" || return
	say "reading Debian's package lists for $1"
	if ! apt_in "$1" apt-get update -o APT::Update::Error-Mode=any >"$SCRATCH/apt-$1.out"; then
		# a mirror that is being renewed has the release itself all the same
		sed -i '/ [a-z]*-[a-z-]* /d' "$state/sources.list"
		apt_in "$1" apt-get update -o APT::Update::Error-Mode=any >"$SCRATCH/apt-$1.out" || return
	fi
	: >"$SCRATCH/apt-$1"
}

# Unpacks the newest PACKAGE of ARCH into DIR.
unpack_package() { # ARCH PACKAGE DIR
	local deb=$SCRATCH/deb-$2

	mkdir -p "$deb" "$3"
	say "downloading $2 ($1)"
	(cd "$deb" && apt_in "$1" apt-get download "$2" >/dev/null) || return
	dpkg -x "$deb"/*.deb "$3" || return
	rm -r "$deb"
}

# The modules NAME… of the unpacked kernel TREE in loading order, each after what it depends on, into DIR.
collect_modules() { # TREE DIR NAME…
	local tree=$1 into=$2 name file wanted

	for name in "${@:3}"; do
		wanted=${name//-/_}
		grep -qE "/${wanted//_/[-_]}\.ko$" "$tree"/lib/modules/*/modules.builtin && continue
		compgen -G "$into/*-$wanted.ko" >/dev/null && continue
		file=$(find "$tree/lib/modules" -name "${wanted//_/[-_]}.ko*" -print -quit)
		if [[ -z $file ]]; then
			say "the kernel has no module $name"
			return 1
		fi
		# shellcheck disable=SC2046 # a list of names
		collect_modules "$tree" "$into" $(modinfo -F depends "$file" | tr , ' ') || return
		wanted=$into/$(find "$into" -name '*.ko' | wc -l | xargs printf %02d)-$wanted.ko
		case $file in
		*.xz) xz -dc "$file" >"$wanted" ;;
		*) cp "$file" "$wanted" ;;
		esac || return
	done
}

number_at() { # FILE OFFSET BYTES
	od -An -j "$2" -N "$3" -t "u$3" "$1" | tr -d ' '
}

# The kernel as QEMU starts it. One that xz packed is unpacked: emulated processors take seconds for that.
# Its header's fields: magic, setup_sects, payload_offset, payload_length (Linux, arch/x86/boot.rst).
extract_kernel() { # VMLINUZ INTO
	local start

	if [[ $(tail -c +515 "$1" | head -c 4 | tr -dc '[:alpha:]') == HdrS ]]; then
		start=$((($(number_at "$1" 0x1f1 1) + 1) * 512 + $(number_at "$1" 0x248 4)))
		tail -c "+$((start + 1))" "$1" | head -c "$(number_at "$1" 0x24c 4)" |
			xz -dc --single-stream >"$2" 2>/dev/null && return
	fi
	cp "$1" "$2"
}

fetch_kernel() { # LINE ARCH
	local target tree=$SCRATCH/kernel package new

	target=$(kernel_dir "$1" "$2")
	[[ -d $target ]] && return
	apt_ready "$2" || return
	package=$(apt_in "$2" apt-cache depends "${META[$1-$2]}" | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p')
	if [[ -z $package ]]; then
		say "Debian's lists have no kernel $1 for $2 (${META[$1-$2]})"
		return 1
	fi
	unpack_package "$2" "$package" "$tree" || return
	new=$(mktemp -d "$CACHE/new-$$-XXXXXX")
	mkdir "$new/modules"
	# shellcheck disable=SC2086 # a list of names
	collect_modules "$tree" "$new/modules" ${MODULES[$2]} &&
		extract_kernel "$tree"/boot/vmlinuz-* "$new/vmlinux" &&
		chmod 755 "$new" && mv -T "$new" "$target" && rm -r "$tree" && return
	rm -rf "$new"
	return 1
}

fetch_busybox() { # ARCH
	local target

	target=$(busybox_path "$1")
	[[ -e $target ]] && return
	apt_ready "$1" || return
	unpack_package "$1" busybox-static "$SCRATCH/busybox" || return
	mv "$SCRATCH"/busybox/bin/busybox "$target.new" && mv "$target.new" "$target" || return
	rm -r "$SCRATCH/busybox"
}

fetch_originals() { # ARCH
	local target new package

	target=$(originals_dir "$1")
	[[ $1 != amd64 || -d $target ]] && return
	apt_ready "$1" || return
	new=$(mktemp -d "$CACHE/new-$$-XXXXXX")
	for package in $ORIGINALS; do
		unpack_package "$1" "$package" "$SCRATCH/originals" || return
	done
	find "$SCRATCH/originals"/usr/{bin,sbin} -type f -exec cp -t "$new" {} + && rm -r "$SCRATCH/originals" &&
		chmod 755 "$new" && mv -T "$new" "$target" && return
	rm -rf "$new"
	return 1
}

# Absolute links would leave the sysroot.
relative_links() { # DIR
	local link

	find "$1" -type l -lname '/*' | while read -r link; do
		ln -sfnr "$1$(readlink "$link")" "$link"
	done
}

fetch_sysroot() { # ARCH
	local target new

	target=$(sysroot_dir "$1")
	[[ -d $target ]] && return
	apt_ready "$1" || return
	mkdir -p "$SCRATCH/debs-$1/partial"
	say "downloading the libraries to build against ($1)"
	# shellcheck disable=SC2086 # a list of names
	apt_in "$1" apt-get install --download-only --no-install-recommends \
		-o Dir::Cache::archives="$SCRATCH/debs-$1" $SYSROOT_PACKAGES >"$SCRATCH/apt.out" || return
	new=$(mktemp -d "$CACHE/new-$$-XXXXXX")
	find "$SCRATCH/debs-$1" -name '*.deb' -print0 | xargs -0 -I{} dpkg -x {} "$new" && relative_links "$new" &&
		{ [[ -d $new/lib ]] || ln -s usr/lib "$new/lib"; } && # since trixie no package brings it
		chmod 755 "$new" && mv -T "$new" "$target" && return
	rm -rf "$new"
	return 1
}

# Everything that a scenario of that kernel and architecture needs.
fetch_for() { # LINE ARCH
	mkdir -p "$CACHE" || return
	{
		flock 9 && fetch_kernel "$1" "$2" && fetch_busybox "$2" && fetch_originals "$2" &&
			{ [[ $2 == "$HOST" ]] || fetch_sysroot "$2"; }
	} 9>"$CACHE/lock"
}
