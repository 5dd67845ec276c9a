#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Judges what ledger.sh brought back (ledger.py FOLDER): results with a ledger are valid by the schema, and the
copies are at the hops where they belong."""
import glob
import json
import os
import sys

import jsonschema

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[0]))))
validator = jsonschema.Draft7Validator(json.load(open(f"{root}/docs/result.schema.json")))
wrong, results = [], {}
for path in sorted(glob.glob(f"{sys.argv[1]}/ledger/*/result.json")):
    name = path.split("/")[-2]
    results[name] = json.load(open(path))
    for error in validator.iter_errors(results[name]):
        wrong.append(f"{name}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}")

# (run, path, op): copies at each hop that has any
HOPS = {
    ("null", "copy", "write"): {"fuse": 1},
    ("null", "passthrough", "write"): {"client_syscall": 1},
    ("null", "uring-zc", "read"): {},
    ("read", "splice", "write"): {"fuse": 1, "sink": 1},
    ("read", "uring-zc", "read"): {"sink": 1},
    ("tmpfs", "ipc", "write"): {"sink": 1},
    ("tcp", "uring-zc", "write"): {"sink": 1},
    ("udmabuf", "uring-zc", "write"): {"client_user": 1},
    ("anon", "ipc", "write"): {"client_user": 1},
}
seen = set()
for name, result in results.items():
    for cell in result["cells"]:
        key = (name, cell["path"], cell["op"])
        for r in cell["rounds"] if key in HOPS else []:
            hops = {hop: round(sum(v for v in b.values() if isinstance(v, int)) / r["payload_bytes"], 1)
                    for hop, b in r["copied_bytes"].items()}
            hops = {hop: n for hop, n in hops.items() if n}
            seen.add(key)
            if hops != HOPS[key]:
                wrong.append(f"{' '.join(key)} {cell['bs']}: {hops}, not {HOPS[key]}")
for key in sorted(set(HOPS) - seen):
    wrong.append(f"missing: {' '.join(key)}")
softirq = [r["copy_functions"]["skb_copy_ubufs"] for c in results["tcp"]["cells"] if c["path"] == "uring-zc" and
           c["op"] == "write" for r in c["rounds"]]
if not softirq or any(list(f) != ["softirq"] for f in softirq):
    wrong.append(f"what loopback copied is not softirq's: {softirq}")
print(f"{len(results)} results, {len(wrong)} things wrong")
print("\n".join(wrong[:40]))
sys.exit(bool(wrong))
