#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# The kernel series by itself, with a server and clients of its own (kernel/tests): with each way that a server
# can be set up, and once by an unprivileged user in a user namespace.
#
# vm: --cpus 2 --mem 3g --timeout 19m
# with: @BUILD@/tests/kernel/shared_buf
set -eu

echo 16 >/proc/sys/vm/nr_hugepages
status=0
for mode in none+async pool zc+async; do
	shared_buf $mode || status=$?
	[ $status -ne 77 ] || exit 1 # this is the kernel that has it
done
# an unprivileged user, alone in a user namespace: server and client without a capability
echo 1 >/proc/sys/vm/unprivileged_userfaultfd
chmod 666 /dev/fuse /dev/udmabuf /dev/dma_heap/system
shared_buf userns match vma registry || status=$?
exit $status
