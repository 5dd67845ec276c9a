#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# What can go wrong in the set-up of the ring paths, each with its message and exit status; a server that is
# made to fall back; more possible CPUs than online ones. After each, nothing is left mounted or running.
#
# Of four CPUs two are never switched on.
#
# vm: --cpus 4 --append maxcpus=1 --timeout 18m
set -eu

# no counters: they patch the scheduler, and emulation can trip over that (tests/integration/vm_guest.sh)
quick="--no-ledger --no-limits --counted-rounds 0 --events none --rounds 1 --runtime 2ms --warmup 0s --size 1m --bs 4k --sink null --watchdog 60s --quiet"

# CPUs 2 and 3 are possible and were never there
echo 1 >/sys/devices/system/cpu/cpu1/online
if [ "$(cat /sys/devices/system/cpu/possible /sys/devices/system/cpu/online | xargs)" != "0-3 0-1" ]; then
	grep . /sys/devices/system/cpu/possible /sys/devices/system/cpu/online
	exit 1
fi

# left: nothing of a run is there any more
left() {
	local tries=100
	while [ $tries -gt 0 ]; do
		grep -q zcbench /proc/mounts || pidof zcbench-server >/dev/null || return 0
		usleep 100000
		tries=$((tries - 1))
	done
	cat /proc/mounts
	ps
	echo "FAIL: left behind after: $*"
	exit 1
}

# refused STATUS MESSAGE COMMAND...: ends so, says so, leaves nothing, and what it wrote is in $name/result.json
refused() {
	local want=$1 message=$2 got=0
	shift 2
	"$@" >out 2>&1 || got=$?
	if [ $got -ne "$want" ] || ! grep -qF -- "$message" out; then
		cat out
		echo "FAIL: status $got, wanted $want and: $message: $*"
		exit 1
	fi
	left "$@"
}

setting=/sys/module/fuse/parameters/enable_uring
echo N >$setting
for p in uring uring-pool uring-zc; do
	refused 77 "$p: FUSE over io_uring is switched off (fuse.enable_uring=N)" \
		zcbench run $quick --path $p --output results/off-$p
	grep -qF "try: echo Y | sudo tee $setting" out
	# a mount that cannot be served as it should is none
	mkdir -p mnt
	refused 77 "switched off" zcbench serve $p mnt
done
refused 0 "" zcbench run $quick --path uring-zc --setup --output results/setup
[ "$(cat $setting)" = N ] || { echo "FAIL: --setup did not restore $setting"; exit 1; }
echo Y >$setting
# a released kernel: switched on, it has not what only the proposal brings
refused 77 "uring-shm: this kernel has no shared-buffer zero copy, as no released one has" \
	zcbench run $quick --path uring-shm --output results/no-shm
grep -qF "try: zcbench's kernel series: make kernel, then zcbench vm --kernel zcbench -- run --path uring-shm" out
zcbench list paths >out
grep -A 1 "^  uring-shm  *no" out | grep -qF "why: uring-shm: this kernel has no shared-buffer zero copy"

# root of a user namespace may mount, but has no CAP_SYS_ADMIN in the kernel's eyes
unshare -Urm true
refused 77 "uring-zc: queue 0: FUSE_IO_URING_CMD_ADD_QUEUE: Operation not permitted" \
	unshare -Urm zcbench run $quick --path uring-zc --output results/no-admin-zc
grep -qF "the kernel asks for CAP_SYS_ADMIN" out
# ... nor CAP_IPC_LOCK: pools count against the limit on locked memory, 8 MiB here; the remedy helps
[ "$(ulimit -l)" = 8192 ]
refused 1 "registering the buffer pool: Cannot allocate memory" \
	unshare -Urm zcbench run $quick --path uring-pool --output results/memlock
grep -qF "try: fewer --entries, or a higher memory lock limit (ulimit -l)" out
refused 0 "" unshare -Urm zcbench run $quick --path uring-pool --entries 1 --output results/no-admin-pool

# a pool that is too small; one that was never registered, which the kernel only finds out at the first request
for p in uring-pool uring-zc; do
	refused 1 "$p: queue 0: FUSE_IO_URING_CMD_ADD_BUFPOOL: Invalid argument" \
		zcbench run $quick --path $p --fault pool --output results/pool-$p
	refused 1 "$p: the first request through the ring failed: Bad address" \
		zcbench run $quick --path $p --fault index --output results/index-$p
done
# two requests in one slot
refused 1 "Device or resource busy" zcbench run $quick --path uring-zc --fault slot --depth 4 --bs 1m --size 8m \
	--op write --sink read --output results/slot

# a server that falls back is caught: it works, it is verified, and it is not what its name says
refused 1 "path uring-zc did not do what its name says" \
	zcbench run $quick --path uring-zc --sink null,read --op write,read --fault fallback --output results/fallback

# queues for all possible CPUs: from each of those that are online, and one that goes away and comes back
run="zcbench run $quick --path uring,uring-pool,uring-zc --sink read --op write,read --bs 4k,1m --size 4m"
$run --clients 2 --depth 2 --pin none --output results/possible >&2
taskset 2 $run --pin none --output results/possible-1 >&2
echo 0 >/sys/devices/system/cpu/cpu1/online
$run --output results/offline >&2
echo 1 >/sys/devices/system/cpu/cpu1/online
left "the runs with more possible CPUs"
