#!/bin/bash
# SPDX-License-Identifier: MIT
# libzcbypass.so: programs with and without it leave the same bytes, return the same values, and those with it really
# took the ring. Shared memory is used in place, everything else is staged, other files are left alone. With the server
# killed, calls return EIO and new opens are the kernel's; processes that come and go leave nothing in the server.
set -eu
. tests/lib.sh
python=/usr/bin/python3
command -v fio >/dev/null || skip "fio is not installed: sudo make deps"

file=/dev/shm/zcbench-bypass.$$
also="$file*"
keep=(--sink file --file "$file" --overwrite)
took() { [ "$(report "operations on the ring")" -ge "$1" ] || { cat "$T/err" >&2; fail "not on the ring: $2"; }; }

# --- the same calls, with and without: values, errno, bytes
for way in kernel ring; do
	serve ipc "${keep[@]}" --size 1m
	if [ $way = ring ]; then
		expect 0 with $python tests/integration/bypass_calls.py "$mnt"
		took 2000 "bypass_calls.py"
		[ "$(report "in place")" -ge 170000 ] || fail "shared memory was not used in place"
		[ "$(report "sessions lost")" -eq 0 ] || fail "a session was lost"
	else
		expect 0 timeout 120 $python tests/integration/bypass_calls.py "$mnt"
	fi
	cp "$T/out" "$T/calls.$way"
	cp "$mnt/data0" "$T/data0.$way"
	unserve
done
[ -s "$T/calls.kernel" ] && diff "$T/calls.kernel" "$T/calls.ring" >&2 || fail "calls differ"
cmp "$T/data0.kernel" "$T/data0.ring"

# --- programs
serve ipc "${keep[@]}" --size 8m
state() { echo "$(find "/proc/$server/fd" | wc -l) $(grep -c memfd "/proc/$server/maps")"; }
before=$(state)
head -c 8388608 /dev/urandom >"$T/src"
expect 0 with dd if="$T/src" of="$mnt/data0" bs=100000 conv=notrunc
took 84 dd
cmp "$T/src" "$mnt/data0"
expect 0 with dd if="$mnt/data0" of="$T/copy" bs=77777
took 108 "dd back"
cmp "$T/src" "$T/copy"
expect 0 with cp "$T/src" "$mnt/data1"
cmp "$T/src" "$mnt/data1"
expect 0 with cp "$mnt/data1" "$T/copy"
cmp "$T/src" "$T/copy"
expect 0 with sha256sum "$mnt/data1"
[ "$(cut -d' ' -f1 "$T/out")" = "$(sha256sum <"$T/src" | cut -d' ' -f1)" ] || fail sha256sum
# redirections are opened by a shell that has it loaded, and inherited over exec
expect 0 with bash -c "head -c 5000 >$mnt/data2 <$mnt/data0; tail -c 3000 <$T/src >>$mnt/data2"
cmp <(head -c 5000 "$T/src"; tail -c 3000 "$T/src") "$mnt/data2"
expect 0 with dd if="$T/src" of="$T/other" bs=1M
[ "$(report files)" -eq 0 ] || fail "took a file that is on no such mount"
cmp "$T/src" "$T/other"

# --- fio, with processes and threads, verified; its buffers in a memfd are used in place
for how in "" --thread; do
	expect 0 with fio --name=x --filename="$mnt/data3" --size=2m --offset_increment=2m --numjobs=4 $how --rw=randwrite \
		--bs=12k --ioengine=psync --verify=crc32c --verify_state_save=0 --output-format=json
	took 1200 "fio $how"
	[ "$(report "bytes staged")" -ge 16000000 ] || fail "fio $how: not staged"
done
$python - >"$T/memfd" <<-'PY' &
	import fcntl, os, signal
	fd = os.memfd_create("fio", os.MFD_ALLOW_SEALING)
	os.posix_fallocate(fd, 0, 1 << 20)
	fcntl.fcntl(fd, 1033, 2)
	print(f"/proc/{os.getpid()}/fd/{fd}", flush=True)
	signal.pause()
PY
holder=$!
for _ in $(seq 100); do [ -s "$T/memfd" ] && break || sleep 0.1; done
expect 0 with fio --name=x --filename="$mnt/data1" --size=8m --rw=write --bs=64k --ioengine=psync --verify=crc32c \
	--verify_state_save=0 --mem=mmapshared:"$(cat "$T/memfd")" --output-format=json
[ "$(report "in place")" -eq 16777216 ] && [ "$(report "bytes staged")" -eq 0 ] || { cat "$T/err" >&2; fail "not in place"; }
kill "$holder"

# --- children that inherited a file and come at the same moment: each has a ring of its own, none is turned away
cat >"$T/fork.py" <<-'PY'
	import os, sys
	src = open(sys.argv[2], "rb").read()
	for n in range(20):
	    fd = os.open(sys.argv[1], os.O_RDONLY)
	    r, w = os.pipe()
	    children = []
	    for i in range(16):
	        pid = os.fork()
	        if not pid:
	            os.close(w)
	            os.read(r, 1) # until all are there
	            os._exit(os.pread(fd, 5000, i * 1000) != src[i * 1000 : i * 1000 + 5000])
	        children.append(pid)
	    os.close(r)
	    os.close(w)
	    for pid in children:
	        assert os.waitpid(pid, 0)[1] == 0
	    os.close(fd)
PY
cp "$T/src" "$mnt/data0"
expect 0 with $python "$T/fork.py" "$mnt/data0" "$T/src"
took 320 "children that inherited a file"
! grep refused "$T/serve" >&2 || fail "a child was refused"

# --- the server is as it was before all of them: no descriptor, mapping or thread is left
for _ in $(seq 20); do with dd if="$mnt/data0" of=/dev/null bs=64k 2>/dev/null & done
for p in $(jobs -p); do [ "$p" = "$server" ] || wait "$p" || true; done
for _ in $(seq 50); do [ "$(state)" = "$before" ] && break || sleep 0.1; done
[ "$(state)" = "$before" ] || fail "the server has (descriptors, shared mappings) $(state), not $before"

# --- it dies in the middle
cat >"$T/die.py" <<-'PY'
	import errno, os, sys, time
	fd = os.open(sys.argv[1], os.O_RDWR)
	def told(f, *a):
	    try:
	        f(*a)
	        return "nothing"
	    except OSError as e:
	        return errno.errorcode[e.errno]
	assert os.pread(fd, 100, 0)
	os.kill(int(sys.argv[2]), 9)
	print(told(os.pread, fd, 100, 0), told(os.write, fd, b"x"), told(os.open, sys.argv[1], os.O_RDWR))
PY
expect 0 with $python "$T/die.py" "$mnt/data0" "$server"
[ "$(cat "$T/out")" = "EIO EIO ENOTCONN" ] || fail "told: $(cat "$T/out")"
wait "$server" 2>/dev/null || true
umount -l "$mnt"

# --- a mount without a back channel, and none at all
serve copy "${keep[@]}" --size 8m
expect 0 with dd if="$T/src" of="$mnt/data0" bs=100000 conv=notrunc
cmp "$T/src" "$mnt/data0"
[ "$(report "operations on the ring")" -eq 0 ] && [ "$(report "passed through")" -ge 84 ] || fail "a ring on path copy"
unserve
expect 1 $Z exec "$T" -- true
said "is no FUSE mount"
expect 2 $Z exec "$T"
said "exec takes a mount point"
expect 1 $Z exec /nonexistent -- true
nothing_left
