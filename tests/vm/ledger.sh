#!/bin/sh
# SPDX-License-Identifier: MIT
# The copy ledger, exact: how often the kernel copies each payload byte, by path, sink, op and block size, on
# a kernel that lets BPF look. The figures are the kernel's, not the machine's: they are the same everywhere.
# Also: a server that copies once more than it says is caught, kprobes count as trampolines do, and without
# BTF the run goes on and says so. ledger.py judges the hops.
#
# vm: --timeout 18m
set -eu
. guest.sh

T=$(mktemp -d /tmp/ledger.XXXXXX)
RESULTS=results/ledger
FACTORS=$T/factors
mkdir -p $RESULTS

# once NAME ARGS...: a run; its cells as CSV, its exit status in $got
once() {
	name=$1
	shift
	got=0
	# (limits and a round for counters would take most of the time here, and nobody looks at them)
	zcbench run --rounds 1 --count 40 --warmup 0s --size 8m --no-limits --counted-rounds 0 --watchdog 60s --quiet \
		--output "$RESULTS/$name" --csv "$T/$name.csv" "$@" 2>"$T/err" || got=$?
}

# run STATUS NAME ARGS...: a run with this exit status. A round of which the kernel did not show us enough calls
# has no factor, which is not what is tested here: on an emulated CPU, where a BPF program takes long and is
# interrupted often, that happens to a cell of ten with many clients, and elsewhere hardly ever
run() {
	want=$1 name=$2
	shift 2
	for attempt in 1 2 3 4 5; do
		once "$name" "$@"
		grep -q missed_copy_calls "$RESULTS/$name/result.json" || break
		echo "$name: attempt $attempt: the kernel did not show all calls"
	done
	[ "$got" -eq "$want" ] || {
		cat "$T/err" >&2
		fail "$name: status $got instead of $want: $*"
	}
}

said() {
	grep -qF -- "$*" "$T/err" || {
		cat "$T/err" >&2
		fail "standard error does not say: $*"
	}
}

# counts NAME CELLS: every cell of that run shows the factor of the table in FACTORS (path sink op factor),
# within 0.02, and is as claimed; there are so many cells
counts() {
	awk -F, -v cells="$2" -v name="$1" '
		NR == FNR { split($0, w, " "); if (NF) want[w[1] " " w[2] " " w[3]] = w[4]; next }
		FNR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next }
		{
			n++
			what = $c["path"] " " $c["sink"] " " $c["op"]
			got = $c["copy_factor"]
			if (!(what in want))
				problem = "is not in the table"
			else if (got == "")
				problem = "has no copy factor"
			else if (got - want[what] > 0.02 || want[what] - got > 0.02)
				problem = "copied " got " times and not " want[what]
			else if ($c["path_ok"] != "true" || $c["verified"] != "true")
				problem = "is not as claimed, or not verified"
			else
				next
			print "FAIL: " name ": " what " " $c["bs"] ": " problem
			bad = 1
		}
		END {
			if (n != cells) {
				print "FAIL: " name ": " n " cells and not " cells
				bad = 1
			}
			exit bad
		}' "$FACTORS" "$T/$1.csv" >&2 || exit 1
}

[ -r /sys/kernel/btf/vmlinux ] || fail "this kernel has no BTF: nothing here can be tested"

# splice is no zero copy on WRITE: the kernel copies the pages of an O_DIRECT write into the pipe (since 5.17).
# passthrough stores into a memfd with sink null.
cat >"$FACTORS" <<-'TABLE'
	copy null write 1
	copy null read 1
	splice null write 1
	splice null read 1
	uring null write 1
	uring null read 1
	uring-pool null write 1
	uring-pool null read 1
	uring-zc null write 0
	uring-zc null read 0
	passthrough null write 1
	passthrough null read 1
	ipc null write 0
	ipc null read 0
	splice read write 2
	splice read read 1
	uring read write 1
	uring read read 1
	uring-zc read write 1
	uring-zc read read 1
	ipc read write 0
	ipc read read 0
TABLE
run 0 null --path copy,splice,uring,uring-pool,uring-zc,passthrough,ipc --op write,read --bs 64k,1m --sink null
! grep "not counted" "$T/err" || fail "BPF was refused"
grep -q '"ledger": "fexit"' "$RESULTS/null/result.json" || fail "not by trampolines"
counts null 28
run 0 read --path splice,uring,uring-zc,ipc --op write,read --bs 64k,1m --sink read
counts read 16

