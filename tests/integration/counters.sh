#!/bin/bash
# SPDX-License-Identifier: MIT
# Performance counters and samples. Counters agree with getrusage(2) where both count the same, roles are told
# apart, what cannot be counted is absent with its reason (never zero), and each wrong or forbidden event has a
# message that says what to do, while the run goes on with what is left. Samples tell copying from not copying.
. tests/lib.sh

quick="--rounds 1 --runtime 50ms --warmup 0s --size 1m --bs 4k --sink null"
pmu=no
ls -d /sys/bus/event_source/devices/{cpu,cpu_core,armv8_*} >/dev/null 2>&1 && pmu=yes

# Software events are everywhere. A client of copy sleeps for each operation, once; its switches and faults are
# those that getrusage(2) counts too, but for what zcbench does between the two readings.
expect 0 $Z run $quick --path copy,ipc --counted-rounds 2 --output "$T/a" --json -
json 'all(len(c["rounds"]) == 1 and len(c["counted_rounds"]) == 2 for c in cells)'
json 'all("counters" not in r for c in cells for r in c["rounds"])'
cat >"$T/agree.py" <<'PY'
import json, sys
cells = json.load(open(sys.argv[1]))["cells"]
for c in cells:
    for r in c["counted_rounds"]:
        for role in "client", "server":
            n = r["counters"][role]
            usage = r["context_switches"][role]
            assert abs(n["context-switches"]["total"] - sum(usage.values())) <= 3, (role, n, usage)
            faults = r["page_faults"][role]["minor"] + r["page_faults"][role]["major"]
            assert abs(n["page-faults"]["user"] + n["page-faults"]["kernel"] - faults) <= 8, (role, n, faults)
            # a software event is never multiplexed, and time is enabled only on a CPU
            assert all(not v["scaled"] and v["enabled_ns"] == v["running_ns"] for v in n.values() if "total" in v)
            clock = n["task-clock"]
            assert abs(clock["total"] - clock["enabled_ns"]) < 1e6 and clock["total"] > 0
        switches = r["counters"]["client"]["context-switches"]["total"] / r["ops"]
        assert c["depth"] > 1 or 0.9 <= switches < 3 if c["path"] == "copy" else switches < 0.5, (c["path"], switches)
    per_op = c["counters"]["client"]["context-switches"]["total"]
    assert abs(per_op["per_kib"] * 4 - per_op["per_op"]) <= 1e-6 * per_op["per_op"]
    assert "cpu_migrations_per_op" in c["summary"]
PY
/usr/bin/python3 "$T/agree.py" "$T/out" || fail "counters and getrusage(2) disagree"

# threads of the server count: the main thread of copy does not serve
json '[c["counted_rounds"][0]["counters"]["server"]["context-switches"]["total"] >
	0.9 * c["counted_rounds"][0]["ops"] for c in cells if c["path"] == "copy"] == [True]'
# the same with io_uring in the client
expect 0 $Z run $quick --path copy --depth 8 --produce once --output "$T/b" --json -
/usr/bin/python3 "$T/agree.py" "$T/out" || fail "counters and getrusage(2) disagree at depth 8"

# hardware events: absent without a PMU, with the reason; counted with one
if [ $pmu = no ]; then
	json '"cycles" not in cells[0]["counted_rounds"][0]["counters"]["client"]'
	json '"no PMU" in r["not_measured"]["counters cycles"] and "counters task-clock" not in r["not_measured"]'
	json 'not any(m.startswith(("cycles", "cache", "llc", "l1d", "dtlb")) for c in cells for m in c["summary"])'
	# by name it is worth a warning, and the run goes on
	expect 0 $Z run $quick --path ipc --events cycles,page-faults --output "$T/c"
	said "not counted: cycles: this machine has no performance counters (no PMU)"
	said "try: in a virtual machine"
	printed "page-faults"
	if grep -q cycles "$T/out"; then fail "cycles are in the table"; fi
	expect 0 $Z list --events
	grep -q '^  cycles  *no' "$T/out" || fail "list --events: cycles"
else
	json 'all(c["counters"]["client"]["instructions"]["kernel"]["per_op"] > 100 for c in cells)'
	json 'all(c["summary"]["cycles_per_op"]["median"] > 100 for c in cells)'
	expect 0 $Z list --events
	grep -q '^  cycles  *yes  user + kernel' "$T/out" || fail "list --events: cycles"
	# more events than any CPU has counters: the kernel takes turns, and that is said
	expect 0 $Z run $quick --runtime 500ms --path copy --output "$T/c" --json - --events \
		default,branches,branch-misses,L1-DCACHE-LOADS,ITLB-LOAD-MISSES,BRANCH-LOADS,DTLB-LOADS
	json 'any(e["scaled"] and 0 < e["running_ns"] < e["enabled_ns"]
		for e in cells[0]["counted_rounds"][0]["counters"]["server"].values())'
fi
printed "events of the default set"
grep -q '^  task-clock  *yes' "$T/out" || fail "list --events: task-clock"

# nothing to count: no counted rounds
expect 0 $Z run $quick --path ipc --events none --output "$T/d" --json -
json 'all(c["counted_rounds"] == [] and "counters" not in c for c in cells)'
expect 0 $Z run $quick --path ipc --counted-rounds 0 --output "$T/e" --json -
json 'all(c["counted_rounds"] == [] for c in cells)'

