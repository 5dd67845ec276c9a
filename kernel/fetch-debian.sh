#!/bin/bash
# SPDX-License-Identifier: MIT
# Puts one of Debian's stock cloud kernels into a cache folder, and prints where it lies.
#
#   kernel/fetch-debian.sh CACHE [VERSION]      the newest in the suite, or the newest 7.1 (say)
#
# It needs no root: see apt.sh. A kernel that is in the cache already is taken as it is, without the network:
# delete CACHE/debian to look for a newer one. CACHE/debian/VERSION then holds
#   vmlinuz  config  modules/NN-NAME.ko         (unpacked, NN: in the order in which they load)
#   modules.list                                (which were looked for: another list, and it is fetched again)
set -euo pipefail

modules="virtio_console virtio_blk virtio_net vmxnet3 null_blk ublk_drv dummy udmabuf fuse"

cache=${1:?usage: fetch-debian.sh CACHE [VERSION]}
want=${2:-}
# shellcheck disable=SC2034 # for apt.sh
otherwise="zcbench vm --kernel PATH, with a kernel of your own"
# shellcheck source=kernel/apt.sh
. "$(dirname "$0")/apt.sh"

# Those of the lines on standard input that are the wanted version: "7.1" is 7.1.13, but never 7.10.
newest() {
	awk -v w="$want" 'index($0, w) == 1 && substr($0, length(w) + 1) !~ /^[0-9]/ || w == ""' |
		sort -V | tail -n 1
}

complete() { # VERSION
	[ -s "$cache/debian/$1/vmlinuz" ] && [ "$(cat "$cache/debian/$1/modules.list" 2>/dev/null)" = "$modules" ]
}

# The newest of all is what a fetch without a version found, and not what is newest in the cache.
cached() {
	local v
	if [ -z "$want" ]; then
		v=$(readlink "$cache/debian/newest") && complete "$v" &&
			echo "$cache/debian/$v/vmlinuz"
		return
	fi
	v=$(find "$cache/debian" -mindepth 2 -maxdepth 2 -name vmlinuz -printf '%h\n' 2>/dev/null |
		sed 's:.*/::' | newest)
	[ -n "$v" ] && complete "$v" && echo "$cache/debian/$v/vmlinuz"
}

# Whoever waited for another's fetch finds the kernel in the cache.
cached && exit 0
lock_cache
cached && exit 0
apt_open "Debian's kernel${want:+ $want}"
apt apt-cache pkgnames
version=$(sed -n 's/^linux-image-\([0-9].*-cloud-amd64\)$/\1/p' "$work/out" | newest)
if [ -n "$version" ] && complete "$version"; then
	[ -n "$want" ] || ln -sfn "$version" "$cache/debian/newest"
	echo "$cache/debian/$version/vmlinuz"
	exit 0
fi
[ -n "$version" ] || die "$suite has no kernel ${want:-at all}; it has $(sed -n 's/^linux-image-\([0-9.]*\)[^0-9.].*-cloud-amd64$/\1/p' "$work/out" | sort -V | tr '\n' ' ')" "zcbench vm --kernel debian"

# Image, modules and configuration are in one to four packages, which changed over the years; of an old
# kernel the archive may have the image only.
packages=$(grep -xE "linux-(image|binary|base|modules)-${version//+/\\+}" "$work/out")
# shellcheck disable=SC2086
apt_download $packages
for deb in "$work"/debs/*.deb; do
	dpkg-deb -x "$deb" "$work/root"
done

new=$work/new
mkdir -p "$new/modules"
chmod 755 "$new"
tree=$(find "$work/root" -type d -path "*/lib/modules/$version" | head -n 1)
find "$work/root" \( -name vmlinuz -o -name "vmlinuz-$version" \) -type f -exec cp {} "$new/vmlinuz" \;
find "$work/root" \( -path "*/$version/config" -o -name "config-$version" \) -type f -exec cp {} "$new/config" \;
[ -s "$new/vmlinuz" ] || die "there is no kernel image in $packages" "zcbench vm --kernel PATH"

# A module after those that it needs; what is built in has no file.
number=10
add() { # NAME
	local file needs name
	file=$(find "${tree:-/nonexistent}" -name "$1.ko*" 2>/dev/null | head -n 1) || true
	[ -n "$file" ] && ! ls "$new/modules"/*-"$1.ko" >/dev/null 2>&1 || return 0
	case $file in
	*.xz) xz -dc "$file" ;;
	*.gz) gzip -dc "$file" ;;
	*.zst) zstd -qdc "$file" ;;
	*) cat "$file" ;;
	esac >"$work/$1.ko"
	needs=$(tr '\0' '\n' <"$work/$1.ko" | sed -n 's/^depends=//p' | tr ',' ' ')
	for name in $needs; do
		add "$name"
	done
	mv "$work/$1.ko" "$new/modules/$number-$1.ko"
	number=$((number + 1))
}
for name in $modules; do
	add "$name"
done
echo "$modules" >"$new/modules.list"
rm -rf "${cache:?}/debian/$version"
mv -T "$new" "$cache/debian/$version"
[ -n "$want" ] || ln -sfn "$version" "$cache/debian/newest"
echo "$cache/debian/$version/vmlinuz"
