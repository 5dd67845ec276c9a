#!/bin/bash
# SPDX-License-Identifier: MIT
# The command line: help, versions, and every kind of wrong input is refused by name with status 2.
. tests/lib.sh

expect 0 $Z --version
printed "zcbench 0."
expect 0 $Z --help
printed "Examples:"
for c in list run serve exec compare ab history limits plot demo cleanup; do
	expect 0 $Z $c --help
	printed "Usage: zcbench $c"
	printed "Examples:"
done
expect 2 $Z
expect 2 $Z rnu
said "there is no command 'rnu'"
said "try: zcbench run"

bad() { # bad MESSAGE ARGS...: `run ARGS` is refused before anything happens
	local message=$1
	shift
	expect 2 $Z run --output "$T/never" "$@"
	said "$message"
	[ ! -e "$T/never" ] || fail "a refused run made its folder"
}
bad "--pth: there is no such option" --pth copy
said "try: --path"
bad "--path: 'cpoy' is not one of: copy, splice" --path cpoy
said "try: --path copy"
bad "--bs: '4q' is not a size" --bs 4q
bad "--bs: '0' is out of range" --bs 0
bad "--bs: '4k..' is not a size" --bs 4k,4k..
bad "--bs: needs a value" --bs
bad "--runtime: '5parsecs' is not a time" --runtime 5parsecs
bad "--rounds: '-1' is not a whole number" --rounds=-1
bad "--rounds: '0' is out of range" --rounds 0
bad "--depth: '99999' is out of range" --depth 99999
bad "--pollution has to know who runs where" --pollution --pin none
said "try: --pin split"
bad "--pin: 'up' is not one of: split, same, none" --pin up
bad "--source: the list is empty" --source ,
bad "sink file needs --file PATH" --sink file
bad "there is no workload 'nonsense'" nonsense
bad "run takes one workload" a b
bad "there is no event 'cyclse'" --events cyclse
said "try: cycles"
bad "event 'cycles:x'" --events instructions,cycles:x
bad "event 'task-clock:u' does not tell user from kernel" --events task-clock:u
bad "--counted-rounds: '-1' is not a whole number" --counted-rounds=-1
bad "-x: options start with --" -x
bad "--entries: '0' is out of range" --entries 0

printf 'bs = 4k\n[a]\npath = copy\nbss = 4k\n' >"$T/bad.ini"
bad "$T/bad.ini:4: bss: there is no such option" "$T/bad.ini"
printf 'bs = 4k\n[a]\npath = copi\n' >"$T/bad.ini"
bad "$T/bad.ini:3: path: 'copi' is not one of" "$T/bad.ini"
printf 'bs = 4k\n[a\n' >"$T/bad.ini"
bad "$T/bad.ini:2: neither [section] nor name = value" "$T/bad.ini"
printf 'bs = 4k\n[a]\npath = ipc\nquiet = yes\n' >"$T/bad.ini"
bad "$T/bad.ini:4: quiet holds for the whole run" "$T/bad.ini"
bad "both want standard output" --json - --csv -
bad "No such file" "$T/absent.ini"

expect 2 $Z serve
expect 2 $Z serve nopath "$T"
said "there is no path nopath"
expect 2 $Z serve copy "$T/absent"
said "must be a folder that exists"
expect 2 $Z list all
expect 2 $Z cleanup all
expect 2 $Z limits all
said "limits takes no arguments"
expect 2 $Z client

# an output folder that cannot be made; a full standard output is an error too
expect 1 $Z run --path ipc --output /proc/nowhere --rounds 1 --bs 4k
said "making folder /proc/nowhere"
status=0
$Z --help >/dev/full 2>"$T/err" || status=$?
[ $status -eq 1 ] || fail "writing to a full disk gave status $status"
said "standard output"
nothing_left
