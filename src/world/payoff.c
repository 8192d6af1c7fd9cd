#include "multidistral/world/payoff.h"

#include <math.h>
#include <string.h>

#include "multidistral/base/text.h"

static const double most = 1e6;

/* The two halves of a text, or it twice if `mark` is not in it. False when a half is too long. */
static bool halves(const char *text, char mark, char half[2][64]) {
    const char *at = strchr(text, mark), *second = at ? at + 1 : text;
    size_t first = at ? (size_t)(at - text) : strlen(text);
    if (first >= sizeof half[0] || strlen(second) >= sizeof half[1]) return false;
    snprintf(half[0], sizeof half[0], "%.*s", (int)first, text);
    snprintf(half[1], sizeof half[1], "%s", second);
    return true;
}

static bool read_outcome(const char *text, double of[2]) {
    char half[2][64];
    if (!halves(text, '/', half)) return false;
    for (int j = 0; j < 2; j++) {
        if (!text_to_real(half[j], &of[j]) || fabs(of[j]) > most) return false;
        of[j] += 0.0; /* -0 becomes 0 */
    }
    return true;
}

bool payoff_read(const char *text, struct payoff *out) {
    char half[2][64];
    return halves(text, '|', half) && read_outcome(half[0], out->of[0]) && read_outcome(half[1], out->of[1]);
}

static void write_outcome(FILE *out, const double of[2]) {
    char number[2][64];
    for (int j = 0; j < 2; j++) text_from_real(number[j], sizeof number[j], of[j]);
    fputs(number[0], out);
    if (of[0] != of[1]) fprintf(out, "/%s", number[1]);
}

/* Are both outcomes the same? */
static bool is_certain(const struct payoff *payoff) {
    return payoff->of[0][0] == payoff->of[1][0] && payoff->of[0][1] == payoff->of[1][1];
}

void payoff_write(FILE *out, const struct payoff *payoff) {
    write_outcome(out, payoff->of[0]);
    if (is_certain(payoff)) return;
    fputc('|', out);
    write_outcome(out, payoff->of[1]);
}
