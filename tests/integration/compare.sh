#!/bin/bash
# SPDX-License-Identifier: MIT
# zcbench compare: each verdict, each format, each refusal, each exit status. Results are made from one
# real run by changing its samples, so that what is to be found is known.
. tests/lib.sh
alone="--no-limits --no-ledger --counted-rounds 0 --sampled-rounds 0"
python=/usr/bin/python3

expect 0 $Z run --path copy,ipc --sink null --bs 64k --rounds 1 --runtime 5ms --warmup 0s --size 1m $alone \
	--output "$T/real" --quiet

# make NAME ROUNDS [PYTHON]: a result of so many rounds like the real one, each with 2 % of noise of its own,
# with `r` changed by the statements ("for c in cells: ...")
cat >"$T/make.py" <<'PY'
import copy, json, random, sys
real, name, rounds, code = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else ""
r = json.load(open(real))
cells = r["cells"]
random.seed(name.rsplit("/", 1)[1])
for c in cells:
    like = c["rounds"][0]
    like["throughput_bytes_per_s"], like["ops"] = 1e9, 1000
    like["payload_bytes"] = like["ops"] * c["bs"]
    like["latency_ns"].update(p50=65000.0, p99=120000.0)
    for route in like["requests"].values():
        route.update(requests=like["ops"], bytes=like["payload_bytes"])
    like["cpu_ns"].update(client={"user": 0, "kernel": 20000000}, server={"user": 0, "kernel": 30000000},
                          system=50000000)
    like.update(wall_ns=100000000, produce_cpu_ns=0, stolen_ns=0)
    c["rounds"] = []
    for i in range(rounds):
        n = copy.deepcopy(like)
        noise = 1 + random.uniform(-0.02, 0.02)
        n["throughput_bytes_per_s"] /= noise
        for k in "p50", "p99":
            n["latency_ns"][k] *= noise
        for role in "client", "server":
            n["cpu_ns"][role]["kernel"] = int(n["cpu_ns"][role]["kernel"] * noise)
        c["rounds"].append(n)

def each(cells):
    return [n for c in cells for n in c["rounds"]]

def slower(cells, share):
    for n in each(cells):
        n["throughput_bytes_per_s"] /= 1 + share
        n["latency_ns"]["p50"] *= 1 + share

exec(code)
json.dump(r, open(f"{name}.json", "w"), indent=1)
PY
make() {
	local name=$1
	shift
	$python "$T/make.py" "$T/real/result.json" "$T/$name" "$@"
}
make base 10
make same 10
make slow 10 'slower(cells[:1], 0.10)'
make fast 10 'slower(cells[:1], -0.10)'
make little 10 'slower(cells, 0.03)'
make few_base 5
make few 5 'slower(cells, 0.5)'
make copies 10 'for n in each(cells[:1]): n["copied_bytes"]["server_user"]["user"] += n["payload_bytes"]'
make fewer 10 'for n in each(cells[:1]): n["requests"]["dev"]["requests"] //= 2'
make route 10 'for n in each(cells[:1]): n["requests"]["ring"] = n["requests"].pop("dev")'
make broken 10 'cells[1].update(error="the server <died> & \"left\" | `it`", rounds=[], summary={})'
make unlike 10 'cells[0].update(path_ok=False, path_problem="it went another way")'
make lost 10 'del cells[1]'
make unmeasured 10 'for n in each(cells): del n["copied_bytes"]["server_user"]'
make disjoint 10 'for c in cells: c["depth"] = 2'
make rough 10 'for i, n in enumerate(each(cells)): n["throughput_bytes_per_s"] *= 1 + i % 3'
make kernel 10 'r["host"]["kernel"] = "9.9"'
make host 10 'r["host"].update(cpu_model="Z80", kernel="9.9", governor="powersave")'
make emulated 10 'r["host"]["virtual_machine"] = "tcg"; slower(cells, 1)'
make buffered 10 'for c in cells: c.update(access="buffered", op="read")'
make ahead 10 'for c in cells: c.update(access="buffered", op="read")
for i, n in enumerate(each(cells)): n["requests"] = {"dev": {"requests": 1000 + 100 * (i % 3), "bytes": 1}}'

