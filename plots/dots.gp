# SPDX-License-Identifier: MIT
# A row for each path, a marker for each group with its interval. Data: a block for each group with row,
# median, lo, hi.
colours = "#000000 #d55e00 #0072b2 #009e73 #cc79a7 #e69f00"
markers = "7 12 5 8 9 6"
label(g) = value(sprintf("group_name_%d", g))
set rmargin at screen 0.97
set lmargin at screen 0.16
set grid xtics noytics
set yzeroaxis lt 1 lw 2 lc rgb "#888888"
set key at screen 0.98, screen 0.945 right top vertical maxrows 2 samplen 1 font ",20" reverse Left
plot for [g=1:groups] name.".tsv" index g-1 using 2:1:3:4 with xerrorbars lw 2.5 ps 2.2 pt int(word(markers, g)) \
         lc rgb word(colours, g) title label(g)
