#!/bin/bash
# SPDX-License-Identifier: MIT
# zcbench vm: the same program in a guest with Debian's newest kernel. Output, result files and exit status
# come back; a guest that panics, hangs, runs out of memory or takes too long is told from one that works;
# however zcbench vm ends, no QEMU is left. Needs QEMU, busybox, and a way to fetch the kernel (or a
# cache that has it). A boot keeps one CPU busy: they go two at a time.
. tests/lib.sh

need_guest

# Ours, by the folder in which they run: nobody else's guest is this test's business.
qemus() {
	local p
	for p in /proc/[0-9]*; do
		if [ "$(readlink "$p/cwd")" = "$here" ] && [ "$(readlink "$p/exe")" = "$(readlink -f "$(command -v qemu-system-x86_64)")" ]; then
			echo "${p#/proc/}"
		fi
	done 2>/dev/null
}
no_qemu() {
	for _ in $(seq 50); do
		[ -n "$(qemus)" ] || return 0
		sleep 0.1
	done
	fail "QEMU is left: $(qemus)"
}
Z=$(readlink -f "$Z")
prompt="/usr/bin/python3 $PWD/tests/prompt.py"
here=$T/here
mkdir "$here"
cd "$here"
unset ZCBENCH_RUNDIR # the host's, not the guest's

# aside NAME: for a subshell beside another, output files of its own
aside() {
	T=$T/$1
	mkdir "$T"
}

# refused before anything is booted
expect 2 $Z vm
said "there is nothing to run"
expect 2 $Z vm --mem 1 -- list
said "--mem"
expect 1 $Z vm --kernel /etc/passwd -- list
said "is not a bzImage"
expect 1 $Z vm --kernel /nonexistent -- list
said "cannot read /nonexistent"
expect 77 env PATH=/nonexistent $Z vm -- list
said "apt-get install qemu-system-x86"
if ! $Z vm --accel kvm --timeout 1s -- list >/dev/null 2>"$T/err"; then
	grep -q "error:" "$T/err" || fail "--accel kvm failed without a word"
fi

# a script on standard input
(
	aside typed
	echo 'echo answer: $((6 * 7)); exit 9' >typed
	expect 9 $Z vm shell <typed
	[ "$(cat "$T/out")" = "answer: 42" ] || fail "a script on standard input printed: $(cat "$T/out")"
) &
first=$!

# one run: its JSON byte for byte on both ways, the guest's kernel in it (tests/vm/ has what else runs there)
expect 0 $Z vm -- run --path copy,uring,uring-pool,uring-zc,ipc --sink null,read --bs 1m --size 8m --rounds 1 \
	--runtime 20ms --watchdog 60s --no-limits --counted-rounds 0 --output r1/deep --json -
said "guest with Linux 7."
said "result: r1/deep/result.json"
json 'r["host"]["kernel"].startswith("7.") and len(cells) == 10'
json 'all(c["path_ok"] is True and c["verified"] is True and "error" not in c and len(c["rounds"]) == 1 for c in cells)'
cmp "$T/out" r1/deep/result.json || fail "the result file is not what --json - printed"
wait $first
no_qemu

# a prompt, for someone at a terminal
(
	aside prompt
	# shellcheck disable=SC2016
	expect 7 $prompt "$Z" vm shell < <(printf '%s\n' 'echo answer: $((6 * 7))' 'tty; exit 7')
	printed "answer: 42"
	printed "/dev/hvc0"
) &
first=$!

# one script, many proofs: exit status, both streams, large output, what goes in and what comes out, the guest's system
head -c 225000 /dev/urandom | base64 >data
cat >script <<-'SH'
	set -e
	cat data
	echo "arguments: $#: $2" >&2
	for i in /proc/version /sys/fs/fuse/connections/. /dev/shm/. /dev/fuse /dev/null /dev/nullb0 /dev/nullb1 \
		/dev/ublk-control /dev/vda /dev/udmabuf /dev/dma_heap/system /sys/class/net/eth0 /run/. /tmp/.; do
		[ -e $i ] || echo "MISSING $i" >&2
	done
	[ "$(cat /sys/module/fuse/parameters/enable_uring)" = Y ]
	[ "$ZCBENCH_VIRTUAL" = tcg ] || [ "$ZCBENCH_VIRTUAL" = kvm ]
	[ "$(stat -f -c %T /tmp)" = tmpfs ]
	[ "$(id -u)" = 0 ]
	[ "$(nproc)" = 1 ]
	[ "$(blockdev --getsize64 /dev/vda)" = 8388608 ]
	dd if=data of=/dev/nullb1 bs=4096 count=10 2>/dev/null
	dd if=/dev/nullb1 bs=4096 count=10 2>/dev/null | cmp -n 40960 - data
	/usr/local/bin/setpriv --version >&2 # (busybox has one too)
	zcbench run workload.ini --path ipc --output results/mine >&2
	exit 42
SH
cat >workload.ini <<-'INI'
	bs = 4k
	sink = null
	rounds = 1
	runtime = 10ms
	watchdog = 60s
INI
expect 42 $Z vm --cpus 1 --disk 8m --net --with /usr/bin/setpriv --append "maxcpus=1" -- shell script data "it's \$HOME" workload.ini
cmp "$T/out" data || fail "300 kB of output came back changed"
said "arguments: 3: it's \$HOME"
said "setpriv from util-linux"
! grep MISSING "$T/err" >&2 || fail "the guest lacks devices"
[ "$(/usr/bin/python3 -c 'import json; print(len(json.load(open("results/mine/result.json"))["cells"]))')" = 1 ] ||
	fail "the result of the script's run is not here"
wait $first

# usage errors of the command are the guest's, by its status; and guests that end in each way that guests have:
# a panic, no memory, nothing said any more, no end
(
	aside usage
	expect 2 $Z vm -- run --bs nonsense
	said "nonsense"
) &
first=$!
expect 1 $Z vm --fault panic -- list
said "guest with Linux"
said "  | "
said "the guest's kernel panicked: sysrq triggered crash"
wait $first
(
	aside hang
	expect 1 $Z vm --fault hang --silence 20s -- list
	said "the guest hangs: no sign of life for 20.0 s while it booted"
) &
first=$!
expect 1 $Z vm --fault oom --mem 256m -- list
said "the guest ran out of memory"
said "--mem"
wait $first
no_qemu

# one that is interrupted, while what it prints is shown already; one whose zcbench is killed
echo 'echo started; sleep 1000' >sleeper
expect 1 $Z vm --timeout 5s shell sleeper
said "the guest was not done within 5.00 s"
for signal in INT TERM KILL; do
	$Z vm shell sleeper >"$T/out" 2>"$T/err" &
	pid=$!
	for _ in $(seq 100); do
		[ -z "$(qemus)" ] || break
		sleep 0.1
	done
	[ -n "$(qemus)" ] || fail "no QEMU to look at"
	for _ in $(seq 1000); do
		if [ $signal != INT ] || grep -q started "$T/out"; then break; fi
		sleep 0.1
	done
	kill -$signal $pid
	status=0
	wait $pid || status=$?
	no_qemu
	if [ $signal = KILL ]; then
		[ $status -eq 137 ] || fail "status $status after SIGKILL"
	else
		[ $status -eq 1 ] || fail "status $status after SIG$signal"
		[ $signal != INT ] || printed "started"
		said "interrupted"
	fi
done
cd - >/dev/null
