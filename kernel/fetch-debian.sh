#!/bin/bash
# SPDX-License-Identifier: MIT
# Puts one of Debian's stock cloud kernels into a cache folder, and prints where it lies.
#
#   kernel/fetch-debian.sh CACHE [VERSION]      the newest in the suite, or the newest 7.1 (say)
#
# It needs neither root nor a line in the system's apt sources: apt runs on a root of its own below CACHE,
# on the mirror that the system already uses (or $ZCBENCH_MIRROR), and checks the archive's signatures
# with Debian's keyring. A kernel that is in the cache already is taken as it is, without the network:
# delete CACHE/debian to look for a newer one. CACHE/debian/VERSION then holds
#   vmlinuz  config  modules/NN-NAME.ko         (unpacked, NN: in the order in which they load)
#   modules.list                                (which were looked for: another list, and it is fetched again)
set -euo pipefail

suite=trixie-backports
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
modules="virtio_console virtio_blk virtio_net vmxnet3 null_blk ublk_drv dummy udmabuf fuse"

die() { # WHAT TRY
	printf 'zcbench: error: %s\n  try: %s\n' "$1" "$2" >&2
	exit 1
}

cache=${1:?usage: fetch-debian.sh CACHE [VERSION]}
want=${2:-}

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

# One fetch at a time; whoever waited for it finds the kernel in the cache. What a killed one left goes.
cached && exit 0
mkdir -p "$cache/debian" 2>/dev/null || die "cannot write to the cache folder $cache" "XDG_CACHE_HOME=DIR with a place that you can write to"
exec 9>"$cache/lock"
flock 9
cached && exit 0
for tool in apt-get apt-cache dpkg-deb xz; do
	command -v $tool >/dev/null || die "fetching Debian's kernel needs $tool" "zcbench vm --kernel PATH, with a kernel of your own"
done
[ -r $keyring ] || die "$keyring is not there, and without it no signature can be checked" "sudo apt-get install debian-archive-keyring"
rm -rf "$cache"/work.*
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
echo "zcbench: fetching Debian's kernel ${want:+$want }($suite) into $cache" >&2

# The mirrors that the system's own sources name, Debian's first.
mirrors() {
	if [ -n "${ZCBENCH_MIRROR:-}" ]; then
		echo "$ZCBENCH_MIRROR"
		return
	fi
	apt-get update --print-uris 2>/dev/null |
		sed -n "s:^'\(.*\)/dists/[^/]*/InRelease'.*:\1:p" | grep -v security | grep debian | awk '!seen[$0]++' || true
}

# apt's own root. The system's hooks (they tidy the system's caches) are not for us.
configure() { # MIRROR
	rm -rf "$work/apt"
	mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/debs"
	echo "deb [arch=amd64 signed-by=$keyring] $1 $suite main" >"$work/apt/sources.list"
	cat >"$work/apt.conf" <<-CONF
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear APT::Architectures;
		APT::Architecture "amd64";
		APT::Architectures { "amd64"; };
		APT::Update::Error-Mode "any";
		APT::Get::AllowUnauthenticated "false";
		Acquire::AllowInsecureRepositories "false";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Dir::State "$work/apt";
		Dir::State::lists "$work/apt/lists";
		Dir::State::status "/dev/null";
		Dir::Cache "$work/apt/cache";
		Dir::Etc::sourcelist "$work/apt/sources.list";
		Dir::Etc::sourceparts "/nonexistent";
		Dir::Etc::preferences "/nonexistent";
		Dir::Etc::preferencesparts "/nonexistent";
	CONF
	# apt reads as its own user where it can
	[ "$(id -u)" -ne 0 ] || ! id _apt >/dev/null 2>&1 || chown _apt "$work/debs"
}

apt() { # TOOL ARGS...
	local tool=$1
	shift
	"$tool" -c "$work/apt.conf" "$@" >"$work/out" 2>>"$work/log" 9>&-
}

found=
for mirror in $(mirrors); do
	configure "$mirror"
	if apt apt-get -q update; then
		found=1
		break
	fi
	cat "$work/out" >>"$work/log"
done
if [ -z "$found" ]; then
	[ ! -s "$work/log" ] || sed 's/^/  | /' "$work/log" >&2
	die "no Debian mirror in the system's apt sources gave the suite $suite" "zcbench vm --kernel PATH, or ZCBENCH_MIRROR=URI of a Debian mirror"
fi
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
(cd "$work/debs" && apt apt-get -q download $packages) || {
	sed 's/^/  | /' "$work/log" >&2
	die "downloading $version failed" "again later, or zcbench vm --kernel PATH"
}
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
