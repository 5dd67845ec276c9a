#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds Linux with the patch series, and prints where the kernel lies.
#
#   kernel/build.sh CACHE x86|debug|uml           builds it unless it is in the cache
#   kernel/build.sh --built CACHE x86|debug|uml   only prints the path of what was built; else says how to build it
#
#   x86     small, for zcbench vm --kernel zcbench
#   debug   the same with the kernel's own checks (lockdep, KASAN, ...): --kernel zcbench-debug
#   uml     user-mode Linux, a program: zcbench vm --accel uml
#
# The source is Debian's linux-source package, fetched once with its signature checked (apt.sh), or a tar file
# $ZCBENCH_LINUX with one folder in it. The series is NNNN-*.patch in kernel/series, or in $ZCBENCH_SERIES.
#
#   CACHE/kernel/TARGET-KEY/        what was built: bzImage or linux, config. KEY is a hash of series,
#                                   configuration, source version and tools: what is there is up to date
#   CACHE/kernel/source/VERSION/    linux: the source, with the series that was last built; pristine: the files
#                                   that a series touched, as they were; x86, debug, uml: objects
#
# Only files that another series changes get a new time: what they do not touch is not compiled again.
set -euo pipefail
unset MAKEFLAGS MFLAGS MAKELEVEL # of a make that started this: its variables are not the kernel's

package=linux-source-7.3
kept=9 # kernels in the cache; the source of one version

here=$(cd "$(dirname "$0")" && pwd)
built=
[ "${1:-}" != --built ] || {
	built=1
	shift
}
usage="usage: build.sh [--built] CACHE x86|debug|uml"
cache=${1:?$usage} target=${2:?$usage}
series=${ZCBENCH_SERIES:-$here/series}
# shellcheck disable=SC2034 # for apt.sh
otherwise="ZCBENCH_LINUX=FILE, a tar file of the source"
# shellcheck source=kernel/apt.sh
. "$here/apt.sh"

# The configuration: fragments over tinyconfig, a later line overrides.
case $target in
x86) arch=x86_64 fragments=x86 image=arch/x86/boot/bzImage minutes=13 ;;
debug) arch=x86_64 fragments="x86 debug" image=arch/x86/boot/bzImage minutes=20 ;;
uml) arch=um fragments=uml image=linux minutes=8 ;;
*) die "there is no kernel '$target'" "x86, debug or uml" ;;
esac
fragment_files() {
	for i in $fragments; do
		echo "$here/configs/$i.config"
	done
}
# 0000 is the cover letter
patches() {
	[ ! -d "$series" ] || find "$series" -maxdepth 1 -name '[0-9][0-9][0-9][0-9]-*.patch' ! -name '0000-*' | sort
}

source_version() {
	if [ -n "${ZCBENCH_LINUX:-}" ]; then
		[ -r "$ZCBENCH_LINUX" ] || die "cannot read $ZCBENCH_LINUX" "ZCBENCH_LINUX=FILE, a tar file of the source"
		sha256sum <"$ZCBENCH_LINUX" | cut -c 1-16
	else
		readlink "$cache/kernel/source/newest" || true
	fi
}

key() {
	{
		echo "1 $target $version"
		gcc --version 2>/dev/null | head -n 1
		ld --version 2>/dev/null | head -n 1
		pahole --version 2>/dev/null
		fragment_files | xargs cat
		patches | xargs -r cat
	} | sha256sum | cut -c 1-16
}

# Sets version, result; true if the kernel is there.
cached() {
	version=$(source_version)
	[ -n "$version" ] || return 1
	result=$cache/kernel/$target-$(key)
	[ -s "$result/${image##*/}" ]
}

print() {
	touch "$result" 2>/dev/null || true # the oldest go first
	echo "$result/${image##*/}"
	exit 0
}

cached && print
[ -z "$built" ] || {
	how="make kernel"
	[ "$target" != debug ] || how="make kernel KERNEL=debug"
	[ -e "$here/../Makefile" ] || how="$0 $cache $target"
	die "the kernel '$target' with this series has not been built yet" "$how (about $minutes minutes on two cores; it is kept)"
}

