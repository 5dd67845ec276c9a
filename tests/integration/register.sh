#!/bin/bash
# SPDX-License-Identifier: MIT
# --register each: memory really is registered for each operation, and the bytes are still right; what it cannot be
# combined with is left out with a reason. Several clients: fairness and memory are measured, and shown.
set -eu
. tests/lib.sh

quick="--no-limits --no-ledger --no-conditions --counted-rounds 0 --no-report --size 1m --warmup 5ms --runtime 50ms --rounds 2"

# Each registration is a message and its answer, for which both sides sleep: switches tell it from a ring that is polled.
for op in write read; do
	for how in once each; do
		expect 0 $Z run $quick --path copy,ipc --sink read --op $op --bs 4k,1m --source memfd,anon --register $how --json - \
			--output "$T/$op-$how"
		json "len(cells) == 8 and all(c['verified'] and c['path_ok'] and c['register'] == '$how' for c in cells)"
		cp "$T/out" "$T/$op-$how.json"
	done
	python3 - "$T/$op-once.json" "$T/$op-each.json" <<-'PY' || fail "memory was not registered each time"
		import json, sys
		once, each = ({(c["bs"], c["source"]): c["summary"] for c in json.load(open(f))["cells"] if c["path"] == "ipc"}
		              for f in sys.argv[1:])
		for k in each:
		    switches = [s[k]["context_switches_per_op"]["median"] for s in (once, each)]
		    assert switches[1] >= 1.9, (k, switches)
		    assert k[0] > 4096 or switches[0] < switches[1] / 2, (k, switches)
		    assert each[k]["latency_p50_ns"]["median"] > once[k]["latency_p50_ns"]["median"], k
	PY
done

expect 77 $Z run $quick --path ipc --depth 4 --register each --sink null --bs 4k --output "$T/d" --json -
json '"--depth 1" in r["skipped"][0]["why"]'
expect 0 $Z run $quick --path uring,copy --depth 4 --register each --sink null --bs 4k --output "$T/e" --json -
json 'len(cells) == 2'
expect 2 $Z run $quick --register twice
said "once, each"

# the two ways of one path are two lines of a figure, and a result from before there was a choice is read as `once`
expect 0 $Z compare "$T/write-once" "$T/write-once"
! grep -q registered "$T/out" || fail "a usual value needs no word"
python3 - "$T/write-once.json" "$T/old.json" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
for c in r["cells"]:
    del c["register"]
json.dump(r, open(sys.argv[2], "w"))
PY
expect 0 $Z compare "$T/old.json" "$T/write-once"

# --- several clients
expect 0 $Z run $quick --path copy,ipc --sink read --bs 4k --clients 1,4 --output "$T/c"
for word in "slowest / mean" "its memory" "the server's"; do
	printed "$word"
done
[ "$(grep -c "slowest / mean" "$T/out")" -eq 1 ] || fail "one client has nobody to be fair to"
cp "$T/c/result.json" "$T/out"
json 'all(("fairness" in c["summary"]) == (c["clients"] > 1) for c in cells)'
json 'all(0 < c["summary"]["fairness"]["median"] <= 1 for c in cells if c["clients"] > 1)'
json 'all(2**18 < c["summary"][m]["median"] < 2**27 for c in cells for m in ("server_memory_bytes", "client_memory_bytes"))'
nothing_left
