# SPDX-License-Identifier: MIT
# What bypass.sh runs with and without the interception library: what each call returns, its errno and the bytes. The
# two transcripts have to be equal. Argument: a folder with files data0 and data1 of 1 MiB.
import errno, fcntl, hashlib, mmap, os, signal, sys, threading

folder = sys.argv[1]
SIZE = 1 << 20


def say(*what):
    print(*what, flush=True)


def call(name, f, *args):
    try:
        r = f(*args)
        say(name, hashlib.md5(r).hexdigest() + f" {len(r)}" if isinstance(r, (bytes, bytearray)) else r)
        return r
    except OSError as e:
        say(name, errno.errorcode[e.errno])


def pattern(n, seed):
    return bytes((i * 7 + i // 256 + seed) & 255 for i in range(n))


path = folder + "/data0"
fd = os.open(path, os.O_RDWR)
say("whole", os.pwrite(fd, pattern(SIZE, 0), 0))
# the offset
for what in (
    ("read", os.read, fd, 1000), ("tell", os.lseek, fd, 0, os.SEEK_CUR), ("write", os.write, fd, pattern(777, 1)),
    ("tell", os.lseek, fd, 0, os.SEEK_CUR), ("pread", os.pread, fd, 2000, 500), ("tell", os.lseek, fd, 0, os.SEEK_CUR),
    ("pwrite", os.pwrite, fd, pattern(3000, 2), 12345), ("tell", os.lseek, fd, 0, os.SEEK_CUR),
    ("set", os.lseek, fd, -100, os.SEEK_END), ("short", os.read, fd, 5000), ("eof", os.read, fd, 5000),
    ("tell", os.lseek, fd, 0, os.SEEK_CUR), ("beyond", os.pread, fd, 10, SIZE + 5), ("zero", os.read, fd, 0),
    ("zero", os.pwrite, fd, b"", 10), ("negative", os.pread, fd, 10, -5), ("seek back", os.lseek, fd, -1, os.SEEK_SET),
    ("set", os.lseek, fd, 4321, os.SEEK_SET), ("writev", os.writev, fd, [b"abc", b"", pattern(5000, 3), b"z"]),
    ("tell", os.lseek, fd, 0, os.SEEK_CUR), ("all", os.pread, fd, SIZE, 0),
):
    call(*what)
parts = [bytearray(10), bytearray(0), bytearray(70000), bytearray(3)]
call("preadv", os.preadv, fd, parts, 99)
say(*(hashlib.md5(p).hexdigest() for p in parts))
os.lseek(fd, SIZE - 15, os.SEEK_SET)
call("readv over the end", os.readv, fd, parts)
call("pwritev", os.pwritev, fd, [b"12", b"345"], 50)
call("pwritev dsync", os.pwritev, fd, [b"6"], 60, os.RWF_DSYNC)
# as large as the file and at its end: more is more than the server takes
os.lseek(fd, SIZE - 10, os.SEEK_SET)
call("cut off", os.write, fd, b"x" * 100)
call("tell", os.lseek, fd, 0, os.SEEK_CUR)
call("no room", os.write, fd, b"x" * 100)
call("fsync", os.fsync, fd)
call("fdatasync", os.fdatasync, fd)

# descriptors that share the offset, and some that do not
other = os.dup(fd)
os.lseek(fd, 100, os.SEEK_SET)
call("dup read", os.read, other, 50)
call("dup tell", os.lseek, fd, 0, os.SEEK_CUR)
os.close(fd)
call("still open", os.read, other, 50)
call("closed", os.read, fd, 50)
fd = os.open(path, os.O_RDWR)
os.dup2(fd, 200)
call("dup2", os.read, 200, 10)
call("dup2 shares", os.lseek, fd, 0, os.SEEK_CUR)
null = os.open("/dev/null", os.O_RDWR)
os.dup2(null, 200)
call("now null", os.read, 200, 10)
os.close(200)
high = fcntl.fcntl(fd, fcntl.F_DUPFD, 300)
say("F_DUPFD", high)
call("F_DUPFD read", os.read, high, 10)
os.close(high)
# the number of a closed file is used again for something else
os.close(fd)
fd2 = os.open("/proc/self/comm", os.O_RDONLY)
say("same number", fd == fd2, len(os.read(fd2, 4)))
os.close(fd2)
f = os.fdopen(os.open(path, os.O_RDWR), "r+b", buffering=0)
say("python file", hashlib.md5(f.read(3000)).hexdigest(), f.tell())
f.close()

# rights
fd = os.open(path, os.O_RDONLY)
call("write to O_RDONLY", os.write, fd, b"abc")
call("tell", os.lseek, fd, 0, os.SEEK_CUR)
os.close(fd)
fd = os.open(path, os.O_WRONLY)
call("read from O_WRONLY", os.read, fd, 10)
os.close(fd)
call("no such file", os.open, folder + "/nothing", os.O_RDWR)
call("a folder", os.read, os.open(folder, os.O_RDONLY), 10)

# size: truncate, append, grow
fd = os.open(path, os.O_RDWR)
call("ftruncate", os.ftruncate, fd, 5000)
call("end", os.lseek, fd, 0, os.SEEK_END)
call("at the new end", os.pread, fd, 100, 4990)
call("grow", os.pwrite, fd, b"grown", 9000)
say("fstat", os.fstat(fd).st_size, os.stat(path).st_size)
call("hole", os.pread, fd, 5000, 4900)
append = os.open(path, os.O_WRONLY | os.O_APPEND)
call("append", os.write, append, b"appended")
call("append tell", os.lseek, append, 0, os.SEEK_CUR)
call("grow", os.pwrite, fd, b"more", 10000)
call("append", os.write, append, b"again")
say("fstat", os.fstat(fd).st_size)
fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)
os.lseek(fd, 0, os.SEEK_SET)
call("made appending", os.write, fd, b"third")
call("tell", os.lseek, fd, 0, os.SEEK_CUR)
fcntl.fcntl(fd, fcntl.F_SETFL, 0)
os.lseek(fd, 0, os.SEEK_SET)
call("no longer", os.write, fd, b"fourth")
say("fstat", os.fstat(fd).st_size)
trunc = os.open(path, os.O_WRONLY | os.O_TRUNC)
say("O_TRUNC", os.fstat(fd).st_size)
call("empty", os.pread, fd, 10, 0)
call("whole", os.pwrite, fd, pattern(SIZE, 5), 0)
for x in trunc, append:
    os.close(x)

# shared memory that the server can map, and what it can not
shared = os.memfd_create("buffer", os.MFD_ALLOW_SEALING)
os.posix_fallocate(shared, 0, 1 << 18)
fcntl.fcntl(shared, 1033, 2)  # F_ADD_SEALS, F_SEAL_SHRINK
m = mmap.mmap(shared, 1 << 18)
m[:] = pattern(1 << 18, 6)
v = memoryview(m)
call("from shared", os.pwritev, fd, [v[100:70000]], 3333)
call("to shared", os.preadv, fd, [v[4096:100000]], 0)
say(hashlib.md5(m[:]).hexdigest())
call("both", os.pwritev, fd, [b"abc", v[5:5000], b"def"], 77)
call("all", os.pread, fd, SIZE, 0)
v.release()
m.close()
os.close(shared)
plain = mmap.mmap(-1, 1 << 16)
plain[:] = pattern(1 << 16, 7)
v = memoryview(plain)
call("anonymous", os.pwritev, fd, [v], 100000)
v.release()
plain.close()
call("all", os.pread, fd, SIZE, 0)

# fork: the offset is shared, and each has a session of its own
os.lseek(fd, 0, os.SEEK_SET)
os.read(fd, 10)
for i in range(3):
    pid = os.fork()
    if not pid:
        os.read(fd, 100)
        os.pwrite(fd, b"child%d" % i, 200000 + 10 * i)
        os._exit(0)
    say("child", os.waitpid(pid, 0)[1])
    call("moved by the child", os.lseek, fd, 0, os.SEEK_CUR)
call("of the children", os.pread, fd, 40, 200000)
# and together: no byte is read twice, none is left out
os.lseek(fd, 0, os.SEEK_SET)
r, w = os.pipe()
for i in range(4):
    if not os.fork():
        n = 0
        while got := os.read(fd, 4096):
            n += len(got)
        os.write(w, b"%d\n" % n)
        os._exit(0)
for i in range(4):
    os.wait()
say("together", sum(map(int, os.read(r, 1000).split())))

# threads: each byte once, too
os.lseek(fd, 0, os.SEEK_SET)
total = []


def reader():
    while got := os.read(fd, 3000):
        total.append(len(got))


def writer(k):
    for i in range(50):
        os.pwrite(fd2, bytes([k]) * 1000, (i * 4 + k) * 1000)


threads = [threading.Thread(target=reader) for _ in range(4)]
[t.start() for t in threads], [t.join() for t in threads]
say("threads read", sum(total))
fd2 = os.open(folder + "/data1", os.O_RDWR)
threads = [threading.Thread(target=writer, args=(k,)) for k in range(4)]
[t.start() for t in threads], [t.join() for t in threads]
call("threads wrote", os.pread, fd2, 200000, 0)

# signals: handlers that use the same file, while it is used
hits = []


def handler(*_):
    hits.append(len(os.pread(fd2, 500, 1000)))


signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
bad = sum(os.pread(fd2, 1000, 4000 * i) != bytes([0]) * 1000 for i in range(50) for _ in range(40))
signal.setitimer(signal.ITIMER_REAL, 0)
say("with signals", bad, bool(hits), set(hits))

# more open files than a session has handles
many = [os.open(path, os.O_RDONLY) for _ in range(100)]
say("many", len({os.pread(x, 5000, 777) for x in many}))
for x in many:
    os.close(x)
# a mapping: the file is the kernel's from then on
try:
    m = mmap.mmap(fd, 4096)
    m.close()
    say("mapped")
except OSError as e:
    say("mapped", errno.errorcode[e.errno])
call("after", os.pread, fd, 5000, 0)
os.closerange(3, 1000)
call("after closerange", os.read, fd, 10)
fd = os.open(path, os.O_RDONLY)
call("and open again", os.read, fd, 5000)
