# SPDX-License-Identifier: MIT
# A metric over runs: a line for each path, the intervals of its medians as thin bars, and a circle where it moved.
# Data: a block for each line with x, median, lo, hi; `lines` has their line types; then a block with the moves.
lt_of(k) = int(word(lines, k))
last = words(lines)
set xtics rotate by 30 right font ",15"
set bmargin at screen 0.3
if (moves) {
	plot for [k=1:last] name.".tsv" index k-1 using 1:2:3:4 with yerrorbars lt lt_of(k) lw 1 pt 0, \
	     for [k=1:last] name.".tsv" index k-1 using 1:2 with linespoints lt lt_of(k) lw 2 ps 1.1, \
	     name.".tsv" index last using 1:2 with points pt 6 ps 4 lw 2.5 lc rgb "#202020"
} else {
	plot for [k=1:last] name.".tsv" index k-1 using 1:2:3:4 with yerrorbars lt lt_of(k) lw 1 pt 0, \
	     for [k=1:last] name.".tsv" index k-1 using 1:2 with linespoints lt lt_of(k) lw 2 ps 1.1
}
