# SPDX-License-Identifier: MIT
# What posix_io.sh runs on a file system. `table DIR`: documented behaviours of POSIX I/O, one line each, to be compared
# with other file systems. `random DIR SEED N`: N random operations against a model in memory; status 1 where they differ.
import ctypes, errno, fcntl, mmap, os, random, signal, stat, sys, time

how, top = sys.argv[1:3]
libc = ctypes.CDLL(None, use_errno=True)
for f in (libc.read, libc.write, libc.pread, libc.pwrite, libc.readv, libc.writev):
    f.restype = ctypes.c_ssize_t
libc.pread.argtypes = libc.pwrite.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long)
libc.read.argtypes = libc.write.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)
libc.readv.argtypes = libc.writev.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
R, W, RW, C = os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_CREAT
section = ""


def say(name, value):
    print(f"{section} {name}: {value}", flush=True)


def told(f, *args, **kw):
    try:
        return f(*args, **kw)
    except OSError as e:
        return errno.errorcode[e.errno]


def c(f, *args):
    ret = f(*args)
    return ret if ret >= 0 else errno.errorcode[ctypes.get_errno()]


def path(name):
    return f"{top}/{name}"


def fresh(name, data=b"", flags=RW):
    fd = os.open(path(name), RW | C | os.O_TRUNC, 0o644)
    if data:
        assert os.write(fd, data) == len(data)
    os.close(fd)
    return os.open(path(name), flags)


def content(name):
    fd = os.open(path(name), R)
    data = b"".join(iter(lambda: os.read(fd, 1 << 16), b""))
    os.close(fd)
    return data


def times(fd):
    s = os.fstat(fd)
    return s.st_mtime_ns, s.st_ctime_ns


def changed(fd, f):
    """Which of mtime and ctime f changes."""
    before = times(fd)
    time.sleep(0.02)
    f()
    return [n for n, a, b in zip(("mtime", "ctime"), before, times(fd)) if b > a]


