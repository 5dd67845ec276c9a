#!/bin/bash
# SPDX-License-Identifier: MIT
# The patch series applies to the pristine source in order, and checkpatch.pl has nothing to say about it; both
# checks can fail.
. tests/lib.sh

cache=${XDG_CACHE_HOME:-$([ "$(id -u)" -eq 0 ] && echo /var/cache || echo "$HOME/.cache")}/zcbench
[ -L "$cache/kernel/source/newest" ] || skip "there is no kernel source: make kernel"

kernel/check-series.sh --fast "$cache" >"$T/out" 2>&1 || fail "$(cat "$T/out")"
[ "$(grep -c ': applies, checked$' "$T/out")" -eq "$(find kernel/series -name '000[1-9]-*' | wc -l)" ] || fail "$(cat "$T/out")"

broken() { # SED-EXPRESSION WANTED
	rm -rf "$T/series"
	cp -r kernel/series "$T/series"
	sed -i "$1" "$T"/series/0003-*.patch
	! ZCBENCH_SERIES=$T/series kernel/check-series.sh --fast "$cache" >"$T/out" 2>&1 || fail "not noticed: $1"
	grep -q "$2" "$T/out" || fail "not said: $2: $(cat "$T/out")"
}
# a line of context that is not there, and a blank before a semicolon
broken '0,/^ .*;$/s/^ .*;$/ \tnot_there();/' "0003-.* does not apply"
broken '0,/^+.*;$/s/^\(+.*\);$/\1 ;/' "checkpatch.pl --strict does not like 0003-"
rm -rf "$T/series"
cp -r kernel/series "$T/series"
rm "$T"/series/0002-*
! ZCBENCH_SERIES=$T/series kernel/check-series.sh --fast "$cache" >"$T/out" 2>&1 || fail "a missing patch was not noticed"
grep -q "patch 2 is missing" "$T/out" || fail "$(cat "$T/out")"
