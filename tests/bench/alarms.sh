#!/bin/bash
# SPDX-License-Identifier: MIT
# Does zcbench cry wolf, and does it find what is there? Figures for docs/compare.md.
#
#   tests/bench/alarms.sh aa [N]      N pairs of runs of one command, a few seconds apart, by `compare`  [20]
#   tests/bench/alarms.sh ab [N]      N times `ab` of a thing with itself, 20 s each                     [20]
#   tests/bench/alarms.sh copy [N]    N times a server that copies once more                              [20]
#   tests/bench/alarms.sh power [N]   N times a server that is 10 % slower at 1 MiB, `ab --budget 2m`      [20]
#
# Prints a line for each trial and then the sums, with the load averages before and after. Needs no root; as root
# path uring is there, too.
set -euo pipefail
cd "$(dirname "$0")/../.."
what=${1:-} n=${2:-20}
Z=${ZCBENCH:-./zcbench}
T=$(mktemp -d)
export ZCBENCH_RUNDIR=$T/run
trap 'rm -rf "$T"' EXIT
cells="--setup --path copy,uring,ipc --sink null --bs 64k,1m"
[ "$(id -u)" -eq 0 ] || cells="--path copy,ipc --sink null --bs 64k,1m"
alone="--no-limits --no-ledger --counted-rounds 0 --sampled-rounds 0"

# One comparison's totals: timed comparisons, alarms (worse), better, exact comparisons, exact alarms
cat >"$T/count.py" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
timed = [c for c in r["comparisons"] if not c["exact"]]
exact = [c for c in r["comparisons"] if c["exact"]]
print(len(timed), sum(c["verdict"] == "worse" for c in timed), sum(c["verdict"] == "better" for c in timed),
      len(exact), sum(c["verdict"] not in ("equal", "better") for c in exact))
for c in timed:
    if c["verdict"] in ("worse", "better", "changed"):
        print(f'  {c["verdict"]}: {c["cell"]["path"]} {c["cell"]["bs"]} {c["metric"]} {c.get("ratio", "")}', file=sys.stderr)
PY

compared() { # compared ARGS...: runs `zcbench ARGS` with --format json and prints its totals
	local status=0
	"$Z" "$1" --format json "${@:2}" >"$T/json" 2>"$T/err" || status=$?
	[ $status -eq 0 ] || [ $status -eq 3 ] || {
		cat "$T/err" >&2
		exit 1
	}
	python3 "$T/count.py" "$T/json"
}
sum() {
	awk '{t += $1; w += $2; b += $3; e += $4; x += $5; if ($2) some++}
		END {printf "%d trials, %d with an alarm; timed: %d comparisons, %d worse, %d better; exact: %d comparisons, %d alarms\n",
			NR, some, t, w, b, e, x}' "$1"
}

echo "load before: $(cut -d' ' -f1-3 /proc/loadavg), $(nproc) CPUs, Linux $(uname -r), $(date -u +%F\ %T)"
case $what in
aa)
	for i in $(seq 0 "$n"); do
		# shellcheck disable=SC2086
		"$Z" run $cells $alone --rounds 10 --runtime 100ms --quiet --output "$T/$i" 2>/dev/null
		[ "$i" -eq 0 ] || compared compare "$T/$((i - 1))" "$T/$i" | tee -a "$T/all"
	done
	;;
ab)
	for _ in $(seq "$n"); do
		# shellcheck disable=SC2086
		compared ab --a "--fault none" --b "--fault none" --budget 20s --output "$T/ab" -- $cells | tee -a "$T/all"
	done
	;;
copy)
	for _ in $(seq "$n"); do
		# shellcheck disable=SC2086
		compared ab --exact --a "--fault none" --b "--fault memcpy" --output "$T/ab" -- $cells | tee -a "$T/all"
	done
	;;
power)
	for _ in $(seq "$n"); do
		# a tenth of the median latency, as it is now
		# shellcheck disable=SC2086
		"$Z" run --path copy --sink null --bs 1m $alone --runtime 50ms --rounds 11 --quiet --output "$T/now" 2>/dev/null
		delay=$(python3 -c 'import json, sys
print(round(json.load(open(sys.argv[1]))["cells"][0]["summary"]["latency_p50_ns"]["median"] / 10))' "$T/now/result.json")
		echo "  delay: $delay ns" >&2
		compared ab --a "--fault none" --b "--fault slow --fault-delay ${delay}ns" --budget 2m --output "$T/ab" -- \
			--path copy --sink null --bs 1m | tee -a "$T/all"
	done
	;;
*)
	sed -n 's/^# \{0,1\}//p' "$0" | sed -n 2,10p
	exit 2
	;;
esac
sum "$T/all"
echo "load after: $(cut -d' ' -f1-3 /proc/loadavg)"
