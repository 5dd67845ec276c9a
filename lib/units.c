// SPDX-License-Identifier: MIT
/* Sizes and times as people write them, and back; see units.h. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/clock.h"
#include "lib/units.h"

int parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	unsigned long long v;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (*end)
		return -EINVAL;
	if (errno == ERANGE || v < min || v > max)
		return -ERANGE;
	*value = v;
	return 0;
}

int parse_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "kmgt";
	unsigned long long v;
	unsigned int shift = 0;
	const char *unit;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno == ERANGE)
		return -ERANGE;
	unit = *end ? strchr(units, tolower((unsigned char)*end)) : NULL;
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		end++;
		if (!strcasecmp(end, "ib"))
			end += 2;
	}
	if (!strcasecmp(end, "b"))
		end++;
	if (*end)
		return -EINVAL;
	if (v > (uint64_t)INT64_MAX >> shift)
		return -ERANGE;
	*bytes = (uint64_t)v << shift;
	return 0;
}

int parse_time(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {
		{"ns", 1}, {"us", 1e3}, {"ms", 1e6},   {"s", 1e9},
		{"", 1e9}, {"m", 60e9}, {"min", 60e9}, {"h", 3600e9},
	};
	char *end;
	double v;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	/* no hexadecimal, no exponents: strtod would take them */
	end = (char *)text + strspn(text, "0123456789.");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		char number[32];
		char *rest;

		if (strcasecmp(end, units[i].name))
			continue;
		if ((size_t)(end - text) >= sizeof(number))
			return -ERANGE;
		memcpy(number, text, (size_t)(end - text));
		number[end - text] = '\0';
		v = strtod(number, &rest);
		if (*rest)
			return -EINVAL;
		v *= units[i].ns;
		if (v > 1e18)
			return -ERANGE;
		*ns = (uint64_t)llround(v);
		return 0;
	}
	return -EINVAL;
}

int parse_share(const char *text, double *share)
{
	char number[32], *rest;
	size_t len = strspn(text, "0123456789.");
	double v;

	/* no sign, no hexadecimal, no exponent */
	if (!len || len >= sizeof(number) || (strcmp(text + len, "%") != 0 && text[len]))
		return -EINVAL;
	memcpy(number, text, len);
	number[len] = '\0';
	v = strtod(number, &rest);
	if (*rest || rest == number)
		return -EINVAL;
	if (text[len])
		v /= 100;
	if (v > 1)
		return -ERANGE;
	*share = v;
	return 0;
}

char *format_size(char *buf, size_t len, uint64_t bytes)
{
	static const char units[] = "kmgt";
	int i = -1;

	while (bytes && bytes % 1024 == 0 && i < 3) {
		bytes /= 1024;
		i++;
	}
	if (i < 0)
		snprintf(buf, len, "%" PRIu64, bytes);
	else
		snprintf(buf, len, "%" PRIu64 "%c", bytes, units[i]);
	return buf;
}

/* After the point, for three significant digits of what is below 1000. */
static int decimals(double v)
{
	return v < 9.995 ? 2 : v < 99.95 ? 1 : 0;
}

static const char *const rate_units[] = {"B/s", "KiB/s", "MiB/s", "GiB/s", "TiB/s"};

/* The unit for v: divides it and returns the unit's number. */
static int scale(double *v, double base, double limit, int n)
{
	int i = 0;

	while (i < n - 1 && *v >= limit) {
		*v /= base;
		i++;
	}
	return i;
}

static char *format_scaled(char *buf, size_t len, double v, double base, double limit,
			   const char *const *units, int n)
{
	int i = scale(&v, base, limit, n);

	snprintf(buf, len, "%.*f %s", decimals(v), v, units[i]);
	return buf;
}

char *format_time(char *buf, size_t len, double ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};

	return format_scaled(buf, len, ns, 1000, 999.5, units, 4);
}

char *format_rate(char *buf, size_t len, double bytes_per_s)
{
	return format_scaled(buf, len, bytes_per_s, 1024, 999.5, rate_units, 5);
}

char *format_bytes(char *buf, size_t len, double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};

	return format_scaled(buf, len, bytes, 1024, 999.5, units, 5);
}

char *format_rate_interval(char *buf, size_t len, double lo, double hi, double like)
{
	double v = like;

	for (int i = scale(&v, 1024, 999.5, 5); i > 0; i--) {
		lo /= 1024;
		hi /= 1024;
	}
	snprintf(buf, len, "%.*f .. %.*f", decimals(lo), lo, decimals(hi), hi);
	return buf;
}
