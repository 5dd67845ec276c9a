#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# The kernel of make kernel has what zcbench measures with: FUSE over io_uring, dma-bufs, huge pages, BTF; and the
# ledger counts in it, to the byte. (The debug kernel has no BTF.)
#
# vm: --cpus 2
set -eu
. guest.sh

uname -rv
case $(uname -r) in
*-zcbench) ledger=yes ;;
*-zcbench-debug) ledger= ;;
*) fail "this is not a kernel of make kernel" ;;
esac
for i in /dev/fuse /dev/udmabuf /dev/dma_heap/system /dev/nullb0 /dev/nullb1 /dev/ublk-control /sys/fs/fuse/connections/. \
	/dev/hugepages/. ${ledger:+/sys/kernel/btf/vmlinux}; do
	[ -e "$i" ] || fail "there is no $i"
done
[ "$(cat /sys/module/fuse/parameters/enable_uring)" = Y ] || fail "FUSE over io_uring is not enabled"
[ "$(nproc)" = 2 ] || fail "$(nproc) CPUs are online, not 2"
echo 8 >/proc/sys/vm/nr_hugepages
grep -q '^HugePages_Total: *8$' /proc/meminfo || fail "no huge pages"

# run ARGS...: one round of each cell; their lines as CSV in the file csv
run() {
	zcbench run --rounds 1 --count 40 --warmup 0s --size 8m --no-limits --counted-rounds 0 --watchdog 60s --quiet \
		--output results/run --csv csv "$@" >out 2>err || fail "status $?: $*"
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
		$c["verified"] != "true" || $c["path_ok"] != "true" { print; bad = 1 }
		END { exit bad || NR < 2 }' csv || fail "not as claimed: $*"
}

run --path copy,splice,uring,uring-pool,uring-zc,ipc --op write,read --sink null --bs 64k --no-ledger
run --path uring-zc,ipc --source hugetlb,udmabuf,dmaheap --op write --sink null --bs 64k --no-ledger

if [ -n "$ledger" ]; then
	run --path uring,uring-zc --sink null --bs 64k
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
		{ want = $1 == "uring" ? 1 : 0; got = $c["copy_factor"]; print $1 ": each byte is copied " got " times" }
		got != "" && got > want - 0.02 && got < want + 0.02 { n++ }
		END { exit n != 2 }' csv || fail "uring is to copy once, and uring-zc never"
fi
echo "boot: all right"
