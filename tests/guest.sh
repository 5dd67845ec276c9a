#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# What the scripts that run in a guest share: `. guest.sh`; tests/integration/vm_guest.sh puts it there.

fail() {
	cat out err said 2>/dev/null || true
	ps
	cat /proc/mounts
	echo "FAIL: $*"
	exit 1
}

# await SECONDS COMMAND...: until it is true
await() {
	local tries=$(($1 * 10))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "waited in vain: $*"
		usleep 100000
	done
}
