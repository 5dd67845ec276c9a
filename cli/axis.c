// SPDX-License-Identifier: MIT
/* Axes of figures; see axis.h. */
#include <math.h>
#include <string.h>

#include "cli/axis.h"

struct axis axis_make(bool log)
{
	return (struct axis){.log = log, .lo = log ? HUGE_VAL : 0, .hi = log ? -HUGE_VAL : 0};
}

void axis_add(struct axis *a, double v)
{
	if (!isfinite(v) || (a->log && v <= 0))
		return;
	a->lo = fmin(a->lo, v);
	a->hi = fmax(a->hi, v);
}

void axis_widen(struct axis *a)
{
	double room;

	if (a->lo > a->hi) {
		a->lo = a->log ? 1 : 0;
		a->hi = a->log ? 10 : 1;
	}
	if (!a->log) {
		if (a->hi <= a->lo)
			a->hi = a->lo + 1;
		room = 0.08 * (a->hi - a->lo);
		a->hi += room;
		a->lo -= a->lo < 0 ? room : 0;
		return;
	}
	room = fmax(pow(a->hi / a->lo, 0.05), 1.1);
	a->lo /= room;
	a->hi *= room;
}

double axis_fraction(const struct axis *a, double v)
{
	return a->log ? log(v / a->lo) / log(a->hi / a->lo) : (v - a->lo) / (a->hi - a->lo);
}

static bool of_bytes(const char *unit)
{
	return !strncmp(unit, "bytes", 5);
}

static size_t log_ticks(const struct axis *a, const double *steps, size_t nsteps, double *ticks,
			size_t max)
{
	size_t n = 0;

	/* the widest step that leaves five ticks or more; else the narrowest */
	for (size_t i = 0; i < nsteps; i++) {
		double first = ceil(log(a->lo) / log(steps[i]) - 1e-9);

		n = 0;
		for (; n < max && pow(steps[i], first + (double)n) <= a->hi * (1 + 1e-9); n++)
			ticks[n] = pow(steps[i], first + (double)n);
		if (n >= 5)
			break;
	}
	return n;
}

/* 1, 2, 5, 10, ... */
static size_t decimal_ticks(const struct axis *a, double *ticks, size_t max)
{
	size_t n = 0;

	for (int decade = (int)floor(log10(a->lo)); decade <= (int)floor(log10(a->hi)); decade++)
		for (int i = 0; i < 3; i++) {
			double v = pow(10, decade) * (double[]){1, 2, 5}[i];

			if (v >= a->lo && v <= a->hi && n < max)
				ticks[n++] = v;
		}
	return n;
}

/* Steps of 1, 2 or 5 times a power of ten; for bytes powers of two, which are round with every prefix. */
static size_t linear_ticks(const struct axis *a, bool bytes, double *ticks, size_t max)
{
	const double range = a->hi - a->lo;
	double step = bytes ? pow(2, ceil(log2(range / 7))) : pow(10, floor(log10(range / 4))), first;
	size_t n = 0;

	while (range / step > 7)
		step *= range / (2 * step) > 7 && range / (5 * step) >= 3 ? 5 : 2;
	first = ceil(a->lo / step - 1e-9);
	for (; n < max && (first + (double)n) * step <= a->hi; n++)
		ticks[n] = (first + (double)n) * step + 0.0; /* never -0 */
	return n;
}

size_t axis_ticks(const struct axis *a, const char *unit, double *ticks, size_t max)
{
	static const double binary[] = {1024, 64, 16, 4, 2}, decimal[] = {1000, 100, 10};
	size_t n;

	if (!a->log)
		return linear_ticks(a, of_bytes(unit), ticks, max);
	if (of_bytes(unit) || !strcmp(unit, "ratio"))
		return log_ticks(a, binary, 5, ticks, max);
	n = log_ticks(a, decimal, 3, ticks, max);
	return n >= 3 ? n : decimal_ticks(a, ticks, max);
}

char *axis_tick_label(char *buf, size_t len, double v, const char *unit)
{
	static const char *const bytes[] = {"B", "KiB", "MiB", "GiB", "TiB"}, *const times[] = {
										      "ns", "us", "ms",
										      "s"};
	int i = 0;

	if (of_bytes(unit)) {
		for (; v >= 1024 && i < 4; i++)
			v /= 1024;
		snprintf(buf, len, "%g %s%s", v, bytes[i], unit + 5);
	} else if (!strcmp(unit, "ns")) {
		for (; v >= 1000 && i < 3; i++)
			v /= 1000;
		snprintf(buf, len, "%g %s", v, times[i]);
	} else if (!strcmp(unit, "ratio")) {
		if (v < 1)
			snprintf(buf, len, "1/%g", 1 / v);
		else
			snprintf(buf, len, "%gx", v);
	} else {
		snprintf(buf, len, "%g", v);
	}
	return buf;
}

void axis_spread(double *positions, size_t n, double gap)
{
	size_t order[64];

	if (n > 64 || !n)
		return;
	for (size_t i = 0; i < n; i++) {
		size_t k = i;

		for (; k > 0 && positions[order[k - 1]] > positions[i]; k--)
			order[k] = order[k - 1];
		order[k] = i;
	}
	/* pull clusters apart around their middles: a few sweeps settle it */
	for (int sweep = 0; sweep < 200; sweep++)
		for (size_t i = 1; i < n; i++) {
			double *a = &positions[order[i - 1]], *b = &positions[order[i]];
			double missing = gap - (*b - *a);

			if (missing > 0) {
				*a -= missing / 2;
				*b += missing / 2;
			}
		}
	/* what then sticks out goes back in, and pushes its neighbours */
	for (size_t i = n; i-- > 0;)
		positions[order[i]] =
			fmin(positions[order[i]], i == n - 1 ? 1 : positions[order[i + 1]] - gap);
	for (size_t i = 0; i < n; i++)
		positions[order[i]] =
			fmax(positions[order[i]], i == 0 ? 0 : positions[order[i - 1]] + gap);
}
