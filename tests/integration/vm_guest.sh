#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/vm/NAME.sh in a guest with Debian's newest kernel, one boot for each script: a plain shell script, for
# the guest has busybox, zcbench and tests/guest.sh, and fails by its exit status. A comment "# vm: ARGS" in it gives
# zcbench vm more arguments, "# with: PROGRAM,..." is what to have there besides. What it leaves in results/ is judged on
# the host by tests/vm/NAME.py FOLDER, if there is one.
#
#   tests/integration/vm_guest.sh [NAME]...      default: all of tests/vm
#   GUEST_KERNEL=BZIMAGE|zcbench|zcbench-debug tests/integration/vm_guest.sh tests/kernel/NAME.sh...      on another kernel
#
# @BUILD@ in PROGRAM is the build folder. A NAME with a slash is a file.
. tests/lib.sh
need_guest

Z=$(readlink -f "$Z")
top=$PWD build=$(readlink -f "${BUILD:-build}")
kernel=
case ${GUEST_KERNEL:-} in
'') ;;
*/*) kernel="--kernel $(readlink -f "$GUEST_KERNEL")" ;;
*) kernel="--kernel $GUEST_KERNEL" ;;
esac
unset ZCBENCH_RUNDIR # the host's, not the guest's
failed=
[ $# -gt 0 ] || set -- tests/vm/*.sh
for name in "$@"; do
	tests=$top/tests/vm
	case $name in */*) tests=$top/$(dirname "$name") ;; esac
	name=$(basename "$name" .sh)
	arguments=$(sed -n "s/^# vm: //p" "$tests/$name.sh")
	with=$top/tests/guest.sh$(sed -n "s|@BUILD@|$build|g; s/^# with: /,/p" "$tests/$name.sh")
	# KASAN and lockdep take their time
	[ "${GUEST_KERNEL:-}" != zcbench-debug ] || arguments="$arguments --timeout 38m"
	mkdir "$T/$name"
	cd "$T/$name"
	for attempt in 1 2 3 4; do
		status=0
		# shellcheck disable=SC2086
		$Z vm --silence 3m $kernel --with "$with" $arguments shell "$tests/$name.sh" >out 2>err || status=$?
		# QEMU's emulation can trip over an int3 that another CPU has patched away (see lib/qemu.h), and
		# tracing patches a running kernel: neither the kernel's fault nor ours, and so tried again, for it was seen twice in a row
		if [ $attempt -eq 4 ] || [ $status -eq 0 ] || ! grep -q "Oops: int3" err; then
			break
		fi
		echo "$name: the emulated machine lost an int3; once more"
		rm -rf results
	done
	[ $status -eq 0 ] || failed="$failed $name (status $status)"
	# what the kernel complains about, zcbench vm says
	grep -q "the guest's kernel complained" err && failed="$failed $name (kernel)"
	if [ -e "$tests/$name.py" ] && [ -d results ] && [ $status -eq 0 ]; then
		/usr/bin/python3 "$tests/$name.py" results >>out || failed="$failed $name (results)"
	fi
	sed "s/^/$name: /" out err
	cd - >/dev/null
done
[ -z "$failed" ] || fail "in the guest:$failed"
