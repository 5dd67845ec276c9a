#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Judges what shm.sh brought back (shm.py FOLDER): every combination is there, verified and as claimed; where the
ledger ran, each byte was copied as often as it should be, at the hop where it belongs, and not once in FUSE."""
import collections
import itertools
import json
import os
import sys

import jsonschema

folder = sys.argv[1]
root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[0]))))
validator = jsonschema.Draft7Validator(json.load(open(f"{root}/docs/result.schema.json")))
SOURCES = "memfd", "hugetlb", "udmabuf", "dmaheap"
DMABUFS = "udmabuf", "dmaheap"
K, M = 1 << 10, 1 << 20
wrong = collections.Counter()
# what it leaves out: shm.sh
debug = json.load(open(f"{folder}/nobody/result.json"))["host"]["kernel"].endswith("-debug")


def cells(name):
    result = json.load(open(f"{folder}/{name}/result.json"))
    for error in validator.iter_errors(result):
        wrong[f"{name}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"] += 1
    return result["cells"]


def check(name, cell, copies=None, share=1):
    """copies: at each hop, for each payload byte, None: not counted. share: of the bytes that were matched."""
    assert "error" not in cell, cell["error"]
    assert cell["path"] == "uring-shm" and cell["verified"] is True, "not verified"
    (measured,) = cell["rounds"]
    payload, requests = measured["payload_bytes"], measured["requests"]
    assert payload > 0 and set(requests) <= {"shared", "ring"}, requests
    assert requests["shared"]["bytes"] == share * payload, requests
    assert ("ring" in requests) == (share < 1), requests
    if copies is None or debug:
        return
    hops = {hop: sum(v for v in c.values() if isinstance(v, int)) for hop, c in measured["copied_bytes"].items()}
    if cell["sink"] == "tcp":  # each payload has a header, written once and read once; what is sent again is copied again
        more, again = hops["sink"] - payload, measured["sent"]["retransmitted_bytes"]
        assert 0 < more <= 2 * 40 * measured["ops"] + again, (hops, payload, again)
        hops["sink"] -= more
    assert {hop: n / payload for hop, n in hops.items() if n} == copies, (hops, payload)
    assert abs(cell["summary"]["copy_factor"]["median"] - sum(copies.values())) < 0.005, cell["summary"]


def matrix(name, sinks, sizes, copies=lambda cell: None, sources=SOURCES, ok=True, share=1):
    """All of these are in the run, once each, and good."""
    wanted = collections.Counter(itertools.product(sources, sinks, ("write", "read"), sizes))
    for cell in cells(name):
        what = tuple(cell[k] for k in ("source", "sink", "op", "bs"))
        wanted[what] -= 1
        try:
            assert cell["path_ok"] is ok, cell.get("path_problem", "path_ok")
            check(name, cell, copies(cell), share)
        except (AssertionError, KeyError) as e:
            wrong[f"{name}: {' '.join(map(str, what))}: {e!r}"] += 1
    for what, n in wanted.items():
        if n:
            wrong[f"{name}: {' '.join(map(str, what))}: {1 - n} times"] += 1


if not debug:
    matrix("ledger", ("null", "read"), (64 * K, M), lambda c: {})
    matrix("ledger-depth", ("read",), (1048573,), lambda c: {}, sources=("memfd", "dmaheap"))
    matrix("ledger-device", ("file",), (64 * K,), lambda c: {"server_user": 1} if c["source"] in DMABUFS else {})
    matrix("ledger-tmpfs", ("file",), (64 * K,), lambda c: {"sink": 1})
    matrix("ledger-tcp", ("tcp",), (64 * K,), lambda c: {"sink": 1})
    matrix("matrix", ("null", "read", "file", "tcp"), (4 * K, 1048573))
    matrix("single", ("read", "file"), (4097, 3 * M))
matrix("each", ("read",), (64 * K,), lambda c: {})
matrix("nobody", ("null", "read"), (64 * K,), sources=("memfd",))
for name, ok in ("unmatched", False), ("unmatched-allowed", True):
    matrix(name, ("null", "read"), (64 * K,), lambda c: {"fuse": 0.5}, sources=("memfd",), ok=ok, share=0.5)
for cell in cells("unmatched"):
    if "came by route ring, not shared" not in cell["path_problem"]:
        wrong[f"unmatched: {cell['path_problem']}"] += 1
for name, error in ("unmatched-dmabuf", "Bad address"), ("corrupt", "is not what"):
    for cell in cells(name):
        if error not in cell.get("error", ""):
            wrong[f"{name}: {cell.get('error')}"] += 1
# what was sent by reference was: all of it, but from what cannot be registered
for cell in cells("ledger-tcp") if not debug else ():
    (measured,) = cell["rounds"]
    by_reference = cell["op"] == "write" and cell["source"] not in DMABUFS
    if measured["sent"]["zero_copy_bytes"] != by_reference * measured["payload_bytes"]:
        wrong[f"ledger-tcp: {cell['source']} {cell['op']}: {measured['sent']}"] += 1

print(f"{len(wrong)} things wrong")
print("\n".join(list(wrong)[:40]))
sys.exit(bool(wrong))
