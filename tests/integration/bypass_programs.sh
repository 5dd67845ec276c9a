#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that make files of their own, on a mount where files come and go (serve --tree), without and with
# libzcbypass.so: sqlite3 (its check of itself, and the same file byte for byte), git (clone, fsck, commit, gc, clone back),
# cp -r, tar. Those with the library really took the ring. What was removed leaves nothing in the server.
set -eu
. tests/lib.sh
command -v git >/dev/null || skip "git is not installed: sudo make deps"
Z=$(readlink -f "$Z") # this script changes folders
# the same objects and packs each time
export GIT_CONFIG_GLOBAL=$T/gitconfig GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_DATE="2020-01-01 00:00:00 +0000" GIT_COMMITTER_DATE="2020-01-01 00:00:00 +0000"
git config --global user.name zcbench
git config --global user.email zcbench@example.org
git config --global pack.threads 1
git config --global gc.auto 0

expect 1 "$Z" serve ipc "$T" --tree --sink null
said "--sink file --file FOLDER"
expect 77 "$Z" serve copy "$T" --tree --sink file --file /dev/shm
said "a fixed set of files"
expect 77 "$Z" serve ipc "$T" --tree --sink file --file /proc
said "O_TMPFILE"

serve ipc --tree --sink file --file /dev/shm
held() { find "/proc/$server/fd" -lname '/dev/shm/#*' | wc -l; }

# Each program runs through this, to which it makes no difference
way=
run() { # COMMAND ARGS...: in the folder $mnt/$way
	(cd "$mnt/$way" && if [ $way = ring ]; then ZCBYPASS_REPORT=1 timeout 200 "$Z" exec "$mnt" -- "$@"; else timeout 200 "$@"; fi) \
		>>"$T/out.$way" 2>>"$T/err.$way" || fail "$way: $*: $(tail -n 5 "$T/err.$way")"
}
took() { # the ring, so often since the last look
	[ $way = kernel ] || [ "$(awk -F'[:,] ' '/^zcbypass:/ { sub(/ operations on the ring.*/, ""); sub(/.*files, /, ""); n += $0 } END { print n + 0 }' \
		"$T/err.$way")" -ge "$1" ] || fail "not on the ring: $2: $(tail -n 3 "$T/err.$way")"
	: >"$T/err.$way"
}

mkdir "$T/src"
(
	cd "$T/src"
	git init -q -b main .
	for c in 1 2 3; do
		for i in $(seq 60); do
			mkdir -p "d$((i % 7))"
			seq "$((c * i))" "$((c * i + 400))" >"d$((i % 7))/f$i"
		done
		head -c 300000 /dev/urandom >"blob$c"
		git add -A
		git commit -qm "commit $c"
	done
)
cat >"$T/fill.sql" <<'SQL'
create table t (id integer primary key, name text, data blob);
begin;
with recursive c(x) as (select 1 union all select x + 1 from c where x < 4000)
	insert into t select x, 'name ' || (x * 7919 % 4000), zeroblob(x % 300) from c;
commit;
create index by_name on t(name);
begin; update t set data = zeroblob(500) where id % 10 = 0; delete from t where id % 3 = 0; rollback;
begin; update t set data = zeroblob(600) where id % 7 = 0; delete from t where id % 5 = 0; commit;
vacuum;
pragma integrity_check;
select count(*), sum(id), sum(length(data)) from t;
SQL