for tool in make gcc ld bc bison flex patch xz pahole; do
	command -v $tool >/dev/null || die "building a kernel needs $tool" "sudo make deps"
done
echo "#include <libelf.h>" | gcc -E - >/dev/null 2>&1 || die "building a kernel needs libelf.h" "sudo make deps"

# One build at a time; what a build that was killed still runs holds the lock too.
mkdir -p "$cache/kernel/source" 2>/dev/null || die "cannot write to the cache folder $cache" "XDG_CACHE_HOME=DIR with a place that you can write to"
exec 8>"$cache/kernel/lock"
flock -n 8 || {
	echo "zcbench: waiting for another build of a kernel" >&2
	flock 8
}
cached && print
began=$SECONDS

# A folder whose name does not end in .new is complete.
unpack() { # < TAR
	local to=$cache/kernel/source/$version
	rm -rf "$cache"/kernel/source/*.new
	mkdir -p "$to.new/linux"
	# Without what no configuration of ours compiles; Kconfig and Makefile are read everywhere.
	tar -x -C "$to.new/linux" --strip-components=1 --no-same-owner --anchored --wildcards --wildcards-match-slash \
		--exclude='*/arch/[!ux]*/*.[chS]' --exclude='*/arch/[!ux]*/*.dts*' --exclude='*/drivers/gpu/*.[ch]' --exclude='*/drivers/media/*.[ch]' \
		--exclude='*/drivers/accel/*.[ch]' --exclude='*/drivers/infiniband/*.[ch]' --exclude='*/drivers/scsi/*.[ch]' \
		--exclude='*/drivers/net/wireless/*.[ch]' --exclude='*/drivers/net/ethernet/*.[ch]'
	mv -T "$to.new" "$to"
	# one source is kept
	find "$cache/kernel/source" -mindepth 1 -maxdepth 1 -type d ! -path "$to" -exec rm -rf {} +
}

fetch() {
	lock_cache
	apt_open "Debian's $package"
	apt_download $package
	version=$(dpkg-deb -f "$work"/debs/*.deb Version)
	dpkg-deb --fsys-tarfile "$work"/debs/*.deb | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' | xz -dc | unpack
	ln -sfn "$version" "$cache/kernel/source/newest"
	rm -rf "$work"
	exec 9>&-
}

if [ -n "${ZCBENCH_LINUX:-}" ]; then
	if [ ! -d "$cache/kernel/source/$version" ]; then
		echo "zcbench: unpacking $ZCBENCH_LINUX" >&2
		case $ZCBENCH_LINUX in
		*.xz) xz -dc "$ZCBENCH_LINUX" ;;
		*.gz) gzip -dc "$ZCBENCH_LINUX" ;;
		*) cat "$ZCBENCH_LINUX" ;;
		esac | unpack
	fi
elif [ ! -d "$cache/kernel/source/$(source_version)" ] || [ -z "$(source_version)" ]; then
	fetch
fi
! cached || print

source=$cache/kernel/source/$version
objects=$source/$target

# Brings the source to the series: the files that it or the one before touches are patched in a folder beside it,
# and those that came out different are copied. Whatever it is killed in, the next one puts right.
apply() {
	local p f scratch=$source/scratch
	mkdir -p "$source/pristine"
	touch "$source/touched"
	patches | while read -r p; do
		sed -n 's:^\(--- a\|+++ b\)/\([^\t]*\).*:\2:p; s:^rename \(from\|to\) ::p' "$p"
	done | sort -u | while read -r f; do
		if grep -qxF "$f" "$source/touched"; then
			continue
		fi
		if [ -e "$source/linux/$f" ]; then
			mkdir -p "$source/pristine/$(dirname "$f")"
			cp -p "$source/linux/$f" "$source/pristine/$f"
		fi
		echo "$f" >>"$source/touched"
	done
	rm -rf "$scratch"
	cp -a "$source/pristine" "$scratch"
	for p in $(patches); do
		patch -d "$scratch" -p1 -N -s -f --fuzz=0 --no-backup-if-mismatch <"$p" >"$source/patch.log" 2>&1 || {
			sed 's/^/  | /' "$source/patch.log" >&2
			die "${p##*/} does not apply to $package $version" "git rebase of the series onto that source"
		}
	done
	while read -r f; do
		if [ ! -e "$scratch/$f" ]; then
			rm -f "$source/linux/$f"
		elif ! cmp -s "$scratch/$f" "$source/linux/$f"; then
			mkdir -p "$source/linux/$(dirname "$f")"
			cp "$scratch/$f" "$source/linux/$f"
		fi
	done <"$source/touched"
	rm -rf "$scratch"
}

