#!/bin/bash
# SPDX-License-Identifier: MIT
# Sink file on a block device, a loop device here: every path that can moves every byte right, several clients have
# parts of their own, and a device that is in use, too small, or not given up by --overwrite is left alone.
. tests/lib.sh

[ "$(id -u)" -eq 0 ] || skip "loop devices need root"
truncate -s 32m "$T/disk"
loop=$(losetup -f --show "$T/disk" 2>"$T/err") || {
	[ -z "${CI:-}" ] || fail "no loop device: $(cat "$T/err")"
	skip "no loop device: $(cat "$T/err")"
}
trap 'umount "$T/fs" 2>/dev/null || true; tidy; losetup -d "$loop"' EXIT

quick="--setup --rounds 1 --runtime 5ms --warmup 2ms --size 4m --no-limits --no-ledger --counted-rounds 0 --sink file --file $loop"
all=copy,splice,ipc
uring_kernel && all=$all,uring
right='all(c["verified"] and c["path_ok"] and "error" not in c and len(c["rounds"]) == 1 for c in cells)'

expect 0 $Z run $quick --overwrite --output "$T/a" --path $all --op write,read --bs 4k,1m --clients 1,3 --depth 1,4 --json -
json "$right"
json 'len(cells) == 16 * len({c["path"] for c in cells}) - 4' # (splice: no READ of 4 KiB)
json 'all(c["evidence"]["file_io"] == "direct" and c["evidence"]["file_system"] == "block device" for c in cells)'
json 'all(c["evidence"]["device_stores"] is True for c in cells)'
expect 0 $Z run $quick --overwrite --output "$T/b" --path $all --op write,read --bs 64k --clients 2 --buffered --json -
json "$right"

# what cannot be is left out, and what was stored wrong is found
expect 77 $Z run $quick --overwrite --output "$T/c" --path $all,passthrough --bs 4097 --json -
json 'all("whole blocks of 4 KiB" in s["why"] or "regular files only" in s["why"] for s in r["skipped"])'
expect 77 $Z run $quick --overwrite --output "$T/d" --path passthrough --bs 4k
expect 1 $Z run $quick --overwrite --output "$T/e" --path copy --op write --bs 4k --fault corrupt
said "is not what the client wrote"

# a device that is not to be touched: not a byte of it changes
mkfs.ext4 -q "$loop"
before=$(md5sum <"$T/disk")
expect 1 $Z run $quick --output "$T/f" --path copy --bs 4k
said "is a block device"
said "--overwrite"
expect 1 $Z run $quick --overwrite --output "$T/g" --path copy --bs 4k --clients 9
said "has 32m; all files of the mount need 36m"
[ "$(md5sum <"$T/disk")" = "$before" ] || fail "a refused device was written to"
mkdir "$T/fs"
mount "$loop" "$T/fs"
expect 1 $Z run $quick --overwrite --output "$T/h" --path copy --bs 4k
said "is in use (mounted"
umount "$T/fs"

# a server of one's own: files end up one behind the other, and a file that was cut has zeros behind the cut
mkdir "$T/mnt"
$Z serve copy "$T/mnt" --sink file --file "$loop" --overwrite --size 1m --files 2 2>"$T/serve" &
for _ in $(seq 100); do
	[ -e "$T/mnt/data1" ] && break
	sleep 0.1
done
head -c 1048576 /dev/urandom >"$T/payload"
dd if="$T/payload" of="$T/mnt/data1" bs=64k oflag=direct conv=notrunc 2>/dev/null
cmp -n 1048576 "$T/payload" "$loop" 0 1048576 || fail "data1 is not behind data0"
truncate -s 5000 "$T/mnt/data1"
truncate -s 1m "$T/mnt/data1"
dd if="$T/mnt/data1" of="$T/back" bs=64k iflag=direct 2>/dev/null
cmp -n 5000 "$T/payload" "$T/back" || fail "what was before the cut is lost"
cmp -n 1043576 -i 5000:0 "$T/back" /dev/zero || fail "what was behind the cut came back"
umount "$T/mnt"
wait
expect 1 $Z serve copy "$T/mnt" --sink file --file "$loop" --overwrite --size 1m --no-aligned
said "only O_DIRECT"
nothing_left
