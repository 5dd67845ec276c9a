#!/bin/bash
# SPDX-License-Identifier: MIT
# zcbench history: runs go in once and whole, whatever happens to the writer; where a metric moved is found
# and named; what is no history of ours is refused and left as it is.
. tests/lib.sh
alone="--no-limits --no-ledger --counted-rounds 0 --sampled-rounds 0"
python=/usr/bin/python3
H=$T/h.db
history() {
	"$Z" history "$@" --db "$H"
}
sql() {
	sqlite3 "$H" "$1"
}

expect 0 "$Z" run --path copy,ipc --sink null --bs 64k --rounds 1 --runtime 5ms --warmup 0s --size 1m $alone \
	--output "$T/real" --quiet

# 40 results of 5 rounds, a minute apart: from the 26th on ipc is 20 % slower, and in the 31st copy copies more
$python - "$T/real/result.json" "$T" <<'PY'
import copy, json, random, sys
real = json.load(open(sys.argv[1]))
random.seed(7)
for i in range(40):
    r = copy.deepcopy(real)
    r["run"]["started"] = f"2026-03-01T12:{i:02d}:00+0100"
    r["git"] = f"rev{i:02d}"
    for c in r["cells"]:
        like = c["rounds"][0]
        slower = 1.2 if i >= 26 and c["path"] == "ipc" else 1
        c["rounds"] = []
        for k in range(5):
            n = copy.deepcopy(like)
            noise = slower * (1 + random.expovariate(1) / 100)
            n["throughput_bytes_per_s"] = 1e9 / noise
            n["latency_ns"].update(p50=65000 * noise, p99=130000 * noise)
            n["cpu_ns"].update(client={"user": 0, "kernel": int(2e7)}, server={"user": 0, "kernel": int(3e7)})
            n["ops"], n["payload_bytes"] = 1000, 1000 * c["bs"]
            for route in n["requests"].values():
                route.update(requests=1000, bytes=n["payload_bytes"])
            if i >= 31 and c["path"] == "copy":
                n["copied_bytes"]["server_user"]["user"] = n["payload_bytes"]
            c["rounds"].append(n)
    json.dump(r, open(f"{sys.argv[2]}/r{i:02d}.json", "w"))
PY

# nothing there
expect 1 history show
said "there is no history $H"
[ ! -e "$H" ] || fail "show made a history"
expect 2 history
expect 2 history erase
said "history takes add, show, plot, export or prune"
expect 2 history add
expect 2 history prune
said "needs --keep N"
sqlite3 "$H" "PRAGMA user_version = 0" # an empty file
expect 1 history show
said "the history $H is empty"
expect 1 history export
said "the history $H is empty"
rm -f "$H"*

# added once, in any order, and named by the commit that was given
expect 0 history add "$T/r03.json"
printed "run 1: $T/r03.json"
expect 0 history add "$T/r03.json"
printed "run 1: $T/r03.json (was there already)"
expect 0 history add --commit abc123 "$T/r02.json" "$T/real"
[ "$(sql 'SELECT count(*) FROM runs')" = 3 ] || fail "runs"
expect 0 history show
[ "$(awk '$1 ~ /^[0-9]+$/ {print $1}' "$T/out" | head -2 | tr '\n' ' ')" = "2 1 " ] || fail "runs are not in order of time"
grep -qE '^ +2 +2026-03-01 11:02:00 +abc123 ' "$T/out" || fail "the commit"
# a bad file says so, and the others are added
head -c 1000 "$T/r04.json" >"$T/cut.json"
expect 1 history add "$T/cut.json" "$T/r05.json"
said "$T/cut.json, line 1: "
printed "run 4: $T/r05.json"
[ "$(sql 'SELECT count(*) FROM runs')" = 4 ] || fail "a bad file kept a good one out"
rm -f "$H"*

# two writers at once, from the first moment on
status=0
history add "$T"/r[0-3][02468].json >/dev/null 2>"$T/err" &
one=$!
history add "$T"/r[0-3][13579].json >/dev/null 2>"$T/err2" || status=$?
wait $one || status=$?
[ $status -eq 0 ] || fail "two writers: $(cat "$T/err" "$T/err2")"
[ "$(sql 'PRAGMA integrity_check')" = ok ] || fail "integrity"
[ "$(sql 'SELECT count(*) FROM runs')" = 40 ] || fail "two writers lost a run"
per_run=$(sql "SELECT group_concat(DISTINCT n) FROM (SELECT count(*) n FROM samples GROUP BY run)")
[[ $per_run =~ ^[0-9]+$ ]] || fail "not all runs have all samples: $per_run"

