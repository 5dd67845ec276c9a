#!/bin/bash
# SPDX-License-Identifier: MIT
# zcbench vm --accel uml: the same program in user-mode Linux, without KVM and without root on the host. Output,
# results and exit status come back, the result says where it was measured, what cannot be counted there is absent
# with its reason, and however it ends, no process is left. Needs what `make kernel` builds.
. tests/lib.sh

cache=${XDG_CACHE_HOME:-/var/cache}/zcbench
[ "$(id -u)" -eq 0 ] || cache=${XDG_CACHE_HOME:-$HOME/.cache}/zcbench
kernel/build.sh --built "$cache" uml >"$T/kernel" 2>"$T/err" || {
	[ -z "${CI:-}" ] || fail "user-mode Linux was not built: $(cat "$T/err")"
	skip "user-mode Linux was not built (make kernel)"
}
kernel=$(cat "$T/kernel")
Z=$(readlink -f "$Z")
prompt="/usr/bin/python3 $PWD/tests/prompt.py"
mkdir "$T/here"
cd "$T/here"
unset ZCBENCH_RUNDIR # the host's, not the guest's

# Ours, by the folder in which they run: the kernel's process and one for each process of the guest.
processes() {
	local p
	for p in /proc/[0-9]*; do
		if [ "$(readlink "$p/cwd")" = "$T/here" ] && grep -qsx "linux\|uml-userspace" "$p/comm"; then
			echo "${p#/proc/}"
		fi
	done 2>/dev/null
}
none_left() {
	for _ in $(seq 50); do
		[ -n "$(processes)" ] || return 0
		sleep 0.1
	done
	fail "processes are left: $(processes)"
}

# what it has not is refused by name
expect 2 "$Z" vm --accel uml --net -- list
said "no network card"
expect 2 "$Z" vm --accel uml --disk 1m -- list
said "/dev/nullb1"
expect 2 "$Z" vm --accel uml --kernel debian -- list
said "is no user-mode Linux"
expect 1 "$Z" vm --accel uml --kernel /etc/passwd -- list
said "is not a user-mode Linux"
expect 1 "$Z" vm --accel uml --mem 1t -- list
said "has room for"
expect 1 env XDG_CACHE_HOME="$T/empty" "$Z" vm --accel uml -- list
said "make kernel"

# a run: verified, marked, the ledger absent with its reason
expect 0 "$Z" vm --accel uml -- run --path copy,uring,uring-pool,uring-zc,ipc --sink null,read --op write,read --bs 64k --size 8m \
	--rounds 1 --runtime 20ms --no-limits --counted-rounds 0 --output r1 --json -
said "guest with Linux 7."
said "on 1 CPUs"
said "(UML:"
said "this is user-mode Linux"
said "user-mode Linux has no BPF trampolines"
json 'r["host"]["virtual_machine"] == "uml" and r["host"]["cpus_allowed"] == 1 and len(cells) == 20'
json 'all(c["path_ok"] is True and c["verified"] is True and "error" not in c and len(c["rounds"]) == 1 for c in cells)'
json 'not any("copy_factor" in c["summary"] for c in cells) and "BPF trampolines" in str(r)'
cmp "$T/out" r1/result.json || fail "the result file is not what --json - printed"
none_left

# a script: both streams to the byte, exit status, files, several CPUs, memory as asked for, a complaint of the kernel
head -c 225000 /dev/urandom | base64 >data
cat >script <<-'SH'
	set -e
	cat data
	echo "CPUs $(nproc), $ZCBENCH_VIRTUAL" >&2
	for i in /dev/fuse /dev/nullb0 /dev/nullb1 /dev/udmabuf /dev/dma_heap/system /sys/module/fuse/parameters/enable_uring; do
		[ -e $i ] || echo "MISSING $i" >&2
	done
	echo "WARNING: CPU: 0 PID: 1 at a test" >/dev/kmsg
	mkdir -p results
	cp data results/copy
	zcbench run --path copy --sink null --op write --bs 4k --size 1m --rounds 1 --runtime 2ms --warmup 0s --no-limits \
		--no-ledger --counted-rounds 0 --output results/run >/dev/null
	exit ${1:-0}
SH
expect 42 "$Z" vm --accel uml --cpus 2 shell script 42 data
cmp "$T/out" data || fail "300 kB of output came back changed"
cmp results/copy data || fail "a file of 300 kB came back changed"
[ -s results/run/report.html ] || fail "a run in the script made no page"
said "CPUs 2, uml"
said "the guest's kernel complained"
! grep MISSING "$T/err" >&2 || fail "the guest lacks devices"
expect 0 "$Z" vm --accel uml shell script 0 data
expect 1 "$Z" vm --accel uml --strict shell script 0 data
said "at a test"

# a prompt, for someone at a terminal
# shellcheck disable=SC2016
expect 7 $prompt "$Z" vm --accel uml shell < <(printf '%s\n' 'echo answer: $((6 * 7))' 'exit 7')
printed "answer: 42"

# guests that end in each way that guests have
expect 1 "$Z" vm --accel uml --fault oom --mem 256m -- list
said "the guest ran out of memory"
expect 1 "$Z" vm --accel uml --fault hang --silence 5s -- list
said "the guest hangs"
echo 'echo started; sleep 1000' >sleeper
for signal in INT TERM KILL; do
	: >"$T/out" # nothing of the one before
	"$Z" vm --accel uml shell sleeper >"$T/out" 2>"$T/err" &
	pid=$!
	for _ in $(seq 300); do
		if grep -q started "$T/out"; then break; fi
		sleep 0.1
	done
	[ "$(processes | wc -l)" -ge 2 ] || fail "no processes to look at"
	kill -$signal $pid
	wait $pid && fail "status 0 after SIG$signal"
	none_left
done
expect 1 "$Z" vm --accel uml --kernel "$kernel" --timeout 3s shell sleeper
said "the guest was not done within 3.00 s"
none_left
cd - >/dev/null
echo "vm_uml: all right"
