/* SPDX-License-Identifier: MIT */
/* Values of metrics as people write them. */
#ifndef ZC_FORMAT_H
#define ZC_FORMAT_H

#include <stddef.h>

/* "3.42 GiB/s", "12.3 us", "1.00" by the unit. Returns buf. */
char *format_metric(char *buf, size_t len, double v, const char *unit);

#endif
