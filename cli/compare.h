/* SPDX-License-Identifier: MIT */
/*
 * Comparing two results: is NEW worse than BASE? docs/compare.md says how and why so.
 *
 * Two kinds of metrics. What is timed is noisy: it is tested over the rounds' samples, and a difference
 * is one only if the test finds it after correction for the number of tests, and the whole interval of
 * the ratio lies beyond the smallest effect that matters. What is counted is exact: any change is one.
 */
#ifndef ZC_COMPARE_H
#define ZC_COMPARE_H

#include <stdio.h>

#include "cli/format.h"
#include "cli/results.h"
#include "lib/options.h"

enum verdict {
	VERDICT_NONE,  /* no difference shown */
	VERDICT_FEW,   /* so few rounds that none could be */
	VERDICT_EQUAL, /* exact, and the same */
	VERDICT_BETTER,
	VERDICT_WORSE,   /* a regression */
	VERDICT_CHANGED, /* exact, not the same, and neither way is better: a regression until looked at */
	VERDICT_MISSING, /* exact, and not measured in NEW: a regression if the rules say so */
	VERDICT_COUNT,
};

extern const char *const verdict_names[VERDICT_COUNT]; /* "worse": for machines */
extern const char *const verdict_texts[VERDICT_COUNT]; /* "no difference shown": for people */

struct comparison {
	const struct result_cell *base, *now;
	char metric[64]; /* of measure/metrics.c, or an exact one: compare_series.c */
	const char *unit;
	enum better better;
	bool exact;
	size_t nbase, nnow; /* rounds that have it; 0 only where it is missing */
	double base_median, now_median;
	struct summary ratio; /* now / base; not for exact ones */
	double p, adjusted;   /* of the test, and after correction; not for exact ones */
	double threshold;     /* smallest effect that matters; not for exact ones */
	double allowance; /* added to it: what the machine may have done; 0 for pairs and exact ones */
	enum verdict verdict;
};

#define THRESHOLDS_MAX 32

struct compare_rules {
	const struct names *metrics; /* by name; n 0: the usual ones */
	bool exact_only;
	bool complete; /* what BASE has and NEW lacks is a regression */
	bool paired;   /* rounds with the same index were run side by side */
	double alpha;  /* share of findings that may be false */
	double threshold;
	struct {
		const char *metric; /* its name, or the beginning of it up to a '_' */
		double share;
	} thresholds[THRESHOLDS_MAX];
	unsigned int nthresholds;
};

struct comparisons {
	struct comparison *v;
	size_t n;
	size_t tests;  /* of them, how many were tests on noisy samples */
	size_t rounds; /* of each side, for a test among so many to find anything */
	size_t count[VERDICT_COUNT];
	double busy_base, busy_now; /* share of the CPUs that others took; 0 for pairs */
	const struct result_cell **only_base, **only_now; /* cells that the other side lacks */
	size_t nonly_base, nonly_now;
	bool complete; /* of the rules */
};

/* The rules from option values: "5%,throughput=3%", metric names. -EINVAL with a message. */
double compare_threshold(const struct compare_rules *rules, const char *metric);
int compare_rules_init(struct compare_rules *rules, const struct names *thresholds,
		       const struct names *metrics, double alpha, struct err *e);

/* Compares the cells of two files that are equal in every dimension; those of files[0] are the base.
 * -ENOENT with a message if there are none. */
int compare_files(struct comparisons *out, const struct results *r, const struct compare_rules *rules,
		  struct err *e);

/* Compares given pairs of cells. 0 or -ENOMEM. */
int compare_cells(struct comparisons *out, const struct result_cell *const *base,
		  const struct result_cell *const *now, size_t n, const struct compare_rules *rules,
		  struct err *e);
void compare_free(struct comparisons *c);

/* Rounds of each side without which no test among so many can find anything. */
size_t compare_rounds_needed(size_t tests, const struct compare_rules *rules);

/* How many of the comparisons, and of what is missing, are a regression. */
size_t compare_regressions(const struct comparisons *c);
bool comparison_is_regression(const struct comparison *c, bool complete);

/* "ipc write, sink null, ..." */
char *comparison_cell(char *buf, size_t len, const struct comparison *c);

/* What is behind a finding, in words: "hop server_user copies each byte 1.00 times, not 0.00 times". */
char *comparison_explain(char *buf, size_t len, const struct comparison *c);

/* Of the CPU time that the machine had while the rounds of a file were measured, the share that went to
 * others: processes that are not the run's, the kernel's own threads, other guests of a hypervisor. 0 where
 * it was not recorded. */
double compare_busy_share(const struct results *r, const struct result_file *f);

/* ---- compare_series.c: what there is to compare in a cell */

struct compared_metric {
	char name[64];
	const char *unit;
	enum better better;
	double exact; /* counted, not timed: any change of more than this is a finding; 0: timed */
	const struct metric *metric; /* of the table; NULL for the others */
	char key[48];                /* of the others: hop or route */
	double (*value)(const json_t *round, const char *key);
	double (*of_cell)(const struct result_cell *c);
};

#define COMPARED_MAX 96

/* The series of a pair of cells, as the rules want them. Returns their number. */
size_t series_of(const struct result_cell *base, const struct result_cell *now,
		 const struct compare_rules *rules, struct compared_metric *out);

/* What a series with this name is: unit, direction, exactness. False if there is none. */
bool series_named(const char *name, struct compared_metric *out);

/* How many timed metrics the rules ask for. */
size_t compare_timed_metrics(const struct compare_rules *rules);

/* How many samples any series of the cell can have. */
size_t series_samples_max(const struct result_cell *c);

/* Its samples, one for each round, NAN where the round lacks it. Returns their number. */
size_t series_samples(const struct compared_metric *s, const struct result_cell *c, double *values);

/* "latency" names all metrics that begin with "latency_", and "latency_p50_ns" itself. */
bool names_metric(const char *name, const char *metric);

/* The metrics that are compared when nobody says which. */
extern const char *const compare_usual_metrics[];

/* ---- compare_host.c */

#define DIFFERENCES_MAX 64

struct difference {
	const char *kind; /* "host", "kernel", "settings", "program" */
	char member[64];
	char base[200], now[200];
};

/* What two files say differently about where and by what they were made. Returns the number. */
size_t compare_hosts(const struct result_file *base, const struct result_file *now,
		     struct difference *out);

/* The kinds of differences that are refused unless they are meant. */
extern const char *const compare_across[];

/* Refuses (-EXDEV) those that `across` does not name. */
int compare_check_hosts(const struct difference *d, size_t n, const struct names *across, struct err *e);

/* ---- the formats */

struct compare_report {
	const struct comparisons *c;
	const char *base, *now; /* what to call the sides */
	const json_t *base_root, *now_root;
	const struct difference *differs;
	size_t ndiffers;
	const struct compare_rules *rules;
};

void compare_table(FILE *f, const struct compare_report *r);
void compare_markdown(FILE *f, const struct compare_report *r);
void compare_junit(FILE *f, const struct compare_report *r);
void compare_json(FILE *f, const struct compare_report *r);
void compare_benchmark_action(FILE *f, const struct compare_report *r);

extern const char *const compare_format_names[];
void compare_print(FILE *f, const char *format, const struct compare_report *r);


#endif