# where metrics moved, and at which run and commit
expect 0 history show
printed "ipc write, sink null, 64k blocks"
grep -qE 'throughput_bytes_per_s +[0-9.]+ MiB/s -> [0-9.]+ MiB/s, worse, at run [0-9]+ \(2026-03-01 11:26:00, commit rev26,' "$T/out" ||
	fail "the slow-down was not found: $(cat "$T/out")"
grep -qE 'copies.server_user +0.00 -> 1.00, worse, at run [0-9]+ \(2026-03-01 11:31:00, commit rev31,' "$T/out" ||
	fail "the copy was not found"
# throughput, two latencies; the declared copy factor and its hop
[ "$(grep -c ' at run ' "$T/out")" -eq 5 ] || fail "not 5 changes: $(cat "$T/out")"
expect 0 history show --threshold 50%
[ "$(grep -c ' at run ' "$T/out")" -eq 2 ] || fail "--threshold"
expect 0 history show --last 10
! grep -q rev26 "$T/out" || fail "--last"
expect 0 history show --cell 'copy write' --metric throughput
printed "0 of 1 series moved"
expect 0 history show --values --cell 'copy write' --metric throughput
[ "$(grep -c 'iB/s  run ' "$T/out")" -eq 40 ] || fail "--values"
expect 1 history show --cell nonsense
said "has no such cell and metric"

