#!/bin/bash
# SPDX-License-Identifier: MIT
# zcbench demo on a real terminal (tmux): keys, resizing, a killed server, ways to end; scripts, recordings
# that play back, and lines where there is no terminal. Terminal and system are as before each time.
. tests/lib.sh
command -v tmux >/dev/null || fail "tmux is not installed (make deps)"
export LC_ALL=C.UTF-8 TERM=screen-256color
echo "set -g default-terminal screen-256color" >"$T/tmux.conf"
X=(tmux -S "$T/tmux" -f "$T/tmux.conf")
trap '"${X[@]}" kill-server 2>/dev/null || true; tidy' EXIT

# open COLSxROWS ARGS...: a terminal with a shell that runs zcbench demo ARGS
open() {
	local size=$1
	shift
	rm -f "$T/after" "$T/status"
	cat >"$T/shell" <<-EOF
		echo BEFORE
		stty -a >$T/before
		sh -c 'echo \$\$ >$T/pid; exec $Z demo $*' 2>$T/err
		echo \$? >$T/status
		stty -a >$T/after
		sleep 100
	EOF
	"${X[@]}" new-session -d -s demo -x "${size%x*}" -y "${size#*x}" "bash $T/shell"
}

keys() {
	"${X[@]}" send-keys -t demo "$@"
}

shown() {
	"${X[@]}" capture-pane -p -t demo
}

# sees REGEX: it is on the terminal in a moment
sees() {
	local _
	for _ in $(seq 150); do
		shown | grep -q -- "$1" && return 0
		sleep 0.1
	done
	shown >&2
	fail "the terminal does not show: $1"
}

# ended STATUS: the program has; the terminal is as it was, and nothing is left
ended() {
	local _
	for _ in $(seq 150); do
		[ -s "$T/after" ] && break
		sleep 0.1
	done
	[ -s "$T/after" ] || fail "it does not end"
	[ "$(cat "$T/status")" -eq "$1" ] || fail "status $(cat "$T/status") instead of $1: $(cat "$T/err")"
	# (the size may have been changed)
	diff <(grep -v rows "$T/before") <(grep -v rows "$T/after") >&2 || fail "the terminal's settings changed"
	shown | grep -q BEFORE || fail "the screen from before did not come back"
	[ "$("${X[@]}" display-message -p -t demo '#{alternate_on} #{cursor_flag}')" = "0 1" ] ||
		fail "alternate screen or hidden cursor left behind"
	"${X[@]}" kill-session -t demo
	nothing_left
}

# --- keys ---
open 80x24 --path copy,splice,ipc --slice 20ms
sees "1 ● copy  *[0-9.]* [KMG]iB/s .* [0-9]* + [0-9]*"
sees "3 ⬟ ipc  *[0-9.]* [KMG]iB/s"
sees "write  blocks 64k  source memfd  sink read"
sees "payload [0-9.]* [KMG]iB  cop"
keys Space && sees PAUSED
keys Space && sees running
keys + && sees "blocks 256k"
keys - - && sees "blocks 16k"
keys w && sees "read  blocks 16k"
keys w && sees "write  blocks 16k"
keys o && sees "source hugetlb"
for source in udmabuf dmaheap anon memfd; do
	keys o && sees "source $source"
done
sees "3 ⬟ ipc  *[0-9.]* [KMG]iB/s"
keys 3 && sees "3 ⬟ ipc  *stopped"
keys 3 && sees "^>3 ⬟ ipc"
keys '?' && sees "words of scripts"
keys '?' && sees "throughput"
keys Up Up && sees "^>1 ● copy"
keys Down && sees "^>2 ▲ splice"
keys q
ended 0

# --- a server dies, and the others go on; it comes back by itself ---
open 80x24 --path copy,ipc --slice 20ms
sees "1 ● copy  *[0-9.]* [KMG]iB/s"
sees "2 ⬟ ipc  *[0-9.]* [KMG]iB/s"
keys k
sees "copy  *SERVER KILLED"
sees "its client got E[A-Z]*: "
sees "2 ⬟ ipc  *[0-9.]* [KMG]iB/s"
sees "1 ● copy  *[0-9.]* [KMG]iB/s"
# ... also when somebody else kills it
kill -KILL "$(members | sed -n 's/ .*serve ipc.*//p')"
sees "ipc  *FAILED"
sees "killed by signal 9"
keys Down r
sees "2 ⬟ ipc  *[0-9.]* [KMG]iB/s"

# --- another size ---
"${X[@]}" resize-window -t demo -x 132 -y 40
sees "^.\{110\}.*running" # the wider page is used
"${X[@]}" resize-window -t demo -x 60 -y 20
sees "needs 80x24, this is 60x20"
"${X[@]}" resize-window -t demo -x 80 -y 24
sees "1 ● copy  *[0-9.]* [KMG]iB/s"

# --- ways to end ---
keys C-c
ended 1
for signal in TERM HUP SEGV; do
	open 80x24 --path copy --slice 20ms
	sees "copy  *[0-9.]* [KMG]iB/s"
	kill -$signal "$(cat "$T/pid")"
	status=1
	[ $signal = SEGV ] && status=139
	ended $status
