#!/bin/bash
# SPDX-License-Identifier: MIT
# zcbench report: its sentences are what a program of its own computes from the rounds; the page needs nothing
# but itself, fits a phone, a laptop and a projector as a browser shows it, and prints; what is wrong with a
# result stands on the page; what is no result is refused by name.
. tests/lib.sh

command -v chromium >/dev/null || fail "chromium is not installed: sudo make deps"

# a run ends in a report, and its path is the last line
expect 0 $Z run --path copy,splice,ipc --sink null,read --bs 4k,64k,1m --rounds 5 --runtime 20ms --warmup 2ms \
	--counted-rounds 0 --output "$T/r1"
[ "$(tail -1 "$T/out")" = "$T/r1/report.html" ] || fail "the last line is no report: $(tail -1 "$T/out")"
[ -s "$T/r1/report.html" ] || fail "no report"
[ -s "$T/r1/figures/throughput-read.svg" ] || fail "no figures beside it"
python3 tests/report.py "$T/r1/result.json" "$T/r1/report.html" || fail "sentences"
python3 tests/report.py --closed "$T/r1/report.html" || fail "it needs more than itself"
[ "$(grep -o 'src="data:image/svg+xml;base64,' "$T/r1/report.html" | wc -l)" -ge 8 ] || fail "too few figures in the page"

# made again from the file it is the same; the title is ours
cp "$T/r1/report.html" "$T/first.html"
expect 0 $Z report "$T/r1" --title 'A & <b>' --output "$T/again.html"
[ "$(cat "$T/out")" = "$T/again.html" ] || fail "it does not print where it is"
grep -qF '<title>A &amp; &lt;b&gt;</title>' "$T/again.html" || fail "the title is not escaped"
cmp <(sed '/A &amp;/d' "$T/again.html" | wc -l) <(sed '/<title>/d; /<h1>/d' "$T/first.html" | wc -l) ||
	fail "another page from the same file"
[ -z "$(ls -d "${TMPDIR:-/tmp}"/zcbench-report-* 2>/dev/null)" ] || fail "a folder is left"

# Whatever was measured here: from now on ipc moves three times what copy does, in each round
from=r1
change() { # change NEW PYTHON: a copy of the result $from, changed, and its page
	mkdir -p "$T/$1"
	python3 - "$T/$from/result.json" "$T/$1/result.json" "$2" <<-'PY'
	import json, statistics, sys
	r = json.load(open(sys.argv[1]))
	cells = r["cells"]
	exec(sys.argv[3])
	json.dump(r, open(sys.argv[2], "w"))
	PY
	expect 0 $Z report "$T/$1"
	python3 tests/report.py --text "$T/$1/report.html" >"$T/text"
}
change told '
rate = "throughput_bytes_per_s"
copy = {(c["sink"], c["bs"]): c["rounds"] for c in cells if c["path"] == "copy"}
for c in cells:
    if c["path"] == "ipc":
        for i, base in zip(c["rounds"], copy[c["sink"], c["bs"]]):
            i[rate] = 3 * base[rate]
        rates = [i[rate] for i in c["rounds"]]
        c["summary"][rate] = {"median": statistics.median(rates), "lo": min(rates), "hi": max(rates)}'
from=told
python3 tests/report.py "$T/told/result.json" "$T/told/report.html" || fail "sentences of a changed result"

# a sentence that is off by one digit would be found
sed 's/ipc<\/code> moves 3.00x/ipc<\/code> moves 3.01x/' "$T/told/report.html" >"$T/wrong.html"
! cmp -s "$T/told/report.html" "$T/wrong.html" || fail "no sentence of ipc to make wrong"
! python3 tests/report.py "$T/told/result.json" "$T/wrong.html" >/dev/null 2>&1 || fail "a wrong figure is not found"
sed 's/<footer>/<footer><img src="http:\/\/a.example\/x.png">/' "$T/first.html" >"$T/open.html"
! python3 tests/report.py --closed "$T/open.html" 2>/dev/null || fail "a foreign image is not found"

# where standard output is data, or nobody wants it, there is none
for o in "--json -" "--csv -" --quiet --no-report; do
	rm -rf "$T/r2"
	# shellcheck disable=SC2086
	expect 0 $Z run --path ipc --bs 4k --sink null --rounds 1 --runtime 2ms --counted-rounds 0 --no-limits --output "$T/r2" $o
	[ ! -e "$T/r2/report.html" ] || fail "a report in spite of $o"
	! grep -q report "$T/out" || fail "standard output speaks of a report with $o"
done

# --- what is wrong with a result is on the page ---
says() { grep -qF -- "$*" "$T/text" || fail "the page does not say: $*"; }
never() { ! grep -qE -- "$*" "$T/text" || fail "the page says: $(grep -E -m1 -- "$*" "$T/text")"; }

change wrong '
for c in cells:
    if c["path"] == "ipc":
        c["path_ok"] = False
        c["path_problem"] = "took /dev/fuse"
    if c["path"] == "splice":
        c["verified"] = False'
says "NOT AS CLAIMED, "
says "ipc did NOT take the way that its name claims: took /dev/fuse"
says "bytes of splice were not verified"
never "ipc moves .*per KiB\.$" # none without its mark
grep "ipc moves" "$T/text" | grep -q "Caution" || fail "no sentence with a mark"
change few 'for c in cells: c["rounds"] = c["rounds"][:4]'
says "4 rounds are too few to tell ipc from copy; it takes 5 (--rounds)."
never "ipc moves"
change tcg 'r["host"]["virtual_machine"] = "tcg"'
says "its times are no machine's"
never "moves [0-9]|GiB/s|MiB/s|[0-9] us"
! grep -q "<img" "$T/tcg/report.html" || fail "a figure of times from an emulated machine"
says "not counted"
change counted '
r["not_measured"].pop("copy_factor", None)
for c in cells:
    for i in c["rounds"]:
        n = 2 * i["payload_bytes"] if c["path"] == "splice" else 0
        for hop in ("client_syscall", "fuse", "sink"):
            i["copied_bytes"][hop] = {"kernel": n if hop == "fuse" else 0, "source": "exact"}
    k = 2 if c["path"] == "splice" else 0
    c["summary"]["copy_factor"] = {"median": k, "lo": k, "hi": k}'
says "Write, sink read, 1m blocks: each byte was copied 0.00 times by copy, ipc; 2.00 times by splice."
never "not counted"
change evil '
bad = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"'"'>"
r["host"]["cpu_model"] = bad
r["git"] = r["command"][0] = bad
r["run"]["warnings"] = [{"what": bad, "remedy": bad}]
r["not_measured"][bad] = bad
r["skipped"] = [{"path": bad, "why": bad}]
for c in cells:
    c["path_problem"] = bad
    c["path_ok"] = False
    c["source"] = c["sink"] = bad'
python3 tests/report.py --closed "$T/evil/report.html" || fail "markup of a result is taken for ours"
says "<script>alert(1)</script>"

# --- several results ---
sed 's/"cpu_model": *"[^"]*"/"cpu_model": "another"/; s/"kernel": *"[^"]*"/"kernel": "1.0"/' "$T/r1/result.json" >"$T/other.json"
expect 1 $Z report "$T/r1" "$T/other.json" --output "$T/never.html"
said "are of different hosts"
said "try: --mixed"
expect 0 $Z report "$T/r1" "$T/other.json" --mixed --output "$T/mixed.html"
python3 tests/report.py --closed "$T/mixed.html" || fail "two results: not closed"
python3 tests/report.py --text "$T/mixed.html" >"$T/text"
says "were not run side by side in time"
says "| path | cell | $T/r1/result.json | $T/other.json"

# --- refused by name, and nothing is written ---
expect 2 $Z report
said "report needs result files"
expect 1 $Z report "$T/absent.json" --output "$T/never.html"
said "$T/absent.json: No such file"
head -c 3000 "$T/r1/result.json" >"$T/half.json"
expect 1 $Z report "$T/half.json" --output "$T/never.html"
said "$T/half.json, line"
said "it was cut off"
sed 's/"schema": *1/"schema": 2/' "$T/r1/result.json" >"$T/newer.json"
expect 1 $Z report "$T/newer.json" --output "$T/never.html"
said "$T/newer.json has schema 2"
expect 1 $Z report "$T/r1" --output /proc/nowhere.html
said "writing /proc/nowhere.html"
[ ! -e "$T/never.html" ] && [ ! -e "$T/never.html.new" ] || fail "a refused report was written"

# a picture that gnuplot cannot draw is missing, by name; the others are there
mkdir "$T/broken"
cp -r "$Z" plots "$T/broken"
echo "set nonsense" >>"$T/broken/plots/stack.gp"
expect 0 "$T/broken/${Z##*/}" report "$T/r1" --output "$T/broken.html"
said "gnuplot ended with status 1"
grep -q 'The figure &quot;CPU time for each KiB of payload&quot; could not be drawn' "$T/broken.html" || fail "no word of the figure"
grep -q "<img" "$T/broken.html" || fail "one broken figure, and all are gone"

# without gnuplot: a page without figures, that says so
mkdir "$T/bin"
PATH=$T/bin expect 0 "$(realpath "$Z")" report "$T/r1" --output "$T/plain.html"
said "gnuplot, which is not installed"
said "apt-get install gnuplot-nox"
! grep -q "<img" "$T/plain.html" || fail "figures without gnuplot"
grep -q "No figures: " "$T/plain.html" || fail "the page does not say that figures are missing"

# --- as a browser shows it ---
browser() { # browser WIDTH OPTIONS... PAGE
	local width=$1
	shift
	HOME=$T timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars \
		--user-data-dir="$T/browser" --window-size="$width,1000" "$@" 2>/dev/null
}
# widths PAGE: for a phone, a laptop and a projector, how wide the window is and how wide the page, as the browser
# laid them out. In frames: a window of its own is never narrower than 500 pixels.
widths() {
	python3 - "$1" >"$T/probe.html" <<-'PY'
	import html, sys
	page = html.escape(open(sys.argv[1]).read(), quote=True)
	print("<!DOCTYPE html><p id=p>")
	for w in (390, 1366, 1920):
	    print("<iframe style='border:0;height:900px;width:%dpx' srcdoc=\"%s\"></iframe>" % (w, page))
	print("""<script>onload = () => { document.getElementById("p").innerText = "WIDTHS" + Array.from(frames, f =>
	    " " + f.innerWidth + "/" + f.document.documentElement.scrollWidth).join(""); }</script>""")
	PY
	browser 2000 --dump-dom "file://$T/probe.html" | grep -o 'WIDTHS [0-9/ ]*'
}
for page in first evil/report mixed; do
	got=$(widths "$T/$page.html") || fail "the browser did not show $page"
	[ "$got" = "WIDTHS 390/390 1366/1366 1920/1920" ] || fail "$page is wider than the window: $got"
done
sed 's|<footer>|<div style="width:3000px">wide</div><footer>|' "$T/first.html" >"$T/broken.html"
grep -qE '^WIDTHS 390/3[0-9]{3} 1366/3[0-9]{3} 1920/3[0-9]{3}$' <<<"$(widths "$T/broken.html")" ||
	fail "a page that is too wide is not found"
browser 1366 --no-pdf-header-footer --print-to-pdf="$T/page.pdf" "file://$T/first.html"
head -c 5 "$T/page.pdf" | grep -q '%PDF-' || fail "no PDF"
[ "$(grep -ac '/Type */Page\b' "$T/page.pdf")" -ge 4 ] || fail "a PDF of too few pages"
nothing_left
