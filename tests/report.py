#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Recomputes sentences and table values of a report from the result file alone, for tests/integration/report.sh.

report.py RESULT PAGE      fails unless the page says what the rounds say, for rounds of 5: median, lowest, highest
report.py --closed PAGE    fails if the page needs or runs anything outside of itself
report.py --text PAGE      prints the page's words, a line for each item, paragraph and table row
"""
import html.parser
import json
import math
import re
import statistics
import sys


class Text(html.parser.HTMLParser):
    """Lines of text; and all that points somewhere."""

    BLOCKS = {"li", "p", "tr", "h1", "h2", "h3", "caption", "figcaption", "div", "footer", "pre"}

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.lines, self.tags, self.ids = [""], [], []
        self.points = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag in self.BLOCKS:
            self.lines.append("")
        if tag in ("td", "th", "text"):
            self.lines[-1] += " | "
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster", "background"):
                self.points.append((tag, name, value or ""))
            if name.startswith("on"):
                self.points.append((tag, name, value or ""))
            if name == "id":
                self.ids.append(value)

    def handle_data(self, data):
        self.lines[-1] += data


def read(name):
    t = Text()
    with open(name, encoding="utf-8") as f:
        source = f.read()
    t.feed(source)
    t.close()
    t.lines = [" ".join(line.split()) for line in t.lines]
    return source, t


def times(v, like):
    """As cli/report.h says of format_times."""
    if like < 0.0995 and v > 0:
        n = 1 / v
        return f"1/{n:.{2 if n < 9.95 else 1 if n < 99.95 else 0}f}"
    if v < 0.0995:
        return f"{v:.2g}x"
    return f"{v:.{2 if v < 9.995 else 1 if v < 99.95 else 0}f}x"


def size(n):
    for unit, letter in ((1 << 20, "m"), (1 << 10, "k")):
        if n % unit == 0:
            return f"{n // unit}{letter}"
    return str(n)


def cpu_per_kib(r):
    c = r["cpu_ns"]
    return sum(c[role][how] for role in ("client", "server") for how in ("user", "kernel")) / (
        r["payload_bytes"] / 1024
    )


METRICS = {
    "throughput": lambda r: r["throughput_bytes_per_s"],
    "p50": lambda r: r["latency_ns"]["p50"],
    "cpu": cpu_per_kib,
}


def ratio(a, b, metric):
    """Of rounds with the same index: they ran side by side."""
    f = METRICS[metric]
    all_ = [f(x) / f(y) for x, y in zip(a["rounds"], b["rounds"])]
    assert len(all_) == 5, "the intervals of this test are those of 5 rounds"
    return statistics.median(all_), min(all_), max(all_)


def said(r):
    return f"{times(r[0], r[0])} ({times(r[1], r[0])} to {times(r[2], r[0])})"


def side(r):
    return 1 if r[1] > 1 else -1 if r[2] < 1 else 0


def sentence(where, a_name, b_name, a, b, rate=True, own=False):
    main, cpu = ratio(a, b, "throughput" if rate else "p50"), ratio(a, b, "cpu")
    if not side(main):
        text = f"no difference in {'throughput' if rate else 'median latency'} was shown between {a_name} and {b_name}: {said(main)}"
    elif rate:
        text = f"{a_name} moves {said(main)} what " + (f"it moves {b_name}" if own else f"{b_name} does")
    else:
        text = f"an operation of {a_name} takes {said(main)} the time of one of {b_name}"
    if side(cpu):
        text += f", for {said(cpu)} the CPU time per KiB."
    else:
        text += f"; no difference in CPU time per KiB was shown: {said(cpu)}."
    return f"{where}: {text}"


def crossing(a, b, sizes):
    """Of path a over path b (dicts by block size): where all before lies on one side and all behind on the other."""
    r = [ratio(a[bs], b[bs], "throughput") for bs in sizes]
    shown = [(bs, side(x)) for bs, x in zip(sizes, r) if side(x)]
    where = f"Write, sink {a[sizes[0]]['sink']}: "
    pa, pb = a[sizes[0]]["path"], b[sizes[0]]["path"]
    changes = [i for i in range(1, len(shown)) if shown[i][1] != shown[i - 1][1]]
    if changes:
        lo, hi, way = shown[changes[-1] - 1][0], shown[changes[-1]][0], shown[-1][1]
        clean = all(
            not ((bs <= lo and (x[0] - 1) * way > 0) or (bs >= hi and (x[0] - 1) * way < 0))
            for bs, x in zip(sizes, r)
        )
        if clean:
            word = ("overtakes", "slower", "faster") if way > 0 else ("falls behind", "faster", "slower")
            return (
                f"{where}{pa} {word[0]} {pb} between {size(lo)} and {size(hi)}: {size(lo)} was the last size at "
                f"which it was {word[1]} for certain, {size(hi)} the first at which it was {word[2]}."
            )
    elif shown:
        word = "faster" if shown[-1][1] > 0 else "slower"
        if len(shown) == len(sizes):
            return f"{where}{pa} was {word} than {pb} at each of {len(sizes)} block sizes from {size(sizes[0])} to {size(sizes[-1])}."
        return (
            f"{where}{pa} was {word} than {pb} at {len(shown)} of {len(sizes)} block sizes from {size(sizes[0])} to "
            f"{size(sizes[-1])}; at the others no difference was shown."
        )
    return (
        f"{where}no block size was shown from {size(sizes[0])} to {size(sizes[-1])} at which {pa} overtakes {pb} "
        "and stays ahead."
    )


def rate_text(v):
    """Three digits, as the table on the terminal has them."""
    for name in ("B/s", "KiB/s", "MiB/s", "GiB/s", "TiB/s"):
        if v < 999.5 or name == "TiB/s":
            return v, name
        v /= 1024


def payback(bs, ipc, copy):
    """After how many transfers what is paid once is saved; of 5 rounds the interval is lowest to highest."""
    after = []
    for a, b in zip(ipc["rounds"], copy["rounds"]):
        once = [r["setup_ns"] - r["setup"]["source_ns"] for r in (a, b)]
        each = [bs * 1e9 / r["throughput_bytes_per_s"] for r in (a, b)]
        extra, saved = once[0] - once[1], each[1] - each[0]
        after.append(0 if extra <= 0 <= saved else extra / saved if saved > 0 else math.inf)
    after.sort()
    where = f"Write, sink read, {size(bs)} blocks: "
    if math.isinf(after[0]):
        return where + "a transfer of ipc took no less than one of copy: it never pays."
    if math.isinf(after[4]):
        return where + "it was not shown that ipc saves what it pays once more than copy does."
    if after[4] < 1:
        return where + "ipc was ahead of copy from the first transfer on."
    middle, lo, hi = (math.ceil(after[i]) for i in (2, 0, 4))
    return where + f"what ipc pays once more than copy does was saved after {middle} transfer{'s' if middle != 1 else ''} ({lo} to {hi})."


def check(result, page):
    with open(result, encoding="utf-8") as f:
        cells = json.load(f)["cells"]
    _, text = read(page)
    by = {(c["path"], c["sink"], c["bs"]): c for c in cells}
    sizes = sorted({c["bs"] for c in cells})
    want = []
    for bs in (sizes[0], sizes[-1]):
        where = f"Write, sink read, {size(bs)} blocks"
        want.append(sentence(where, "ipc", "copy", by["ipc", "read", bs], by["copy", "read", bs]))
        where = f"Write, sink null, {size(bs)} blocks"
        want.append(sentence(where, "ipc", "copy", by["ipc", "null", bs], by["copy", "null", bs], rate=False))
        want.append(payback(bs, by["ipc", "read", bs], by["copy", "read", bs]))
    bs = sizes[-1]
    want.append(
        sentence(
            f"Write, {size(bs)} blocks", "copy with sink read", "with sink null",
            by["copy", "read", bs], by["copy", "null", bs], own=True,
        )
    )
    want.append(
        sentence(f"Write, sink read, {size(bs)} blocks", "splice", "copy", by["splice", "read", bs], by["copy", "read", bs])
    )
    for path in ("ipc", "splice"):
        want.append(
            crossing({s: by[path, "read", s] for s in sizes}, {s: by["copy", "read", s] for s in sizes}, sizes)
        )
    for line in want:
        if line not in text.lines:
            near = [x for x in text.lines if x.startswith(line.split(":")[0])]
            sys.exit("the page does not say:\n  " + line + "\nbut:\n  " + "\n  ".join(near))
    # each cell has its line in the tables of all cells, with the median of its rounds
    page_text = "\n".join(text.lines)
    for c in cells:
        v, unit = rate_text(statistics.median(r["throughput_bytes_per_s"] for r in c["rounds"]))
        found = re.findall(rf"\| {re.escape(c['path'])} \| ([0-9.]+) {unit}", page_text)
        if not any(abs(float(x) - v) <= 0.006 * v for x in found):
            sys.exit(f"no line with {v:.3g} {unit} of {c['path']}, but {found}")
    print(f"{len(want)} sentences and {len(cells)} cells are what the rounds say")


def closed(page):
    source, text = read(page)
    bad = [p for p in text.points if not (p[1] == "src" and p[2].startswith("data:image/svg+xml;base64,"))]
    bad += [t for t in text.tags if t in ("script", "link", "iframe", "object", "embed", "base", "form")]
    bad += re.findall(r"https?://\S+|@import[^;]*|url\([^)]*\)", source)
    bad += sorted({i for i in text.ids if text.ids.count(i) > 1})
    if bad:
        sys.exit(f"{page} is not closed: {bad[:5]}")


if __name__ == "__main__":
    if sys.argv[1] == "--closed":
        closed(sys.argv[2])
    elif sys.argv[1] == "--text":
        print("\n".join(line for line in read(sys.argv[2])[1].lines if line))
    else:
        check(sys.argv[1], sys.argv[2])
