#!/bin/bash
# SPDX-License-Identifier: MIT
# Each workload runs (cut short, on one path), says what it varies, how long it takes and how to read it, names
# figures that exist, is in the man page, and stands in `zcbench list workloads` with its description and duration.
set -eu
. tests/lib.sh

expect 0 $Z list figures
cp "$T/out" "$T/figures"
expect 0 $Z list workloads
cp "$T/out" "$T/list"
! grep "cannot be used" "$T/list" || fail "a workload that cannot be used"

n=0
for file in workloads/*.ini; do
	n=$((n + 1))
	name=$(basename "$file" .ini)
	description=$(sed -n 's/^description = //p' "$file")
	[ -n "$description" ] || fail "$name has no description"
	grep -A1 "^  $name  *$description$" "$T/list" | grep -Eq '^ +up to [0-9]+ (s|min)$' ||
		fail "$name is not in the list, or without a duration"
	for word in "# What it varies:" "# Why:" "# How long:" "# How to read it:"; do
		grep -q "^$word" "$file" || fail "$name does not say '$word'"
	done
	for figure in $(sed -n 's/.*--figure \([a-z,-]*\).*/\1/p' "$file" | tr , ' '); do
		grep -q "^  $figure " "$T/figures" || fail "$name names a figure $figure"
	done
	grep -qx ".B ${name//-/\\\\-}" docs/zcbench.1 || fail "$name is not in the man page"
	expect 0 $Z run "$name" --path ipc --bs 4k --clients 1 --rounds 1 --runtime 1ms --warmup 0s --size 1m \
		--no-limits --events none --quiet --json - --output "$T/$name"
	json "cells and all(len(c['rounds']) == 1 and c['verified'] for c in cells) and r['workload'] == '$description'"
done
[ "$n" -ge 8 ] || fail "only $n workloads"
expect 2 $Z list nonsense
said "list takes one of paths, sources"
nothing_left
