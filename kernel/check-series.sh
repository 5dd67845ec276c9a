#!/bin/bash
# SPDX-License-Identifier: MIT
# Is the series fit to be posted? From the pristine source, each patch applies without fuzz to what the ones before it
# left, passes checkpatch.pl --strict, and the kernel builds after it, without a warning from fs/fuse.
#
#   kernel/check-series.sh CACHE            after `make kernel`; a few minutes
#   kernel/check-series.sh --fast CACHE     without the builds; seconds
#
# checkpatch's FILE_PATH_CHANGES asks for a look at MAINTAINERS when files are added: its entry FUSE has all of
# fs/fuse/ and Documentation/filesystems/fuse/ already.
set -euo pipefail

fast=
[ "${1:-}" != --fast ] || {
	fast=1
	shift
}
here=$(cd "$(dirname "$0")" && pwd)
cache=${1:?usage: check-series.sh [--fast] CACHE}
series=${ZCBENCH_SERIES:-$here/series}

die() {
	echo "check-series: $*" >&2
	exit 1
}
version=$(readlink "$cache/kernel/source/newest") || die "there is no kernel source in $cache: make kernel"
source=$cache/kernel/source/$version
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the series touches, as it was.
mkdir -p "$work/tree" "$work/series"
cp -a "$source/pristine/." "$work/tree/" 2>/dev/null || die "$source has never had the series: make kernel"
n=0
for p in "$series"/[0-9][0-9][0-9][0-9]-*.patch; do
	name=${p##*/}
	case $name in 0000-*) continue ;; esac
	n=$((n + 1))
	[ "${name%%-*}" = "$(printf '%04d' $n)" ] || die "patch $n is missing: $name comes next"
	patch -d "$work/tree" -p1 -N -s -f --fuzz=0 --no-backup-if-mismatch <"$p" || die "$name does not apply"
	(cd "$source/linux" && perl scripts/checkpatch.pl --strict --no-summary --terse --ignore FILE_PATH_CHANGES \
		--max-line-length=80 "$p") || die "checkpatch.pl --strict does not like $name"
	cp "$p" "$work/series"
	if [ -z "$fast" ]; then
		kernel=$(ZCBENCH_SERIES=$work/series "$here/build.sh" "$cache" x86) || die "no kernel after $name"
		! grep -nE "^(fs/fuse|include/uapi/linux/fuse).*(warning|error):" "$source/x86/log" ||
			die "the compiler does not like $name"
		echo "$name: applies, checked, built: $kernel"
	else
		echo "$name: applies, checked"
	fi
done
[ $n -gt 0 ] || die "there are no patches in $series"
