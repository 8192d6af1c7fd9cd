#include "multidistral/world/rules.h"

const struct setting rules_table[] = {
#define SETTING_TABLE "multidistral/world/rules.def"
#define SETTING_STRUCT struct rules
#include "multidistral/base/setting_rows.h"
};
const int rules_count = sizeof rules_table / sizeof *rules_table;

const struct setting senses_table[] = {
#define SETTING_TABLE "multidistral/world/senses.def"
#define SETTING_STRUCT struct senses
#include "multidistral/base/setting_rows.h"
};
const int senses_count = sizeof senses_table / sizeof *senses_table;
