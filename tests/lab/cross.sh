# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# How meson builds for another architecture against a sysroot of fetch.sh: for the lab's guests, and
# for machines that tests/cross/cross runs programs of.

declare -A GNU=([amd64]=x86_64-linux-gnu [arm64]=aarch64-linux-gnu [i386]=i686-linux-gnu
	[s390x]=s390x-linux-gnu [riscv64]=riscv64-linux-gnu)
# Where the processor has another name than the compiler, and the libraries.
declare -A FAMILY=([i386]=x86) LIBRARIES=([i386]=i386-linux-gnu)
declare -A ENDIAN=([s390x]=big)

# What this machine's processor runs by itself is linked with the sysroot's own loader; the rest is emulated.
how_to_run() { # ARCH SYSROOT
	case $1 in
	i386) RUNPATH=", '-Wl,--dynamic-linker=$2/lib/ld-linux.so.2,--disable-new-dtags', '-Wl,-rpath,$2/lib/i386-linux-gnu:$2/usr/lib/i386-linux-gnu'" ;;
	s390x | riscv64) WRAPPER="exe_wrapper = ['qemu-$1', '-L', '$2']" ;;
	esac
}

write_cross_file() { # ARCH SYSROOT
	local gnu=${GNU[$1]} family libraries RUNPATH='' WRAPPER=''

	family=${FAMILY[$1]:-${gnu%%-*}} libraries=${LIBRARIES[$1]:-$gnu}
	how_to_run "$1" "$2"
	cat <<-END
		[binaries]
		c = '$gnu-gcc'
		ar = '$gnu-ar'
		strip = '$gnu-strip'
		objcopy = '$gnu-objcopy'
		pkgconfig = 'pkg-config'
		$WRAPPER
		[properties]
		sys_root = '$2'
		pkg_config_libdir = ['$2/usr/lib/$libraries/pkgconfig', '$2/usr/share/pkgconfig']
		[built-in options]
		c_args = ['--sysroot=$2']
		c_link_args = ['--sysroot=$2'$RUNPATH]
		[host_machine]
		system = 'linux'
		cpu_family = '$family'
		cpu = '$family'
		endian = '${ENDIAN[$1]:-little}'
	END
}

set_up_cross() { # ARCH SYSROOT DIR [meson options…]
	local cross=$2.ini

	write_cross_file "$1" "$2" >"$SCRATCH/cross.ini"
	cmp -s "$SCRATCH/cross.ini" "$cross" || mv "$SCRATCH/cross.ini" "$cross"
	[[ -e $3/build.ninja ]] && grep -qsF "$cross" "$3/meson-private/cmd_line.txt" && return
	say "setting up $3"
	rm -rf "$3"
	meson setup -Dwerror=true --cross-file "$cross" "${@:4}" "$3" "$ROOT" >"$SCRATCH/trouble-$1" 2>&1
}