# the same as pictures: the runs at which lines moved are marked and named
expect 0 history plot --metric throughput --output "$T/figures"
[ "$(ls "$T"/figures/history-throughput_bytes_per_s-write-sink-null-64k-*.{svg,png,gp,tsv} | wc -l)" -eq 4 ] || fail "pictures"
grep -q "ipc worse at run [0-9]* (rev26): 9.* MiB/s to 7.* MiB/s" "$T"/figures/*.gp || fail "the move has no name"
grep -q ">ipc worse at run" "$T"/figures/*.svg || fail "the move is not in the picture"
$python - "$T"/figures/*.tsv <<-'PY' || fail "the data of the picture"
	import sys
	blocks = [b.splitlines() for b in open(sys.argv[1]).read().split("\n\n\n")]
	assert [b[0] for b in blocks] == ["# copy", "# ipc", "# where lines moved"], [b[0] for b in blocks]
	for b in blocks[:2]:
	    rows = [list(map(float, line.split("\t"))) for line in b[2:]]
	    assert [r[0] for r in rows] == list(range(40))
	    assert all(r[2] <= r[1] <= r[3] for r in rows)
	assert [line.split("\t")[0] for line in blocks[2][2:]] == ["26"]
PY
expect 1 history plot --cell nonsense --output "$T/figures"
said "has no such cell and metric"
expect 77 env PATH="$T/nothing" "$(readlink -f "$Z")" history plot --db "$H" --output "$T/figures"
said "apt-get install gnuplot-nox"

# for other programs
samples=$(sql 'SELECT count(*) FROM samples')
expect 0 history export
[ "$(wc -l <"$T/out")" -eq $((samples + 1)) ] || fail "CSV has not all samples"
$python - "$T/out" "$samples" <<-'PY' || fail "CSV"
	import csv, sys
	rows = list(csv.DictReader(open(sys.argv[1])))
	assert len(rows) == int(sys.argv[2])
	assert rows[0]["commit"] == "rev00" and rows[0]["cell"].startswith("copy write, sink null"), rows[0]
	assert all(float(r["value"]) >= 0 and int(r["round"]) < 5 for r in rows)
PY
expect 0 history export --format json --last 2 --metric copies
$python - "$T/out" <<-'PY' || fail "JSON"
	import json, sys
	r = json.load(open(sys.argv[1]))
	assert [x["commit"] for x in r["runs"]] == ["rev38", "rev39"]
	assert {s["metric"] for s in r["samples"]} == {"copies.client_user", "copies.server_user"}
	assert len(r["samples"]) == 2 * 2 * 2 * 5, len(r["samples"])
PY

# prune keeps the newest
expect 0 history prune --keep 15
printed "25 runs removed"
[ "$(sql 'SELECT min(revision) FROM runs')" = rev25 ] || fail "prune kept the wrong ones"
[ "$(sql 'SELECT count(*) FROM samples')" -eq $((15 * per_run)) ] || fail "samples of pruned runs are left"

# locked by another: readers read, a writer says so, and nothing is lost
mkfifo "$T/pipe"
sqlite3 "$H" <"$T/pipe" >/dev/null &
locker=$!
exec 7>"$T/pipe"
printf 'BEGIN IMMEDIATE; DELETE FROM samples;\n' >&7
sleep 0.5
expect 1 history add --wait 200ms "$T/r00.json"
said "adding to $H: another program has it locked"
said "--wait"
expect 0 history show --last 3
exec 7>&-
wait $locker
[ "$(sql 'SELECT count(*) FROM samples')" -eq $((15 * per_run)) ] || fail "the lock lost samples"

# a writer killed in a loop, at moments of all kinds: whole runs only, and it goes on afterwards
most=0
for i in $(seq 30); do
	# not through the function: what is killed has to be the writer and not a shell that waits for it
	"$Z" history add --db "$H" "$T"/r[0-2]*.json >/dev/null 2>&1 &
	writer=$!
	# 1 to 900 ms: before the first transaction, within one, between two
	sleep "0.$(printf %03d $((i * i)))"
	kill -KILL $writer 2>/dev/null || true
	wait $writer 2>/dev/null || true
	n=$(sql 'SELECT count(*) FROM runs')
	most=$((n > most ? n : most))
	expect 0 history prune --keep $((15 + i % 3))
	[ "$(sql 'PRAGMA integrity_check')" = ok ] || fail "a killed writer damaged the history"
	[ "$(sql "SELECT group_concat(DISTINCT n) FROM (SELECT count(*) n FROM samples GROUP BY run)")" = "$per_run" ] ||
		fail "a killed writer left half a run"
	[ "$(sql 'SELECT count(DISTINCT run) FROM samples')" = "$(sql 'SELECT count(*) FROM runs')" ] ||
		fail "a run without samples: $(sql 'SELECT id, (SELECT count(*) FROM samples WHERE run = id) FROM runs')"
done
[ $most -gt 17 ] || fail "the writers were all killed before they had written anything"
expect 0 history add "$T"/r*.json
[ "$(sql 'SELECT count(*) FROM runs')" = 40 ] || fail "the history is not whole after all that"

# what is not ours, newer, or damaged: refused, and left as it is
refused() { # refused FILE MESSAGE
	local before
	before=$(cksum <"$1")
	H=$1 expect 1 history show
	said "$2"
	H=$1 expect 1 history add "$T/r00.json"
	said "$2"
	[ "$before" = "$(cksum <"$1")" ] || fail "$1 was changed"
}
sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
cp "$H" "$T/newer.db"
sqlite3 "$T/newer.db" 'PRAGMA journal_mode = DELETE; PRAGMA user_version = 3' >/dev/null
refused "$T/newer.db" "has schema 3, and this zcbench knows those up to 2"
sqlite3 "$T/foreign.db" 'CREATE TABLE runs (x); INSERT INTO runs VALUES (1)'
refused "$T/foreign.db" "is no history of zcbench: another program made it"
cp "$T/r00.json" "$T/text.db"
refused "$T/text.db" "is no history of zcbench: it is no SQLite file"
head -c 20000 "$H" >"$T/cut.db"
H=$T/cut.db expect 1 history export
said "$T/cut.db"
H=$T/nowhere/h.db expect 1 history add "$T/r00.json"
said "unable to open database file"

# an older schema is brought up to ours, with what is in it
H=$T/older.db
sqlite3 "$H" <<'SQL'
CREATE TABLE runs (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, started INTEGER NOT NULL,
 revision TEXT NOT NULL, kernel TEXT NOT NULL, host TEXT NOT NULL, file TEXT NOT NULL);
CREATE TABLE samples (run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, cell TEXT NOT NULL,
 metric TEXT NOT NULL, round INTEGER NOT NULL, value REAL NOT NULL,
 PRIMARY KEY (run, cell, metric, round)) WITHOUT ROWID;
INSERT INTO runs VALUES (1, 'x', 1700000000, 'old', '6.1', 'Z80, 1 CPUs', 'f');
INSERT INTO samples VALUES (1, 'ipc write', 'latency_p50_ns', 0, 500);
PRAGMA application_id = 2053333608;
PRAGMA user_version = 1;
SQL
expect 0 history show --values
printed "500 ns  run 1 (2023-11-14 22:13:20, commit old, Linux 6.1)"
[ "$(sql 'PRAGMA user_version')" = 2 ] || fail "not migrated"
expect 0 history add "$T/r00.json"
printed "run 2:"
nothing_left
