/* Turns a settings table (.def) into the fields of a struct: include this inside the braces, with SETTING_TABLE
 * defined as the table's name. No include guard: it is included once per table. */
#define REAL(name, fallback, min, max, help) double name;
#define INTEGER(name, fallback, min, max, help) int64_t name;
#define CHOICE(name, fallback, words, help) int name;
#define SCHEDULE(name, fallback, min, max, help) struct schedule name;
#include SETTING_TABLE
#undef REAL
#undef INTEGER
#undef CHOICE
#undef SCHEDULE
#undef SETTING_TABLE
