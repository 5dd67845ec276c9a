#!/bin/bash
# SPDX-License-Identifier: MIT
# --json - is valid JSON, equal to the result file, and a second run of the same command agrees with the
# first in everything but the samples. --csv has a line for each cell.
. tests/lib.sh

run="$Z run --setup --rounds 2 --runtime 20ms --warmup 5ms --size 4m --bs 4k,64k --output $T/r --json -"
expect 0 $run
cp "$T/out" "$T/first.json"
/usr/bin/python3 - "$T/first.json" "$T/r/result.json" <<'EOT' || fail "--json and the result file differ"
import json, sys
a, b = (json.load(open(p)) for p in sys.argv[1:])
sys.exit(a != b)
EOT
expect 0 $run
/usr/bin/python3 - "$T/first.json" "$T/out" <<'EOT' || fail "two runs of the same command disagree"
import json, sys
a, b = (json.load(open(p)) for p in sys.argv[1:])
assert len(a["cells"]) > 10
for r in (a, b):
    assert all(len(c["rounds"]) == 2 and c["verified"] and c["path_ok"] for c in r["cells"])
    assert r["run"].pop("started")
    r.pop("run"), r.pop("limits")
    for c in r["cells"]:
        c.pop("rounds"), c.pop("summary"), c.pop("limit"), c.pop("counted_rounds"), c.pop("counters", None)
        c.pop("breakdown", None)
for key in sorted(set(a) | set(b)):
    if a.get(key) != b.get(key):
        sys.exit(f"{key}: {a.get(key)} != {b.get(key)}")
EOT
expect 0 $Z run --path ipc,copy --sink null --rounds 1 --runtime 10ms --bs 4k,8k --output "$T/c" --csv -
[ "$(wc -l <"$T/out")" -eq 5 ] || fail "--csv: not a header and four lines"
[ "$(awk -F, '{print NF}' "$T/out" | sort -u | wc -l)" -eq 1 ] || fail "--csv: lines of different length"
expect 0 $Z run --path ipc --sink null --rounds 1 --runtime 10ms --bs 4k --output "$T/q" --quiet
[ ! -s "$T/out" ] || fail "--quiet printed something"
nothing_left