done
# the terminal itself goes away
open 80x24 --path copy --slice 20ms
sees "copy  *[0-9.]* [KMG]iB/s"
"${X[@]}" kill-session -t demo
nothing_left

# --- scripts and recordings: what is played back ends with the same screen ---
cat >"$T/a.demo" <<'EOF'
text "Zwölf"
wait 500ms
sink null   
key +
wait 1s
kill copy
pause
wait 3s
quit
EOF
open 90x26 --path copy,ipc --slice 20ms --script "$T/a.demo" --record "$T/a.cast"
sees Zwölf
sees "blocks 256k.*sink null"
sees "copy  *SERVER KILLED"
sees PAUSED
sleep 0.3
shown >"$T/live"
ended 0
/usr/bin/python3 - "$T/a.cast" "$T/a.data" <<'PY' || fail "the recording is not an asciicast"
import json, sys
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
head = json.loads(lines[0])
assert head["version"] == 2 and (head["width"], head["height"]) == (90, 26), head
events = [json.loads(l) for l in lines[1:]]
assert len(events) > 5, len(events)  # a busy machine draws less often
assert all(len(e) == 3 and e[1] == "o" and isinstance(e[2], str) for e in events)
times = [e[0] for e in events]
assert times == sorted(times) and times[0] >= 0 and times[-1] > 4, times[-1]
open(sys.argv[2], "w", encoding="utf-8").write("".join(e[2] for e in events))
PY
"${X[@]}" new-session -d -s demo -x 90 -y 26 "cat $T/a.data; sleep 100"
sees Zwölf
shown >"$T/replayed"
diff "$T/live" "$T/replayed" >&2 || fail "played back, the last screen is another one"
"${X[@]}" kill-session -t demo

# without a terminal, in a size of one's choice
expect 0 $Z demo --path copy --slice 20ms --duration 1s --record "$T/b.cast" --window 100x30
[ ! -s "$T/out" ] || fail "a recording also printed something"
head -n 1 "$T/b.cast" | grep -q '"width":100,"height":30' || fail "--window"
grep -q 'iB/s' "$T/b.cast" || fail "the recording shows no figures"
nothing_left

# --- lines ---
printf 'text hello\nwait 2500ms\nstop ipc\nwait 1s\n' >"$T/b.demo"
expect 0 $Z demo --path copy,ipc --slice 20ms --script "$T/b.demo"
printed "text: hello"
grep -qE "s  copy +[0-9.]+ [KMG]iB/s  p50 .* p99 .* CPU ns/KiB [0-9]+ \+ [0-9]+  payload [0-9.]+ [KMG]iB  cop" "$T/out" ||
	fail "no line with figures: $(cat "$T/out")"
grep -qE "s  ipc +stopped" "$T/out" || fail "ipc was not stopped"
nothing_left
# counted and expected are told apart: without the ledger nothing is counted
expect 0 $Z demo --path copy --slice 20ms --duration 2500ms --no-ledger
printed "copies 1.00x EXPECTED, not counted"
if grep -q " copied " "$T/out"; then fail "something was said to be copied that nobody counted"; fi

# --- what is refused ---
printf '# fine\nbs 4k\nkil copy\n' >"$T/bad.demo"
expect 2 $Z demo --script "$T/bad.demo"
said "$T/bad.demo:3: there is no action 'kil'"
said "try: kill"
printf 'kill ipc\n' >"$T/bad.demo"
expect 2 $Z demo --script "$T/bad.demo" --path copy
said "line 1 of the script, kill: path ipc takes no part"
# ... what turns out on the way is told, and the rest still happens
printf 'sink file\nwait 300ms\ntext further\n' >"$T/bad.demo"
expect 1 $Z demo --script "$T/bad.demo" --path copy --slice 20ms
said "line 1 of the script, sink: sink file needs --file PATH"
printed "text: further"
expect 2 $Z demo --script nonsense
said "there is no script 'nonsense'"
expect 2 $Z demo --window 80by24 --duration 1s
said "'80by24' is not COLSxROWS"
expect 2 $Z demo
said "without a terminal"
expect 2 $Z demo quick
said "demo takes no arguments: quick"
expect 1 $Z demo --path copy --duration 1s --record /nonexistent/a.cast
said "recording to /nonexistent/a.cast"
nothing_left

# the script that comes with it is one, and the man page has every word and key of scripts
expect 2 $Z demo --script talk --window x
said "--window"
/usr/bin/python3 - <<'PY' || fail "docs/zcbench.1 or docs/demo.md lacks an action"
import re
rows = re.findall(r'^\t\{"(\w+)", (?:NULL|"[^"]*"), "([^"]*)", ARG', open("cli/demo_actions.c").read(), re.M)
assert len(rows) > 15
for word, shown in rows:
    assert re.search(r"^\| (`[^|]*`)? *\| `%s\b" % word, open("docs/demo.md").read(), re.M), word
    assert re.search(r"^\.BR? %s\b" % word, open("docs/zcbench.1").read(), re.M), word
PY
