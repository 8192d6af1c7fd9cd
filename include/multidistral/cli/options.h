/* Command lines, read by popt: a command's own options, and one for each setting. */
#ifndef MULTIDISTRAL_CLI_OPTIONS_H
#define MULTIDISTRAL_CLI_OPTIONS_H

#include <popt.h>
#include <stdbool.h>

#include "multidistral/base/fault.h"
#include "multidistral/run/config.h"

/* Arguments that are no options, and the settings given as options. */
struct arguments {
    char **positional; /* [n_positional] */
    int n_positional;
    char **setting; /* [config_count()]: text given for each setting, or NULL */
    bool help;      /* --help was given and has been answered on standard output, if `speaks` */
};

/* Reads a command line.
 *   own        options of the command, ended by POPT_TABLEEND; a text given goes to *arg, which must start as NULL and
 *              is the caller's to free; of an option given twice the last counts
 *   settings   does the command take settings as options?
 *   usage      behind the command's name, as "[settings.ini] TASK..."
 *   about      what the command does, for --help */
bool arguments_read(struct arguments *arguments, int argc, const char **argv, struct poptOption *own, bool settings,
                    const char *usage, const char *about, bool speaks, struct fault *why);
void arguments_destroy(struct arguments *arguments);

/* The command line as one text, cut off with " ..." where `out` ends: for the provenance. */
void arguments_join(int argc, const char **argv, char *out, size_t size);

#endif
