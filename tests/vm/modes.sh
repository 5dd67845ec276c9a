#!/bin/sh
# SPDX-License-Identifier: MIT
# In a guest with Linux 7.3: dma-bufs by way of the memfd below them and through the page cache, block devices, and
# uring-zc through the page cache: verified, as claimed, and without the copies that they are there to avoid.
set -eu
. guest.sh
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# run STATUS OPTIONS...: a small run with this exit status; a line for each cell in $dir/csv
run() {
	want=$1 got=0
	shift
	zcbench run --rounds 1 --runtime 20ms --warmup 0s --size 4m --watchdog 60s --quiet --output "$dir/out" \
		--no-limits --no-ledger --counted-rounds 0 \
		--csv "$dir/csv" "$@" 2>"$dir/err" || got=$?
	[ "$got" -eq "$want" ] || {
		cat "$dir/err" >&2
		fail "status $got instead of $want: $*"
	}
}

# cells N: so many were measured, each verified and as claimed
cells() {
	[ "$(tail -n +2 "$dir/csv" | wc -l)" -eq "$1" ] || fail "not $1 cells: $(cut -d, -f1-5 "$dir/csv" | tr '\n' ' ')"
	value verified true
	value path_ok true
}

# value COLUMN VALUE: every cell has it
value() {
	awk -F, -v name="$1" -v want="$2" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) col = i; if (!col) { print "no column " name; exit 1 } }
		NR > 1 && $col != want { print $1, $2, $4, $5, $6 ": " name " is " $col ", not " want; bad = 1 }
		END { exit bad }' "$dir/csv" >&2 || fail "see above"
}

fuse=copy,splice,uring,uring-pool,uring-zc,passthrough

# udmabuf: O_DIRECT from the memfd below needs no bounce buffer; what is produced in the dma-buf arrives
run 0 --source udmabuf --path copy,uring-zc --op write,read --sink null --bs 4k
cells 4
value declared_copy_factor 1
run 0 --source udmabuf --via memfd --path $fuse,ipc --op write,read --sink null --bs 4097
cells 13 # (splice: no READ of less than 8 KiB)
value declared_copy_factor 0
value via memfd
run 0 --source udmabuf,dmaheap --via memfd --path uring-zc --op write,read --sink null --bs 1m --depth 3
cells 2
value declared_copy_factor 0
run 77 --source dmaheap --via memfd --path copy --sink read --bs 4k

# the page cache takes the payload from any mapping: no bounce buffer either
run 0 --source udmabuf --buffered --path $fuse --op write,read --sink null --bs 4k
cells 12
value declared_copy_factor 0
run 0 --source dmaheap --buffered --path copy,uring-zc --op write,read --sink null --bs 1048573 --depth 3
cells 4
value declared_copy_factor 0

# block devices by O_DIRECT: no copy on uring-zc, each client has a part of its own
disk=/dev/nullb1
[ ! -b /dev/vda ] || disk=/dev/vda
run 0 --path copy,splice,uring,uring-pool,uring-zc,ipc --op write,read --sink file --file $disk --overwrite --bs 64k --clients 2
cells 12
run 0 --path uring-zc --op write,read --sink file --file $disk --overwrite --bs 4k,1m --depth 3 --buffered
cells 4
# nullb0 drops what is written: what went past the server is verified, and that is said; a store is not
run 0 --path copy,splice,uring-zc,ipc --op write,read --sink file --file /dev/nullb0 --overwrite --bs 64k --clients 2
cells 8
grep -q '"device_stores": false' "$dir/out/result.json" || fail "it is not said that nullb0 keeps nothing"
run 1 --path copy --op write --sink file --file /dev/nullb0 --overwrite --bs 64k --fault corrupt
run 1 --path uring-zc --op write --sink file --file $disk --bs 64k
grep -q -- --overwrite "$dir/err" || fail "a device was used without --overwrite"

# uring-zc through the page cache: the cached pages come in the slot, all of them, in both directions
run 0 --buffered --path uring-zc --op write,read --sink null,read,file,tcp --file /dev/shm/modes --bs 1m,12345
cells 16
run 0 --buffered --path uring-zc --op read --sink read --bs 64k --depth 5 --clients 2 --pattern random
cells 1
run 1 --buffered --path uring-zc --op write --sink null --bs 64k --fault fallback
value path_ok false
echo "modes: all right"