c() { # c STATUS NEW [OPTIONS...]: base against NEW
	local status=$1 name=$2
	shift 2
	expect "$status" $Z compare "$@" "$T/base.json" "$T/$name.json"
}
row() { # row METRIC WORDS...: a line of the table with this metric says that
	grep -E "^ +[!+]? *$1 " "$T/out" | grep -qF -- "$2" || {
		cat "$T/out" >&2
		fail "no row $1 says: $2"
	}
}

# the verdicts, and their exit statuses
c 0 same
row throughput_bytes_per_s "no difference shown"
printed "10 no difference shown, 14 equal"
c 3 slow
row throughput_bytes_per_s "worse"
row latency_p50_ns "worse"
row latency_p99_ns "no difference shown"
printed "2 worse, 8 no difference shown, 14 equal"
grep -qE '^regression: copy write, sink null, 64k .*: latency_p50_ns: [0-9.]* us -> [0-9.]* us, 1\.[01]' "$T/out" || fail "$(cat "$T/out")"
c 0 fast
row throughput_bytes_per_s "better"
c 0 rough
row throughput_bytes_per_s "no difference shown"
expect 0 $Z compare "$T/few_base.json" "$T/few.json"
row throughput_bytes_per_s "too few rounds"
printed "too few rounds: with 10 tests, finding anything at 1 % takes at least 7 rounds a side"
expect 3 $Z compare --alpha 20% "$T/few_base.json" "$T/few.json"
row throughput_bytes_per_s "worse"
# the smallest effect that matters
c 0 little
c 3 little --threshold 0%
row throughput_bytes_per_s "worse"
c 3 little --threshold throughput=0%
row throughput_bytes_per_s "worse"
row latency_p50_ns "no difference shown"
c 3 little --threshold 90%,latency=50%,latency_p50_ns=0.001
row throughput_bytes_per_s "no difference shown"
row latency_p50_ns "worse"
c 0 slow --metric cpu_ns_per_kib
! grep -q throughput "$T/out" || fail "--metric did not choose"
c 3 slow --metric all
row setup_ns "no difference shown"

# what is counted: any change, by hop and by route, however few the rounds
c 3 copies
row copies.server_user "worse"
printed "regression: copy write, sink null, 64k blocks, source memfd, depth 1, 1 client, pin split, file size 1m: hop server_user copies each byte 1.00 times, not 0.00 times"
c 3 copies --exact
! grep -q throughput "$T/out" || fail "--exact compares times"
expect 0 $Z compare "$T/copies.json" "$T/base.json"
row copies.server_user "better"
make one 1
make one_copy 1 'for n in each(cells): n["copied_bytes"]["server_user"]["user"] += n["payload_bytes"]'
expect 3 $Z compare "$T/one.json" "$T/one_copy.json"
row copies.server_user "worse"
row throughput_bytes_per_s "too few rounds"
# a run that shows 30 % within itself cannot tell 10 %
make drift 10 'for c in cells[:1]: slower([{"rounds": c["rounds"][5:]}], 0.3)'
make drift_slow 10 'for c in cells[:1]: slower([{"rounds": c["rounds"][5:]}], 0.3); slower(cells[:1], 0.5)'
expect 0 $Z compare "$T/drift.json" "$T/drift_slow.json" --metric throughput
expect 3 $Z compare "$T/base.json" "$T/drift_slow.json" --metric throughput
# where others take 70 % of the CPUs, a ratio of 3.3 may be theirs
make busy 10 'for n in each(cells): n["cpu_ns"]["system"] += int(0.7 * n["wall_ns"] * r["host"]["cpus_allowed"])
slower(cells[:1], 2)'
make busy_slow 10 'for n in each(cells): n["stolen_ns"] += int(0.7 * n["wall_ns"] * r["host"]["cpus_allowed"])
slower(cells[:1], 4)'
c 0 busy
printed "others took 0 % of the CPUs in base and 70 % in new: timed ratios up to 3.3"
c 3 busy_slow
c 0 fewer
row requests_per_op "better"
c 3 route
row route.dev "changed"
row route.ring "changed"
printed "0 % of the payload came by route dev, not 100 %"
c 3 broken
printed 'regression: ipc write, sink null, 64k blocks, source memfd, depth 1, 1 client, pin split, file size 1m: the server <died>'
c 3 unlike
printed "it went another way"
# with read-ahead counts are no longer exact
expect 0 $Z compare "$T/buffered.json" "$T/ahead.json"
row requests_per_op "no difference shown"

