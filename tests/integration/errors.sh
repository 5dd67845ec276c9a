#!/bin/bash
# SPDX-License-Identifier: MIT
# What this machine cannot do is refused with the reason and the remedy, by the exit status that scripts
# rely on; what was measured beside it is kept.
. tests/lib.sh

quick="--rounds 2 --runtime 10ms --warmup 0s --size 1m --bs 4k --sink null"

# no huge pages reserved: the cell fails and says what to type, the other is kept
if [ "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)" = 0 ]; then
	expect 1 $Z run $quick --output "$T/a" --path ipc --source hugetlb,memfd --json -
	said "huge pages of 2 MiB needed, 0 of 0 are free"
	said "nr_hugepages"
	json 'cells[0]["error"].startswith("source hugetlb") and not cells[0]["rounds"]'
	json 'len(cells[1]["rounds"]) == 2 and cells[1]["path_ok"]'
fi

# FUSE over io_uring switched off: named by the user it is a failure, in the default matrix it is left out
if uring_kernel && [ "$(cat /sys/module/fuse/parameters/enable_uring)" = N ]; then
	expect 77 $Z run $quick --output "$T/b" --path uring --json -
	said "fuse.enable_uring=N"
	said "echo Y | sudo tee"
	expect 1 $Z run $quick --output "$T/c" --path uring,ipc --json -
	json 'len([c for c in cells if c["path"] == "ipc"][0]["rounds"]) == 2'
	expect 0 $Z run $quick --output "$T/d" --json -
	said "path uring is left out"
	json 'all(c["path"] != "uring" for c in cells) and any(s["path"] == "uring" for s in r["skipped"])'
	expect 0 $Z run $quick --output "$T/e" --path uring --setup --json -
	[ "$(cat /sys/module/fuse/parameters/enable_uring)" = N ] || fail "--setup did not restore enable_uring"
fi

# no zero copy in this kernel: the remedy is one that would help, also where FUSE over io_uring is off
if [ "$(printf '7.3\n%s\n' "$(uname -r)" | sort -V | head -n 1)" != 7.3 ]; then
	for p in uring-zc uring-pool; do
		expect 77 $Z run $quick --output "$T/z" --path $p --op write,read --json -
		said "$p: this kernel has no buffer pools for FUSE over io_uring"
		said "try: zcbench vm -- run --path $p "
		json 'len(cells) == 2 and all("has no buffer pools" in c["error"] and "zcbench vm" in c["remedy"] for c in cells)'
		grep -q enable_uring "$T/err" && fail "a switch is named that would not help"
	done
fi

# the proposal is in no released kernel, whatever is switched on or off
if uring_kernel && ! $Z list paths | grep -q "^  uring-shm  *yes"; then
	expect 77 $Z run $quick --output "$T/y" --path uring-shm --op write,read --json -
	said "uring-shm: this kernel has no shared-buffer zero copy, as no released one has"
	said "try: zcbench's kernel series: make kernel, then zcbench vm --kernel zcbench -- run --path uring-shm"
	json 'len(cells) == 2 and all("no shared-buffer zero copy" in c["error"] and not c["rounds"] for c in cells)'
	expect 0 $Z run $quick --output "$T/x" --json -
	json 'all(c["path"] != "uring-shm" for c in cells) and any(s["path"] == "uring-shm" for s in r["skipped"])'
fi

# two runs that switch the same thing on: the first to end leaves it to the other
if uring_kernel && [ "$(cat /sys/module/fuse/parameters/enable_uring)" = N ]; then
	$Z run $quick --output "$T/s1" --path uring --setup --quiet 2>/dev/null &
	first=$!
	status=0
	$Z run $quick --output "$T/s2" --path uring --setup --rounds 40 --quiet 2>/dev/null || status=$?
	wait $first || fail "the first run failed"
	[ $status -eq 0 ] || fail "the second run failed"
	[ "$(cat /sys/module/fuse/parameters/enable_uring)" = N ] || fail "enable_uring was not restored"
fi

# nothing to do
expect 77 $Z run $quick --output "$T/f" --path passthrough --sink read
printed "the server is not on the data path"

# an unprivileged user: ipc and copy work through fusermount3, passthrough is left out with the reason
if id nobody >/dev/null 2>&1 && command -v setpriv >/dev/null; then
	chmod 755 "$T"
	mkdir "$T/home"
	chown nobody "$T/home"
	chmod a+rw /dev/fuse
	cp $Z "$T/zcbench"
	expect 0 env -C "$T/home" ZCBENCH_RUNDIR="$T/home/run" setpriv --reuid=nobody --regid=nogroup --clear-groups \
		"$T/zcbench" run $quick --output "$T/home/r" --json -
	said "path passthrough is left out"
	said "CAP_SYS_ADMIN"
	json '{c["path"] for c in cells} >= {"copy", "ipc"}'
	json 'all(c["path_ok"] and c["verified"] for c in cells)'
fi

# no /dev/fuse, in a mount namespace of its own where something else lies in its place
if unshare -m true 2>/dev/null; then
	expect 77 unshare -m sh -c "mount -t tmpfs none /dev && mknod /dev/null c 1 3 && chmod 666 /dev/null &&
		$Z run $quick --output $T/g --path copy,ipc"
	said "/dev/fuse does not exist"
fi

# sink file: a place that cannot be written, a file that exists, a full disk
expect 1 $Z run $quick --output "$T/h" --path copy --sink file --file /nonexistent/x
said "sink file: cannot open /nonexistent/x: No such file or directory"
echo precious >"$T/precious"
expect 1 $Z run $quick --output "$T/i" --path copy --sink file --file "$T/precious"
said "--overwrite"
[ "$(cat "$T/precious")" = precious ] || fail "an existing file was overwritten"
expect 0 $Z run $quick --output "$T/j" --path copy --sink file --file "$T/precious" --overwrite
mkdir "$T/small"
if mount -t tmpfs -o size=1m none "$T/small" 2>/dev/null; then
	status=0
	$Z run $quick --output "$T/k" --path copy,ipc --sink file --file "$T/small/f" --size 4m \
		>"$T/out" 2>"$T/err" || status=$?
	umount "$T/small"
	[ $status -eq 1 ] || fail "a full disk gave status $status"
	said "cannot allocate 4m in $T/small/f: No space left on device"
	said "--size"
fi

# an unreadable workload
mkdir "$T/dir.ini"
expect 2 $Z run "$T/dir.ini" --output "$T/l"
said "reading workload $T/dir.ini: Is a directory"
: >"$T/empty.ini"
expect 2 $Z run "$T/empty.ini" --output "$T/l"
said "has no settings"
nothing_left
