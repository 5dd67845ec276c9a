#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tests/prompt.py PROGRAM ARG... <LINES: the program on a terminal, where each prompt "# " is answered with the next
line. Prints all that was seen, and ends with the program's status."""
import os
import pty
import sys

lines = [line.rstrip("\n").encode() + b"\r" for line in sys.stdin]
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen, typed = b"", 0
while True:
    try:
        seen += os.read(fd, 4096)
    except OSError:
        break
    if seen.count(b"# ") > typed and typed < len(lines):
        os.write(fd, lines[typed])
        typed += 1
sys.stdout.write(seen.decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
