/* SPDX-License-Identifier: MIT */
/* Sizes and times as people write them, and back. */
#ifndef ZC_UNITS_H
#define ZC_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* "4096", "4k", "1m", "2g" (binary, any case, optionally with "b" or "ib") to bytes.
 * 0, -EINVAL for anything else, -ERANGE for what does not fit in 63 bits. */
int parse_size(const char *text, uint64_t *bytes);

/* "250us", "100ms", "1s", "0.5s", "2m", "1h" to ns. A number without a unit is seconds.
 * 0, -EINVAL or -ERANGE as above. */
int parse_time(const char *text, uint64_t *ns);

/* A whole decimal number in [min, max]. 0, -EINVAL or -ERANGE. */
int parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *value);

/* "5%", "0.5%" or "0.05" to a share in [0, 1]. 0, -EINVAL or -ERANGE. */
int parse_share(const char *text, double *share);

/* "4k", "1m", "12345": the shortest exact form that parse_size reads back. Returns buf. */
char *format_size(char *buf, size_t len, uint64_t bytes);

/* "850 ns", "12.3 us", "4.56 ms", "1.20 s": three significant digits. Returns buf. */
char *format_time(char *buf, size_t len, double ns);

/* "3.42 GiB/s", "118 MiB/s". Returns buf. */
char *format_rate(char *buf, size_t len, double bytes_per_s);

/* "3.42 GiB", "512 KiB" */
char *format_bytes(char *buf, size_t len, double bytes);

/* "3.38 .. 3.51": the ends of an interval, in the unit that format_rate gives `like`. Returns buf. */
char *format_rate_interval(char *buf, size_t len, double lo, double hi, double like);

#endif
