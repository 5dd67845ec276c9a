/* SPDX-License-Identifier: MIT */
/* Axes of figures: their range, ticks at round values with the units of the metric table, and labels
 * beside them that do not cover each other. */
#ifndef ZC_AXIS_H
#define ZC_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct axis {
	bool log;
	double lo, hi; /* lo > hi: nothing added yet */
};

/* An axis to add values to; a linear one has 0 on it. */
struct axis axis_make(bool log);
/* Stretches it to v. What a logarithmic axis cannot show (v <= 0, no number) is left out. */
void axis_add(struct axis *a, double v);
/* Some room at both ends; not below 0 if a linear one starts there. */
void axis_widen(struct axis *a);
/* Where v lies, 0 at the lower end and 1 at the upper. */
double axis_fraction(const struct axis *a, double v);

/* Round values within the axis for ticks, in the steps that suit the unit (powers of 2 for bytes). Returns
 * their number, at most max. */
#define AXIS_TICKS 12
size_t axis_ticks(const struct axis *a, const char *unit, double *ticks, size_t max);
/* A tick as people write it: "64 MiB/s", "10 us", "0.5", "300". Returns buf. */
char *axis_tick_label(char *buf, size_t len, double v, const char *unit);

/* Moves n positions (fractions of an axis) apart so that neighbours are at least `gap` apart and all within
 * [0, 1] as long as there is room, each as near to where it was as that allows. */
void axis_spread(double *positions, size_t n, double gap);

#endif