# the whole machine is at least client and server together
if [ "$(id -u)" -eq 0 ]; then
	expect 0 $Z run $quick --path copy --events context-switches --events-system --output "$T/f" --json -
	json 'all(n["system"]["context-switches"]["total"] >= n["client"]["context-switches"]["total"] +
		n["server"]["context-switches"]["total"] - 6 for n in [cells[0]["counted_rounds"][0]["counters"]])'
fi

# Without rights, user code is counted and the kernel is not; what only the kernel does is absent, not zero.
if id nobody >/dev/null 2>&1 && command -v setpriv >/dev/null && [ "$(id -u)" -eq 0 ] &&
	[ "$(cat /proc/sys/kernel/perf_event_paranoid)" -ge 2 ]; then
	chmod 755 "$T"
	mkdir "$T/home"
	chown nobody "$T/home"
	chmod a+rw /dev/fuse
	cp $Z "$T/zcbench"
	unprivileged=(env -C "$T/home" "ZCBENCH_RUNDIR=$T/home/run" setpriv --reuid=nobody --regid=nogroup --clear-groups
		"$T/zcbench" run)
	expect 0 "${unprivileged[@]}" $quick --path ipc --output "$T/home/r" --json - \
		--events page-faults,context-switches --events-system --breakdown
	said "not counted: context-switches"
	said "kernel.perf_event_paranoid is"
	said "sudo sysctl kernel.perf_event_paranoid=1"
	said "system page-faults"
	said "no samples"
	said "run as root"
	json '"breakdown" in r["not_measured"] and all("breakdown" not in c for c in cells)'
	if [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -eq 2 ]; then
		json 'all(set(n["page-faults"]) & {"user", "kernel", "total"} == {"user"} and "context-switches" not in n
			for n in cells[0]["counted_rounds"][0]["counters"].values())'
		json '"in the kernel" in r["not_measured"]["counters page-faults"]'
	fi
fi

# no descriptors to spare for them: said, and the run goes on; a soft limit is raised
expect 0 bash -c "ulimit -n 66; exec $Z run $quick --path ipc --output $T/g --json - --events page-faults"
said "Too many open files"
said "ulimit -n"
json 'cells[0]["verified"] and cells[0]["path_ok"] and not cells[0]["counted_rounds"]'
expect 0 bash -c "ulimit -S -n 66; exec $Z run $quick --path ipc --output $T/g --json - --events page-faults"
json 'cells[0]["counters"]["server"]["page-faults"]'

# Samples: at 1 MiB the server of copy copies, and that of ipc does not. The flame graphs' stacks say the same.
if [ "$(id -u)" -eq 0 ]; then
	expect 0 $Z run --path copy,ipc --bs 1m --sink null,read --rounds 1 --runtime 400ms --sampled-rounds 2 --events none \
		--breakdown --flame "$T/flame" --output "$T/h" --json "$T/h.json"
	printed "shares, not counts"
	cp "$T/h.json" "$T/out"
	cat >"$T/shares.py" <<'PY'
import json, sys
cells = json.load(open(sys.argv[1]))["cells"]
def share(path, sink, role, name):
    c = [c for c in cells if c["path"] == path and c["sink"] == sink][0]["breakdown"]
    assert c["source"] == "sampled" and c["event"] in ("cycles", "cpu-clock")
    r = c[role]
    assert r["samples"] >= 20, (path, sink, role, r)
    assert abs(sum(k["share"] for k in r["classes"].values()) - 1) < 1e-9
    assert abs(sum(k["ns_per_op"] for k in r["classes"].values()) - r["cpu_ns_per_op"]) < 1
    return r["classes"][name]["share"]
for sink in "null", "read":
    copy, ipc = share("copy", sink, "server", "copy"), share("ipc", sink, "server", "copy")
    assert copy > 0.15 and ipc < 0.05, (sink, copy, ipc)
for path in "copy", "ipc":
    assert share(path, "null", "server", "checksum") < 0.05, path
    assert share(path, "read", "server", "checksum") > 0.05, path
assert share("copy", "null", "client", "page_pinning") > 0.1
assert share("ipc", "null", "server", "idle") > 0.5
PY
	/usr/bin/python3 "$T/shares.py" "$T/out" || fail "shares"
	for f in copy ipc; do
		grep -qE '^(client|server)(;[^;]+)+ [0-9]+$' "$T/flame/$f-write-1m-null.folded" || fail "folded stacks of $f"
	done
	grep -q '^server;.*;fuse_dev_do_read_\[k\]' "$T/flame/copy-write-1m-null.folded" || fail "copy's server in its stacks"
	grep -q '^server;.*;wait_next' "$T/flame/ipc-write-1m-null.folded" || fail "ipc's server in its stacks"
fi
# where the kernel does not let its copies be counted, samples come without being asked for; else not
if [ "$(id -u)" -eq 0 ]; then
	expect 0 $Z run $quick --path copy,ipc --output "$T/i" --json -
	json '("copy_factor" in r["not_measured"]) == all("breakdown" in c for c in cells)'
	json '("copy_factor" in r["not_measured"]) != all("copy_factor" in c["summary"] for c in cells)'
	expect 0 $Z run $quick --path copy --no-ledger --output "$T/j" --json -
	json '"breakdown" not in cells[0] and "--no-ledger" in r["not_measured"]["copy_factor"]'
fi
nothing_left