suffix=-zcbench
[ "$target" = x86 ] || suffix=-zcbench-$target
make=(make -C "$source/linux" O="$objects" ARCH="$arch" -j"$(nproc)" LOCALVERSION="$suffix"
	KBUILD_BUILD_USER=zcbench KBUILD_BUILD_HOST=zcbench KBUILD_BUILD_VERSION="${result##*-}")

failed() { # WHAT
	tail -n 20 "$objects/log" | sed 's/^/  | /' >&2
	die "$1" "$objects/log says why"
}

configure_kernel() {
	"${make[@]}" tinyconfig >>"$objects/log" 2>&1 || failed "making a configuration failed"
	fragment_files | xargs cat >>"$objects/.config"
	"${make[@]}" olddefconfig >>"$objects/log" 2>&1 || failed "making a configuration failed"
	fragment_files | xargs cat | awk -F= '
		/^CONFIG_/ { if (!($1 in want)) order[++n] = $1; want[$1] = substr($0, length($1) + 2) }
		END {
			while ((getline line <config) > 0) { name = line; sub(/=.*/, "", name); if (line ~ /^CONFIG_/) have[name] = substr(line, length(name) + 2) }
			for (i = 1; i <= n; i++) {
				name = order[i]; got = name in have ? have[name] : "n"
				if (got != want[name]) { print "  | " name "=" want[name] " (it is " got ")"; bad = 1 }
			}
			exit bad
		}' config="$objects/.config" >&2 || die "this source cannot have the configuration that was asked for, see above" "another line in kernel/configs, or what it depends on"
}

# make leaves whole files, unless it is killed outright: what is newer than the mark may be half of one.
mkdir -p "$objects"
[ ! -e "$objects/unfinished" ] ||
	find "$objects" -newer "$objects/unfinished" -type f \( -name '*.o' -o -name '*.a' -o -name '*.cmd' -o -name 'vmlinux*' -o -name linux \) -delete
apply
: >"$objects/log"
touch "$objects/unfinished"
echo "zcbench: building the kernel '$target': Linux $version, $(patches | wc -l) patches, $(nproc) CPUs (all of it: about $minutes minutes on two)" >&2
configure_kernel
"${make[@]}" "${image##*/}" >>"$objects/log" 2>&1 &
running=$!
trap 'kill $running 2>/dev/null; wait $running || true; exit 1' INT TERM HUP
step=0
while kill -0 $running 2>/dev/null; do
	sleep 1
	step=$((step + 1))
	[ $((step % 30)) -ne 0 ] || echo "zcbench: $(grep -c '^  [A-Z]' "$objects/log") files made in $step s" >&2
done
status=0
wait $running || status=$?
[ $status -gt 128 ] || rm -f "$objects/unfinished"
[ $status -eq 0 ] || failed "the kernel '$target' does not build"

new=$cache/kernel/new
rm -rf "$new"
mkdir "$new"
if [ "$target" = uml ]; then
	strip -g -o "$new/linux" "$objects/linux"
else
	cp "$objects/$image" "$new/"
fi
cp "$objects/.config" "$new/config"
sync -f "$new"
mv -T "$new" "$result"
find "$cache/kernel" -mindepth 1 -maxdepth 1 -name '*-*' -printf '%T@ %p\n' | sort -rn | tail -n +$((kept + 1)) | cut -d ' ' -f 2- | xargs -r -d '\n' rm -rf
echo "zcbench: built the kernel '$target' in $(((SECONDS - began) / 60)) min $(((SECONDS - began) % 60)) s" >&2
print
