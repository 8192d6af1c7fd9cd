#include "multidistral/base/setting.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "multidistral/base/text.h"

static const char *const shape_words[] = {"constant", "linear", "geometric"};

/* Rounding must not lead out of the schedule, whose ends may be those of the setting's range. */
static double between(const struct schedule *schedule, double value) {
    return fmin(fmax(value, fmin(schedule->from, schedule->to)), fmax(schedule->from, schedule->to));
}

double schedule_at(const struct schedule *schedule, int64_t iteration) {
    if (schedule->shape == SCHEDULE_CONSTANT) return schedule->from;
    if (iteration >= schedule->over) return schedule->to;
    double part = (double)iteration / (double)schedule->over;
    if (schedule->shape == SCHEDULE_LINEAR) return between(schedule, schedule->from + part * (schedule->to - schedule->from));
    return between(schedule, schedule->from * pow(schedule->to / schedule->from, part));
}

static void *place_of(const struct setting *setting, const void *values) {
    return (char *)values + setting->offset; /* callers that only read keep to reading */
}

static bool in_range(const struct setting *setting, double value) {
    return value >= setting->min && value <= setting->max;
}

/* Which of the words, separated by '|', is text? -1: none. */
static int word_place(const char *words, const char *text) {
    size_t length = strlen(text);
    for (int place = 0; words; place++) {
        size_t width = strcspn(words, "|");
        if (width == length && length > 0 && memcmp(words, text, length) == 0) return place;
        words = words[width] ? words + width + 1 : NULL;
    }
    return -1;
}

static void word_at(const char *words, int place, char text[SETTING_TEXT]) {
    for (; place > 0; place--) words += strcspn(words, "|") + 1;
    snprintf(text, SETTING_TEXT, "%.*s", (int)strcspn(words, "|"), words);
}

/* The parts of `shape:from:to:over`; false if there are not exactly four. */
static bool schedule_parts(char *text, char *part[4]) {
    for (int i = 0; i < 4; i++) {
        part[i] = text;
        char *colon = strchr(text, ':');
        if ((colon == NULL) != (i == 3)) return false;
        if (colon) *colon = '\0', text = colon + 1;
    }
    return true;
}

static bool schedule_read(const struct setting *setting, const char *text, struct schedule *out) {
    struct schedule s = {.shape = SCHEDULE_CONSTANT, .over = 1};
    if (text_to_real(text, &s.from)) {
        if (!in_range(setting, s.from)) return false;
        s.to = s.from += 0.0; /* -0 becomes 0 */
        *out = s;
        return true;
    }
    char copy[SETTING_TEXT], *part[4];
    snprintf(copy, sizeof copy, "%s", text);
    if (strlen(text) >= sizeof copy || !schedule_parts(copy, part)) return false;
    s.shape = strcmp(part[0], shape_words[SCHEDULE_LINEAR]) == 0 ? SCHEDULE_LINEAR : SCHEDULE_GEOMETRIC;
    if (strcmp(part[0], shape_words[s.shape]) != 0) return false;
    if (!text_to_real(part[1], &s.from) || !text_to_real(part[2], &s.to) || !text_to_integer(part[3], &s.over))
        return false;
    if (!in_range(setting, s.from) || !in_range(setting, s.to) || s.over < 1) return false;
    if (s.shape == SCHEDULE_GEOMETRIC && !(s.from > 0 && s.to > 0 && isnormal(s.to / s.from))) return false;
    s.from += 0.0, s.to += 0.0; /* -0 becomes 0 */
    *out = s;
    return true;
}

static bool value_read(const struct setting *setting, const char *text, void *place) {
    double real;
    int64_t integer;
    switch (setting->type) {
    case SETTING_REAL:
        if (!text_to_real(text, &real) || !in_range(setting, real)) return false;
        *(double *)place = real + 0.0; /* -0 becomes 0 */
        return true;
    case SETTING_INTEGER:
        if (!text_to_integer(text, &integer) || !in_range(setting, (double)integer)) return false;
        *(int64_t *)place = integer;
        return true;
    case SETTING_CHOICE:
        if (word_place(setting->words, text) < 0) return false;
        *(int *)place = word_place(setting->words, text);
        return true;
    case SETTING_SCHEDULE: return schedule_read(setting, text, place);
    }
    return false;
}

bool setting_read(const struct setting *setting, const char *text, void *values, struct fault *why) {
    if (value_read(setting, text, place_of(setting, values))) return true;
    char expected[SETTING_TEXT];
    setting_expected(setting, expected);
    return fault_set(why, "%s = \"%s\": expected %s", setting->name, text, expected);
}

static void schedule_write(const struct schedule *s, char text[SETTING_TEXT]) {
    char from[32], to[32];
    text_from_real(from, sizeof from, s->from);
    text_from_real(to, sizeof to, s->to);
    if (s->shape == SCHEDULE_CONSTANT) snprintf(text, SETTING_TEXT, "%s", from);
    else snprintf(text, SETTING_TEXT, "%s:%s:%s:%lld", shape_words[s->shape], from, to, (long long)s->over);
}

void setting_write(const struct setting *setting, const void *values, char text[SETTING_TEXT]) {
    const void *place = place_of(setting, values);
    switch (setting->type) {
    case SETTING_REAL: text_from_real(text, SETTING_TEXT, *(const double *)place); return;
    case SETTING_INTEGER: snprintf(text, SETTING_TEXT, "%lld", (long long)*(const int64_t *)place); return;
    case SETTING_CHOICE: word_at(setting->words, *(const int *)place, text); return;
    case SETTING_SCHEDULE: schedule_write(place, text); return;
    }
}

void setting_copy(const struct setting *setting, const void *from, void *to) {
    static const size_t size[] = {sizeof(double), sizeof(int64_t), sizeof(int), sizeof(struct schedule)};
    memcpy(place_of(setting, to), place_of(setting, from), size[setting->type]);
}

void setting_expected(const struct setting *setting, char text[SETTING_TEXT]) {
    char min[26], max[26];
    text_from_real(min, sizeof min, setting->min);
    text_from_real(max, sizeof max, setting->max);
    switch (setting->type) {
    case SETTING_REAL: snprintf(text, SETTING_TEXT, "a number from %s to %s", min, max); return;
    case SETTING_INTEGER:
        snprintf(text, SETTING_TEXT, "a whole number from %.0f to %.0f", setting->min, setting->max);
        return;
    case SETTING_CHOICE: snprintf(text, SETTING_TEXT, "%s", setting->words); return;
    case SETTING_SCHEDULE:
        snprintf(text, SETTING_TEXT, "a number from %s to %s, or linear|geometric:FROM:TO:ITERATIONS", min, max);
        return;
    }
}

void setting_defaults(const struct setting *table, int n, void *values) {
    for (int i = 0; i < n; i++) {
        bool read = value_read(&table[i], table[i].fallback, place_of(&table[i], values));
        assert(read && "a default in a settings table is out of its own range");
        (void)read;
    }
}

static bool same_name(const char *a, const char *b) {
    for (; *a && *b; a++, b++)
        if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b)) return false;
    return *a == *b;
}

const struct setting *setting_find(const struct setting *table, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (same_name(table[i].name, name)) return &table[i];
    return NULL;
}
