#!/bin/bash
# SPDX-License-Identifier: MIT
# The limits of the machine: measured by `zcbench limits` and by a run, in the result file, and each cell a
# share of what they allow. The pollution pass finds its working sets, and says what it could not measure.
. tests/lib.sh

expect 0 $Z limits --rounds 3 --setup --json "$T/limits.json"
printed "limits of this machine"
printed "ping_pong"
printed "fuse_dev_round_trip"
/usr/bin/python3 - "$T/limits.json" <<'PY' || fail "limits --json"
import json, sys
l = json.load(open(sys.argv[1]))
steps = {k: v["best"] for k, v in l["latency_ns"].items()}
assert l["rounds"] == 3 and l["cpus"]["client"] != l["cpus"]["server"], l["cpus"]
for name in "system_call", "ping_pong", "futex_round_trip", "pin_page", "fuse_dev_round_trip":
    assert steps[name] > 0, name
# a FUSE round trip wakes two CPUs and makes several system calls; a wake-up makes at least one
assert steps["fuse_dev_round_trip"] > 2 * steps["system_call"]
assert steps["futex_round_trip"] > steps["ping_pong"]
level = {(b["pass"], b.get("level")): b["best"] for b in l["bandwidth_bytes_per_s"]}
assert {p for p, _ in level} >= {"memcpy", "read", "checksum", "fill"}
for p in "memcpy", "read", "checksum":
    assert level[p, "L1"] > level[p, "memory"], (p, level)
    assert level[p, "memory"] > 100e6
PY
expect 0 $Z limits --rounds 1 --json -
/usr/bin/python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$T/out" || fail "limits --json -"
if uring_kernel && [ "$(cat /sys/module/fuse/parameters/enable_uring)" = N ]; then
	# what is not there is absent, and says why and what to do
	/usr/bin/python3 - "$T/out" <<-'PY' || fail "the reason why there is no ring"
	import json, sys
	l = json.load(open(sys.argv[1]))
	assert "fuse_ring_round_trip" not in l["latency_ns"]
	assert "try:" in l["not_measured"]["fuse_ring_round_trip"]
	PY
fi

# One CPU: nothing can be handed over, the rest is measured.
expect 0 taskset -c "$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')" $Z limits --rounds 1 --json -
/usr/bin/python3 - "$T/out" <<'PY' || fail "limits on one CPU"
import json, sys
l = json.load(open(sys.argv[1]))
assert "server" not in l["cpus"] and "only one CPU" in l["not_measured"]["ping_pong"]
assert "system_call" in l["latency_ns"] and "fuse_dev_round_trip" in l["latency_ns"]
PY

# In a run: the share is of what the limits allow, at the run's own block sizes.
run="$Z run --rounds 3 --runtime 30ms --warmup 5ms --output $T/r"
expect 0 $run --path copy,ipc --sink null,read --bs 4k,96k --json -
json 'sorted({b["bytes"] for b in r["limits"]["bandwidth_bytes_per_s"]}) == [4096, 98304]'
json '"limits" not in r["not_measured"] and "no path" in r["limits"]["not_measured"]["fuse_ring_round_trip"]'
json 'all(abs(x["limit_share"] - x["throughput_bytes_per_s"] / c["limit"]["bytes_per_s"]) < 1e-9
	for c in cells for x in c["rounds"])'
json 'all(abs(c["bs"] * 1e9 / c["limit"]["bytes_per_s"] -
	sum(c["limit"][k] for k in ("round_trip_ns", "copy_ns", "sink_ns"))) < 1e-3 for c in cells)'
json 'all((c["limit"]["copy_ns"] > 0) == (c["path"] == "copy") for c in cells)'
json 'all((c["limit"]["sink_ns"] > 0) == (c["sink"] == "read") for c in cells)'
# a ceiling: only a machine that was much slower while it was measured could be beaten
json 'all(c["summary"]["limit_share"]["lo"] < 2 for c in cells)'
expect 0 $run --path ipc --sink null --bs 4k
printed "of limit"
printed "% trip"

# Left out, and for placements that the limits say nothing of: no share, and that is all.
expect 0 $run --path ipc --sink null --bs 4k --no-limits --json -
json '"limits" not in r and "--no-limits" in r["not_measured"]["limits"]'
json 'all("limit" not in c and "limit_share" not in c["summary"] for c in cells)'
expect 0 $run --path ipc --sink null --bs 4k --pin same --json -
json '"limits" in r and all("limit" not in c for c in cells)'

# Interrupted while it measures limits: nothing is left, and the status says so.
status=0
timeout --preserve-status -s INT 1 $Z limits --rounds 10000 >"$T/out" 2>"$T/err" || status=$?
[ $status -eq 1 ] || fail "an interrupted 'limits' gave status $status"
said "interrupted"

# Pollution: both sides, after each round. A set is measured, or it says why not.
expect 0 $run --path copy,ipc --sink null --bs 1m --no-limits --pollution --json -
json 'all(x["pollution"][side]["cpu"] >= 0 for c in cells for x in c["rounds"] for side in ("client", "server"))'
json 'all(x["pollution"]["client"]["cpu"] != x["pollution"]["server"]["cpu"] for c in cells for x in c["rounds"])'
json 'all((s in x["pollution"][side]) != (s in x["pollution"][side]["not_measured"])
	for c in cells for x in c["rounds"] for side in ("client", "server") for s in ("l2", "llc"))'
json 'all(0 < v[k] < 1e5 for c in cells for x in c["rounds"] for side in ("client", "server")
	for s, v in x["pollution"][side].items() if s in ("l2", "llc")
	for k in ("before_ns_per_line", "after_ns_per_line", "memory_ns_per_line"))'
# the timed part is as it was: its own operations, all of them counted
json 'all(x["requests"][c["expected"]["route"]]["requests"] * c["bs"] == x["payload_bytes"]
	for c in cells for x in c["rounds"])'
expect 0 $run --path copy,uring,ipc --setup --sink read --op read,write --bs 4k --depth 4 --clients 2 --rounds 1 \
	--no-limits --pollution --pin same
printed "before and after a few operations"
nothing_left
