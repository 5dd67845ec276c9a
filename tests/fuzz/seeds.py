#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the hand-made inputs of the fuzz targets, which bring them at once to where random bytes come late:
tests/fuzz/seeds.py, from the top of the tree. The meaning of the bytes is in fuzz_ring.c and fuzz_control.c."""
import struct

# take_value(): a place in its table, one byte, or eight
ZERO, ONE, BUFFER, BUFFER_1, INT64, UINT64, PAGE = 0, 1, 5, 6, 10, 12, 14
WRITE, READ, UNREGISTER, CLOSE, FSYNC = range(5)


def value(v):
    return bytes([26]) + struct.pack("<Q", v)


# fuzz_ring: a descriptor, as its action takes it, and what the client rewrites meanwhile
def op(what, offset=bytes([ZERO]), buffer_offset=bytes([ZERO]), length=bytes([PAGE]), buffer=None, handle=0, rewrites=()):
    b = what | handle << 3
    head = bytes([0, b | 0x20]) + bytes([buffer]) if buffer is not None else bytes([0, b])
    b = head + offset + buffer_offset + length + bytes([len(rewrites)])
    for after, place, v, size in rewrites:
        b += bytes([after, place]) + v + bytes([size])
    return b


RIGHT = op(WRITE) + op(READ)
FIELDS = {"file_offset": 0, "buffer_offset": 1, "tag": 2, "length": 3, "buffer": 4, "handle": 5, "op": 6, "seq": 7}
ring = {
    "right": bytes([3]) + RIGHT * 8,
    "right-threaded": bytes([0xF3]) + RIGHT * 6,
    "right-around-2^32": bytes([3 | 2 << 2]) + RIGHT * 6,
    "handles": bytes([2]) + b"".join(op(w, handle=h) for w in range(5) for h in range(3)) + bytes([7, 15]) + RIGHT,
    "buffer-read-only": bytes([2]) + op(WRITE, buffer=1) + op(READ, buffer=1) + op(UNREGISTER, buffer=1) + op(WRITE, buffer=1),
    "place-overflows": bytes([3]) + op(WRITE, length=bytes([BUFFER_1])) + op(READ, buffer_offset=bytes([UINT64]))
    + op(WRITE, buffer_offset=bytes([BUFFER]), length=bytes([ONE])) + op(READ, offset=bytes([INT64]))
    + op(READ, buffer_offset=value(2**64 - 4096), length=bytes([PAGE])),
    "number-beyond": bytes([3]) + RIGHT + bytes([5, 2, 3]),
    "number-lost": bytes([1]) + RIGHT * 2 + bytes([5, 0x80, 3]),
    "register-more": bytes([2, 6, 0, 6, 1, 6, 3, 6, 4, 6, 5, 6, 0x80]) + op(READ, buffer=2) + op(UNREGISTER, buffer=2) + bytes([6, 0]),
    "ring-as-buffer": bytes([2, 6, 2]) + op(READ, buffer=2, length=value(640)) + RIGHT,
}
for field, place in FIELDS.items():  # each field, rewritten after each of the first loads
    ring["rewrites-" + field.replace("_", "-")] = bytes([2]) + b"".join(
        op(w, rewrites=[(after, place, v, 3)]) for after in range(1, 12) for w, v in ((WRITE, bytes([UINT64])), (READ, bytes([BUFFER_1])))
    )


# fuzz_control: one packet; `how`: 1 wait for the answer, 2 a value of its own, and which ticket
NEW, OTHERS, OLD, ALTERED = 0, 1, 4, 5
HELLO, REGISTER, OPEN, FREE = 1, 2, 3, 4


def say(kind, how=1, ticket=NEW, val=b"", fds=(), length=None):
    what = kind | (0x10 if fds else 0) | (0x20 if length is not None else 0)
    b = bytes([0, what, how | ticket << 2])
    if fds:
        b += bytes([len(fds)])
    b += val + bytes(fds)
    return b + (bytes([length]) if length is not None else b"")


def ring_op(what, length=PAGE):
    return bytes([4, what, length])


KINDS = 16
RING, NONE = bytes([0]), bytes([1])
control = {
    "hello": RING + say(HELLO),
    "hello-no-ring": NONE + say(HELLO),
    "hello-twice": RING + say(HELLO) + say(HELLO),
    "hello-others-ticket": RING + say(HELLO, ticket=OTHERS),
    "hello-altered-ticket": RING + say(HELLO, ticket=ALTERED),
    "hello-old-ticket": RING + say(HELLO) + say(OPEN, ticket=OLD),
    "hello-huge-ring": RING + say(HELLO, how=3, val=bytes([UINT64])),
    "register-before-hello": RING + say(REGISTER, fds=[0]),
    "register-all-kinds": RING + say(HELLO) + b"".join(say(REGISTER, fds=[k]) for k in range(KINDS)),
    "register-all-kinds-no-ring": NONE + say(HELLO) + b"".join(say(REGISTER, fds=[k]) for k in range(KINDS)),
    "register-refused-by-path": RING + say(HELLO) + bytes([6 | 8]) + say(REGISTER, fds=[0]) + bytes([6]) + say(REGISTER, fds=[0]),
    "register-unregister": NONE + say(HELLO) + say(REGISTER, fds=[0]) * 3 + say(FREE, how=3, val=bytes([1])) + say(FREE, how=3, val=bytes([1])),
    "several-descriptors": RING + say(HELLO) + say(REGISTER, fds=[0, 0]),
    "six-descriptors": RING + say(HELLO) + say(REGISTER, fds=[0, 1, 2, 9, 11, 15]),
    "no-descriptor": RING + say(HELLO) + say(REGISTER),
    "open-files": RING + say(HELLO) + say(OPEN) * 4 + ring_op(3 | 0x20) + say(OPEN),
    "packet-short": RING + say(HELLO) + say(OPEN, length=31),
    "packet-long": RING + say(HELLO) + say(OPEN, length=33),
    "packet-empty": RING + say(HELLO) + say(OPEN, length=0),
    "packet-short-with-descriptor": RING + say(HELLO) + say(REGISTER, fds=[0], length=8),
    "unknown-type": RING + say(HELLO) + say(5),
    "answers-unread": RING + say(HELLO, how=0) + say(OPEN, how=0) * 30,
    "own-socket": RING + say(HELLO) + say(REGISTER, fds=[15]) + say(OPEN),
    "closed-for-writing": RING + say(HELLO) + say(REGISTER, fds=[0], how=0) + bytes([7 | 1 << 3, 5, 5]),
    "closed-for-reading": RING + say(HELLO) + bytes([7]) + say(OPEN, how=0),
    "ring-works": RING + say(HELLO) + say(REGISTER, fds=[0]) + ring_op(1) + ring_op(2) + ring_op(3) + say(REGISTER, fds=[0]) + ring_op(1 | 0x80),
    "ring-scribbled": RING + say(HELLO) + say(REGISTER, fds=[0]) + bytes([0x27, 0xB8, 0, 9]) + ring_op(1),
}

for name, inputs in (("ring", ring), ("control", control)):
    for title, data in inputs.items():
        with open(f"tests/fuzz/corpus/{name}/{title}", "wb") as f:
            f.write(data)
