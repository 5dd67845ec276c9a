# SPDX-License-Identifier: MIT
# Packages from Debian's archive without root and without a line in the system's apt sources: apt runs on a
# root of its own, on the mirror that the system already uses (or $ZCBENCH_MIRROR), and checks the archive's
# signatures with Debian's keyring. Sourced by what fetches something into the cache folder:
#
#   cache=FOLDER otherwise="what a user can do without it"     set by whoever sources this
#   die WHAT TRY                  says it and ends
#   lock_cache                    one fetch at a time: descriptor 9, until the script ends
#   apt_open WHAT                 makes $work, a folder that goes with the script, and reads the lists
#   apt apt-cache|apt-get ARGS    its output goes to $work/out
#   apt_download PACKAGE...       to $work/debs
# shellcheck shell=bash disable=SC2154 # cache, otherwise: see above

suite=trixie-backports
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

die() { # WHAT TRY
	printf 'zcbench: error: %s\n  try: %s\n' "$1" "$2" >&2
	exit 1
}

lock_cache() {
	mkdir -p "$cache/debian" 2>/dev/null || die "cannot write to the cache folder $cache" "XDG_CACHE_HOME=DIR with a place that you can write to"
	exec 9>"$cache/lock"
	flock 9
}

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

# With the cache locked: what a killed one left goes.
apt_open() { # WHAT
	local tool mirror
	for tool in apt-get apt-cache dpkg-deb xz; do
		command -v $tool >/dev/null || die "fetching $1 needs $tool" "$otherwise"
	done
	[ -r $keyring ] || die "$keyring is not there, and without it no signature can be checked" "sudo apt-get install debian-archive-keyring"
	rm -rf "$cache"/work.*
	work=$(mktemp -d "$cache/work.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	chmod 755 "$work"
	echo "zcbench: fetching $1 ($suite) into $cache" >&2
	for mirror in $(mirrors); do
		configure "$mirror"
		apt apt-get -q update && return
		cat "$work/out" >>"$work/log"
	done
	[ ! -s "$work/log" ] || sed 's/^/  | /' "$work/log" >&2
	die "no Debian mirror in the system's apt sources gave the suite $suite" "$otherwise, or ZCBENCH_MIRROR=URI of a Debian mirror"
}

apt_download() { # PACKAGE...
	(cd "$work/debs" && apt apt-get -q download "$@") || {
		sed 's/^/  | /' "$work/log" >&2
		die "downloading $* failed" "again later; or $otherwise"
	}
}