# what the other side lacks
c 0 lost
printed "only in base: ipc write, sink null"
c 3 lost --complete
expect 0 $Z compare --complete "$T/lost.json" "$T/base.json"
printed "only in new: ipc write, sink null"
c 0 unmeasured
row copies.server_user "not measured"
c 3 unmeasured --complete
c 1 disjoint
said "have no cell in common"

# different machines
c 1 kernel
said "the results are not of one machine: kernel: "
said "/ 9.9"
said "try: --across kernel, if that is meant"
c 0 kernel --across kernel
printed "differs: kernel: "
c 1 host --across kernel
said "cpu_model: "
said "try: --across host,kernel"
c 0 host --across host,kernel
printed "differs: cpu_model: "
printed "differs: governor: (absent) / powersave"
c 1 emulated
c 0 emulated --across host
said "times of an emulated machine mean nothing"
printed "14 equal"

# no results
head -c 3000 "$T/base.json" >"$T/cut.json"
c 1 cut
said "$T/cut.json, line "
said "it was cut off"
echo '{"jobs": []}' >"$T/foreign.json"
c 1 foreign
said "$T/foreign.json is no result of zcbench"
make newer 1 'r["schema"] = 2'
c 1 newer
said "has schema 2"
expect 1 $Z compare "$T/base.json" "$T/none.json"
said "$T/none.json: No such file"
expect 2 $Z compare "$T/base.json"
said "compare takes two results, BASE and NEW"
c 2 same --threshold 5parsecs
said "--threshold: '5parsecs' is not a share"
c 2 same --threshold speed=5%
said "there is no metric 'speed'"
c 2 same --metric speed
c 2 same --metric latency_p50_nss
said "try: latency_p50_ns"
c 0 same --metric latency_p50,cpu
printed "4 no difference shown"
c 2 same --format xml
said "--format: 'xml' is not one of: table, markdown, junit, json, benchmark-action"
c 2 same --across planet
c 2 same --alpha 0
said "--alpha"

# the formats; a folder does as well as the file in it
mkdir "$T/folder"
cp "$T/slow.json" "$T/folder/result.json"
expect 3 $Z compare "$T/base.json" "$T/folder" --format json
$python - "$T/out" <<-'PY' || fail "--format json"
	import json, sys
	r = json.load(open(sys.argv[1]))
	rows = {(c["cell"]["path"], c["metric"]): c for c in r["comparisons"]}
	worse = rows["copy", "throughput_bytes_per_s"]
	assert r["regression"] and r["totals"]["worse"] == 2 and r["totals"]["equal"] == 14
	assert worse["verdict"] == "worse" and not worse["exact"] and worse["base"]["rounds"] == 10
	assert 0.88 < worse["ratio"]["lo"] <= worse["ratio"]["median"] <= worse["ratio"]["hi"] < 0.95
	assert worse["p"] <= worse["p_adjusted"] <= 0.01 and worse["threshold"] == 0.05
	assert rows["ipc", "copies.server_user"]["verdict"] == "equal"
