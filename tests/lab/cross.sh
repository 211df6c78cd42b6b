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

# Programs of these also run here, by this machine's processor or an emulated one: with a loader and
# libraries beside them, where every user may read, and no path means another place than it says.
declare -A LOADER=([i386]=ld-linux.so.2 [s390x]=ld64.so.1 [riscv64]=ld-linux-riscv64-lp64d.so.1)
declare -A EMULATOR=([s390x]=qemu-s390x [riscv64]=qemu-riscv64)

copy_libraries() { # ARCH SYSROOT INTO
	local libraries=${LIBRARIES[$1]:-${GNU[$1]}}

	# one after the other: since trixie both are one directory
	mkdir -p "$3" && cp -L "$2/lib/${LOADER[$1]}" "$3" && cp -P "$2/lib/$libraries"/*.so* "$3" &&
		cp -P --remove-destination "$2/usr/lib/$libraries"/*.so.* "$3"
}

write_cross_file() { # ARCH SYSROOT DIR
	local gnu=${GNU[$1]} family libraries run='' wrapper=''

	family=${FAMILY[$1]:-${gnu%%-*}} libraries=${LIBRARIES[$1]:-$gnu}
	[[ -z ${LOADER[$1]:-} ]] ||
		run=", '-Wl,--dynamic-linker=$3/run/${LOADER[$1]},--disable-new-dtags,-rpath,$3/run'"
	[[ -z ${EMULATOR[$1]:-} ]] || wrapper="exe_wrapper = '${EMULATOR[$1]}'"
	cat <<-END
		[binaries]
		c = '$gnu-gcc'
		ar = '$gnu-ar'
		strip = '$gnu-strip'
		objcopy = '$gnu-objcopy'
		pkgconfig = 'pkg-config'
		$wrapper
		[properties]
		sys_root = '$2'
		pkg_config_libdir = ['$2/usr/lib/$libraries/pkgconfig', '$2/usr/share/pkgconfig']
		[built-in options]
		c_args = ['--sysroot=$2']
		c_link_args = ['--sysroot=$2'$run]
		[host_machine]
		system = 'linux'
		cpu_family = '$family'
		cpu = '$family'
		endian = '${ENDIAN[$1]:-little}'
	END
}

set_up_cross() { # ARCH SYSROOT DIR [meson options…]
	local cross=$2.ini

	[[ -z ${LOADER[$1]:-} ]] || cross=$3/cross.ini
	write_cross_file "$1" "$2" "$3" >"$SCRATCH/cross.ini"
	[[ -e $3/build.ninja ]] && cmp -s "$SCRATCH/cross.ini" "$cross" &&
		grep -qsF "$cross" "$3/meson-private/cmd_line.txt" && return
	say "setting up $3"
	rm -rf "$3"
	mkdir -p "$3" && cp "$SCRATCH/cross.ini" "$cross" || return
	[[ -z ${LOADER[$1]:-} ]] || copy_libraries "$1" "$2" "$3/run" || return
	meson setup -Dwerror=true --cross-file "$cross" "${@:4}" "$3" "$ROOT" >"$SCRATCH/trouble-$1" 2>&1
}
