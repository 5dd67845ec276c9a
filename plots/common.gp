# SPDX-License-Identifier: MIT
# What all figures share. zcbench plot puts its settings before this, and the figure's own script after it:
# name, title_text, fixed, note, small, stamp, y_label, x_label, n and line types 1 to n are set there.
if (!exists("format")) format = "svg"
if (!exists("x_label")) x_label = ""
if (!exists("y_label")) y_label = ""
if (!exists("wide_labels")) wide_labels = 0

if (format eq "png") {
	set terminal pngcairo noenhanced size 1600,900 font "Sans,22" background "#ffffff" fontscale 0.94 linewidth 1.25
} else {
	set terminal svg noenhanced size 1280,720 dynamic font "DejaVu Sans,sans-serif,22" background "#ffffff" rounded
}
set output name.".".format
set encoding utf8
set datafile separator "\t"

# Text that explains stands at the left: the title, what is fixed, warnings, and where it was measured.
set label 1001 title_text at screen 0.02, screen 0.945 left font ",30"
set label 1002 fixed at screen 0.02, screen 0.88 left font ",19" tc rgb "#444444"
set label 1003 note at screen 0.02, screen 0.062 left font ",16" tc rgb "#b03a00"
set label 1004 small at screen 0.02, screen 0.022 left font ",13" tc rgb "#666666"
if (stamp ne "") {
	set label 1005 stamp at screen 0.45, screen 0.5 center rotate by 20 font ",52" tc rgb "#88c00000" front
	set label 1006 stamp at screen 0.98, screen 0.062 right font ",20" tc rgb "#c00000"
}
set lmargin at screen 0.125
set rmargin at screen (wide_labels ? 0.66 : 0.81)
set tmargin at screen 0.835
set bmargin at screen 0.2
set border 3 lc rgb "#444444" lw 1.5
set tics nomirror scale 0.6 textcolor rgb "#222222"
set grid ytics lt 1 lw 1 lc rgb "#dddddd"
set xlabel x_label offset 0,0.3
set ylabel y_label offset -1.2,0
set key off
