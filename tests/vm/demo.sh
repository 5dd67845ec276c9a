#!/bin/sh
# SPDX-License-Identifier: MIT
# zcbench demo where the kernel lets BPF count: copied bytes stand beside payload bytes, counted and not
# expected, and count anew after a kill.
. guest.sh

printf 'wait 6s\nkill copy\nwait 8s\n' >script.demo
zcbench demo --path copy,uring-zc,ipc --sink null --slice 50ms --script ./script.demo >out || fail "status $?"
for line in "copy .*copied [1-9].* = 1.0[01]x  (expected: 1.00x)" \
	"uring-zc .* = 0.0[01]x  (expected: 0.00x)" \
	"ipc .*copied 0.00 B = 0.00x  (expected: 0.00x)" \
	"copy .*SERVER KILLED.*its client got E"; do
	grep -q "s  $line" out || fail "no line like: $line"
done
tail -n 3 out | grep -q "copy .* = 1.0[01]x  (expected: 1.00x)" || fail "copy did not come back"
if grep -q "EXPECTED" out; then fail "something was not counted"; fi
if grep -q "NOT AS CLAIMED" out; then fail "a path did not do what it says"; fi
exit 0
