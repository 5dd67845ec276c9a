#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the Debian packages that zcbench needs and that are missing; says what and why. Without
# root it prints the one command to type.
set -eu

packages=(
	"gcc make pkg-config           to build"
	"liburing-dev                  io_uring: the uring path, clients with depth > 1"
	"libfuse3-dev fuse3            FUSE servers, mounting (fusermount3 for unprivileged users)"
	"libjansson-dev                result files (JSON)"
	"libinih-dev                   workload files"
	"libxxhash-dev                 checksums that run at memory speed"
	"libbpf-dev clang bpftool      the copy ledger: BPF programs that count what the kernel copies"
	"libclang-rt-dev               tests: libFuzzer and the sanitizers of clang, for the fuzz targets"
	"libsqlite3-dev sqlite3        zcbench history; its tests"
	"libpfm4-dev                   names of performance counters"
	"libncurses-dev                the screen of zcbench demo"
	"libelf-dev                    names of functions in samples"
	"libcmocka-dev                 unit tests"
	"python3 python3-jsonschema    tests: results are checked against docs/result.schema.json"
	"libxml2-utils cmark-gfm       tests: JUnit and markdown of zcbench compare are checked"
	"chromium                      tests: the report is looked at as a browser shows it"
	"tmux                          tests: a terminal for zcbench demo"
	"gnuplot-nox                   figures"
	"iproute2                      tests: a connection that loses packets"
	"fio                           the fio driver"
	"git                           tests: a repository on a mount, through the bypass"
	"qemu-system-x86               zcbench vm: the guest that runs another kernel"
	"busybox-static                zcbench vm: what the guest has besides zcbench"
	"bc bison flex patch xz-utils dwarves   make kernel: Linux with the patch series"
	"cpio                          tests: unpacks what zcbench packs for the guest"
)

missing=()
for line in "${packages[@]}"; do
	names=${line%%   *}
	for p in $names; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] && continue
		missing+=("$p")
		echo "zcbench needs $p: ${line##*   }"
	done
done
[ ${#missing[@]} -eq 0 ] && exit 0

command="apt-get install -y --no-install-recommends ${missing[*]}"
if [ "$(id -u)" -ne 0 ]; then
	echo "type: sudo $command" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
echo "$command"
$command >/tmp/zcbench-deps.$$ 2>&1 || {
	# the package lists may be old or absent
	apt-get update >/dev/null
	$command
}
rm -f /tmp/zcbench-deps.$$