# into page cache, and past it: tmpfs, a block device. splice, copy: O_DIRECT on tmpfs is still a copy
cat >"$FACTORS" <<-'TABLE'
	splice file write 2
	splice file read 2
	uring file write 2
	uring file read 2
	uring-zc file write 1
	uring-zc file read 1
	passthrough file write 1
	passthrough file read 1
	ipc file write 1
	ipc file read 1
TABLE
run 0 tmpfs --path splice,uring,uring-zc,passthrough,ipc --op write,read --bs 64k --sink file --file /dev/shm/f
counts tmpfs 10
cat >"$FACTORS" <<-'TABLE'
	splice file write 1
	uring file write 1
	uring-zc file write 0
	uring-zc file read 0
	ipc file write 0
	splice file read 1
	uring file read 1
	ipc file read 0
TABLE
run 0 device --path splice,uring,uring-zc,ipc --op write,read --bs 64k --sink file --file /dev/nullb1 --overwrite
counts device 8

# over TCP on loopback, which copies what was sent by reference after all; pages of a pipe stay what they are
cat >"$FACTORS" <<-'TABLE'
	uring tcp write 2
	splice tcp write 1
	uring-zc tcp write 1
	ipc tcp write 1
	uring tcp read 2
	splice tcp read 2
	uring-zc tcp read 1
	ipc tcp read 1
TABLE
run 0 tcp --path uring,splice,uring-zc,ipc --op write,read --bs 64k --sink tcp
counts tcp 8

# a source from which the kernel cannot do O_DIRECT, and one that cannot be shared
cat >"$FACTORS" <<-'TABLE'
	uring-zc null write 1
	ipc null write 0
TABLE
run 0 udmabuf --path uring-zc,ipc --op write --bs 64k --sink null --source udmabuf
counts udmabuf 2
printf 'ipc null write 1\n' >"$FACTORS"
run 0 anon --path ipc --op write --bs 64k --sink null --source anon
counts anon 1

# several clients, several operations in flight; blocks of several requests, the last one small
printf 'uring null write 1\nuring-zc null write 0\ncopy null write 1\n' >"$FACTORS"
run 0 many --path copy,uring,uring-zc --bs 64k --sink null --depth 4 --clients 3
counts many 3
printf 'splice null write 1\nsplice null read 1\n' >"$FACTORS"
run 0 odd --path splice --op write,read --bs 1052671 --sink null
counts odd 2
grep -q '"small"' "$RESULTS/odd/result.json" || fail "the odd requests were spliced"

# through the page cache: one more, but for pages that move into it from a pipe
printf 'copy null write 2\nuring-zc null write 1\nsplice null write 1\n' >"$FACTORS"
run 0 cache --buffered --path copy,uring-zc,splice --bs 64k --sink null
counts cache 3
printf 'splice file read 1\n' >"$FACTORS"
run 0 moved --buffered --path splice --op read --bs 64k --sink file --file /dev/nullb1 --overwrite
counts moved 1
grep -q replace_page_cache_folio "$RESULTS/moved/result.json" || fail "no page was moved"

# kprobes see the same
printf 'copy null write 1\nuring-zc read write 1\ncopy read write 1\nuring-zc null write 0\n' >"$FACTORS"
run 0 kprobe --no-trampolines --path copy,uring-zc --bs 64k --sink null,read
grep -q '"ledger": "kprobe"' "$RESULTS/kprobe/result.json" || fail "not by kprobes"
counts kprobe 4

# one copy too many is no way to claim a path
run 1 caught --path copy,uring --bs 64k --sink null --no-verify --fault copy
said "each byte was copied 2.00 times, not 1.00 times (fuse 1.00, sink 1.00)"
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; next } $c["path_ok"] != "false" { exit 1 }' "$T/caught.csv" ||
	fail "a copy too many is as claimed"

# not asked for, not there; and without BTF: the same run, said once
run 0 without --path copy --bs 64k --sink null --no-ledger
! grep "not counted" "$T/err" || fail "--no-ledger is no reason to warn"
grep -q '"copy_factor": "not wanted (--no-ledger)' "$RESULTS/without/result.json" || fail "no reason in the result"
mount -t tmpfs none /sys/kernel/btf
run 0 nobtf --path copy,ipc --bs 64k --sink null
umount /sys/kernel/btf
said "what the kernel copies is not counted: this kernel has no BTF"
[ "$(grep -c "not counted" "$T/err")" = 1 ] || fail "said more than once"
grep -q '"copy_factor": "this kernel has no BTF' "$RESULTS/nobtf/result.json" || fail "no reason in the result"
! grep -q '"exact"' "$RESULTS/nobtf/result.json" || fail "something is called exact"

rm -rf "$T"
echo "the ledger is right"
