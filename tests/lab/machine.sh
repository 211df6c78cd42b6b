# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2153,SC2154 # the scenario's fields and HERE are ./lab's
#
# One machine: how QEMU is started, and what became of it.

declare -A QEMU=([amd64]=qemu-system-x86_64 [arm64]=qemu-system-aarch64)

# What a kernel says when it is in trouble.
TROUBLE='WARNING: |BUG: |Oops|Call [Tt]race|Kernel panic|kernel BUG|Internal error|Unable to handle'
# Its parameters. A stall or a late timer of emulated processors says nothing about the kernel: the
# host was busy.
BOOT='quiet panic=-1 no_timer_check mitigations=off random.trust_cpu=on log_buf_len=1M nowatchdog rcupdate.rcu_cpu_stall_suppress=1'

# QEMU's command line, into the array COMMAND.
qemu_command() { # SERIAL [kernel parameters]
	local -a board extra

	read -r -a board <<<"${MACHINE[$MACHINE_NAME]}"
	read -r -d '' -a extra <<<"$DEVICES"
	# shellcheck disable=SC2054 # QEMU's commas
	COMMAND=("${QEMU[$ARCH]}" "${board[@]}" -accel tcg,thread=multi -smp 2 -m 512 -nic none -display none
		-no-reboot -serial "$1" "${extra[@]}"
		-drive "if=none,id=disk,format=raw,file=$WORK/nvme.raw" -device nvme,serial=lab,drive=disk,addr=05.0
		-device virtio-serial,addr=06.0 -chardev "file,id=results,path=$WORK/results"
		-device virtserialport,chardev=results,name=results
		-kernel "$(kernel_dir "$KERNEL" "$ARCH")/vmlinux" -initrd "$WORK/initrd"
		-append "console=${CONSOLE[$ARCH]} $BOOT $PARAMETERS ${2:-}")
}

# What the kernel's log tells of trouble.
kernel_troubles() {
	local taint expected=${EXPECTED_LOG[$NAME]:-^\$}

	cat "$WORK/console" "$WORK/dmesg" 2>/dev/null | tr -d '\r' | grep -aE "$TROUBLE" | grep -avE "$expected"
	taint=$(sed -n 's/^tainted //p' "$WORK/results")
	# Bits 4, 5, 7, 9, 14: machine check, bad page, oops, warning, soft lockup.
	((taint & (1 << 4 | 1 << 5 | 1 << 7 | 1 << 9 | 1 << 14))) && echo "kernel tainted: $taint"
}

# How the scenario as a whole went, as a TAP line.
verdict() { # qemu's exit code
	local why

	why=$(kernel_troubles | sort -u | head -n 20)
	grep -qx 'done' "$WORK/results" 2>/dev/null || why+=${why:+$'\n'}"ended without its last line"
	[[ $1 == 124 ]] && why+=$'\n'"ran out of its $SECONDS_LIMIT s"
	[[ $1 == 0 || $1 == 124 ]] || why+=$'\n'"qemu exited with $1: $(tail -n1 "$WORK/qemu")"
	if [[ -z $why ]]; then
		echo "ok - lab $NAME boots and ends"
		return
	fi
	echo "not ok - lab $NAME boots and ends"
	sed '/./s/^/# /' <<<"$why"
	echo "# from $WORK/console:"
	{ grep -aE -A 12 -m 1 "$TROUBLE" "$WORK/console" || tail -n 8 "$WORK/console"; } 2>/dev/null |
		tr -d '\r' | sed 's/^/#   /'
}

# Boots the scenario; leaves its TAP in WORK/tap and the seconds it took in WORK/seconds.
boot() {
	local qemu='' code start=$SECONDS

	trap '[[ $qemu ]] && kill "$qemu" 2>/dev/null; exit 1' TERM INT
	qemu_command "file:$WORK/console"
	timeout -k 5 "$SECONDS_LIMIT" "${COMMAND[@]}" </dev/null >"$WORK/qemu" 2>&1 9>&- &
	qemu=$!
	wait "$qemu"
	code=$?
	touch "$WORK/results"
	{
		awk -v scenario="$NAME" -v into="$WORK" -f "$HERE/report.awk" "$WORK/results"
		# built without hwprobe there is none
		[[ ! -e $WORK/hwprobe.json ]] || python3 -B "$HERE/doctor.py" "$NAME" "$HAS" "$WORK/hwprobe.json"
		verdict "$code"
	} >"$WORK/tap.new"
	echo $((SECONDS - start)) >"$WORK/seconds"
	mv "$WORK/tap.new" "$WORK/tap"
}
