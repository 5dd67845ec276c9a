# SPDX-License-Identifier: MIT
# A stacked bar for each path, its median and interval on top, and an outline of what was expected beside
# it. Data: path, median, lo, hi, expected, text, 0, and the upper end of each part.
left = expects ? 0.42 : 0.36
right = expects ? 0.06 : 0.36
colour(p) = value(sprintf("part_colour_%d", p))
hatch(p) = value(sprintf("part_hatch_%d", p))
set rmargin at screen 0.775
set xrange [-0.6:n-0.4]
name_font = n > 6 ? ",18" : ",22"
set xtics scale 0 font name_font

# The legend, in the order of the bars: gnuplot's own would not show the hatching.
do for [p=1:parts+(expects ? 1 : 0)] {
	y = 0.8 - 0.06 * (p > parts ? parts : parts - p)
	if (p <= parts) {
		set object 2*p rect from screen 0.8, screen y-0.018 to screen 0.83, screen y+0.018 fc rgb colour(p) fs solid 1.0 noborder
		if (hatch(p)) {
			set object 2*p+1 rect from screen 0.8, screen y-0.018 to screen 0.83, screen y+0.018 fc rgb "#ffffff" fs transparent pattern hatch(p) noborder
		}
		entry = value(sprintf("part_name_%d", p))
		set label 100+p entry at screen 0.84, screen y left font ",19"
	} else {
		set object 2*p rect from screen 0.8, screen y-0.018 to screen 0.83, screen y+0.018 fc rgb "#eeeeee" fs solid 1.0 border lc rgb "#222222" lw 1.5
		set label 100+p "expected" at screen 0.84, screen y left font ",19"
	}
}

plot for [p=1:parts] name.".tsv" using 0:(0):($0-left):($0+right):(column(6+p)):(column(7+p)):xtic(1) \
         with boxxyerror lc rgb colour(p) fs solid 1.0 noborder, \
     for [p=1:parts] name.".tsv" using 0:(0):($0-left):($0+right):(column(6+p)):(hatch(p) ? column(7+p) : column(6+p)) \
         with boxxyerror lc rgb "#ffffff" fs transparent pattern hatch(p) noborder, \
     name.".tsv" using ($0+(right-left)/2):2:3:4 with yerrorbars lc rgb "#222222" lw 2 pt 7 ps 0.6, \
     name.".tsv" using ($0+(right-left)/2):4:6 with labels offset 0,0.8 font ",20", \
     name.".tsv" using 0:(0):($0+right+0.03):($0+0.42):(0):(expects ? $5 : 0) \
         with boxxyerror lc rgb "#222222" lw (expects ? 1.5 : 0) fc rgb "#eeeeee" fs solid 1.0 border lc rgb "#222222"
