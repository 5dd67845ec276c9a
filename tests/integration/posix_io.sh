#!/bin/bash
# SPDX-License-Identifier: MIT
# POSIX I/O on the mount of serve --tree, with libzcbypass.so and without: a table of documented behaviours, which the
# mount has as tmpfs has them and the library as the mount, but for what is listed here and in docs/bypass.md; and long
# random sequences of operations, compared with a model.
set -eu
. tests/lib.sh
python=/usr/bin/python3
operations=3000

# What differs, on purpose: the names in the table, and why.
mount_differs=( # from tmpfs
	"write SEEK_DATA, SEEK_HOLE" # a mount that does not tell holes has one piece of data
	"read bad address at the end of file" # the kernel looks at the address first
)
library_differs=( # from the mount without it
	"read bad address at the end of file" # where there is nothing to read, nothing is looked at: as on tmpfs
)

also=/dev/shm/zcbench-posix.$$
mkdir "$also"
io() { $python tests/integration/posix_io.py "$@"; }

# differences A B NAME...: lines of the two tables differ in these names, all of them and no others
differences() {
	local a=$1 b=$2
	shift 2
	diff <(cut -d: -f1 "$a") <(cut -d: -f1 "$b") >&2 || fail "$a and $b are not of the same table"
	comm -3 <(sort "$a") <(sort "$b") | sed 's/^\t//; s/:.*//' | sort -u >"$T/found"
	printf '%s\n' "$@" | sort >"$T/known"
	diff "$T/known" "$T/found" >&2 || {
		diff "$a" "$b" >&2 || true
		fail "other differences between $(basename "$a") and $(basename "$b") than are known"
	}
}

io table "$also" >"$T/tmpfs"
[ "$(wc -l <"$T/tmpfs")" -ge 100 ] || fail "a short table"
for way in mount library; do
	serve ipc --tree --sink file --file /dev/shm
	if [ $way = library ]; then run=with; else run=; fi
	expect 0 $run $python tests/integration/posix_io.py table "$mnt"
	cp "$T/out" "$T/$way"
	if [ $way = library ]; then
		[ "$(report "operations on the ring")" -ge 1000 ] || fail "the table did not take the ring"
	fi
	for seed in 1 2 3; do
		expect 0 $run $python tests/integration/posix_io.py random "$mnt" $seed $operations
		printed "$operations operations"
		if [ $way = library ]; then
			[ "$(report "operations on the ring")" -ge $((operations / 5)) ] || { cat "$T/err" >&2; fail "seed $seed did not take the ring"; }
			[ "$(report "sessions lost")" -eq 0 ] || fail "a session was lost"
		fi
	done
	unserve
done
for seed in 1 2 3; do io random "$also" $seed $operations >"$T/out"; done # the model itself
differences "$T/tmpfs" "$T/mount" "${mount_differs[@]}"
differences "$T/mount" "$T/library" "${library_differs[@]}"
nothing_left
