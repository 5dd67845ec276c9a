#!/bin/bash
# SPDX-License-Identifier: MIT
# zcbench ab: sides of every kind, in turns A B B A; a worse side is found, an equal one is not; settings
# come back; what is no side, and a side that cannot run, are refused by name.
. tests/lib.sh
python=/usr/bin/python3
quick="--sink null --bs 64k --runtime 5ms --warmup 0s --size 1m"

rounds() { # rounds FOLDER: how many each side has
	$python -c 'import json, sys
for s in "ab": print(len(json.load(open(f"{sys.argv[1]}/{s}/result.json"))["cells"][0]["rounds"]))' "$1" | tr '\n' ' '
}

# a command is a side: what it is called with, and in which order
for side in a b; do
	cat >"$T/$side.sh" <<-SH
		#!/bin/sh
		echo "$side \$*" >>"$T/calls"
		exec "$(readlink -f "$Z")" "\$@"
	SH
	chmod +x "$T/$side.sh"
done
expect 0 "$Z" ab --a "$T/a.sh" --b "$T/b.sh" --metric latency_p50 --until 100% --output "$T/o1" -- --path copy $quick
printed "no difference shown"
said "narrow enough"
grep -v -e --help "$T/calls" | cut -c1 | tr -d '\n' >"$T/order"
grep -qE '^(abba)+(ab)?$' "$T/order" || fail "not in turns: $(cat "$T/order")"
# 1 metric at 1 %: 2 / 2^8
[ "$(rounds "$T/o1")" = "8 8 " ] || fail "not as many rounds as a test needs: $(rounds "$T/o1")"
[ "$(grep -c -e --no-verify "$T/calls")" -eq 14 ] || fail "all but the first of each side are without verification"
[ ! -e "$T/o1/work" ] || fail "the working folder is left"
# the two results are ordinary ones
expect 0 "$Z" compare "$T/o1/a" "$T/o1/b" --metric latency_p50
expect 0 "$Z" history add --db "$T/h.db" "$T/o1/a" "$T/o1/b"

# what is counted needs one pair
expect 0 "$Z" ab --exact --a "--path copy" --b "--path copy" --output "$T/o2" -- $quick
[ "$(rounds "$T/o2")" = "1 1 " ] || fail "--exact"
printed "exact metrics are equal"
expect 3 "$Z" ab --exact --a "--fault none" --b "--fault memcpy" --output "$T/o3" -- --path copy,ipc $quick
printed "regression: ipc write, sink null, 64k blocks, source memfd, depth 1, 1 client, pin split, file size 1m: hop server_user copies each byte 1.00 times, not 0.00 times"
printed "regression: copy write"

# a slower server is found, and a faster one is no regression
slow="--fault slow --fault-delay 3ms"
expect 3 "$Z" ab --a "--fault none" --b "$slow" --until 100% --budget 30s --output "$T/o4" --metric latency_p50 -- \
	--path ipc $quick
grep -qE '! latency_p50_ns .* worse' "$T/out" || fail "the slower server was not found"
expect 0 "$Z" ab --a "$slow" --b "--fault none" --until 100% --budget 30s --output "$T/o5" --metric latency_p50 \
	--format json -- --path ipc $quick
grep -q '"better": 1' "$T/out" || fail "the faster server was not found"

# paths are sides; the budget ends it
SECONDS=0
expect 0 "$Z" ab --a copy --b ipc --until 0% --budget 5s --alpha 50% --output "$T/o6" --metric latency_p50 -- $quick
[ $SECONDS -le 20 ] || fail "a budget of 5 s took $SECONDS s"
printed "copy / ipc write, sink null"
said "the budget ended (--budget)"

# a setting: each side has its own, and what was there comes back, also if zcbench is killed
bg=/sys/module/fuse/parameters/max_user_bgreq
if [ "$(id -u)" -eq 0 ] && [ -w $bg ]; then
	before=$(cat $bg)
	for side in a b; do
		cat >"$T/$side.sh" <<-SH
			#!/bin/sh
			exec "$(readlink -f "$Z")" "\$@"
		SH
	done
	expect 0 "$Z" ab --exact --a fuse.max_user_bgreq=12 --b fuse.max_user_bgreq=64 --output "$T/o7" -- --path copy $quick
	printed "differs: fuse_parameters.max_user_bgreq: 12 / 64"
	[ "$(cat $bg)" = "$before" ] || fail "the setting did not come back"
	"$Z" ab --until 0% --a fuse.max_user_bgreq=12 --b fuse.max_user_bgreq=64 --output "$T/o8" -- --path copy $quick >/dev/null 2>&1 &
	ab=$!
	for _ in $(seq 100); do
		[ "$(cat $bg)" != "$before" ] && break
		sleep 0.1
	done
	[ "$(cat $bg)" != "$before" ] || fail "the setting was never made"
	sleep 1
	kill -KILL $ab
	wait $ab 2>/dev/null || true
	for _ in $(seq 100); do
		[ "$(cat $bg)" = "$before" ] && break
		sleep 0.1
	done
	[ "$(cat $bg)" = "$before" ] || fail "the setting of a killed ab did not come back"
	nothing_left
fi

# interrupted: what there is, and status 1
"$Z" ab --a copy --b ipc --until 0% --output "$T/o9" -- $quick >"$T/out" 2>"$T/err" &
ab=$!
sleep 4
kill -INT $ab
status=0
wait $ab || status=$?
[ $status -eq 1 ] || fail "status $status after SIGINT"
printed "copy / ipc write"

# what is no side
expect 2 "$Z" ab --a copy -- $quick
said "ab needs two sides, --a and --b"
expect 2 "$Z" ab --a copy --b /bin/true -- $quick
said "'/bin/true run --help' is not answered as zcbench answers it"
expect 2 "$Z" ab --a copy --b cpoy -- $quick
said "cpoy"
expect 2 "$Z" ab --a copy --b fuse.nonsense=1 -- $quick
said "'fuse.nonsense' is neither a module's parameter nor a sysctl of this kernel"
expect 2 "$Z" ab --a copy --b " " -- $quick
# a side that does not run: what it said
expect 1 "$Z" ab --a copy --b ipc --output "$T/o10" -- $quick --bs 4q
said "side 'copy' ended with status 2: zcbench: error: --bs: '4q' is not a size"
expect 1 "$Z" ab --a "--bs 4k" --b "--bs 4k,64k" --output "$T/o11" -- --path copy $quick
said "side '--bs 4k' has 1 cells, and side '--bs 4k,64k' 2"
# a cell that fails on one side only is a regression
expect 3 "$Z" ab --a "--sink null" --b "--sink file --file /nonexistent/x" --output "$T/o12" -- --path copy $quick
printed "/nonexistent/x"
nothing_left
