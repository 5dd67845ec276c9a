# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the integration tests share: `. tests/lib.sh` from the top of the tree.
# A temporary folder in $T that goes away; whatever a test leaves in the system fails it.
set -eu
Z=${ZCBENCH:-./zcbench}
T=$(mktemp -d)
# a run folder of its own: other runs on this machine are not this test's business
export ZCBENCH_RUNDIR=$T/run
trap tidy EXIT

# However the test ends: its processes, mounts and files go. $also is what it keeps elsewhere.
also=
tidy() {
	local p
	for p in $(jobs -p); do
		kill -KILL "$p" 2>/dev/null || true
	done
	wait 2>/dev/null || true
	$Z cleanup >/dev/null 2>&1 || true
	grep -o " ${T}[^ ]*" /proc/mounts | while read -r p; do umount -l "$p"; done
	# shellcheck disable=SC2086
	rm -rf "$T" $also
}

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

# expect STATUS COMMAND...: runs it, output to $T/out and $T/err; any other exit status fails the test
expect() {
	local want=$1 got=0
	shift
	"$@" >"$T/out" 2>"$T/err" || got=$?
	if [ "$got" -ne "$want" ]; then
		cat "$T/out" "$T/err" >&2
		fail "status $got instead of $want: $*"
	fi
}

# said WORDS...: standard error of the last command contains them
said() {
	grep -qF -- "$*" "$T/err" || {
		cat "$T/err" >&2
		fail "standard error does not say: $*"
	}
}

printed() {
	grep -qF -- "$*" "$T/out" || {
		cat "$T/out" >&2
		fail "standard output does not say: $*"
	}
}

# json EXPRESSION: evaluates a Python expression over the result of the last command; r is the object,
# cells its list of cells. Fails unless it is true.
json() {
	/usr/bin/python3 - "$T/out" "$1" <<-'PY' || fail "not true of the result: $1"
	import json, sys
	r = json.load(open(sys.argv[1]))
	cells = r["cells"]
	sys.exit(0 if eval(sys.argv[2]) else 1)
	PY
}

# The processes of this test's runs, as PID COMMAND: they carry the run folder in their environment.
members() {
	local p
	for p in /proc/[0-9]*; do
		if { tr '\0' '\n' <"$p/environ"; } 2>/dev/null | grep -q "^ZCBENCH_RUN=$ZCBENCH_RUNDIR/"; then
			echo "${p#/proc/} $(tr '\0' ' ' <"$p/cmdline")"
		fi
	done
}

# Nothing of this test's runs is left: no mount, no process, no run folder.
nothing_left() {
	for _ in $(seq 200); do
		if ! grep -q "$T" /proc/mounts && [ -z "$(members)" ] &&
			! ls -d "$ZCBENCH_RUNDIR"/*.* >/dev/null 2>&1; then
			return 0
		fi
		sleep 0.1
	done
	grep "$T" /proc/mounts >&2 || true
	members >&2
	ls -d "$ZCBENCH_RUNDIR"/*.* >&2 || true
	fail "something was left behind"
}

# serve PATH ARGS...: zcbench serve PATH $mnt, process $server, until its mount is there; what it says is in $T/serve
mnt=$T/mnt
serve() {
	local path=$1
	shift
	mkdir -p "$mnt"
	$Z serve "$path" "$mnt" "$@" 2>"$T/serve" &
	server=$!
	for _ in $(seq 100); do
		mountpoint -q "$mnt" && return
		sleep 0.1
	done
	cat "$T/serve" >&2
	fail "$path: no mount"
}

unserve() {
	kill -INT "$server"
	wait "$server" || fail "the server ended with status $?: $(cat "$T/serve")"
}

# with COMMAND...: through libzcbypass.so, which tells what it did
with() { ZCBYPASS_REPORT=1 timeout 120 $Z exec "$mnt" -- "$@"; }
# report WHAT: the sum of a figure over all processes of the last command
report() { awk -v what="$1" '/^zcbypass:/ { n = split($0, p, /[:,] /); for (i = 1; i <= n; i++) if (index(p[i], what)) s += p[i] } END { print s + 0 }' "$T/err"; }

# The paths that this machine can run, from zcbench's own table: a new path is tested as soon as it is
# there. What every machine of the tests has must be among them: a broken path is no missing one.
available_paths() {
	local all
	all=$($Z run --setup --rounds 1 --runtime 2ms --warmup 0s --size 1m --bs 4k --sink null --no-limits --no-ledger --counted-rounds 0 --csv - \
		--output "$T/available" 2>/dev/null | tail -n +2 | cut -d, -f1) || fail "not every path works"
	for p in copy splice ipc passthrough; do
		grep -qx "$p" <<<"$all" || fail "path $p is missing"
	done
	if uring_kernel; then
		grep -qx uring <<<"$all" || fail "path uring is missing"
	fi
	# not every source is for it, nor every kernel: tests/kernel/shm.sh
	grep -vx uring-shm <<<"$all"
}

# For tests in a guest. On CI's machine all of it is there: what is not is a failure then, not a reason to skip.
need_guest() {
	local cache=${XDG_CACHE_HOME:-/var/cache}/zcbench
	cannot() {
		[ -z "${CI:-}" ] || fail "$*"
		skip "$*"
	}
	command -v qemu-system-x86_64 >/dev/null || cannot "qemu-system-x86_64 is not installed (package qemu-system-x86)"
	command -v busybox >/dev/null || cannot "busybox is not installed (package busybox-static)"
	[ "$(id -u)" -eq 0 ] || cache=${XDG_CACHE_HOME:-$HOME/.cache}/zcbench
	kernel/fetch-debian.sh "$cache" >"$T/kernel" 2>"$T/err" || cannot "Debian's kernel cannot be fetched: $(grep error: "$T/err")"
	[ -s "$(cat "$T/kernel")" ] || fail "fetch-debian.sh printed no kernel"
}

uring_kernel() {
	[ -e /sys/module/fuse/parameters/enable_uring ]
}