PY
if command -v xmllint >/dev/null; then
	for name in same slow one_copy broken lost; do
		status=0
		$Z compare --format junit "$T/base.json" "$T/$name.json" >"$T/$name.xml" || status=$?
		xmllint --noout --schema tests/junit.xsd "$T/$name.xml" 2>"$T/err" || fail "JUnit: $(cat "$T/err")"
		$python - "$T/$name.xml" $status <<-'PY' || fail "JUnit's counts do not agree"
			import sys, xml.etree.ElementTree as xml
			s = xml.parse(sys.argv[1]).getroot().find("testsuite")
			for kind, n in ("failure", "failures"), ("skipped", "skipped"):
			    assert len(s.findall(f"testcase/{kind}")) == int(s.get(n)), kind
			assert len(s.findall("testcase")) == int(s.get("tests"))
			assert (int(s.get("failures")) > 0) == (sys.argv[2] == "3")
		PY
	done
	grep -q 'the server &lt;died&gt; &amp; &quot;left&quot;' "$T/broken.xml" || fail "JUnit: what is not escaped"
	c 3 lost --complete --format junit
	printed '<failure type="missing" message="only in base">'
else
	fail "xmllint is not installed: sudo make deps"
fi
command -v cmark-gfm >/dev/null || fail "cmark-gfm is not installed: sudo make deps"
for name in slow broken; do
	c 3 $name --format markdown
	cmark-gfm --unsafe -e table "$T/out" >"$T/$name.html"
	$python - "$T/$name.html" <<-'PY' || fail "the markdown of $name does not render"
		import html.parser, sys

		class Tables(html.parser.HTMLParser):
		    rows, row, open = [], None, []

		    def handle_starttag(self, tag, attributes):
		        self.open.append(tag)
		        if tag == "tr":
		            self.row = []
		        if tag in ("td", "th"):
		            self.row.append("")

		    def handle_endtag(self, tag):
		        assert self.open.pop() == tag, tag
		        if tag == "tr":
		            self.rows.append(self.row)

		    def handle_data(self, data):
		        if "td" in self.open or "th" in self.open:
		            self.row[-1] += data

		t = Tables()
		t.feed(open(sys.argv[1]).read())
		assert not t.open and len(t.rows) >= 8, t.rows
		assert all(len(r) == 6 for r in t.rows), t.rows
		assert [r for r in t.rows if r[5] == "worse"], t.rows
	PY
done
grep -qF 'the server &lt;died&gt; &amp; &quot;left&quot; | `it`</li>' "$T/broken.html" ||
	fail "markdown: what is not escaped"
grep -q 'throughput_bytes_per_s' "$T/slow.html" || fail "markdown: a name was taken for markup"
expect 3 $Z compare --format benchmark-action "$T/base.json" "$T/slow.json"
said "throughput_bytes_per_s is not in it"
$python - "$T/out" <<-'PY' || fail "--format benchmark-action"
	import json, sys
	rows = json.load(open(sys.argv[1]))
	assert all(set(r) == {"name", "unit", "value", "range", "extra"} for r in rows)
	assert all(isinstance(r["value"], float) and isinstance(r["range"], str) for r in rows)
	assert [r for r in rows if r["name"].startswith("copy ") and r["name"].endswith(": latency_p50_ns")]
	assert not [r for r in rows if "throughput" in r["name"]]
PY
expect 3 $Z compare --format benchmark-action --metric throughput_bytes_per_s "$T/base.json" "$T/slow.json"
grep -q ': throughput_bytes_per_s"' "$T/out" || fail "benchmark-action: larger is better"

# a fault that is really there is found: a copy more, in real runs
expect 0 $Z run --path copy,ipc --sink null --bs 64k --rounds 1 --runtime 5ms --warmup 0s --size 1m $alone \
	--output "$T/worse" --quiet --fault memcpy
expect 3 $Z compare "$T/real" "$T/worse"
printed "regression: ipc write, sink null, 64k blocks, source memfd, depth 1, 1 client, pin split, file size 1m: hop server_user copies each byte 1.00 times, not 0.00 times"
nothing_left
