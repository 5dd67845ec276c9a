#!/bin/bash
# SPDX-License-Identifier: MIT
# What `run --json` writes is valid by docs/result.schema.json, whatever happened in the run: all paths and
# both ops, several clients, depth, no verification, a workload, cells that failed or were left out, an
# interrupted run, nothing to run at all. The schema is not too kind: a result with a member removed, added
# or of a wrong type is refused. Schema, CSV and documents name the same metrics and members.
set -eu
. tests/lib.sh

python=/usr/bin/python3
$python -c 'import jsonschema' 2>/dev/null || skip "python3-jsonschema is not installed: sudo make deps"

n=0
result() { # result STATUS ARGS...: a small run with this exit status; its JSON is kept
	local status=$1
	shift
	n=$((n + 1))
	expect "$status" $Z run --runtime 10ms --warmup 5ms --rounds 2 --bs 4k --size 1m --output "$T/o$n" "$@" \
		--json "$T/$n.json" --quiet
	[ -s "$T/$n.json" ] || fail "no JSON from: $*"
}

result 0 --setup --op write,read --csv "$T/csv"
result 0 --setup --clients 2 --op read --events-system
result 0 --events none --path ipc,copy --breakdown
result 0 --source anon --depth 3 --clients 2 --produce once --pattern random --pin none --no-verify
result 0 --path copy,ipc --op write,read --pollution --no-limits
result 0 --path copy,splice,ipc --sink file --file "$T/data" --op write,read
result 0 --path copy,ipc --sink tcp --op write,read
# cells that fail: before they start, and by not taking the promised route
result 1 --sink file --file /nonexistent/x
result 1 --path copy,ipc --sink null --fault reroute
result 0 --path copy,splice --sink null --bs 512
# a path that was left out for this combination, and nothing left at all
result 0 --path passthrough,ipc
result 77 --path passthrough --sink read
printf 'description = one sentence\n[a]\npath = ipc\n[b]\npath = copy\nclients = 2\n' >"$T/w.ini"
result 0 "$T/w.ini"
result 0 --setup --buffered --op write,read --sink read
result 0 --mmap --op write,read --sink null
result 77 --via memfd --path copy
n=$((n + 1))
expect 1 timeout --preserve-status -s INT 2 $Z run --path copy,ipc --runtime 10s --output "$T/o$n" --quiet \
	--json "$T/$n.json"

cat >"$T/check.py" <<'PY'
import copy, json, re, sys
import jsonschema

folder, n = sys.argv[1], int(sys.argv[2])
schema = json.load(open("docs/result.schema.json"))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
wrong = []


def first_error(result):
    error = next(validator.iter_errors(result), None)
    return error and "/".join(map(str, error.absolute_path)) + ": " + error.message[:300]


results = [json.load(open(f"{folder}/{i}.json")) for i in range(1, n + 1)]
for i, result in enumerate(results, 1):
    error = first_error(result)
    if error:
        wrong.append(f"{i}.json is refused: {error}")

# The runs were what they were meant to be.
cells = [c for r in results for c in r["cells"]]
assert any("error" in c for c in cells) and any(c.get("path_ok") is False for c in cells)
assert any(c.get("verified") is False for c in cells) and any(c["clients"] == 2 for c in cells)
assert any(r["skipped"] for r in results) and any("interrupted" in r["run"] for r in results)
assert any("workload" in r for r in results) and any(not r["cells"] for r in results)

# The validator is alive: each of these changes is refused.
good = results[1]
assert first_error(good) is None and len(good["cells"][0]["rounds"]) == 2


def refused(what, change):
    bad = copy.deepcopy(good)
    change(bad)
    if first_error(bad) is None:
        wrong.append(f"not refused: {what}")


def at(result, path):
    for key in path:
        result = result[key]
    return result


