/* Settings: one row of a table says a setting's name, type, default, range and meaning; reading, printing, help and
 * the run file's attributes all follow from the row.
 *
 * The tables are `.def` files with one row each:
 *     REAL(name, default, min, max, help)        INTEGER(name, default, min, max, help)
 *     CHOICE(name, default, words, help)         SCHEDULE(name, default, min, max, help)
 * `words` are separated by '|'; the value is the word's place, from 0, as in an enum of the same order. Defaults are
 * text, as a user would write them. The .def file of a room is turned into the fields of a struct by SETTING_FIELDS
 * macros in that room's header, and into rows by setting_rows.h. */
#ifndef MULTIDISTRAL_BASE_SETTING_H
#define MULTIDISTRAL_BASE_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "multidistral/base/fault.h"

/* A number that may change over iterations: from, then to after `over` iterations, and constant from there on.
 * Written `0.5`, `linear:0.5:5:20` or `geometric:0.5:5:20`. The span is part of the value, not the number of
 * iterations of the run, so that a run resumed to more iterations goes on unchanged. */
enum schedule_shape { SCHEDULE_CONSTANT, SCHEDULE_LINEAR, SCHEDULE_GEOMETRIC };

struct schedule {
    enum schedule_shape shape;
    double from, to;
    int64_t over; /* iterations, at least 1; iteration `over` (from 0) is the first at `to` */
};

/* The value in an iteration, counted from 0. */
double schedule_at(const struct schedule *schedule, int64_t iteration);

enum setting_type { SETTING_REAL, SETTING_INTEGER, SETTING_CHOICE, SETTING_SCHEDULE };

struct setting {
    const char *name;
    enum setting_type type;
    const char *fallback; /* the default, as text */
    double min, max;      /* both allowed; an excluded zero is written as the smallest value that makes sense */
    const char *words;    /* of a choice */
    const char *help;     /* one sentence, no full stop */
    size_t offset;        /* of the value in its struct: double, int64_t, int or struct schedule by type */
};

enum { SETTING_TEXT = 128 }; /* bytes that hold any value as text */

/* Reads text into the setting's place in `values`. False, with that place as it was, when it is no such value or out of
 * range: `name = "text": expected ...`. */
bool setting_read(const struct setting *setting, const char *text, void *values, struct fault *why);

/* The value as text that setting_read turns into the same value. */
void setting_write(const struct setting *setting, const void *values, char text[SETTING_TEXT]);

/* The value of one setting from one struct of its table to another. */
void setting_copy(const struct setting *setting, const void *from, void *to);

/* What may be written: `a number from 0 to 1`, `none | random | last` ... */
void setting_expected(const struct setting *setting, char text[SETTING_TEXT]);

/* All n settings of a table at their defaults. */
void setting_defaults(const struct setting *table, int n, void *values);

/* The row of that name; '-' and '_' are the same. NULL if there is none. */
const struct setting *setting_find(const struct setting *table, int n, const char *name);

#endif
