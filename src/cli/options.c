#include "multidistral/cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/base/text.h"

enum { OPTION_TEXT = 512, OWN = 1000, SETTING = 2000 }; /* OWN + i, SETTING + i: what popt calls their texts */

/* popt's rows for the settings, and the texts that they point to. */
struct setting_options {
    struct poptOption *row; /* [config_count() + 1] */
    char (*name)[OPTION_TEXT], (*help)[OPTION_TEXT];
};

static void option_name(const char *setting, char *out) {
    snprintf(out, OPTION_TEXT, "%s", setting);
    for (; *out; out++)
        if (*out == '_') *out = '-';
}

/* Between blanks lines can be broken: a|b as a | b. */
static void space_choices(const char *choices, char *out) {
    for (; *choices; choices++) out += sprintf(out, *choices == '|' ? " %c " : "%c", *choices);
}

static void setting_help(const struct setting *setting, char *out) {
    char expected[SETTING_TEXT], range[2 * SETTING_TEXT];
    setting_expected(setting, expected);
    if (setting->type == SETTING_CHOICE) space_choices(expected, range);
    else snprintf(range, sizeof range, "%s", expected);
    snprintf(out, OPTION_TEXT, "%s; %s (%s)", setting->help, range, setting->fallback);
}

static struct setting_options setting_options(void) {
    int n = config_count();
    struct setting_options options = {memory_zeros((size_t)n + 1, sizeof *options.row),
                                      memory_zeros((size_t)n, sizeof *options.name),
                                      memory_zeros((size_t)n, sizeof *options.help)};
    for (int i = 0; i < n; i++) {
        option_name(config_setting(i)->name, options.name[i]);
        setting_help(config_setting(i), options.help[i]);
        options.row[i] = (struct poptOption){.longName = options.name[i],
                                             .argInfo = POPT_ARG_STRING,
                                             .val = SETTING + i,
                                             .descrip = options.help[i],
                                             .argDescrip = "VALUE"};
    }
    return options;
}

static void setting_options_free(struct setting_options *options) {
    free(options->row);
    free(options->name);
    free(options->help);
}

static bool unknown_option(const char *given, const struct poptOption *own, bool settings, struct fault *why) {
    const char *name = given + strspn(given, "-");
    char wanted[OPTION_TEXT], candidate[OPTION_TEXT], best[OPTION_TEXT] = "";
    snprintf(wanted, sizeof wanted, "%.*s", (int)strcspn(name, "="), name);
    struct text_nearest nearest = {.wanted = wanted};
    for (; own->longName || own->shortName || own->arg; own++) {
        if (!own->longName) continue;
        text_nearest_offer(&nearest, own->longName);
        if (nearest.best == own->longName) snprintf(best, sizeof best, "%s", own->longName);
    }
    for (int i = 0; settings && i < config_count(); i++) {
        option_name(config_setting(i)->name, candidate);
        struct text_nearest one = nearest;
        text_nearest_offer(&one, candidate);
        if (one.best != candidate) continue;
        snprintf(best, sizeof best, "%s", candidate);
        nearest = (struct text_nearest){wanted, best, one.distance};
    }
    if (best[0]) return fault_set(why, "unknown option %s; did you mean --%s?", given, best);
    return fault_set(why, "unknown option %s; --help lists them", given);
}

/* The command's rows with their texts handed out one by one: popt itself would lose the first of two. */
static struct poptOption *own_options(const struct poptOption *own) {
    int n = 0;
    while (own[n].longName || own[n].shortName || own[n].arg) n++;
    struct poptOption *row = memory_zeros((size_t)n + 1, sizeof *row);
    for (int i = 0; i < n; i++) {
        row[i] = own[i];
        if (row[i].argInfo == POPT_ARG_STRING) row[i].arg = NULL, row[i].val = OWN + i;
    }
    return row;
}

/* The last one counts, as on other command lines. */
static void take_text(char **place, char *given) {
    free(*place);
    *place = given;
}

static bool read_all(struct arguments *arguments, poptContext context, const struct poptOption *own, bool settings,
                     struct fault *why) {
    int code;
    while ((code = poptGetNextOpt(context)) > 0) {
        if (code == 'h') arguments->help = true;
        else if (code >= SETTING) take_text(&arguments->setting[code - SETTING], poptGetOptArg(context));
        else if (code >= OWN) take_text(own[code - OWN].arg, poptGetOptArg(context));
    }
    const char *bad = poptBadOption(context, POPT_BADOPTION_NOALIAS);
    if (code == POPT_ERROR_BADOPT) return unknown_option(bad, own, settings, why);
    if (code < -1) return fault_set(why, "option %s: %s", bad, poptStrerror(code));
    const char **rest = poptGetArgs(context);
    while (rest && rest[arguments->n_positional]) arguments->n_positional++;
    arguments->positional = memory_zeros((size_t)arguments->n_positional + 1, sizeof *arguments->positional);
    for (int i = 0; rest && i < arguments->n_positional; i++) arguments->positional[i] = memory_string(rest[i]);
    return true;
}

enum { COLUMNS = 79 }; /* as popt breaks lines */

/* Each line of the text is a paragraph. */
static void print_broken(const char *text) {
    int at = 0;
    while (*text) {
        int word = (int)strcspn(text, " \n");
        bool fits = at == 0 || at + 1 + word <= COLUMNS;
        if (at > 0) putchar(fits ? ' ' : '\n');
        printf("%.*s", word, text);
        at = fits && at > 0 ? at + 1 + word : word;
        text += word;
        if (*text == '\n') putchar('\n'), at = 0;
        if (*text) text++;
    }
    fputs("\n\n", stdout);
}

bool arguments_read(struct arguments *arguments, int argc, const char **argv, struct poptOption *own, bool settings,
                    const char *usage, const char *about, bool speaks, struct fault *why) {
    *arguments = (struct arguments){.setting = memory_zeros((size_t)config_count() + 1, sizeof *arguments->setting)};
    struct setting_options options = setting_options();
    struct poptOption *own_rows = own_options(own);
    const struct poptOption rows[] = {
        {NULL, '\0', POPT_ARG_INCLUDE_TABLE, own_rows, 0, "Options:", NULL},
        {NULL, '\0', POPT_ARG_INCLUDE_TABLE, settings ? options.row : &options.row[config_count()], 0,
         settings ? "Settings (default in parentheses); they go before an INI file's:" : NULL, NULL},
        POPT_TABLEEND};
    poptContext context = poptGetContext(NULL, argc, argv, rows, 0);
    poptSetOtherOptionHelp(context, usage);
    bool read = read_all(arguments, context, own, settings, why);
    if (read && arguments->help && speaks) {
        print_broken(about);
        poptPrintHelp(context, stdout, 0);
    }
    poptFreeContext(context);
    setting_options_free(&options);
    free(own_rows);
    return read;
}

void arguments_destroy(struct arguments *arguments) {
    for (int i = 0; i < arguments->n_positional; i++) free(arguments->positional[i]);
    for (int i = 0; arguments->setting && i < config_count(); i++) free(arguments->setting[i]);
    free(arguments->positional);
    free(arguments->setting);
    *arguments = (struct arguments){0};
}

void arguments_join(int argc, const char **argv, char *out, size_t size) {
    static const char cut[] = " ...";
    size_t at = 0;
    for (int i = 0; i < argc && at < size; i++) at += (size_t)snprintf(out + at, size - at, "%s%s", i ? " " : "", argv[i]);
    if (at >= size) snprintf(out + size - sizeof cut, sizeof cut, "%s", cut);
}
