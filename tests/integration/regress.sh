#!/bin/bash
# SPDX-License-Identifier: MIT
# What this tree copies, and by which ways, is what baselines/ says, on this machine and in a guest where every copy in
# the kernel is counted. And a server that copies once more is found, by path and hop: tests/regress, docs/ci.md.
. tests/lib.sh

[ "$(id -u)" -eq 0 ] || skip "every path needs root"
uring_kernel || skip "this kernel has no FUSE over io_uring: it cannot run what the baseline has"
need_guest
export ZCBENCH=$Z
unset ZCBENCH_RUNDIR # the guest's is its own

expect 0 tests/regress host
printed "equal"
expect 3 env REGRESS_ARGS="--fault memcpy --path copy,ipc" CI= tests/regress host
grep -q "^regression: copy write, sink read, .*: hop server_user copies each byte 1.00 times, not 0.00 times" "$T/out" || {
	cat "$T/out" >&2
	fail "a copy in the server's code was not found by path and hop"
}
expect 3 env REGRESS_ARGS="--path copy,ipc" CI=true tests/regress host
printed "only in base: "

expect 0 tests/regress guest
printed "equal"
# the kernel copies once more: no server says so, and it is seen all the same
expect 3 env REGRESS_ARGS="--fault copy --no-verify --path copy,uring" CI= tests/regress guest
grep -q "^regression: uring write, sink null, .*: hop sink copies each byte 1.00 times, not 0.00 times" "$T/out" || {
	cat "$T/out" >&2
	fail "a copy in the kernel was not found by path and hop"
}
