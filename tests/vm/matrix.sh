#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# Every path x source x sink x op, verified, at 4 KiB, 1 MiB and odd sizes. All names are from `zcbench
# list`, where each must be available, but for uring-shm, which no released kernel has (tests/kernel/shm.sh). Two runs at a time, each on a CPU of its own: under emulation, waking
# another CPU is what costs most. matrix.py judges the results.
#
# vm: --cpus 2 --timeout 18m
set -eu

echo 16 >/proc/sys/vm/nr_hugepages
zcbench list >list
# names SECTION: what is listed there, separated by commas
names() {
	sed -n "/^$1/,/^$/s/^  \([a-z][a-z0-9-]*\)  *yes .*/\1/p" list | paste -sd, -
}
paths=$(names paths)
sinks=$(names sinks)
if sed -n 's/^  \([a-z][a-z0-9-]*\)  *no .*/\1/p' list | grep -vx uring-shm; then
	cat list >&2
	echo "not available in this guest" >&2
	exit 1
fi

# turns CPU: takes one part of the matrix after the other, until none is left
turns() {
	for source in $(names sources | tr , ' '); do
		# --size and --max-io no larger than needed: op read fills the file, a ring its buffers
		for sizes in "4k,4097 --size 64k --max-io 128k" "1m,1048573 --size 2m"; do
			part=$source-${sizes%%,*}
			mkdir "taken/$part" 2>/dev/null || continue
			start=$(date +%s)
			taskset $((1 << $1)) zcbench run --path "$paths" --source "$source" --sink "$sinks" --op write,read \
				--bs $sizes --file "/dev/shm/matrix-$1" --depth 1 \
				--rounds 1 --runtime 1ms --warmup 0s --watchdog 60s --quiet \
				--no-ledger --no-limits --counted-rounds 0 \
				--output "parts/$part" 2>"said.$1" || {
				sed "s/^/$part: /" "said.$1" >&2
				touch failed
			}
			echo "$part: $(($(date +%s) - start)) s" >&2
		done
	done
}
mkdir taken parts
turns 0 &
turns 1
wait
[ -z "$(ls /dev/shm)" ] || { echo "left in /dev/shm: $(ls /dev/shm)" >&2; touch failed; }
# only now: while they grow, they would be sent again and again
mkdir -p results
mv parts list results
[ ! -e failed ]