for way in kernel ring; do
	mkdir "$mnt/$way"
	run sqlite3 t.db ".read $T/fill.sql"
	took 100 sqlite3
	cp "$mnt/$way/t.db" "$T/t.$way"
	[ "$(sqlite3 "$mnt/$way/t.db" 'pragma integrity_check; select count(*) from t')" = "ok
3200" ] || fail "$way: the database is wrong"
	# readers and a writer at once; and a write-ahead log, which is mapped
	run sqlite3 t.db "pragma journal_mode=wal; insert into t values (9999999, 'wal', null); select count(*) from t; pragma integrity_check; pragma journal_mode=delete; delete from t where id = 9999999;"
	for i in 1 2 3 4; do
		run sqlite3 -cmd ".timeout 60000" t.db "begin immediate; insert into t (name) values ('writer $i'); commit; pragma integrity_check;" &
		pids[i]=$!
	done
	for i in 1 2 3 4; do wait "${pids[i]}" || fail "$way: writer $i"; done
	[ "$(sqlite3 "$mnt/$way/t.db" "pragma integrity_check; select count(*) from t where name like 'writer%'")" = "ok
4" ] || fail "$way: a writer was lost"
	[ "$(grep -c '^ok$' "$T/out.$way")" -eq 6 ] || fail "$way: $(cat "$T/out.$way")"

	: >"$T/err.$way"
	run git clone -q "file://$T/src" clone
	run git -C clone fsck --full --strict
	took 100 git
	run git -C clone commit -q --allow-empty -m more
	run sh -c 'echo changed >clone/d1/f1 && rm clone/d2/f2 && git -C clone commit -qam change'
	run git -C clone gc -q
	run git -C clone fsck --full --strict
	[ -z "$(git -C "$mnt/$way/clone" status --porcelain)" ] || fail "$way: git status"
	git -C "$mnt/$way/clone" cat-file --batch-all-objects --batch-check >"$T/objects.$way"
	(cd "$mnt/$way/clone/.git/objects/pack" && sha256sum -- *.pack) >"$T/packs.$way"
	git clone -q "file://$mnt/$way/clone" "$T/back.$way"
	git -C "$T/back.$way" fsck --full --strict
	[ "$(git -C "$T/back.$way" log --format=%s | paste -sd,)" = "change,more,commit 3,commit 2,commit 1" ] || fail "$way: log"

	# more open files than a session has handles: the rest is the kernel's
	: >"$T/err.$way"
	run /usr/bin/python3 -c "
import os
fds = [os.open(f'many{i}', os.O_RDWR | os.O_CREAT | os.O_EXCL) for i in range(200)]
for i, fd in enumerate(fds): assert os.pwrite(fd, b'%d' % i, 0)
for i, fd in enumerate(fds): assert os.pread(fd, 100, 0) == b'%d' % i
for fd in fds[:150]: os.close(fd)
fd = os.open('again', os.O_RDWR | os.O_CREAT)
assert os.write(fd, b'x') == 1"
	[ "$(cat "$mnt/$way"/many* | wc -c)" -eq 490 ] || fail "$way: many files"
	took 128 "many files"

	run cp -r "$T/src/d1" copy
	diff -r "$T/src/d1" "$mnt/$way/copy" || fail "$way: cp"
	run sh -c "tar -cf a.tar copy && rm -r copy && tar -xf a.tar"
	diff -r "$T/src/d1" "$mnt/$way/copy" || fail "$way: tar"
	run dd if="$T/src/blob1" of=big bs=7777
	run sh -c 'sha256sum big >big.sha256'
	[ "$(cut -d' ' -f1 "$mnt/$way/big.sha256")" = "$(sha256sum <"$T/src/blob1" | cut -d' ' -f1)" ] || fail "$way: dd"
done
cmp "$T/t.kernel" "$T/t.ring" || fail "databases are not byte for byte the same"
# from here on times and the order of writers differ; what is in the files does not
[ "$(sqlite3 "$mnt/kernel/t.db" "select * from t where name not like 'writer%' order by id" | sha256sum)" = \
	"$(sqlite3 "$mnt/ring/t.db" "select * from t where name not like 'writer%' order by id" | sha256sum)" ] || fail "databases differ"
diff -r -x .git "$T/back.kernel" "$T/back.ring" || fail "working trees differ"
diff -r "$mnt/kernel/copy" "$mnt/ring/copy" || fail "files differ"
cmp "$mnt/kernel/big" "$mnt/ring/big" || fail "files differ"
for f in objects packs; do cmp "$T/$f.kernel" "$T/$f.ring" || fail "git's $f differ"; done
[ -s "$T/packs.ring" ] || fail "no pack after gc"

[ "$(held)" -gt 100 ] || fail "the server holds $(held) files"
rm -r "${mnt:?}"/*
for _ in $(seq 50); do
	[ "$(held)" -ne 0 ] || break
	sleep 0.1
done
[ "$(held)" -eq 0 ] || fail "the server holds $(held) files of nobody"
unserve
nothing_left
