#!/bin/bash
# SPDX-License-Identifier: MIT
# 64 client processes at once, each with a file, memory and (path ipc) a session of its own, for STRESS_SECONDS (60),
# and on the FUSE paths for a third of that. A quarter of them is killed and replaced. Every byte that a client wrote is
# right when it reads it; no survivor did less than half of the mean; and when they have gone, the server holds what it
# held before they came: descriptors, mappings, threads, children, memory.
. tests/lib.sh
steady=${BUILD:-build}/tests/clients/steady
[ -x "$steady" ] || fail "$steady is not built: make $steady"
seconds=${STRESS_SECONDS:-60}
CLIENTS=64
KILLS=16
# What libc and the kernel keep of what was there: thread stacks for the next thread, arenas, caches.
KEPT_KIB=4096
# half of what the clients share with the server
SHMEM_KIB=2048

file=/dev/shm/zcbench-many.$$
also="$file*"
keep=(--sink file --file "$file" --overwrite --files "$CLIENTS" --size 1m)

field() { sed -n "s/^$1:[[:space:]]*\([0-9]*\).*/\1/p" "$2"; }
figure() { sed -n "s/^$1 //p" "$T/steady"; }
# descriptors, shared mappings, threads and children of the server, and the mounts and processes of this test
state() {
	echo "$(find "/proc/$server/fd" | wc -l) descriptors, $(grep -c memfd "/proc/$server/maps") mappings," \
		"$(find "/proc/$server/task" -mindepth 1 -maxdepth 1 | wc -l) threads, $(pgrep -cP "$server" || true) children"
}
memory() { # memory FIELD: KiB of the server
	case $1 in
	VmPTE) field VmPTE "/proc/$server/status" ;;
	*) field "$1" "/proc/$server/smaps_rollup" ;;
	esac
}

# A memory cgroup for this test (v1 or v2), where nobody else's shared memory counts. Without one: the system's.
group=
leave() {
	echo $$ >"${group%/*}/cgroup.procs"
	tidy
	rmdir "$group"
}
for root in /sys/fs/cgroup/memory /sys/fs/cgroup; do
	group=$root/zcbench-many.$$
	if [ -e "$root/cgroup.procs" ] && mkdir "$group" 2>/dev/null; then
		if [ -e "$group/memory.stat" ] && echo $$ >"$group/cgroup.procs"; then
			trap leave EXIT
			break
		fi
		rmdir "$group"
	fi
	group=
done
shared() { # KiB
	if [ -n "$group" ]; then
		awk '$1 == "shmem" { print int($2 / 1024) }' "$group/memory.stat"
	else
		field Shmem /proc/meminfo
	fi
}

begin() { # begin PATH CLIENTS: its server, after so many have come and gone, which makes what is made once
	serve "$1" "${keep[@]}"
	timeout 60 "$steady" "$mnt" "$how" "$2" 1 0 >"$T/steady" || fail "$1: $(cat "$T/steady")"
	sleep 0.5
	# the files' own memory: all blocks are there from now on
	for i in $(seq 0 $((CLIENTS - 1))); do head -c 1048576 /dev/zero >"$mnt/data$i"; done
	before=$(state) rss=$(memory Rss) anon=$(memory Anonymous) pte=$(memory VmPTE)
	shmem=$(shared)
}

crowd() { # crowd PATH SECONDS
	local pid status=0 peak_anon=0 peak_pte=0 peak_threads=0 n
	timeout $(($2 + 120)) "$steady" "$mnt" "$how" $CLIENTS "$2" $KILLS >"$T/steady" &
	pid=$!
	for _ in $(seq "$2"); do
		sleep 1
		n=$(memory Anonymous) && [ "$n" -gt $peak_anon ] && peak_anon=$n
		n=$(memory VmPTE) && [ "$n" -gt $peak_pte ] && peak_pte=$n
		n=$(find "/proc/$server/task" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)
		[ "$n" -gt $peak_threads ] && peak_threads=$n
	done
	wait $pid || status=$?
	[ $status -eq 0 ] || fail "$1: status $status: $(cat "$T/steady"; tail -n 3 "$T/serve")"
	[ "$(figure survivors)" -eq $((CLIENTS - KILLS)) ] || fail "$1: $(figure survivors) survivors"
	[ "$(figure least)" -ge $(($(figure mean) / 2)) ] ||
		fail "$1: the slowest client did $(figure least) operations, and all $(figure mean) in the mean"
	echo "$1: $(figure sum) blocks of 16 KiB in $2 s by $(figure survivors) survivors, each $(figure least) to" \
		"$(figure most); longest wait $(figure longest_ms) ms; $(figure setup_us) us to set one up;" \
		"server: $peak_threads threads, for each client $(((peak_anon - anon) / CLIENTS)) KiB of memory and" \
		"$(((peak_pte - pte) / CLIENTS)) KiB of page tables"
}

gone() { # gone PATH: nothing of the clients is left
	local i
	for i in $(seq 300); do
		[ "$(state)" = "$before" ] && [ "$(memory Rss)" -le $((rss + KEPT_KIB)) ] &&
			[ "$(shared)" -le $((shmem + SHMEM_KIB)) ] && break || sleep 0.1
	done
	[ "$i" -lt 50 ] || echo "$1: it took $i looks until all was given back"
	[ "$(state)" = "$before" ] || fail "$1: the server holds $(state), and before $before"
	[ "$(memory Rss)" -le $((rss + KEPT_KIB)) ] || fail "$1: the server has $(memory Rss) KiB, and before $rss"
	[ "$(shared)" -le $((shmem + SHMEM_KIB)) ] ||
		fail "$1: $(shared) KiB of shared memory, and before $shmem"
	! grep -q "back channel" "$T/serve" || fail "$1: complaints: $(cat "$T/serve")"
	echo "$1: the server keeps $(($(memory Rss) - rss)) KiB, and $([ -n "$group" ] && echo "its cgroup" || echo "the system") $(($(shared) - shmem)) KiB of shared memory"
	unserve
}

# They do see a wrong byte: this server changes one in each block.
serve ipc "${keep[@]}" --fault corrupt
expect 1 timeout 60 "$steady" "$mnt" ring 2 1 0
printed "is wrong"
unserve

how="ring"
begin ipc 1
crowd ipc "$seconds"
gone ipc

paths=copy
! uring_kernel || [ "$(cat /sys/module/fuse/parameters/enable_uring)" != Y ] || paths="$paths uring"
for path in $paths; do
	# on uring a client's queue is that of the CPU it runs on: as many for each, for the scheduler would not see to it
	how="file"
	[ "$path" != uring ] || how="bound"
	begin "$path" $CLIENTS # threads that serve /dev/fuse stay, as many as it took
	crowd "$path" $(((seconds + 2) / 3))
	gone "$path"
done
nothing_left