ROOT, CELL, ROUND = (), ("cells", 0), ("cells", 0, "rounds", 0)
COUNTED = ("cells", 0, "counted_rounds", 0)
FAULTS = COUNTED + ("counters", "client", "page-faults")
for path in ROOT, ("host",), CELL, ROUND, COUNTED, ROUND + ("latency_ns",), ROUND + ("cpu_ns", "client"):
    for key, value in at(good, path).items():
        where = "/".join(map(str, path + (key,)))
        if path != ("host",) and key != "breakdown":  # that one depends on the kernel
            refused(where + " removed", lambda r: at(r, path).pop(key))
        refused(where + " is null", lambda r: at(r, path).update({key: None}))
        if not isinstance(value, str):
            refused(where + " is a string", lambda r: at(r, path).update({key: "4096"}))
    if path != ("host",):
        refused("/".join(map(str, path)) + " has another member", lambda r: at(r, path).update(surplus=1))
for key in "enabled_ns", "running_ns", "scaled":
    refused(f"a count without {key}", lambda r: at(r, FAULTS).pop(key))
refused("a count of nobody", lambda r: [at(r, FAULTS).pop(k) for k in ("user", "kernel")])
refused("counters in a timed round", lambda r: at(r, ROUND).update(counters=at(r, COUNTED)["counters"]))
refused("an unknown role", lambda r: at(r, COUNTED + ("counters",)).update(other={}))
sampled = next(r for r in results if any("breakdown" in c for c in r["cells"]))
for key in "source", "event", "client", "lost":
    bad = copy.deepcopy(sampled)
    bad["cells"][0]["breakdown"].pop(key)
    if first_error(bad) is None:
        wrong.append(f"not refused: a breakdown without {key}")
refused("a negative time", lambda r: at(r, ROUND).update(elapsed_ns=-1))
refused("a fraction of an operation", lambda r: at(r, ROUND).update(ops=1.5))
refused("an unknown route", lambda r: at(r, ROUND + ("requests",)).update(other={"requests": 1, "bytes": 1}))
refused("a bucket that does not exist", lambda r: at(r, ROUND)["latency_histogram"].append([3968, 1]))
refused("a broken promise without the reason", lambda r: at(r, CELL).update(path_ok=False))
refused("an unknown metric", lambda r: at(r, CELL + ("summary",)).update(speed=at(r, CELL + ("summary", "setup_ns"))))
refused("a cell without samples and reason", lambda r: at(r, CELL).update(rounds=[], summary={}))
refused("another schema", lambda r: r.update(schema=2))

# Schema, CSV, `zcbench list`'s table and the documents agree on names.
metrics = list(schema["definitions"]["summary"]["properties"])
header = open(f"{folder}/csv").readline().strip().split(",")
if [h[:-3] for h in header if h.endswith("_lo")] != metrics:
    wrong.append(f"the schema's metrics are not those of --csv: {metrics}")
headings = re.findall(r"^## `(\w+)`", open("docs/metrics.md").read(), re.M)
if headings != metrics:
    wrong.append(f"docs/metrics.md has other metrics, or in another order: {headings}")
text = open("docs/result-schema.md").read()


def members(node):
    for key, value in node.get("properties", {}).items():
        yield key
        yield from members(value)
    for value in node.get("definitions", {}).values():
        yield from members(value)
    if isinstance(node.get("items"), dict):
        yield from members(node["items"])


for name in sorted(set(members(schema)) - set(metrics)):
    if f"`{name}`" not in text:
        wrong.append(f"docs/result-schema.md does not explain `{name}`")

# A bucket's bounds, as docs/result-schema.md gives them, hold the latencies that were counted in it.
def bounds(index):
    if index < 256:
        return index, index + 1
    shift = index // 128 - 1
    return (128 + index % 128) << shift, (129 + index % 128) << shift


for r in (r for c in cells for r in c["rounds"]):
    buckets, latency = r["latency_histogram"], r["latency_ns"]
    assert sum(count for _, count in buckets) == r["ops"]
    assert bounds(buckets[0][0])[0] <= latency["min"] < bounds(buckets[0][0])[1]
    assert bounds(buckets[-1][0])[0] <= latency["max"] < bounds(buckets[-1][0])[1]

print("\n".join(wrong))
sys.exit(bool(wrong))
PY
$python "$T/check.py" "$T" "$n" || fail "results and docs/result.schema.json do not agree"
nothing_left
