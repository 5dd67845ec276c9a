#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# Path uring-shm on a kernel that has it (GUEST_KERNEL=BZIMAGE tests/integration/vm_guest.sh tests/kernel/shm.sh):
# what was copied, to the byte; every source, sink and op; requests that do not match; clients and servers that are
# killed under load, or break the rules. shm.py judges the results. ARGS: only these parts.
#
# vm: --cpus 2 --timeout 18m
# with: @BUILD@/tests/kernel/shm_client
set -eu
. guest.sh

# run STATUS NAME ARGS...
run() {
	local want=$1 name=$2 got=0
	shift 2
	zcbench run --path uring-shm --rounds 1 --warmup 0s --no-limits --counted-rounds 0 --watchdog 60s --quiet \
		--output "results/$name" "$@" >out 2>err || got=$?
	[ $got -eq "$want" ] || fail "$name: status $got and not $want: $*"
}

said() {
	grep -qF -- "$*" out err || fail "not said: $*"
}

before=$(pidof zcbench || true)
left_nothing() {
	! grep -q zcbench /proc/mounts && [ "$(pidof zcbench || true)" = "$before" ] && ! pidof shm_client >/dev/null
}

all="--source memfd,hugetlb,udmabuf,dmaheap --op write,read"

# what is copied: nothing, whatever the memory is
ledger() {
	run 0 ledger $all --sink null,read --bs 64k,1m --count 20 --size 8m
	run 0 ledger-depth --source memfd,dmaheap --op write,read --sink read --bs 1048573 --count 24 --size 24m --depth 8 \
		--clients 3
	# past the page cache of the device below; but from a dma-buf it takes a bounce buffer
	run 0 ledger-device $all --sink file --file /dev/nullb1 --overwrite --bs 64k --count 20 --size 8m
	run 0 ledger-tmpfs $all --sink file --file /dev/shm/f --bs 64k --count 20 --size 8m
	run 0 ledger-tcp $all --sink tcp --bs 64k --count 20 --size 8m
}

matrix() {
	run 0 matrix $all --sink null,read,file,tcp --file /dev/shm/f --bs 4k,1048573 --size 12m --runtime 5ms --depth 8 \
		--clients 3 --no-ledger
	run 0 single $all --sink read,file --file /dev/shm/f --bs 4097,3m --max-io 1m --size 12m --runtime 5ms --no-ledger
}

# Memory that is registered with the kernel, and taken back, around each operation.
each() {
	run 0 each $all --sink read --bs 64k --count 20 --size 8m --register each
}

# Half of each buffer is registered: the rest arrives with a copy, and that is not what the path is named after.
unmatched() {
	local half="--fault fallback --op write,read --sink null,read --bs 64k --depth 2 --count 20 --size 8m"

	run 1 unmatched --source memfd $half
	said "came by route ring, not shared"
	run 0 unmatched-allowed --source memfd $half --allow-unmatched
	# what is not in memory that can be pinned has no other way
	run 1 unmatched-dmabuf --source dmaheap $half --allow-unmatched
	said "Bad address"
	run 1 corrupt --source memfd --op write,read --sink read --bs 64k --count 20 --size 8m --fault corrupt
	# what the plan leaves out, and why
	run 77 anon --source anon --bs 64k
	grep -q "no descriptor that could be shared" results/anon/result.json
	run 77 buffered --source memfd --bs 64k --buffered
	grep -q "pages that nobody shared" results/buffered/result.json
	run 77 via --source udmabuf --bs 64k --via memfd
	grep -q "from the dma-buf itself" results/via/result.json
}

# No right is needed but that to mount.
nobody() {
	chmod 666 /dev/fuse
	chmod 1777 /tmp
	su nobody -s /bin/sh -c "cd /tmp && zcbench run --path uring-shm --source memfd --op write,read --sink null,read \
		--bs 64k --rounds 1 --count 20 --size 8m --no-limits --no-ledger --counted-rounds 0 --quiet \
		--output /tmp/nobody" >out 2>err || fail "nobody: status $?"
	mv /tmp/nobody results/
}

