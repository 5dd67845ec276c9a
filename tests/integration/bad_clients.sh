#!/bin/bash
# SPDX-License-Identifier: MIT
# Bad clients of the back channel, end to end (tests/clients/bad has the cases): each is refused or cut off with a line
# in the server's log that says why and names the process; nothing of it stays in the server; and meanwhile
# well-behaved clients see every byte right and never wait long.
. tests/lib.sh
build=${BUILD:-build}
bad=$build/tests/clients/bad/bad
steady=$build/tests/clients/steady
[ -x "$bad" ] && [ -x "$steady" ] ||
	fail "$bad and $steady are not built: make $bad $steady"
STALL_MS=1900 # less than what the server grants who says nothing (2 s): nobody waits for another's time-out

file=/dev/shm/zcbench-bad.$$
also="$file*"
# a user without any file open must get as far as the socket's address
chmod 711 "$T"
serve ipc --sink file --file "$file" --overwrite --files 4 --size 1m

# a huge page for the case that has it taken away; as it was in the end
pages=/proc/sys/vm/nr_hugepages
had=$(cat $pages)
if [ "$had" -eq 0 ] && echo 1 >$pages 2>/dev/null; then
	trap 'echo "$had" >$pages; tidy' EXIT
fi

"$steady" "$mnt" ring 2 0 0 >"$T/steady" &
good=$!
for _ in $(seq 100); do grep -q going "$T/steady" && break || sleep 0.1; done
grep -q going "$T/steady" || fail "the well-behaved clients did not start: $(cat "$T/steady")"

# descriptors, shared mappings, threads and children
state() { echo "$(find "/proc/$server/fd" | wc -l) $(grep -c memfd "/proc/$server/maps") $(find "/proc/$server/task" -maxdepth 1 | wc -l) $(pgrep -cP "$server" || true)"; }
settled() {
	local _
	for _ in $(seq 100); do
		[ "$(state)" = "$before" ] && return
		kill -0 "$server" 2>/dev/null || fail "$1: the server is gone: $(tail -n 3 "$T/serve")"
		sleep 0.1
	done
	fail "$1: the server holds (descriptors, mappings, threads, children) $(state) and not $before"
}
sleep 1
before=$(state)

check_log() { # check_log CASE PID: since the line `from`
	[ "$log" != - ] || return 0
	local _
	for _ in $(seq 100); do
		tail -n "+$from" "$T/serve" | grep -qF -- "$log" && break || sleep 0.1
	done
	local of=$2
	[ "$1" != many-sessions ] || of='[0-9]*' # one of its children
	tail -n "+$from" "$T/serve" | grep -F -- "$log" | grep -q "back channel: .* process $of " ||
		fail "$1: no line of process $2 with '$log': $(tail -n "+$from" "$T/serve")"
}

cases=0
skipped=
# (its own descriptor: what runs inside must not read the list)
"$bad" "$mnt/data3" list >"$T/cases"
while IFS=$'\t' read -r name log <&3; do
	from=$(($(wc -l <"$T/serve") + 1))
	: >"$T/said" # nothing of the one before
	"$bad" "$mnt/data3" "$name" >"$T/said" 2>&1 &
	pid=$!
	case $name in
	stops-*)
		for _ in $(seq 100); do grep -q there "$T/said" && break || sleep 0.1; done
		grep -q there "$T/said" || fail "$name: $(cat "$T/said")"
		kill -STOP $pid
		sleep 0.5
		case $name in
		stops-connected) check_log "$name" $pid ;;
		stops-hoarding)
			check_log "$name" $pid
			"$bad" "$mnt/data3" well-behaved >"$T/said" || fail "no session for another: $(cat "$T/said")"
			;;
		esac
		kill -KILL $pid
		{ wait $pid || true; } 2>/dev/null
		;;
	*)
		status=0
		wait $pid || status=$?
		if [ $status -eq 77 ]; then
			skipped="$skipped $name"
			continue
		fi
		[ $status -eq 0 ] || fail "$name: status $status: $(cat "$T/said")"
		check_log "$name" $pid
		;;
	esac
	settled "$name"
	kill -0 $good 2>/dev/null || fail "$name: a well-behaved client failed: $(cat "$T/steady")"
	cases=$((cases + 1))
	# a log that is full takes a line a second
	case $name in deaf | many-sessions) sleep 2 ;; esac
done 3<"$T/cases"
[ $cases -ge 30 ] || fail "only $cases cases ran; not here:$skipped"

# 2000 refusals in a row, and thousands before, are not as many lines
lines=$(grep -c "back channel" "$T/serve")
[ "$lines" -le $((40 + SECONDS)) ] || fail "$lines lines in the log"

status=0
kill -TERM $good
wait $good || status=$?
[ $status -eq 0 ] || fail "the well-behaved clients: status $status: $(cat "$T/steady")"
longest=$(sed -n 's/^longest_ms //p' "$T/steady")
[ "$longest" -le $STALL_MS ] || fail "a well-behaved client waited for $longest ms"
unserve
nothing_left
echo "$cases cases; the longest wait of a well-behaved client: $longest ms; not on this machine:${skipped:- none}"
