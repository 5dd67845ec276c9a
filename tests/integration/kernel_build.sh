#!/bin/bash
# SPDX-License-Identifier: MIT
# kernel/build.sh on a source of three files: what is in the cache is not built again, and another series compiles
# only what it changes; a patch that does not apply, a configuration that does not come true and a compile error
# are named; a build that is killed leaves nothing that looks finished, nor half a file that the next one takes.
. tests/lib.sh

for tool in gcc make flex bison bc patch pahole; do
	command -v $tool >/dev/null || skip "$tool is not installed (make deps)"
done
cache=$T/cache series=$T/series
export ZCBENCH_SERIES=$series ZCBENCH_LINUX=$T/linux.tar
mkdir -p "$T/linux/sub" "$series" "$cache"
cat >"$T/linux/Makefile" <<'MAKE'
all bzImage: $(O)/arch/x86/boot/bzImage
tinyconfig:
	@echo "CONFIG_TINY=y" >$(O)/.config
olddefconfig:
	@[ ! -e nofuse ] || sed -i '/CONFIG_FUSE_FS=/d' $(O)/.config
$(O)/%.o: %.c
	@echo "  CC $*"
	@mkdir -p $(@D)
	@head -c 5 $< >$@
	@[ ! -e slow ] || { touch $(O)/started; sleep $$(cat slow); }
	@cat $< >$@
	@! grep -q error $@ || { echo "$<: it is in error"; rm $@; exit 1; }
$(O)/arch/x86/boot/bzImage: $(O)/a.o $(O)/b.o $(O)/sub/c.o
	@mkdir -p $(@D)
	@cat $^ >$@
MAKE
for i in a b sub/c; do echo "the file $i, as it was" >"$T/linux/$i.c"; done
tar -C "$T" -cf "$T/linux.tar" linux

# edit NUMBER SED-EXPRESSION FILE: a patch on top of those before, into the series
rm -rf "$T/now"
cp -a "$T/linux" "$T/now"
edit() {
	cp -a "$T/now" "$T/next"
	sed -i "$2" "$T/next/$3"
	(cd "$T" && diff -u "now/$3" "next/$3" | sed "s:^--- now:--- a:; s:^+++ next:+++ b:") >"$series/$1-edit.patch" || true
	rm -rf "$T/now"
	mv "$T/next" "$T/now"
}
build() { expect "$1" kernel/build.sh "$cache" x86; }
log() { cat "$cache"/kernel/source/*/x86/log; }
compiled() { [ "$(log | grep '^  CC' | sort | tr -d '\n')" = "$1" ] || fail "compiled '$(log | grep '^  CC' | sort | tr -d '\n')' instead of '$1'"; }
finished() { [ "$(find "$cache/kernel" -name bzImage -path '*/x86-*' | wc -l)" -eq "$1" ] || fail "not $1 kernels in the cache"; }

# no patch, and no series at all; then the same again
expect 1 kernel/build.sh --built "$cache" x86
said "has not been built yet"
said "make kernel"
rmdir "$series"
build 0
said "0 patches"
first=$(cat "$T/out")
[ "$(cat "$first")" = "$(cat "$T"/linux/{a,b,sub/c}.c)" ] || fail "$first is not what the source makes"
compiled "  CC a  CC b  CC sub/c"
build 0
[ "$(cat "$T/out" "$T/err")" = "$first" ] || fail "it was built again"
expect 0 kernel/build.sh --built "$cache" x86
printed "$first"
expect 1 kernel/build.sh "$cache" arm
said "x86, debug or uml"

# a series; another one compiles what it changes, and takes back what the first one did
mkdir "$series"
edit 0001 's/as it was/as 0001 made it/' a.c
edit 0002 's/as it was/as 0002 made it/' sub/c.c
echo "no diff in here" >"$series/0000-cover-letter.patch"
build 0
said "2 patches"
compiled "  CC a  CC sub/c"
second=$(cat "$T/out")
[ "$(cat "$second")" = "$(cat "$T"/now/{a,b,sub/c}.c)" ] || fail "$second is not what the series makes"
rm "$series/0002-edit.patch"
build 0
compiled "  CC sub/c"
finished 3
edit 0002 's/the file/the other file/' b.c
rm "$series/0001-edit.patch"
build 0
compiled "  CC a  CC b"
grep -q "the other file b, as it was" "$(cat "$T/out")" || fail "0002 is not in it"
grep -q 0001 "$(cat "$T/out")" && fail "0001 is still in it"
finished 4

# failures: by name, and the next one does not suffer
sed 's/as it was/as it never was/' "$series/0002-edit.patch" >"$series/0003-bad.patch"
build 1
said "0003-bad.patch does not apply"
finished 4
rm "$series/0003-bad.patch"
edit 0003 's/as/in error as/' b.c
build 1
said "b.c: it is in error"
said "does not build"
finished 4
rm "$series/0003-edit.patch"
rm -rf "$T/now" && cp -a "$T/linux" "$T/now"
touch "$T/now/nofuse"
echo yes >"$T/linux/nofuse"
tar -C "$T" -cf "$T/nofuse.tar" linux
rm "$T/linux/nofuse"
expect 1 env ZCBENCH_LINUX="$T/nofuse.tar" kernel/build.sh "$cache" x86
said "CONFIG_FUSE_FS=y (it is n)"
finished 4
[ "$(find "$cache/kernel/source" -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ] || fail "more than one source is kept"

# killed outright in the middle of a file: the next one makes that file again, whatever its time says
rm -rf "$cache" "$series"
echo 60 >"$T/linux/slow"
tar -C "$T" -cf "$T/slow.tar" linux
export ZCBENCH_LINUX=$T/slow.tar
for signal in TERM KILL; do
	setsid kernel/build.sh "$cache" x86 >"$T/out" 2>"$T/err" &
	pid=$!
	for _ in $(seq 200); do
		if ls "$cache"/kernel/source/*/x86/started >/dev/null 2>&1; then break; fi
		sleep 0.1
	done
	ls "$cache"/kernel/source/*/x86/started >/dev/null || fail "the build did not begin: $(cat "$T/err")"
	kill -$signal -- -$pid
	wait $pid && fail "status 0 after SIG$signal"
	rm "$cache"/kernel/source/*/x86/started
	finished 0
	[ ! -s "$T/out" ] || fail "a killed build printed $(cat "$T/out")"
done
[ "$(cat "$cache"/kernel/source/*/x86/a.o)" = "the f" ] || fail "there is no half of a file to be wary of"
rm "$cache"/kernel/source/*/linux/slow
build 0
[ "$(cat "$(cat "$T/out")")" = "$(cat "$T"/linux/{a,b,sub/c}.c)" ] || fail "half a file was taken"

# two at once: one builds
rm -rf "$cache"/kernel/x86-*
echo 2 >"$(echo "$cache"/kernel/source/*/linux)/slow"
rm "$cache"/kernel/source/*/x86/a.o
kernel/build.sh "$cache" x86 >"$T/out1" 2>"$T/err1" &
kernel/build.sh "$cache" x86 >"$T/out2" 2>"$T/err2"
wait $!
cmp "$T/out1" "$T/out2" || fail "two builds at once printed two kernels"
[ "$(cat "$T/err1" "$T/err2" | grep -c "building the kernel")" -eq 1 ] || fail "it was built twice"
echo "kernel_build: all right"
