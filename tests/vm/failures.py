#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Judges the results of failures.sh: what failed says so in the result file, too; who fell back is exposed by the
server's own count; with more possible CPUs than online ones, all of them have a queue."""
import json
import sys

folder = sys.argv[1]


def cells(name):
    return json.load(open(f"{folder}/{name}/result.json"))["cells"]


for name, words in {
    "off-uring-zc": "switched off",
    "no-admin-zc": "ADD_QUEUE: Operation not permitted",
    "memlock": "registering the buffer pool: Cannot allocate memory",
    "pool-uring-zc": "ADD_BUFPOOL: Invalid argument",
    "pool-uring-pool": "ADD_BUFPOOL: Invalid argument",
    "index-uring-zc": "first request through the ring failed",
    "index-uring-pool": "first request through the ring failed",
    "no-shm": "no shared-buffer zero copy",
    "slot": "Device or resource busy",
}.items():
    for cell in cells(name):
        assert words in cell["error"] and not cell["rounds"], (name, cell)

assert len(cells("fallback")) == 4
for cell in cells("fallback"):
    assert cell["verified"] is True and cell["path_ok"] is False and "error" not in cell, cell
    (measured,) = cell["rounds"]
    (route,) = measured["requests"]
    assert route == "pool" and measured["requests"]["pool"]["requests"] == measured["ops"], measured["requests"]
    assert "came by route pool, not zero_copy" in cell["path_problem"], cell["path_problem"]

for name in "setup", "no-admin-pool", "possible", "possible-1", "offline":
    for cell in cells(name):
        assert cell["verified"] is True and cell["path_ok"] is True and "error" not in cell, (name, cell)
        assert cell["evidence"]["queues"] == 4, cell["evidence"]
        if cell["path"] == "uring-zc":
            assert list(cell["rounds"][0]["requests"]) == ["zero_copy"], cell["rounds"][0]["requests"]
for name in "possible", "possible-1", "offline":
    assert len(cells(name)) == 3 * 2 * 2, name
print("failures: all as they should be")
