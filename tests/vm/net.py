#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Judges what net.sh brought back (net.py FOLDER): verified, as claimed, and by reference where the path allows
it; through a network card nothing of that is copied late, over loopback all that SEND_ZC sent is."""
import json
import sys

wrong, cells = [], 0


def by_reference(run, cell):
    """The share of the payload that is to go by reference."""
    if cell["op"] == "read" or run == "nic-copy":
        return 0
    if cell["source"] == "udmabuf" and cell["path"] == "ipc":
        return 0  # a dma-buf's mapping cannot be registered
    if run == "nic-zc":
        return 1
    return int(cell["path"] in ("splice", "uring-zc", "ipc"))


for run, least in {"nic": 24, "nic-zc": 8, "nic-copy": 4, "nic-dmabuf": 4, "nic-deep": 4, "loopback": 12}.items():
    result = json.load(open(f"{sys.argv[1]}/{run}/result.json"))["cells"]
    cells += len(result)
    if len(result) != least:
        wrong.append(f"{run}: {len(result)} cells, not {least}")
    for cell in result:
        what = f"{run}: {cell['path']} {cell['op']} {cell['bs']}"
        if "error" in cell or not (cell["verified"] and cell["path_ok"]):
            wrong.append(f"{what}: {cell.get('error')} {cell.get('path_problem')}")
            continue
        for r in cell["rounds"]:
            sent, share = r["sent"], by_reference(run, cell)
            if sent["zero_copy_bytes"] != share * r["payload_bytes"]:
                wrong.append(f"{what}: {sent} of {r['payload_bytes']}, share {share}")
            late = sent["zero_copy_bytes"] if run == "loopback" and cell["path"] != "splice" else 0
            if sent["copied_late_bytes"] != late:
                wrong.append(f"{what}: {sent}, not {late} copied late")
            if cell["path"] == "uring-zc" and list(r["requests"]) != ["zero_copy"]:
                wrong.append(f"{what}: {r['requests']}")

print(f"{cells} cells, {len(wrong)} things wrong")
print("\n".join(wrong[:20]))
sys.exit(bool(wrong))
