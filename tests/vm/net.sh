#!/bin/sh
# SPDX-License-Identifier: MIT
# vm: --net
# Sink tcp through a network card (virtio, a receiver on the host) and over the guest's own loopback. net.py
# judges what went by reference and what the kernel copied after all. And errors that come after a commit
# was already linked to the move before it.
set -eu

common="--bs 64k,1m --rounds 1 --runtime 1ms --warmup 0s --size 4m --watchdog 60s --quiet --no-limits --no-ledger --counted-rounds 0"
# shellcheck disable=SC2086
{
	zcbench run --path copy,splice,uring,uring-pool,uring-zc,ipc --sink tcp --op write,read $common --output results/nic
	zcbench run --path uring,uring-pool,uring-zc,ipc --sink tcp --send zc $common --output results/nic-zc
	zcbench run --path uring-zc,ipc --sink tcp --send copy $common --output results/nic-copy
	zcbench run --path uring-zc,ipc --source udmabuf --sink tcp $common --output results/nic-dmabuf
	zcbench run --path uring-zc --sink tcp --op write,read --depth 8 --clients 2 $common --output results/nic-deep
	unset ZCBENCH_TCP
	zcbench run --path splice,uring-zc,ipc --sink tcp --op write,read $common --output results/loopback
}

# A device to which nothing can be moved by reference: the client is told (and does not hang), linked or not.
for link in --link --no-link; do
	status=0
	zcbench run --path uring-zc --sink file --file /dev/full --overwrite --no-verify --bs 64k --depth 4 --rounds 1 \
		--runtime 1ms --warmup 0s $link --output full 2>said >said.out || status=$?
	if [ $status -ne 1 ] || ! grep -q "error: write of 65536 bytes at offset" said; then
		echo "status $status without an error, $link:" >&2
		cat said >&2
		exit 1
	fi
done
