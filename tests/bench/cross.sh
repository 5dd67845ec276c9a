#!/bin/bash
# SPDX-License-Identifier: MIT
# make bench-cross: the native driver and fio on the same cells, in turns, and the ratio of their throughputs
# with an interval; and that of the latencies which one operation in ten stays below, which other work on the machine
# hardly moves. docs/fio.md explains what differs. Options of `zcbench run` can be added, later ones win.
set -eu
. tests/lib.sh

$Z run --driver native,fio --produce once --path copy,splice,passthrough,uring --setup --sink null,file \
	--file "/dev/shm/zcbench-cross.$$" --op write,read --bs 64k,1m --rounds 9 --runtime 300ms \
	--counted-rounds 0 --no-ledger --no-limits --no-report --quiet --json "$T/out" --output "$T/result" "$@"
/usr/bin/python3 - "$T/out" <<'PY'
import json, random, statistics, sys

cells = json.load(open(sys.argv[1]))["cells"]
rate = lambda c: [r["throughput_bytes_per_s"] for r in c["rounds"]]
key = lambda c: tuple(c[k] for k in ("path", "source", "sink", "op", "bs", "depth", "clients", "access"))
fio = {key(c): c for c in cells if c["driver"] == "fio"}
random.seed(1)
p10 = lambda c: statistics.median(r["latency_ns"]["p10"] for r in c["rounds"])
print(f"{'path':12} {'op':6}{'sink':6}{'block':>8}  {'native':>11} {'fio':>11}   fio/native, 95 % interval   p10 latency")
for c in cells:
    other = fio.get(key(c))
    if c["driver"] != "native" or not other or not c["rounds"] or not other["rounds"]:
        continue
    # round i of one against round i of the other: neighbours in time
    pairs = [b / a for a, b in zip(rate(c), rate(other))]
    draws = sorted(statistics.median(random.choices(pairs, k=len(pairs))) for _ in range(2000))
    ratio, lo, hi = statistics.median(pairs), draws[49], draws[1949]
    note = "" if lo <= 1.15 and hi >= 0.85 or c["bs"] < 1 << 20 else "   more than 15 % apart"
    mib = lambda c: f"{statistics.median(rate(c)) / 2**20:7.0f} MiB/s"
    print(f"{c['path']:12} {c['op']:6}{c['sink']:6}{c['bs'] >> 10:7}k {mib(c)} {mib(other)}   {ratio:.2f}  {lo:.2f} .. {hi:.2f}              {p10(other) / p10(c):.2f}{note}")
PY
