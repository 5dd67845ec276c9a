#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# A server of the ring paths that is killed under load, with requests in flight on several entries and queues:
# clients get an error and do not hang, the run says what happened, the kernel has nothing to complain about.
#
# vm: --cpus 2 --timeout 18m
set -eu
. guest.sh

server() { # its process: zcbench serve PATH
	for p in /proc/[0-9]*; do
		case $(cat "$p/cmdline" 2>/dev/null | tr '\0' ' ') in
		*"serve $1 "*)
			pid=${p#/proc/}
			return 0
			;;
		esac
	done
	return 1
}

# busy PID TICKS: it has used so much CPU time (the set-up uses less)
busy() {
	[ "$(awk '{print $14 + $15}' "/proc/$1/stat")" -gt "$2" ]
}

ended() {
	! kill -0 "$1" 2>/dev/null
}

mounted() {
	grep -q " $1 " /proc/mounts
}
unmounted() {
	! grep -q zcbench /proc/mounts
}
not_connected() {
	! dd if=/dev/zero of=mnt/data0 bs=4k count=1 oflag=direct conv=notrunc 2>said &&
		grep -q "Transport endpoint is not connected" said
}
opened() {
	[ -e "$1" ]
}

before=$(pidof zcbench || true)
for path in uring-zc uring-pool uring; do
	for load in "--sink null --bs 4k --depth 8 --clients 2" "--sink read --bs 256k --depth 4 --clients 1"; do
		zcbench run --path $path $load --op write --rounds 1 --runtime 100s --warmup 0s --size 4m \
			--no-verify --no-ledger --no-limits --counted-rounds 0 --watchdog 120s --quiet \
			--output results/$path >out 2>err &
		run=$!
		await 60 server $path
		await 60 busy "$pid" 50
		kill -KILL "$pid"
		await 60 ended $run
		status=0
		wait $run || status=$?
		[ $status -eq 1 ] || fail "$path: status $status"
		grep -q "the server was killed by signal 9" err || fail "$path: not said"
		await 10 unmounted
	done

	# what a program sees that knows nothing of zcbench
	mkdir -p "$PWD/mnt"
	zcbench serve $path "$PWD/mnt" --sink read --size 64m 2>err &
	serve=$!
	await 60 mounted "$PWD/mnt"
	await 60 opened mnt/data0
	status=0
	(while :; do dd if=/dev/zero of=mnt/data0 bs=1M count=8 oflag=direct conv=notrunc 2>said || exit $?; done) &
	client=$!
	await 60 busy $serve 50
	kill -KILL $serve
	await 60 ended $client
	# in flight: canceled or aborted, as the ring or the connection went first; from then on ENOTCONN
	grep -q "Operation canceled\|Software caused connection abort\|Transport endpoint is not connected" said ||
		fail "$path: a client in flight was told: $(cat said)"
	echo "$path: $(grep dd: said)" >&2
	await 10 not_connected
	zcbench cleanup >/dev/null
	await 10 unmounted
done
[ "$(pidof zcbench)" = "$before" ] || fail "left running"
dmesg | grep -e 'WARNING:' -e 'BUG:' -e 'Call Trace' -e 'refcount_t' -e 'blocked for more' && fail "the kernel complains"
exit 0
