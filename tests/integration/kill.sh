#!/bin/bash
# SPDX-License-Identifier: MIT
# Whoever dies or hangs in the middle of a run, at depth 1 and more: a clear error, status 1, the cells
# that were measured are kept, the other paths go on, and no mount, process or folder is left.
. tests/lib.sh

runtime=30s second=''
paths=$(available_paths)

start() { # start PATH ARGS...: a run with a short round, then a round of PATH with $runtime and $second
	printf 'path = ipc\nsink = null\nbs = 4k\nrounds = 1\nsize = 4m\nwarmup = 0s\n[first]\nruntime = 20ms\n[second]\nruntime = %s\npath = %s\nbs = 64k\n%s\n' "$runtime" "$1" "$second" >"$T/w.ini"
	shift
	rm -rf "$T/r"
	$Z run "$T/w.ini" --setup --output "$T/r" --json - "$@" >"$T/out" 2>"$T/err" &
	run=$!
}

# the process of the second cell: its server, or its client in the measured part
victim() { # victim serve|client PATH
	for _ in $(seq 400); do
		server=$(pgrep -P $run -f "zcbench serve $2 " || true)
		client=$(pgrep -P $run -f "zcbench client" || true)
		# the first cell is in the result file, and the client burns CPU: the second is being measured
		if [ -n "$server" ] && [ -n "$client" ] && grep -qs '"ops"' "$T/r/result.json" &&
			[ "$(awk '{print $14 + $15}' /proc/"$client"/stat 2>/dev/null || echo 0)" -gt 5 ]; then
			[ "$1" = serve ] && pid=$server || pid=$client
			return 0
		fi
		sleep 0.1
	done
	fail "no $1 process of path $2 appeared"
}

finish() { # finish STATUS MESSAGE: the run ends soon, with this status and message
	local status=0
	for _ in $(seq 400); do
		kill -0 $run 2>/dev/null || break
		sleep 0.1
	done
	kill -0 $run 2>/dev/null && fail "the run hangs"
	wait $run || status=$?
	[ $status -eq "$1" ] || { cat "$T/err" >&2; fail "status $status instead of $1"; }
	said "$2"
	json 'len(cells[0]["rounds"]) == 1 and cells[0]["path_ok"]'
	nothing_left
}

for p in $paths; do
	start "$p"
	victim serve "$p"
	kill -KILL "$pid"
	# the client of passthrough needs no server for its I/O: that round ends well
	if [ "$p" = passthrough ]; then
		kill -INT $run
		finish 1 "interrupted"
	else
		finish 1 "the server was killed by signal 9"
	fi

	start "$p"
	victim client "$p"
	kill -KILL "$pid"
	finish 1 "a client was killed by signal 9"
done

# a server that hangs is found by the watchdog
runtime=5s
for p in copy ipc; do
	start "$p" --watchdog 1s
	victim serve "$p"
	kill -STOP "$pid"
	finish 1 "the server did not answer a client for 1.00 s"
done
start copy --depth 8 --watchdog 1s
victim serve copy
kill -STOP "$pid"
finish 1 "did not answer"
# ... also where the end is a count and not a time
second='count = 1000000000'
start copy --watchdog 1s
victim serve copy
kill -STOP "$pid"
finish 1 "did not answer"
second=''

runtime=30s
# Ctrl-C and SIGTERM: what was measured is kept
for s in INT TERM; do
	start copy
	victim client copy
	kill -$s $run
	finish 1 "interrupted; what was measured until then is kept"
	json 'r["run"]["interrupted"]'
done

# SIGKILL of zcbench itself: the guardian tidies up, settings included
if uring_kernel && [ "$(cat /sys/module/fuse/parameters/enable_uring)" = N ]; then
	start uring
	victim client uring
	kill -KILL $run
	wait $run || true
	nothing_left
	[ "$(cat /sys/module/fuse/parameters/enable_uring)" = N ] || fail "enable_uring was not restored"
fi

# SIGKILL of zcbench, its guardian and the server: cleanup mends it
start copy
victim serve copy
guard=$(pgrep -P $run zcbench-guard)
kill -STOP $run "$guard" # neither shall see the other die
kill -KILL "$pid" "$guard" $run
wait $run || true
expect 0 $Z cleanup
printed "unmounted"
printed "removed $ZCBENCH_RUNDIR/"
nothing_left
expect 0 $Z cleanup
printed "nothing to clean up"

# serve in the foreground: killed, its dead mount is found wherever it is; unmounted or told to, it ends
mkdir "$T/mnt"
$Z serve copy "$T/mnt" 2>/dev/null &
server=$!
for _ in $(seq 200); do grep -q "$T/mnt" /proc/mounts && break; sleep 0.1; done
kill -KILL $server
wait $server || true
expect 0 $Z cleanup
printed "unmounted $T/mnt"
for how in "umount $T/mnt" "kill -TERM"; do
	$Z serve copy "$T/mnt" 2>/dev/null &
	server=$!
	for _ in $(seq 200); do grep -q "$T/mnt" /proc/mounts && break; sleep 0.1; done
	case $how in kill*) kill -TERM $server ;; *) $how ;; esac
	wait $server || fail "serve ended with status $? after: $how"
done
nothing_left
