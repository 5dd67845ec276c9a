#!/bin/bash
# SPDX-License-Identifier: MIT
# Every path x source x sink x op moves every byte right: verified at 4 KiB, 1 MiB and odd sizes, at
# depth 1 and more, with one client and several. All routes are as the paths claim.
. tests/lib.sh

common="--setup --rounds 1 --runtime 5ms --warmup 0s --size 8m --no-quiet --no-limits --no-ledger --counted-rounds 0"
file=/dev/shm/zcbench-test.$$
also="$file*"

all_right() { # all_right CELLS: so many cells were measured, each verified and as claimed
	json "len(cells) == $1" || true
	json 'all(c["verified"] and c["path_ok"] and "error" not in c for c in cells)'
	json 'all(c["rounds"][0]["ops"] > 0 for c in cells)'
	[ "$(/usr/bin/python3 -c 'import json,sys; print(len(json.load(open(sys.argv[1]))["cells"]))' "$T/out")" -eq "$1" ] ||
		fail "wrong number of cells"
}

paths=$(available_paths)
n=$(wc -w <<<"$paths")
paths=$(paste -sd, <<<"$paths")

# depth 1: sizes with and without alignment. passthrough has no sink read, splice no READ of less than 8 KiB.
expect 0 $Z run $common --output "$T/a" --path $paths --source anon,memfd,hugetlb --op write,read \
	--sink null,read --bs 4k,1m,4097,1048573 --json -
all_right $((3 * 2 * 4 * (2 * n - 1) - 3 * 2 * 2))

# sink file: on tmpfs and on a disk with O_DIRECT
expect 0 $Z run $common --output "$T/b" --path $paths --source anon,memfd,hugetlb --op write,read \
	--sink file --file $file --bs 4k,1m,12345 --json -
all_right $((3 * 2 * 3 * n - 3))
[ -z "$(ls $file* 2>/dev/null)" ] || fail "sink file left its file behind"
expect 0 $Z run $common --output "$T/c" --path $paths --source memfd --op write,read --sink file \
	--file "$T/disk" --bs 4k,1m --json -
all_right $((2 * 2 * n - 1))
json 'all(c["evidence"].get("file_io", "direct") == "direct" for c in cells)'

# depth and several clients
expect 0 $Z run $common --output "$T/d" --path $paths --source memfd --op write,read --sink null,read \
	--bs 4k,65537 --depth 8 --clients 1,3 --json -
all_right $((2 * 2 * 2 * (2 * n - 1) - 2 * 2))
expect 0 $Z run $common --output "$T/e" --path $paths --source anon,memfd --op write,read --sink read,file \
	--file $file --bs 64k --depth 4 --clients 2 --produce once --pattern random --json -
all_right $((2 * 2 * (2 * n - 1)))

# every placement; and blocks that split into several requests (above max_write, 1 MiB)
for pin in split same none; do
	expect 0 $Z run $common --output "$T/f" --path $paths --op write,read --sink null,read \
		--bs 3m,1048577 --pin $pin --json -
	all_right $((2 * 2 * (2 * n - 1)))
done
nothing_left
