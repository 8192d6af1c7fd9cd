#include "multidistral/base/fault.h"

#include <stdarg.h>
#include <stdio.h>

bool fault_set(struct fault *why, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why->text, sizeof why->text, format, arguments);
    va_end(arguments);
    return false;
}

bool fault_at(struct fault *why, const char *format, ...) {
    char place[FAULT_LENGTH / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(place, sizeof place, format, arguments);
    va_end(arguments);
    struct fault sentence = *why;
    return fault_set(why, "%s: %.*s", place, FAULT_LENGTH - FAULT_LENGTH / 2 - 3, sentence.text);
}
