#!/bin/bash
# SPDX-License-Identifier: MIT
# Driver fio: through every path with --verify=crc32c, read back and checked, buffered and direct, at depth 1 and 16,
# with 1 and 4 clients, from each source that fio can have its buffers in; its results are valid by the schema and
# say what fio says. A server that changes a byte is caught. A fio that is missing, fails, hangs in a dead mount or
# prints nonsense is an error by name, and leaves nothing behind. The job files run by hand.
set -eu
. tests/lib.sh
command -v fio >/dev/null || skip "fio is not installed: sudo make deps"

file=/dev/shm/zcbench-fio.$$
also="$file*"
small="--setup --rounds 1 --runtime 20ms --warmup 0s --size 2m --no-limits --no-ledger --no-conditions --counted-rounds 0"
paths=$(available_paths | grep -vx ipc | paste -sd,)
right='all(c["verified"] and c["path_ok"] and "error" not in c and len(c["rounds"]) == 1 and c["driver"] == "fio" for c in cells)'

for access in "" --buffered; do
	expect 0 $Z run $small $access --driver fio --output "$T/a$access" --path "$paths" --sink file \
		--file "$file" --overwrite --bs 16k --depth 1,16 --clients 1,4 --json -
	json "$right"
	json "len(cells) == 4 * len({c['path'] for c in cells}) == 4 * len('$paths'.split(','))"
	json 'all(c["engine"] == ("psync" if c["depth"] == 1 else "io_uring") for c in cells)'
	cp "$T/out" "$T/valid$access.json"
done

# each source, READ, and blocks that are no power of two
expect 0 $Z run $small --driver fio --output "$T/b" --path copy,passthrough --op write,read --sink file --file "$file" \
	--overwrite --source anon,memfd,hugetlb,udmabuf --bs 12345,1m --json -
json "$right"
json '{c["source"] for c in cells} == {"anon", "memfd", "hugetlb"}'
json 'all("fio cannot have its buffers in this source" in s["why"] and s["driver"] == "fio" for s in r["skipped"])'

# the bypass: in place from memory that can be shared, one counted copy from other; what the library cannot do is said
expect 0 $Z run $small --driver fio --output "$T/i" --path ipc --op write,read --sink file --file "$file" --overwrite \
	--source anon,memfd,hugetlb --bs 12345 --clients 1,4 --json -
json "$right and len(cells) == 12"
json 'all(c["rounds"][0]["requests"].keys() == {"ipc"} for c in cells)'
json 'all(c["summary"]["declared_copy_factor"]["median"] == (c["source"] == "anon") for c in cells)'
cp "$T/out" "$T/validipc.json"
expect 77 $Z run $small --driver fio --output "$T/i" --path ipc --sink null --bs 4k --depth 16 --json -
json 'all("one operation in flight" in s["why"] for s in r["skipped"])'
expect 77 $Z run $small --driver fio --output "$T/i" --path ipc --sink null --bs 4k --engine libaio --json -
json 'all("only engines that call" in s["why"] for s in r["skipped"])'
expect 1 $Z run $small --driver fio --output "$T/i" --path ipc --sink file --file "$file" --overwrite --bs 64k --fault corrupt

# what is in the result is what was asked for, and what fio does not tell is absent; the other driver has it
expect 0 $Z run $small --driver native,fio --produce once --output "$T/c" --path copy --op write,read --sink null --bs 4k \
	--count 100 --counted-rounds 1 --events page-faults --csv "$T/csv" --json -
cp "$T/out" "$T/validcount.json"
json 'len(cells) == 4 and [c["driver"] for c in cells] == ["native", "fio"] * 2'
json 'all(c["rounds"][0]["ops"] == 100 and c["rounds"][0]["payload_bytes"] == 409600 for c in cells)'
json 'all(("setup_ns" in c["rounds"][0]) == ("client" in c["rounds"][0]["context_switches"]) == (c["driver"] == "native") for c in cells)'
json 'all("setup_ns" not in c["summary"] and "context_switches_per_op" not in c["summary"] for c in cells if c["driver"] == "fio")'
json 'all(c["verified"] is (c["driver"] == "native") for c in cells) and "stores nothing" in r["not_measured"]["driver verified"]'
json 'all(c["driver_version"].startswith("fio-") for c in cells if c["driver"] == "fio")'
json 'all(c["rounds"][0]["elapsed_ns"] >= 100 * c["rounds"][0]["latency_ns"]["min"] for c in cells)'
[ "$(cut -d, -f14,15 "$T/csv" | sort | uniq -c | tr -s ' ' | paste -sd';')" = " 1 driver,engine; 2 fio,psync; 2 native," ] ||
	fail "driver and engine in the CSV"

