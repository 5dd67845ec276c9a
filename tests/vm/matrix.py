#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Judges what matrix.sh brought back (matrix.py FOLDER): every combination of every path, source, sink, op and
size is there, measured, verified and as claimed; uring-zc got every request without a copy; what a dma-buf
costs is counted. The lists are zcbench's own, so that a new path is tested as soon as it is listed."""
import collections
import glob
import itertools
import json
import re
import sys

folder = sys.argv[1]
wrong = []


def listed():
    """The names by section, and the (path, sink) pairs that a path refuses."""
    names, refused, section, sink = collections.defaultdict(list), set(), None, None
    for line in open(f"{folder}/list"):
        if re.match(r"[a-z]", line):
            section = line.split()[0]
        elif m := re.match(r"  (\S+) +yes ", line):
            names[section].append(m[1])
            sink = m[1]
        elif section == "sinks" and (m := re.match(r" +not on (\S+):", line)):
            refused.add((m[1], sink))
    return names, refused


def bounced(cell, measured):
    """The copies in user space that a path cannot do without, as a share of the payload."""
    copied = measured.get("copied_bytes", {}).get("client_user", {}).get("user", 0)
    return copied / measured["payload_bytes"]


def check(cell):
    assert "error" not in cell, cell["error"]
    assert cell["verified"] is True, "not verified"
    assert cell["path_ok"] is True, cell.get("path_problem")
    assert len(cell["rounds"]) == 1 and cell["rounds"][0]["ops"] > 0, "not measured"
    for measured in cell["rounds"]:
        requests = measured["requests"]
        if cell["path"] == "uring-zc":
            assert list(requests) == ["zero_copy"], f"requests came otherwise: {requests}"
            assert requests["zero_copy"]["bytes"] == measured["payload_bytes"], requests
        # a dma-buf cannot be given to O_DIRECT; private memory cannot be given to ipc
        is_dma_buf = cell["source"] in ("udmabuf", "dmaheap")
        expected = cell["source"] == "anon" if cell["path"] == "ipc" else is_dma_buf
        assert bounced(cell, measured) == expected, f"bounced {bounced(cell, measured)}, not {int(expected)}"


names, refused = listed()
for section, least in {
    "paths": {"copy", "splice", "uring", "uring-pool", "uring-zc", "passthrough", "ipc"},
    "sources": {"anon", "memfd", "hugetlb", "udmabuf", "dmaheap"},
    "sinks": {"null", "read", "file", "tcp"},
}.items():
    if not least <= set(names[section]):
        wrong.append(f"{section}: only {names[section]} are listed")
if not refused <= {("passthrough", "read"), ("passthrough", "tcp")}:
    wrong.append(f"refused without a reason that this test knows: {refused}")

seen = collections.Counter()
for path in sorted(glob.glob(f"{folder}/parts/*/result.json")):
    for cell in json.load(open(path))["cells"]:
        what = tuple(cell[k] for k in ("path", "source", "sink", "op", "bs"))
        seen[what] += 1
        try:
            check(cell)
        except AssertionError as e:
            wrong.append(f"{' '.join(map(str, what))}: {e}")

wanted = {
    (path, source, sink, op, bs)
    for path, source, sink, op, bs in itertools.product(
        names["paths"], names["sources"], names["sinks"], ("write", "read"), (4096, 4097, 1 << 20, 1048573)
    )
    if (path, sink) not in refused and not (path == "splice" and op == "read" and bs < 8192)  # libfuse does not
}
for what in sorted(wanted - set(seen)):
    wrong.append(f"missing: {' '.join(map(str, what))}")
for what, n in sorted(seen.items()):
    if n != 1 or what not in wanted:
        wrong.append(f"{n} times: {' '.join(map(str, what))}")

print(f"{len(wanted)} combinations, {len(wrong)} things wrong")
print("\n".join(wrong[:40]))
sys.exit(bool(wrong))
