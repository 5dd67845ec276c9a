#!/bin/bash
# SPDX-License-Identifier: MIT
# zcbench plot: figures of a real run are written as valid SVG and PNG of the size of a slide, redraw from what
# lies beside them, and are not drawn from what does not have them: by name an error, otherwise a line. Broken
# results, and two hosts, are refused by name. Without gnuplot: status 77 and what to install.
set -eu
. tests/lib.sh

command -v gnuplot >/dev/null || skip "gnuplot is not installed: sudo make deps"

small=(--rounds 3 --runtime 5ms --warmup 0s --size 1m --no-verify --no-limits --events none --quiet)
expect 0 $Z run "${small[@]}" --path copy,ipc --bs 4k,16k,64k --sink null,read --output "$T/r1"
# one section for each figure, so that each has one drawing
cat >"$T/w.ini" <<'INI'
path = ipc
bs = 4k
sink = read
[base]
[clients]
clients = 2
[depth]
depth = 4
[source]
source = anon
[op]
op = read
[pin]
pin = same
INI
expect 0 $Z run "${small[@]}" "$T/w.ini" --output "$T/r2"
expect 0 $Z run "${small[@]}" --rounds 1 --limits --pollution --path copy,ipc --bs 4k,8k --sink read --output "$T/r3"

# a picture is what its name says: dimensions, and that something was drawn on it
cat >"$T/picture.py" <<'PY'
import struct, sys, xml.etree.ElementTree as tree, zlib

for name in sys.argv[1:]:
    if name.endswith(".svg"):
        root = tree.parse(name).getroot()
        assert root.tag.endswith("svg") and root.get("viewBox") == "0 0 1280 720", name
        marks = sum(e.tag.rsplit("}")[-1] in ("path", "polygon", "use", "circle") for e in root.iter())
        texts = "".join(root.itertext())
        assert marks > 10 and "zcbench" in texts, (name, marks)
        continue
    data = open(name, "rb").read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and data[-8:-4] == b"IEND", name
    assert struct.unpack(">II", data[16:24]) == (1600, 900), name
    at, pixels = 8, b""
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at : at + 8])
        pixels += data[at + 8 : at + 8 + n] if kind == b"IDAT" else b""
        at += 12 + n
    assert len(zlib.decompress(pixels)) > 900 * 1600 and len(data) > 8000, (name, len(data))
PY

plot() { # plot RESULT FIGURE: both formats of each drawing, and nothing else on standard output
	expect 0 $Z plot "$T/$1" --figure "$2" --output "$T/f"
	[ -s "$T/out" ] || fail "no figure $2"
	[ ! -s "$T/err" ] || fail "figure $2: $(cat "$T/err")"
	xargs python3 "$T/picture.py" <"$T/out" || fail "figure $2"
	while read -r f; do
		[ -s "${f%.*}.tsv" ] && [ -s "${f%.*}.gp" ] || fail "no data beside $f"
	done <"$T/out"
}
for f in clients depth sources direction placement; do plot r2 $f; done
for f in latency cpu limit pollution amortise; do plot r3 $f; done
python3 - "$T/r3/result.json" "$T/f/amortise-4k.tsv" <<'PY' || fail "what is paid once is not the result's"
import json, sys

rounds = {c["path"]: c["rounds"][0] for c in json.load(open(sys.argv[1]))["cells"] if c["bs"] == 4096}
blocks = [b.splitlines() for b in open(sys.argv[2]).read().split("\n\n\n")]
for b in blocks:
    r = rounds[b[0][2:]]
    for line in b[2:-1]:
        transfers, each = map(float, line.split("\t")[:2])
        want = (r["setup_ns"] - r["setup"]["source_ns"]) / transfers + 4096e9 / r["throughput_bytes_per_s"]
        assert abs(each - want) < 1e-6 * want, (line, want)
    assert "too few rounds to tell" in b[-1] or b[0] == "# copy", b[-1]
assert len(blocks) == 2 and len(blocks[0]) > 10
PY
for f in crossover sinks throughput; do plot r1/result.json $f; done
[ "$(wc -l <"$T/out")" -eq 4 ] || fail "throughput: 2 sinks and 2 formats are 4 files"
printed "$T/f/throughput-null.svg"
grep -q 'write, sink null, source memfd, depth 1, 1 client, pin split' "$T/f/throughput-null.svg" ||
	fail "the figure does not say what is fixed"

# the data are the result's
python3 - "$T/r1/result.json" "$T/f/throughput-read.tsv" <<'PY' || fail "the data are not those of the result"
import json, sys

want = {}
for c in json.load(open(sys.argv[1]))["cells"]:
    if c["sink"] == "read":
        s = c["summary"]["throughput_bytes_per_s"]
        want[c["path"], c["bs"]] = [s[k] for k in ("median", "lo", "hi")]
