/* Task files, written together. */
#ifndef MULTIDISTRAL_CLI_TASK_FOLDER_H
#define MULTIDISTRAL_CLI_TASK_FOLDER_H

#include "multidistral/world/task.h"

/* Writes each task [n] to FOLDER/NAME.task, in the own format; the names are all different. The folder is made if it is
 * missing, its parents are not. False when a file is there already and may not be replaced, or the folder or a file
 * cannot be written; then no file is new, and none is replaced unless putting the finished files in place failed
 * half-way. */
bool task_folder_write(const char *folder, const struct task *tasks, int n, bool may_replace, struct fault *why);

#endif
