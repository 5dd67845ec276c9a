# SPDX-License-Identifier: MIT
# A metric along a dimension: a line for each path, its intervals as bars. Data: a block for each line with
# x, median, lo, hi; `lines` has their line types. They are moved apart sideways a little, so that intervals
# do not cover each other.
lt_of(k) = int(word(lines, k))
shift(k) = 2 ** (0.045 * (k - (words(lines) + 1) / 2.0))
if (exists("line_at")) set arrow from graph 0, first line_at to graph 1, first line_at nohead lc rgb "#444444" lw 2 dt 2 back
plot for [k=1:words(lines)] name.".tsv" index k-1 using ($1*shift(k)):2:3:4 with yerrorbars lt lt_of(k) lw 1.5 pt 0, \
     for [k=1:words(lines)] name.".tsv" index k-1 using ($1*shift(k)):2 with linespoints lt lt_of(k)