got, path = {}, None
for line in open(sys.argv[2]):
    words = line.rstrip("\n").split("\t")
    if line[0] == "#" and len(words) == 1:
        path = line[2:].strip()
    elif line.strip() and line[0] != "#":
        got[path, int(words[0])] = list(map(float, words[1:]))
assert set(got) == set(want) and len(want) == 6
for k in want:
    assert all(abs(a - b) <= 1e-9 * abs(b) for a, b in zip(got[k], want[k])), k
PY

# redrawn where it lies, without zcbench
mkdir "$T/copied"
cp "$T/f/cpu-4k".{gp,tsv} "$T/copied"
(cd "$T/copied" && gnuplot cpu-4k.gp && gnuplot -e "format = 'png'" cpu-4k.gp)
cmp "$T/f/cpu-4k.svg" "$T/copied/cpu-4k.svg" || fail "redrawn, it is another picture"
python3 "$T/picture.py" "$T/copied/cpu-4k.png" || fail "redrawn PNG"

# beside the result by default; formats; a folder with a quote in its name
expect 0 $Z plot "$T/r2" --format svg
[ -s "$T/r2/figures/clients.svg" ] || fail "no figure beside the result"
[ -z "$(ls "$T/r2/figures/"*.png 2>/dev/null)" ] || fail "a PNG that nobody wanted"
said "not drawn: throughput; it needs two block sizes or more: zcbench run --bs"
expect 0 $Z plot "$T/r1" --figure sinks --format svg --output "$T/it's here"
[ -s "$T/it's here/sinks-4k.svg" ] || fail "no figure in a folder with a quote"

# wherever it is started: its own scripts, and never the folder's
mkdir -p "$T/elsewhere/plots"
echo 'this is no script' >"$T/elsewhere/plots/common.gp"
expect 0 env --chdir "$T/elsewhere" "$(readlink -f "$Z")" plot "$T/r2" --format svg --output figures
[ -s "$T/elsewhere/figures/clients.svg" ] || fail "no figure: $(ls "$T/elsewhere/figures")"

# refused: usage, what is not in the result, broken results, different hosts
expect 2 $Z plot
said "plot needs result files"
expect 2 $Z plot "$T/r1" --figure pie
said "--figure: 'pie' is not one of: throughput"
expect 2 $Z plot "$T/r1" --format pdf
said "--format: 'pdf' is not one of: svg, png"
expect 1 $Z plot "$T/r1" --figure clients --output "$T/never"
said "figure clients needs two numbers of clients"
said "try: zcbench run scale-clients"
expect 1 $Z plot "$T/r1" --figure copies --output "$T/never"
said "copies in the kernel"
expect 1 $Z plot "$T/absent.json" --output "$T/never"
said "$T/absent.json: No such file"
head -c 3000 "$T/r1/result.json" >"$T/half.json"
expect 1 $Z plot "$T/half.json" --output "$T/never"
said "$T/half.json, line"
said "it was cut off"
sed 's/"schema": *1/"schema": 2/' "$T/r1/result.json" >"$T/newer.json"
expect 1 $Z plot "$T/newer.json" --output "$T/never"
said "$T/newer.json has schema 2"
echo '{"jobs": []}' >"$T/fio.json"
expect 1 $Z plot "$T/fio.json" --output "$T/never"
said "$T/fio.json is no result of zcbench"
sed 's/"cpu_model": *"[^"]*"/"cpu_model": "another"/; s/"kernel": *"[^"]*"/"kernel": "1.0"/' "$T/r1/result.json" >"$T/other.json"
expect 1 $Z plot "$T/r1" "$T/other.json" --output "$T/never"
said "are of different hosts"
said "try: --mixed"
[ ! -e "$T/never" ] || fail "a refused plot made its folder"
expect 0 $Z plot "$T/r1" "$T/other.json" --mixed --figure sinks --format svg --output "$T/mixed"
[ -s "$T/mixed/sinks-r1-4k.svg" ] && [ -s "$T/mixed/sinks-other.json-4k.svg" ] ||
	fail "not a figure for each host"

# times of an emulated machine look like nothing else
sed 's/"host": *{/"host": {"virtual_machine": "tcg", /' "$T/r1/result.json" >"$T/tcg.json"
expect 0 $Z plot "$T/tcg.json" --figure throughput --format svg --output "$T/tcg"
grep -q 'emulated: times mean nothing' "$T/tcg/throughput-null.svg" || fail "no stamp on an emulated machine's figure"
! grep -q 'emulated' "$T/f/throughput-null.svg" || fail "a stamp on this machine's figure"

# a folder that cannot be made; no gnuplot
expect 1 $Z plot "$T/r1" --figure sinks --output /proc/nowhere
said "making folder /proc/nowhere"
mkdir "$T/bin"
PATH=$T/bin expect 77 "$(realpath "$Z")" plot "$T/r1" --output "$T/never"
said "gnuplot, which is not installed"
said "apt-get install gnuplot-nox"
[ ! -e "$T/never" ] || fail "a folder without figures"
nothing_left
