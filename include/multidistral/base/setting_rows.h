/* Turns a settings table (.def) into the rows of a `const struct setting []`: include this inside the braces, with
 * SETTING_TABLE defined as the table's name and SETTING_STRUCT as the struct that holds the values. No include
 * guard: it is included once per table. */
#define SETTING_PLACE(name) offsetof(SETTING_STRUCT, name)
#define REAL(name, fallback, min, max, help) {#name, SETTING_REAL, fallback, min, max, "", help, SETTING_PLACE(name)},
#define INTEGER(name, fallback, min, max, help)                                                                        \
    {#name, SETTING_INTEGER, fallback, min, max, "", help, SETTING_PLACE(name)},
#define CHOICE(name, fallback, words, help) {#name, SETTING_CHOICE, fallback, 0, 0, words, help, SETTING_PLACE(name)},
#define SCHEDULE(name, fallback, min, max, help)                                                                       \
    {#name, SETTING_SCHEDULE, fallback, min, max, "", help, SETTING_PLACE(name)},
#include SETTING_TABLE
#undef SETTING_PLACE
#undef REAL
#undef INTEGER
#undef CHOICE
#undef SCHEDULE
#undef SETTING_TABLE
#undef SETTING_STRUCT
