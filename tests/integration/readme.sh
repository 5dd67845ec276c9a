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

# installed anywhere, it finds what was installed with it, from any folder; uninstalling leaves nothing
make --no-print-directory install DESTDIR="$T/root" PREFIX=/usr >/dev/null
[ -x "$T/root/usr/bin/zcbench" ] || fail "install"
mkdir "$T/elsewhere"
(
	Z=$T/root/usr/bin/zcbench
	cd "$T/elsewhere"
	expect 0 "$Z" run --path copy,ipc --bs 4k,64k --rounds 1 --runtime 2ms --no-limits --counted-rounds 0 --output "$T/installed"
	[ -s "$T/installed/report.html" ] || fail "installed: no report: $(cat "$T/err")"
	ls "$T"/installed/figures/*.svg >/dev/null || fail "installed: no figures: $(cat "$T/err")"
	expect 0 "$Z" list workloads
	for workload in "$T"/root/usr/share/zcbench/workloads/*.ini; do
		grep -q "^ *$(basename "$workload" .ini) " "$T/out" || fail "installed: no workload $workload"
	done
	serve ipc --sink file --file "$T/file"
	expect 0 with dd if=/dev/zero of="$mnt/data0" bs=4k count=1 conv=notrunc
	[ "$(report "operations on the ring")" -ge 1 ] || fail "installed: no libzcbypass.so"
	unserve
)
make --no-print-directory uninstall DESTDIR="$T/root" PREFIX=/usr >/dev/null
[ -z "$(find "$T/root" -type f)" ] || fail "uninstall left files"
nothing_left
