#!/bin/bash
# SPDX-License-Identifier: MIT
# The ways in which a client can use the file beside O_DIRECT. Buffered: each path moves every byte right
# through the page cache, a READ is never answered by the cache alone, and its surplus by read-ahead is
# bounded.
. tests/lib.sh

quick="--setup --rounds 1 --runtime 5ms --warmup 2ms --size 4m --no-limits --no-ledger --counted-rounds 0"
all=copy,splice,passthrough,ipc
uring_kernel && all=$all,uring
file=/dev/shm/zcbench-test.$$
also="$file*"

right='all(c["verified"] and c["path_ok"] and "error" not in c and len(c["rounds"]) == 1 for c in cells)'
fuse='[c for c in cells if c["path"] not in ("ipc", "passthrough")]'
served='sum(q["bytes"] for q in c["rounds"][0]["requests"].values())'
payload='c["rounds"][0]["payload_bytes"]'

# every path, sink and op, depth and several clients; blocks that are no multiple of a page
expect 0 $Z run $quick --buffered --output "$T/a" --path $all --op write,read --sink null,read --bs 4k,1m,1048573 \
	--json -
json "$right"
json 'len(cells) == 6 * (2 * len({c["path"] for c in cells}) - 1)'
json 'all(c["access"] == "buffered" for c in cells)'
expect 0 $Z run $quick --buffered --output "$T/b" --path $all --op write,read --sink file --file "$file" --bs 12k,12345 \
	--depth 4 --clients 2 --json -
json "$right"

# what the page cache costs is in what is promised
expect 0 $Z run $quick --buffered --output "$T/c" --path $all --op write,read --sink null,file --file "$file" \
	--bs 16k --json -
json "$right"
# (for each byte that was requested, beside what is copied between page cache and client)
json 'all(c["expected"]["copy_factor"] == 2 for c in cells if c["path"] in ("copy", "uring") and (c["op"], c["sink"]) == ("write", "null"))'
json 'all(c["expected"]["copy_factor"] == 3 + c["summary"]["declared_copy_factor"]["median"] for c in cells
	if c["path"] in ("copy", "uring") and (c["op"], c["sink"]) == ("write", "file"))'
json "all(abs(c['expected']['copy_factor'] - 1 - (1 + (c['sink'] == 'file')) * $served / $payload) < 1e-6 for c in cells
	if c['path'] in ('copy', 'uring') and c['op'] == 'read')"
json 'all(c["expected"]["copy_factor"] == 1 for c in cells if c["path"] == "passthrough")'
json 'all(c["expected"]["copy_factor"] == (c["sink"] == "file") for c in cells if c["path"] == "ipc")'
json '{c["sink"]: c["expected"]["copy_factor"] for c in cells if c["path"] == "splice" and c["op"] == "write"} == {"null": 1, "file": 2}'
json "all(abs(c['expected']['copy_factor'] - 1 - $served / $payload) < 1e-6 for c in cells if c['path'] == 'splice' and c['op'] == 'read')"

# READ again and again over a small file, in order and at random: the server sent all of it each time
expect 0 $Z run $quick --buffered --output "$T/d" --path $all --op read --sink read --bs 64k --size 256k --count 64 \
	--rounds 2 --depth 1,3 --json -
json "all($payload == 64 * 65536 <= $served <= $payload + 16 * 65536 for c in $fuse)"
expect 0 $Z run $quick --buffered --output "$T/e" --path $all --op read --sink null --bs 4k,5000 --size 100k --count 200 \
	--pattern random --json -
json "$right"
json "all($payload <= $served for c in $fuse)"

# and a server that counts another route is caught as ever
expect 1 $Z run $quick --buffered --output "$T/f" --path copy --op write,read --sink null --bs 64k --fault reroute --json -
json 'all(c["path_ok"] is False for c in cells)'

# a mapping of the file: zero copies, verified both ways, and no request reaches the server
expect 0 $Z run $quick --mmap --output "$T/g" --path passthrough,copy,ipc --op write,read --sink null,read,file \
	--file "$file" --bs 4k,1m,4097 --depth 1,2 --clients 2 --source memfd,anon --json -
json "$right"
json 'len(cells) == 6 and len(r["skipped"]) == 3 * 2 * 3 * 3 * 2 * 2 - 6'
json 'all(c["access"] == "mmap" and c["expected"] == {"route": "none", "copy_factor": 0} for c in cells)'
json 'all(c["summary"]["declared_copy_factor"]["median"] == 0 for c in cells)'
json 'all(c["rounds"][0]["produce_ns"] == 0 and not c["rounds"][0]["requests"] for c in cells)'
json 'all(c["rounds"][0]["elapsed_ns"] > 0 for c in cells)'
expect 77 $Z run $quick --mmap --output "$T/h" --path passthrough --sink null --bs 4k --produce once
expect 2 $Z run --mmap --buffered --output "$T/never"
said "exclude each other"

# a source without a memfd below it
expect 77 $Z run $quick --via memfd --output "$T/i" --path copy --source memfd,anon --sink null --bs 4k --json -
json 'all("no memfd below" in s["why"] for s in r["skipped"])'
nothing_left
