/* The settings of worlds: how they behave (rules) and what is seen of them (senses). */
#ifndef MULTIDISTRAL_WORLD_RULES_H
#define MULTIDISTRAL_WORLD_RULES_H

#include "multidistral/base/setting.h"

enum contested { CONTESTED_NONE, CONTESTED_RANDOM, CONTESTED_LAST };
enum frame { FRAME_FIXED, FRAME_OWN_FIRST };

/* Fields: rules.def. */
struct rules {
#define SETTING_TABLE "multidistral/world/rules.def"
#include "multidistral/base/setting_fields.h"
};

/* Fields: senses.def. */
struct senses {
#define SETTING_TABLE "multidistral/world/senses.def"
#include "multidistral/base/setting_fields.h"
};

extern const struct setting rules_table[];
extern const int rules_count;
extern const struct setting senses_table[];
extern const int senses_count;

#endif
