#!/bin/sh
# SPDX-License-Identifier: MIT
# What does the copy ledger cost? The same cells with and without it, in turns; the ratio of the median
# latencies and of the CPU time, pair by pair, and the median of the pairs. Wanted: less than 3 % for 1 MiB,
# less than 10 % for 4 KiB. For a machine that allows BPF, as root, with nothing else to do; or in a guest whose
# clock counts instructions, where three pairs are enough (a minute or two):
#
#   ./zcbench vm --accel icount --silence 10m --timeout 1h shell tests/bench/ledger.sh 3
#
# Exits with 1 if a median is above its limit, and with 77 where BPF is refused.
set -eu

pairs=${1:-20}
T=$(mktemp -d /tmp/ledger-bench.XXXXXX)
Z=zcbench
[ ! -x ./zcbench ] || Z=./zcbench

once() { # NAME ARGS...
	name=$1
	shift
	$Z run --path copy,uring --sink null --bs 4k,1m --rounds 1 --count 300 --warmup 20ms --no-verify \
		--watchdog 60s --quiet --output "$T/o" --csv "$T/$name" "$@" 2>"$T/err" || {
		cat "$T/err" >&2
		exit 1
	}
	if [ "$name" = with ] && grep "not counted" "$T/err"; then
		exit 77
	fi
}

i=0
while [ $i -lt "$pairs" ]; do
	# each comes first as often as the other
	if [ $((i % 2)) = 0 ]; then
		once with
		once without --no-ledger
	else
		once without --no-ledger
		once with
	fi
	awk -F, '
		FNR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; file++; next }
		{
			key = $c["path"] " " $c["bs"]
			p50[file, key] = $c["latency_p50_ns"]
			cpu[file, key] = $c["cpu_ns_per_kib"]
			seen[key] = 1
		}
		END {
			for (key in seen) {
				print key, "latency", p50[2, key] / p50[1, key]
				print key, "cpu", cpu[2, key] / cpu[1, key]
			}
		}' "$T/without" "$T/with" >>"$T/ratios"
	i=$((i + 1))
done

sort -k1,1 -k2,2n -k3,3 -k4,4n "$T/ratios" | awk '
	function done() {
		if (!n)
			return
		m = n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
		split(key, k, " ")
		limit = k[2] >= 1048576 ? 1.03 : 1.10
		printf "%-8s %8d  %-8s with / without the ledger %.3f  (%d pairs, %.3f .. %.3f)  limit %.2f  %s\n", \
			k[1], k[2], k[3], m, n, v[1], v[n], limit, m <= limit ? "ok" : "TOO MUCH"
		bad += m > limit
		n = 0
	}
	{
		now = $1 " " $2 " " $3
		if (now != key)
			done()
		key = now
		v[++n] = $4
	}
	END {
		done()
		exit bad > 0
	}'
rm -rf "$T"
