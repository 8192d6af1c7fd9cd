/* The text of one entry of a matrix game: 11, 14|0 (one of both, equally likely), 3/0 (agent A gets 3, B 0). */
#ifndef MULTIDISTRAL_WORLD_PAYOFF_H
#define MULTIDISTRAL_WORLD_PAYOFF_H

#include <stdio.h>

#include "multidistral/world/task.h"

/* Is `text` such an entry, with numbers from -1e6 to 1e6? */
bool payoff_read(const char *text, struct payoff *out);

void payoff_write(FILE *out, const struct payoff *payoff);

#endif