# a server for clients by hand; in $server
serve() {
	mkdir -p mnt
	zcbench serve uring-shm "$PWD/mnt" --sink file --file /dev/shm/served --files 8 --size 8m 2>err &
	server=$!
	await 60 grep -q " $PWD/mnt " /proc/mounts
	await 60 grep -q serving err
}
# holds N: it has so many mappings of clients' memory, and hangs on to no descriptor of it
holds() {
	local fd

	for fd in "/proc/$server/fd/"*; do
		case $(readlink "$fd") in *memfd:shm_client*) return 1 ;; esac
	done
	[ "$(grep -c memfd:shm_client "/proc/$server/maps")" -eq "$1" ]
}
going() { # a client that wrote to this file has requests under way
	grep -q "going on" "$1"
}
ended() {
	! kill -0 "$1" 2>/dev/null
}
ok() { # ARGS...: such a client is content
	shm_client "$@" >said 2>&1 || fail "shm_client $*: status $?"
}
# begin NAME ARGS...: such a client in the background, process $client. What it says is in the file NAME, and nothing of
# one before it: the shell that becomes it makes that file empty only later.
begin() {
	local name=$1

	shift
	: >"$name"
	shm_client "$@" >"$name" 2>&1 &
	client=$!
}
# lost PID...: these clients' server went away under them, and they were told
lost() {
	local client

	for client in "$@"; do
		await 60 ended "$client"
		status=0
		wait "$client" || status=$?
		[ $status -eq 3 ] || fail "a client that lost its server: status $status: $(cat other victim)"
	done
}

clients() {
	serve
	ok mnt/data0 load 65536 32
	ok mnt/data0 load 1000003 8
	ok mnt/data0 plain 65536 32
	ok mnt/data0 rude
	ok mnt/data0 hole
	ok mnt/data0 flood
	await 10 holds 0

	# one that dies with requests under way: all it had registered goes, and the others go on
	begin other mnt/data1 load 1048576
	other=$client
	begin cycled mnt/data2 cycle 40
	cycle=$client
	for bs in 4096 65536 1048576; do
		begin victim mnt/data3 load $bs
		victim=$client
		await 60 going victim
		kill -KILL $victim
		await 60 ended $victim
	done
	wait $cycle || { cat cycled; fail "registering and taking back under load"; }
	await 60 going other
	await 20 holds 1
	ended $other && fail "another client ended: $(cat other)"

	# the server is told to stop under load
	kill -TERM $server
	await 60 ended $server
	wait $server || fail "the server: status $?"
	lost $other
}

killed() {
	for bs in 4096 1048576; do
		serve
		begin other mnt/data1 load $bs
		other=$client
		begin victim mnt/data2 load $bs
		victim=$client
		await 60 going victim
		await 60 going other
		kill -KILL $server
		lost $other $victim
		zcbench cleanup >/dev/null
		umount mnt 2>/dev/null || true
		await 10 left_nothing
	done

	# the connection is aborted: the server notices, and ends
	serve
	begin other mnt/data1 load 65536
	other=$client
	await 60 going other
	for abort in /sys/fs/fuse/connections/*/abort; do
		echo 1 >"$abort"
	done
	await 60 ended $server
	lost $other
	umount mnt 2>/dev/null || true
}

zcbench list paths | grep -q "^  uring-shm  *yes" || fail "this kernel does not have it"
echo 64 >/proc/sys/vm/nr_hugepages
# the debug kernel has no BTF, and so no ledger; and where all of the matrix takes half an hour, the sources and ops of
# `each` do
case $(uname -r) in
*-debug) parts="each unmatched nobody clients killed" ;;
*) parts="ledger matrix each unmatched nobody clients killed" ;;
esac
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $parts
for part in "$@"; do
	start=$(date +%s)
	$part
	await 10 left_nothing
	echo "$part: $(($(date +%s) - start)) s" >&2
done
[ -z "$(ls /dev/shm)" ] || fail "left in /dev/shm: $(ls /dev/shm)"
dmesg | grep -e 'WARNING:' -e 'BUG:' -e 'Call Trace' -e 'refcount_t' -e 'blocked for more' && fail "the kernel complains"
exit 0
