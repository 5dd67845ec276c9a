#!/bin/bash
# SPDX-License-Identifier: MIT
# Sink tcp: every path x op moves every byte to the receiver and back, checked at the far end; what was
# sent by reference is counted; a wrong byte, a dead receiver and a peer that is none are told from success.
. tests/lib.sh

common="--setup --rounds 1 --runtime 5ms --warmup 0s --size 8m --sink tcp --no-limits --no-ledger --counted-rounds 0"
paths=$(available_paths | grep -vx passthrough)
n=$(wc -w <<<"$paths")
paths=$(paste -sd, <<<"$paths")

expect 0 $Z run $common --output "$T/a" --path $paths --source anon,memfd --op write,read --bs 4k,1m,4097,1048573 --json -
json "len(cells) == 2 * 2 * 4 * $n - 4" # (splice: no READ of 4 KiB)
json 'all(c["verified"] and c["path_ok"] and "error" not in c for c in cells)'
# by reference: where the path itself copies nothing (SEND_ZC), and splice's pipe; loopback copies late
json 'all((c["rounds"][0]["sent"]["zero_copy_bytes"] > 0) == (c["op"] == "write" and c["path"] in ("splice", "uring-zc", "ipc")) for c in cells)'
json 'all(c["rounds"][0]["sent"]["zero_copy_bytes"] in (0, c["rounds"][0]["payload_bytes"]) for c in cells)'
json 'all(c["rounds"][0]["sent"]["copied_late_bytes"] == c["rounds"][0]["sent"]["zero_copy_bytes"] for c in cells if c["path"] != "splice")'

# what TCP had to send again is said: on a loopback of its own that drops what comes too fast
lossy() {
	# shellcheck disable=SC2016
	unshare --net bash -ec 'ip link set lo up
		tc qdisc add dev lo root tbf rate 400mbit burst 80kb limit 100kb
		exec "$@"' lossy "$@"
}
json 'all(c["rounds"][0]["sent"]["retransmitted_bytes"] >= 0 for c in cells)'
if lossy true 2>"$T/lossy"; then
	expect 0 lossy $Z run $common --output "$T/l" --path copy --bs 64k --runtime 100ms --json -
	json 'all(c["verified"] and c["rounds"][0]["sent"]["retransmitted_bytes"] > 65536 for c in cells)'
else
	echo "a lossy connection was not tried: no network namespace, or no tbf in this kernel: $(cat "$T/lossy")"
fi

# depth, several clients, a server's own buffers by reference, and nothing by reference
expect 0 $Z run $common --output "$T/b" --path $paths --op write,read --bs 64k --depth 8 --clients 3 --json -
json 'all(c["verified"] and c["path_ok"] and "error" not in c for c in cells)'
expect 0 $Z run $common --output "$T/c" --path uring,ipc --bs 64k,3m --send zc --json -
json 'all(c["rounds"][0]["sent"]["zero_copy_bytes"] == c["rounds"][0]["payload_bytes"] for c in cells)'
expect 0 $Z run $common --output "$T/d" --path uring,ipc --bs 64k --send copy --json -
json 'all(c["rounds"][0]["sent"]["zero_copy_bytes"] == 0 for c in cells)'

# who is not on the data path has nothing to forward
expect 77 $Z run $common --output "$T/e" --path passthrough
printed "nothing to forward"

# one byte wrong on the way: the receiver sees it, and so does a client that reads
expect 1 $Z run $common --output "$T/f" --path copy,ipc --bs 64k --fault corrupt --json -
json 'all("that reached the" in c["error"] and c["verified"] is False for c in cells)'
expect 1 $Z run $common --output "$T/g" --path copy,ipc --bs 64k --op read --fault corrupt --json -
json 'all("that came back" in c["error"] for c in cells)'

# a receiver of one's own: named, refused, dead in the middle, and one that is none
port() { sed -n 's/.*listens on 127.0.0.1:\([0-9]*\);.*/\1/p' "$1"; }
start_sink() {
	: >"$T/sink" # nothing of the one before
	$Z sink 2>"$T/sink" &
	sink=$!
	for _ in $(seq 100); do
		[ -z "$(port "$T/sink")" ] || return 0
		sleep 0.05
	done
	fail "zcbench sink does not listen"
}
start_sink
address=127.0.0.1:$(port "$T/sink")
expect 0 $Z run $common --output "$T/h" --path copy --bs 64k --tcp "$address" --json -
json "cells[0]['evidence']['tcp'] == '$address' and cells[0]['verified']"

# what is sent to it by strangers costs only the stranger
/usr/bin/python3 - "${address#*:}" <<-'PY'
	import os, socket, struct, sys
	def talk(data):
	    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
	    s.sendall(data)
	    s.shutdown(socket.SHUT_WR)
	    try:
	        return s.recv(100)
	    except ConnectionResetError:
	        return b""
	frame = lambda op, session, length: struct.pack("<IHHQQQII", 0x3153435a, op, 0, session, 0, 0, length, 0)
	assert talk(os.urandom(4096)) == b""
	assert talk(b"GET / HTTP/1.0\r\n\r\n" * 10) == b""
	assert talk(frame(9, 1, 0)) == b""
	assert talk(frame(3, 1, 0) + frame(3, 2, 0))[:8] == bytes(8)  # a second session on one connection
	assert talk(frame(1, 1, 0xffffffff) + b"x" * 1000) == b""
	assert talk(frame(1, 5, 0) + frame(3, 5, 0)) == bytes(40)
PY
grep -q "does not speak zcbench's protocol" "$T/sink" || fail "the receiver did not say whom it cut off"
expect 0 $Z run $common --output "$T/i" --path copy,ipc --bs 64k --tcp "$address" --op write,read

# it dies under load
$Z run $common --runtime 20s --output "$T/j" --path copy --bs 64k --tcp "$address" --json "$T/j.json" >"$T/out" 2>"$T/err" &
run=$!
for _ in $(seq 100); do
	ls -d "$ZCBENCH_RUNDIR"/*.*/m* >/dev/null 2>&1 && break
	sleep 0.1
done
sleep 2
kill -KILL $sink
status=0
wait $run || status=$?
[ $status -eq 1 ] || fail "status $status with a receiver that died"
said "this cell failed"

expect 1 $Z run $common --output "$T/k" --path copy --bs 64k --tcp "$address"
said "Connection refused"
said "zcbench sink --listen"
expect 1 $Z run $common --output "$T/l" --path copy --bs 64k --tcp nonsense
said "is not HOST:PORT"
expect 1 $Z sink --listen 127.0.0.1:99999
said "zcbench: error:"
expect 2 $Z sink somewhere
expect 1 $Z serve copy "$T" --sink tcp
said "needs --tcp"
nothing_left
