#include "multidistral/base/fault.h"

#include <stdarg.h>
#include <stdio.h>

void fault_write(struct fault *why, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why->text, sizeof why->text, format, arguments);
    va_end(arguments);
}

void fault_write_at(struct fault *why, const char *format, ...) {
    char place[FAULT_LENGTH / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(place, sizeof place, format, arguments);
    va_end(arguments);
    struct fault sentence = *why;
    fault_write(why, "%s: %.*s", place, FAULT_LENGTH - FAULT_LENGTH / 2 - 3, sentence.text);
}