def in_child(f):
    pid = os.fork()
    if not pid:
        try:
            f()
            os._exit(0)
        except BaseException as e:
            print("child:", e, flush=True)
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def table():
    global section
    section = "open"
    say("no such file", told(os.open, path("none"), RW))
    fd = os.open(path("new"), RW | C | os.O_EXCL, 0o640)
    say("O_EXCL makes it, empty", (os.fstat(fd).st_size, oct(os.fstat(fd).st_mode), os.read(fd, 10)))
    say("write to it", os.write(fd, b"hello"))
    say("O_EXCL again", told(os.open, path("new"), RW | C | os.O_EXCL))
    say("O_CREAT of what is there", os.read(os.open(path("new"), RW | C), 10))
    t = os.open(path("new"), RW | os.O_TRUNC)
    say("O_TRUNC", (os.fstat(t).st_size, os.fstat(fd).st_size, os.pread(fd, 10, 0)))
    say("write after O_TRUNC elsewhere", (os.write(fd, b"X"), content("new"), os.fstat(t).st_size))
    say("O_DIRECTORY of a file", told(os.open, path("new"), R | os.O_DIRECTORY))
    os.mkdir(path("dir"))
    say("a folder to write", told(os.open, path("dir"), RW))
    d = os.open(path("dir"), R)
    say("read of a folder", told(os.read, d, 10))
    say("pread of a folder", told(os.pread, d, 10, 0))
    say("below a file", told(os.open, path("new/x"), RW | C))
    say("a long name", (told(os.open, path("n" * 256), RW | C), type(told(os.open, path("n" * 255), RW | C)).__name__))
    os.symlink("new", path("link"))
    say("O_NOFOLLOW", told(os.open, path("link"), R | os.O_NOFOLLOW))
    say("through a link", os.read(os.open(path("link"), R), 10))
    os.symlink("loop", path("loop"))
    say("a loop", told(os.open, path("loop"), R))
    ro, wo = os.open(path("new"), R), os.open(path("new"), W)
    say("write, opened to read", (told(os.write, ro, b"x"), told(os.pwrite, ro, b"x", 0), told(os.writev, ro, [b"x"])))
    say("read, opened to write", (told(os.read, wo, 1), told(os.pread, wo, 1, 0), told(os.readv, wo, [bytearray(1)])))
    say("ftruncate, opened to read", told(os.ftruncate, ro, 0))
    say("nothing, opened the wrong way", (told(os.read, wo, 0), told(os.write, ro, b"")))
    os.close(ro)
    say("closed", (told(os.read, ro, 1), told(os.write, ro, b"x"), told(os.lseek, ro, 0, 0), told(os.close, ro)))
    say("fd -1", (c(libc.read, -1, None, 1), c(libc.write, -1, None, 1), c(libc.pread, -1, None, 1, 0)))
    o = os.open(path("new"), os.O_PATH)
    say("O_PATH", (told(os.read, o, 1), told(os.write, o, b"x")))

    section = "read"
    fd = fresh("r", bytes(range(256)) * 40)
    size = 256 * 40
    say("short at the end", (len(os.pread(fd, 1000, size - 10)), os.pread(fd, 10, size), os.pread(fd, 10, size + 99)))
    say("offset after a short read", (os.lseek(fd, size - 7, 0), len(os.read(fd, 100)), os.lseek(fd, 0, 1), os.read(fd, 5)))
    say("offset after pread", (os.lseek(fd, 5, 0), os.pread(fd, 3, 100), os.lseek(fd, 0, 1)))
    say("odd places", [os.pread(fd, n, o)[-1:] for n, o in ((1, 0), (2, 255), (4095, 1), (4097, 4095), (8193, 13))])
    say("negative offset", (told(os.pread, fd, 1, -1), told(os.pwrite, fd, b"x", -1), told(os.pread, fd, 1, -(1 << 63))))
    say("offset at the end of 63 bits", (told(os.pread, fd, 1, (1 << 63) - 1), told(os.pread, fd, 1, (1 << 63) - 4096)))
    b = ctypes.create_string_buffer(64)
    say("EFAULT", (c(libc.read, fd, 8, 10), c(libc.pread, fd, 8, 10, 0), c(libc.pwrite, fd, 8, 10, 0), c(libc.write, fd, None, 10)))
    say("no bytes, bad address", (c(libc.read, fd, 8, 0), c(libc.pread, fd, 8, 0, 0), c(libc.pwrite, fd, 8, 0, 0)))
    say("EFAULT leaves the offset", os.lseek(fd, 0, 1))
    say("a length beyond SSIZE_MAX", c(libc.pread, fd, b, (1 << 63) + 5, 0))
    say("bad address at the end of file", c(libc.pread, fd, 8, 10, size))

    section = "vectors"
    vec = lambda *p: (ctypes.c_uint64 * (2 * len(p)))(*(x for q in p for x in q))
    a = ctypes.addressof(b)
    os.lseek(fd, 0, 0)
    say("three", (c(libc.readv, fd, vec((a, 3), (a + 3, 0), (a + 3, 4)), 3), b.raw[:8], os.lseek(fd, 0, 1)))
    say("none", c(libc.readv, fd, vec((a, 1)), 0))
    say("negative count", c(libc.readv, fd, vec((a, 1)), -1))
    say("1024", c(libc.readv, fd, vec(*[(a, 1)] * 1024), 1024))
    say("1025", c(libc.readv, fd, vec(*[(a, 1)] * 1025), 1025))
    say("a negative length", c(libc.readv, fd, vec((a, 1), (a, 1 << 63)), 2))
    say("bad vector", c(libc.readv, fd, 8, 2))
    say("bad second part", c(libc.readv, fd, vec((a, 5), (8, 5)), 2))
    say("bad first part", c(libc.writev, fd, vec((8, 5), (a, 5)), 2))
    say("writev", (os.lseek(fd, 10, 0), os.writev(fd, [b"ab", b"", b"c" * 9000]), os.lseek(fd, 0, 1), os.pread(fd, 4, 9)))
    parts = [bytearray(3), bytearray(9000), bytearray(9000)]
    say("preadv over the end", (os.preadv(fd, parts, 1), parts[0], sum(parts[1]), sum(parts[2]) % 997))

    section = "write"
    fd = fresh("w", b"0123456789")
    say("in the middle", (os.pwrite(fd, b"AB", 3), content("w")))
    say("over the end", (os.pwrite(fd, b"CDEF", 8), content("w"), os.fstat(fd).st_size))
    say("a hole reads as zeros", (os.pwrite(fd, b"Z", 10000), content("w")[12:10000] == bytes(9988), os.fstat(fd).st_size))
    say("offset", (os.lseek(fd, 0, 2), os.write(fd, b"end"), os.lseek(fd, 0, 1), os.fstat(fd).st_size))
    say("beyond, by lseek", (os.lseek(fd, 20000, 0), os.fstat(fd).st_size, os.write(fd, b"y"), os.fstat(fd).st_size))
    say("lseek", (told(os.lseek, fd, -1, 0), told(os.lseek, fd, -1, 2), told(os.lseek, fd, 0, 99), told(os.lseek, fd, -99999, 1)))
    say("SEEK_DATA, SEEK_HOLE", (told(os.lseek, fd, 0, os.SEEK_DATA), told(os.lseek, fd, 0, os.SEEK_HOLE), told(os.lseek, fd, 30000, os.SEEK_DATA)))
    p = os.pipe()
    say("a pipe", (told(os.pread, p[0], 1, 0), told(os.lseek, p[0], 0, 0), os.write(p[1], b"q"), os.read(p[0], 5)))

    section = "truncate"
    fd = fresh("t", b"x" * 10000)
    os.lseek(fd, 9000, 0)
    say("shorter", (os.ftruncate(fd, 5000), os.fstat(fd).st_size, os.read(fd, 10), os.lseek(fd, 0, 1)))
    say("longer: zeros", (os.ftruncate(fd, 9000), content("t") == b"x" * 5000 + bytes(4000)))
    say("within a page", (os.ftruncate(fd, 4097), os.ftruncate(fd, 4200), os.pread(fd, 200, 4090)))
    say("by name", (os.truncate(path("t"), 3), os.pread(fd, 10, 0), os.fstat(fd).st_size))
    say("then a write", (os.pwrite(fd, b"q", 10), content("t")))
    say("negative", told(os.ftruncate, fd, -1))
    say("0", (os.ftruncate(fd, 0), content("t"), os.fstat(fd).st_blocks))
    say("another open file sees it", (os.write(os.open(path("t"), W), b"abc"), os.pread(fd, 10, 0), os.fstat(fd).st_size, os.lseek(fd, 0, 2)))

    section = "append"
    fd = fresh("a", b"first.", RW | os.O_APPEND)
    plain = os.open(path("a"), RW)
    say("write", (os.lseek(fd, 0, 0), os.write(fd, b"second."), os.lseek(fd, 0, 1), content("a")))
    say("after another's write", (os.pwrite(plain, b"third.", 13), os.write(fd, b"fourth."), content("a")))
    say("pwrite appends, on Linux", (os.pwrite(fd, b"!", 0), content("a")[-3:]))
    say("read", (os.lseek(fd, 0, 0), os.read(fd, 6)))
    say("after truncate", (os.ftruncate(fd, 2), os.write(fd, b"X"), content("a")))
    fcntl.fcntl(plain, fcntl.F_SETFL, os.O_APPEND)
    say("by F_SETFL", (os.lseek(plain, 0, 0), os.write(plain, b"Y"), content("a"), fcntl.fcntl(plain, fcntl.F_GETFL) & os.O_APPEND != 0))
    fcntl.fcntl(plain, fcntl.F_SETFL, 0)
    say("and off again", (os.lseek(plain, 0, 0), os.write(plain, b"Z"), content("a")))
    fresh("aa")
    def many(who):
        f = os.open(path("aa"), W | os.O_APPEND)
        for _ in range(300):
            assert os.write(f, bytes([who]) * 37) == 37
    kids = [os.fork() for _ in range(1)]
    if not kids[0]:
        many(1)
        os._exit(0)
    many(2)
    os.waitpid(kids[0], 0)
    data = content("aa")
    say("two processes", (len(data), all(len(set(data[i : i + 37])) == 1 for i in range(0, len(data), 37)), data.count(b"\1")))

    section = "shared offset"
    fd = fresh("o", bytes(range(100)))
    other = os.dup(fd)
    say("dup", (os.read(fd, 5), os.read(other, 5), os.lseek(fd, 0, 1)))
    say("fork", (in_child(lambda: os.read(fd, 10)), os.lseek(fd, 0, 1), os.read(fd, 1)))
    say("two open files", (os.read(os.open(path("o"), R), 2), os.lseek(fd, 0, 1)))
    def take(n):
        for _ in range(n):
            assert len(os.read(fd, 10)) == 10
    fd = fresh("oo", bytes(10000))
    pid = os.fork()
    if not pid:
        take(400)
        os._exit(0)
    take(400)
    say("two processes", (os.waitpid(pid, 0)[1], os.lseek(fd, 0, 1)))

    section = "names"
    fd = fresh("u", b"unlinked")
    os.unlink(path("u"))
    say("unlinked", (os.pread(fd, 20, 0), os.pwrite(fd, b"more", 8), os.pread(fd, 20, 0), os.fstat(fd).st_nlink, os.fstat(fd).st_size))
    say("truncated then", (os.ftruncate(fd, 3), os.pread(fd, 20, 0), told(os.stat, path("u"))))
    again = fresh("u", b"another")
    say("its name is another's", (os.pread(fd, 20, 0), os.pread(again, 20, 0), os.fstat(fd).st_ino != os.fstat(again).st_ino))
    v = fresh("v", b"renamed")
    os.rename(path("v"), path("u"))
    say("renamed over an open file", (content("u"), os.pread(again, 20, 0), os.fstat(again).st_nlink, os.pread(v, 20, 0), told(os.stat, path("v"))))
    say("a write to each", (os.pwrite(again, b"A", 0), os.pwrite(v, b"V", 0), content("u"), os.pread(again, 20, 0)))
    os.link(path("u"), path("x"))
    say("a link", (os.pwrite(v, b"W", 1), content("x"), os.fstat(v).st_nlink, told(os.link, path("u"), path("x"))))
    say("rename to a link of itself", (os.rename(path("u"), path("x")), os.path.exists(path("u"))))
    os.mkdir(path("d2"))
    fresh("d2/f")
    say("folders", (told(os.rmdir, path("d2")), told(os.unlink, path("d2")) in ("EISDIR", "EPERM"), told(os.rmdir, path("u")),
        told(os.rename, path("dir"), path("d2")), told(os.rename, path("d2"), path("d2/in")), told(os.rename, path("u"), path("dir")), told(os.mkdir, path("dir"))))
    say("moved", (os.rename(path("d2"), path("dir/d3")), sorted(os.listdir(path("dir"))), os.stat(path("dir")).st_nlink, os.stat(path("dir/d3/..")).st_ino == os.stat(path("dir")).st_ino))
    say("readlink", (os.readlink(path("link")), told(os.readlink, path("u"))))
    os.mkfifo(path("fifo"))
    say("a FIFO", stat.S_ISFIFO(os.stat(path("fifo")).st_mode))
    at = ctypes.create_string_buffer
    ren = lambda a, b, flags: c(libc.renameat2, -100, at(path(a).encode()), -100, at(path(b).encode()), flags)
    say("RENAME_NOREPLACE", (ren("o", "oo", 1), ren("o", "o2", 1)))
    say("RENAME_EXCHANGE", (ren("o2", "oo", 2), len(content("o2")), len(content("oo")), ren("o2", "none", 2)))
    os.chdir(top)
    names = set()
    os.mkdir("many")
    for i in range(300):
        os.close(os.open(f"many/{i}", W | C))
    with os.scandir("many") as it:
        for e in it:
            names.add(e.name)
            os.unlink(f"many/{e.name}")
    say("readdir while unlinking", (len(names), os.listdir("many"), told(os.rmdir, "many")))

    section = "attributes"
    fd = fresh("m", b"1234")
    say("write", changed(fd, lambda: os.pwrite(fd, b"x", 0)))
    say("write that grows it", changed(fd, lambda: os.pwrite(fd, b"x", 100)))
    say("write of nothing", changed(fd, lambda: os.write(fd, b"")))
    say("ftruncate", changed(fd, lambda: os.ftruncate(fd, 50)))
    say("read", changed(fd, lambda: os.pread(fd, 10, 0)))
    say("chmod", changed(fd, lambda: os.fchmod(fd, 0o600)))
    say("link", changed(fd, lambda: os.link(path("m"), path("m2"))))
    os.utime(path("m"), ns=(10**18, 10**18 + 5))
    say("utime", (os.fstat(fd).st_mtime_ns, os.fstat(fd).st_atime_ns))
    say("write after utime", changed(fd, lambda: os.pwrite(fd, b"x", 0)))
    os.utime(path("m"), ns=(10**18, 10**18 + 5))
    say("close and look by name", (os.close(fd), os.stat(path("m")).st_mtime_ns))
    fd = os.open(path("m"), RW)
    say("its folder", changed(os.open(top, R), lambda: os.unlink(path("m2"))))
    say("mode", (oct(os.stat(path("m")).st_mode), os.stat(path("m")).st_nlink))

    section = "locks"
    fcntl.lockf(fd, fcntl.LOCK_EX)
    def other_process():
        f = os.open(path("m"), RW)
        assert told(fcntl.lockf, f, fcntl.LOCK_EX | fcntl.LOCK_NB) in ("EAGAIN", "EACCES")
        assert told(fcntl.lockf, f, fcntl.LOCK_SH | fcntl.LOCK_NB, 10, 1000) in ("EAGAIN", "EACCES")
    say("held", in_child(other_process))
    fcntl.lockf(fd, fcntl.LOCK_UN, 10, 1000)
    say("a part let go", in_child(lambda: fcntl.lockf(os.open(path("m"), RW), fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 1000)))
    os.close(os.open(path("m"), R))
    say("any close lets go", in_child(lambda: fcntl.lockf(os.open(path("m"), RW), fcntl.LOCK_EX | fcntl.LOCK_NB)))
    fcntl.flock(fd, fcntl.LOCK_EX)
    say("flock", told(fcntl.flock, os.open(path("m"), RW), fcntl.LOCK_EX | fcntl.LOCK_NB))

    section = "mmap"
    fd = fresh("mm", b"m" * 10000)
    private = mmap.mmap(fd, 10000, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    private[0:1] = b"P"
    say("private", (private[:3], os.pread(fd, 3, 0), private[9999:], os.pwrite(fd, b"w", 5000), os.pread(fd, 2, 4999)))
    shared = mmap.mmap(fd, 10000)
    shared[0:2] = b"SH"
    shared.flush()
    say("shared", (os.pread(fd, 3, 0), content("mm")[:3]))
    say("write seen in the mapping", (os.pwrite(fd, b"seen", 100), shared[99:105]))
    other = os.open(path("mm"), RW)
    say("write by another open file", (os.pwrite(other, b"other", 200), shared[199:206], os.pread(fd, 5, 200)))
    say("of a file after ring writes", (os.pwrite(other, b"later", 300), mmap.mmap(other, 10000, prot=mmap.PROT_READ)[299:306]))

    section = "limits"
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    fd = fresh("big")
    say("EFBIG", told(os.pwrite, fd, b"x", (1 << 63) - 1))
    say("ftruncate EFBIG or EINVAL", told(os.ftruncate, fd, (1 << 63) - 1) in ("EFBIG", "EINVAL", None))


class Model:
    """A file as it should be, and a real one, whose descriptors may share offsets."""

    MAX = 300000

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.data = bytearray()
        self.name = path(f"random{seed}")
        self.fds = []
        self.open(RW | C | os.O_EXCL)

    def open(self, flags):
        self.fds.append([os.open(self.name, flags, 0o600), [0], bool(flags & os.O_APPEND)])

    def put(self, offset, b):
        if b and offset > len(self.data):
            self.data.extend(bytes(offset - len(self.data)))
        self.data[offset : offset + len(b)] = b

    def want(self, got, expected, what):
        if got != expected:
            at = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b), None) if isinstance(got, bytes) else None
            raise AssertionError(f"{what}: {len(got) if at is not None else got!r:.60} instead of {len(expected) if at is not None else expected!r:.60}, first at {at}")

    def step(self, n):
        r = self.r
        fd, pos, append = d = r.choice(self.fds)
        place = r.choice((r.randrange(len(self.data) + 1), r.randrange(self.MAX), 0, len(self.data)))
        length = r.choice((0, 1, r.randrange(100), 4096, r.randrange(20000), r.randrange(70000)))
        what = r.choices(("read", "pread", "write", "pwrite", "readv", "writev", "seek", "truncate", "private", "dup", "close", "open",
            "fork", "size", "all"), (20, 20, 15, 20, 5, 5, 10, 8, 3, 2, 3, 3, 1, 8, 2))[0]
        b = r.randbytes(min(length, max(0, self.MAX - place)))
        if what == "read":
            got = os.read(fd, length)
            self.want(got, bytes(self.data[pos[0] : pos[0] + length]), f"{n}: read {length} at {pos[0]}")
            pos[0] += len(got)
        elif what == "pread":
            self.want(os.pread(fd, length, place), bytes(self.data[place : place + length]), f"{n}: pread {length} at {place}")
        elif what in ("write", "writev"):
            at = len(self.data) if append else pos[0]
            if at + len(b) > self.MAX:
                return
            k = len(b) // 3
            self.want(os.write(fd, b) if what == "write" else os.writev(fd, [b[:k], b"", b[k:]]), len(b), f"{n}: {what} at {at}")
            self.put(at, b)
            if b:
                pos[0] = at + len(b)
        elif what == "pwrite":
            self.want(os.pwrite(fd, b, place), len(b), f"{n}: pwrite at {place}")
            self.put(len(self.data) if append else place, b)
        elif what == "readv":
            parts = [bytearray(length // 2), bytearray(), bytearray(length - length // 2)]
            got = os.readv(fd, parts)
            self.want(b"".join(parts)[:got], bytes(self.data[pos[0] : pos[0] + length]), f"{n}: readv {length} at {pos[0]}")
            pos[0] += got
        elif what == "seek":
            how = r.choice((os.SEEK_SET, os.SEEK_CUR, os.SEEK_END))
            base = {os.SEEK_SET: 0, os.SEEK_CUR: pos[0], os.SEEK_END: len(self.data)}[how]
            self.want(os.lseek(fd, place - base, how), place, f"{n}: lseek")
            pos[0] = place
        elif what == "truncate":
            os.ftruncate(fd, place)
            del self.data[place:]
            self.data.extend(bytes(place - len(self.data)))
        elif what == "private" and self.data:
            # in a child: what a process mapped is the kernel's from then on
            def look():
                own = os.open(self.name, R)
                with mmap.mmap(own, len(self.data), mmap.MAP_PRIVATE, mmap.PROT_READ) as m:
                    assert m[:] == bytes(self.data)
            self.want(in_child(look), 0, f"{n}: private mapping")
        elif what == "dup":
            if len(self.fds) < 8:
                self.fds.append([os.dup(fd), pos, append])
        elif what == "close":
            if len(self.fds) > 1:
                os.close(fd)
                self.fds = [x for x in self.fds if x is not d]
        elif what == "open":
            if len(self.fds) < 8:
                self.open(RW | r.choice((0, 0, os.O_APPEND)))
        elif what == "fork":
            if not append:
                self.put(place, b)
            expected = bytes(self.data[pos[0] : pos[0] + 10])
            def child():
                if not append:
                    assert os.pwrite(fd, b, place) == len(b)
                assert os.pread(fd, length, place) == bytes(self.data[place : place + length]), "pread"
                assert os.read(fd, 10) == expected, "read"
            self.want(in_child(child), 0, f"{n}: child")
            pos[0] += len(expected)
        elif what == "size":
            self.want(os.fstat(fd).st_size, len(self.data), f"{n}: size")
            self.want(os.lseek(fd, 0, 1), pos[0], f"{n}: offset")
        elif what == "all":
            self.want(content(os.path.basename(self.name)), bytes(self.data), f"{n}: all")


if how == "table":
    table()
else:
    m = Model(int(sys.argv[3]))
    for n in range(int(sys.argv[4])):
        m.step(n)
    m.want(content(os.path.basename(m.name)), bytes(m.data), "the end")
    print(sys.argv[4], "operations")