expect 77 $Z run $small --driver fio --output "$T/d" --path copy,ipc --mmap --sink null --bs 4k --json -
expect 77 $Z run $small --driver fio --output "$T/d" --path copy --produce each --sink null --bs 4k --json -
json '"--produce once" in r["skipped"][0]["why"]'
cp "$T/out" "$T/validskip.json"

# the proof can fail: a changed byte, another route, a file that answers from a cache
expect 1 $Z run $small --driver fio --output "$T/e" --path copy,passthrough --sink file --file "$file" --overwrite --bs 64k \
	--fault corrupt --json -
json '[c for c in cells if c["path"] == "copy"][0]["verified"] is False and "verify" in cells[0]["error"]'
expect 1 $Z run $small --driver fio --output "$T/e" --path copy --sink null --bs 64k --fault reroute --json -
said "did not do what its name says"
expect 1 $Z run $small --driver fio --output "$T/e" --path copy --op read --buffered --engine mmap --runtime 200ms --sink null \
	--bs 64k --json -
said "clients moved"

# broken ones
expect 77 $Z run $small --driver fio --fio /nonexistent/fio --output "$T/f" --path copy --sink null --bs 4k
printed "driver fio: '/nonexistent/fio' cannot be started"
expect 77 $Z run $small --driver fio --fio /bin/true --output "$T/f" --path copy --sink null --bs 4k
printed "or is no fio"
fake() { # fake SCRIPT: a fio that says its version, and then this
	printf '#!/bin/sh\n[ "$1" = --version ] && echo fio-9.9 && exit\n%s\n' "$1" >"$T/fio"
	chmod +x "$T/fio"
	expect 1 $Z run $small --driver fio --fio "$T/fio" --output "$T/f" --path copy --sink null --bs 4k --watchdog 2s
}
fake 'echo "no such luck" >&2; exit 3'
said "ended with status 3: no such luck"
fake 'echo "{}"'
said "printed no JSON result of fio's"
fake "kill -SEGV \$\$"
said "fio was killed by signal 11"
fake 'echo "{\"jobs\": [{\"error\": 28}]}"; exit 1'
said "fio's job failed: No space left on device"
fake 'echo "{\"jobs\": [{\"error\": 0, \"write\": {\"total_ios\": 5}}]}"'
said "fio's result has no"
fake 'sleep 1000'
said "did not answer"
expect 1 $Z run $small --driver fio --engine nonsense --output "$T/f" --path copy --sink null --bs 4k
said "engine nonsense not loadable"
expect 1 $Z run $small --driver fio --engine psync --depth 16 --output "$T/f" --path copy --sink null --bs 4k
said "never had more than one operation in flight"
said "try: --engine io_uring"
expect 2 $Z run --driver foi --output "$T/f"
said "try: --driver fio"

# the job files, as anybody would run them
serve copy --sink file --file "$file" --overwrite
for job in workloads/*.fio; do
	expect 0 fio "$job" --filename="$mnt/data0" --runtime=100ms --output-format=json
	/usr/bin/python3 -c 'import json, sys
j = json.load(open(sys.argv[1]))["jobs"]
assert j and all(x["error"] == 0 and x["read"]["total_ios"] + x["write"]["total_ios"] > 10 for x in j)' "$T/out" ||
		fail "$job"
done
unserve

if /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
	for f in "$T"/valid*.json; do
		/usr/bin/python3 -c 'import json, sys, jsonschema
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open("docs/result.schema.json")), jsonschema.Draft7Validator)
' "$f" || fail "$f is not valid by the schema"
	done
fi
! ls local-*-verify.state 2>/dev/null || fail "fio left its state here"
nothing_left
