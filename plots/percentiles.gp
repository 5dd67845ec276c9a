# SPDX-License-Identifier: MIT
# Latency by percentile, towards the slowest operations at the right. Data: a block for each curve (line types
# in `lines`), then a block for each path that has intervals (in `intervals`): x, median, lo, hi.
shift(k) = 0.015 * (k - (words(intervals) + 1) / 2.0)
set grid xtics
plot for [k=1:words(lines)] name.".tsv" index k-1 using 1:2 with lines lt int(word(lines, k)), \
     for [k=1:words(intervals)] name.".tsv" index words(lines)+k-1 using ($1+shift(k)):2:3:4 \
         with yerrorbars lt int(word(intervals, k)) lw 1.5
