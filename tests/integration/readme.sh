#!/bin/bash
# SPDX-License-Identifier: MIT
# Every command that the README shows works when pasted. `make bench` and `make check` are the caller's
# own business here: for those, the targets exist.
. tests/lib.sh

n=0
while read -r command; do
	n=$((n + 1))
	case $command in
	"sudo make "*)
		make -n "${command#sudo make }" >/dev/null 2>&1 || fail "no such target: $command"
		continue
		;;
	"./zcbench run "*) command="$command --output $T/r$n" ;;
	esac
	status=0
	bash -c "$command" >"$T/out" 2>"$T/err" || status=$?
	[ $status -eq 0 ] || {
		cat "$T/err" >&2
		fail "status $status: $command"
	}
done < <(sed -n 's/^\$ //p' README.md)
[ $n -ge 6 ] || fail "found only $n commands in the README"

# what it says of the files is so
grep -o '](docs/[^)]*)' README.md | tr -d '])(' | while read -r f; do
	[ -e "$f" ] || fail "the README points to $f"
done

# installing and uninstalling leaves nothing
make --no-print-directory install DESTDIR="$T/root" PREFIX=/usr >/dev/null
[ -x "$T/root/usr/bin/zcbench" ] || fail "install"
"$T/root/usr/bin/zcbench" --version >/dev/null
make --no-print-directory uninstall DESTDIR="$T/root" PREFIX=/usr >/dev/null
[ -z "$(find "$T/root" -type f)" ] || fail "uninstall left files"
nothing_left
