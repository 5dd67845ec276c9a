#!/bin/bash
# SPDX-License-Identifier: MIT
# The proofs can fail: a server that changes one byte is caught by verification, one that takes another
# way than its path's name says is caught by its own counts. Both end with status 1 and are in the result.
. tests/lib.sh

quick="--setup --rounds 2 --runtime 10ms --warmup 0s --size 8m --bs 64k --no-limits --no-ledger --counted-rounds 0"
paths=copy,ipc
uring_kernel && paths=$paths,uring

for op in write read; do
	expect 1 $Z run $quick --output "$T/a" --path $paths --sink read --op $op --fault corrupt --json -
	[ $op = write ] && said "that reached the server is not what the client wrote" ||
		said "that came back is not what the server sent"
	json 'all("error" in c and c["verified"] is False and not c["rounds"] for c in cells)'

	# stored wrong: seen on arrival or when the store is read back
	expect 1 $Z run $quick --output "$T/b" --path $paths --sink file --file "$T/f" --op $op --fault corrupt --json -
	json 'all("error" in c and c["verified"] is False for c in cells)'

	expect 1 $Z run $quick --output "$T/c" --path $paths --sink null --op $op --fault reroute --json -
	said "did not do what its name says"
	json 'all(c["path_ok"] is False and "path_problem" in c and len(c["rounds"]) == 2 for c in cells)'
done

# without verification nobody claims that it was verified
expect 0 $Z run $quick --output "$T/d" --path ipc --sink null --no-verify --json -
json 'cells[0]["verified"] is False and cells[0]["path_ok"]'

# libfuse splices no small blocks: they must not be sold as splice; single small requests are counted
expect 77 $Z run $quick --output "$T/e" --path splice --sink null --op write,read --bs 2k --json -
json 'not cells and all("libfuse does not splice" in s["why"] for s in r["skipped"]) and len(r["skipped"]) == 2'
expect 77 $Z run $quick --output "$T/e" --path splice --sink null --op read --bs 4k,8191 --json -
expect 0 $Z run $quick --output "$T/e" --path splice --sink null --op write,read --bs 1052671 --json -
json 'all(c["path_ok"] and c["verified"] for c in cells)'
json 'all(c["rounds"][0]["requests"].keys() == {"pipe", "small"} for c in cells)'

# the wrong hands: a block larger than max_write is split, and the result says which size was reached
expect 0 $Z run $quick --output "$T/f2" --path copy --sink null --bs 3m --json -
json 'cells[0]["rounds"][0]["largest_request"] == 1 << 20'
json 'cells[0]["rounds"][0]["requests"]["dev"]["requests"] == 3 * cells[0]["rounds"][0]["ops"]'
# requests above 1 MiB, where the kernel lets one ask for them; what was reached is in the result
if uring_kernel && [ -w /proc/sys/fs/fuse/max_pages_limit ]; then
	expect 0 $Z run $quick --output "$T/g" --path uring --sink read --bs 4m --op write,read --max-io 4m --json -
	json 'all(c["rounds"][0]["largest_request"] == 4 << 20 and c["verified"] for c in cells)'
	expect 0 $Z run --rounds 1 --runtime 10ms --size 8m --output "$T/h" --path ipc --sink null --bs 4m \
		--max-io 8m --json -
	json '"fs.fuse.max_pages_limit" in cells[0]["evidence"]["note"]'
fi
nothing_left
