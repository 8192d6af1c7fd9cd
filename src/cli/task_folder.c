#include "multidistral/cli/task_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "multidistral/base/memory.h"

/* Files are finished in a hidden folder inside the folder, and renamed when all of them are. */
struct writing {
    const char *folder;
    char *hidden;
    const struct task *task; /* [n] */
    int n;
    bool made;      /* was the folder missing? */
    bool *replaces; /* [n] */
    struct fault *why;
};

/* The caller owns it. */
static char *file_in(const char *folder, const char *name, const char *ending) {
    size_t size = strlen(folder) + strlen(name) + strlen(ending) + sizeof "/";
    char *path = memory_zeros(size, 1);
    snprintf(path, size, "%s/%s%s", folder, name, ending);
    return path;
}

static char *final_path(const struct writing *w, int i) { return file_in(w->folder, w->task[i].name, ".task"); }
static char *hidden_path(const struct writing *w, int i) { return file_in(w->hidden, w->task[i].name, ".task"); }

static bool cannot(const struct writing *w, const char *path, const char *what) {
    return fault_set(w->why, "%s: cannot be %s: %s", path, what,
                     errno == ENOENT ? "the folder that it would be in is missing" : strerror(errno));
}

static bool make_folder(struct writing *w) {
    struct stat about;
    if (w->folder[0] == '\0') return fault_set(w->why, "the folder has no name, expected -o FOLDER");
    if (stat(w->folder, &about) == 0)
        return S_ISDIR(about.st_mode) || fault_set(w->why, "%s: is no folder, expected one for task files", w->folder);
    w->made = mkdir(w->folder, S_IRWXU | S_IRWXG | S_IRWXO) == 0;
    return w->made || cannot(w, w->folder, "made");
}

static bool make_hidden(struct writing *w) {
    w->hidden = file_in(w->folder, ".tasks-XXXXXX", "");
    if (mkdtemp(w->hidden)) return true;
    cannot(w, w->folder, "written");
    free(w->hidden);
    w->hidden = NULL;
    return false;
}

static bool place_is_free(struct writing *w, int i, bool may_replace) {
    struct stat about;
    char *path = final_path(w, i);
    bool is_free = lstat(path, &about) != 0;
    w->replaces[i] = !is_free && S_ISREG(about.st_mode);
    if (!is_free && !w->replaces[i])
        fault_set(w->why, "%s: is no regular file, expected a task file or none", path);
    else if (!is_free && !may_replace)
        fault_set(w->why, "%s: is there already, expected another folder or --overwrite", path);
    free(path);
    return is_free || (w->replaces[i] && may_replace);
}

static bool places_are_free(struct writing *w, bool may_replace) {
    for (int i = 0; i < w->n; i++)
        if (!place_is_free(w, i, may_replace)) return false;
    return true;
}

static bool write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    if (!file) return false;
    bool written = fputs(text, file) >= 0;
    return fclose(file) == 0 && written;
}

static bool write_hidden(struct writing *w) {
    bool written = true;
    for (int i = 0; written && i < w->n; i++) {
        char *text = task_write(&w->task[i]), *hidden = hidden_path(w, i), *path = final_path(w, i);
        written = write_text(hidden, text) || cannot(w, path, "written");
        free(text);
        free(hidden);
        free(path);
    }
    return written;
}

static bool put_in_place(struct writing *w, int i) {
    char *hidden = hidden_path(w, i), *path = final_path(w, i);
    bool placed = rename(hidden, path) == 0 || cannot(w, path, "put in place");
    free(hidden);
    free(path);
    return placed;
}

static void take_away(struct writing *w, int i) {
    char *path = final_path(w, i);
    if (!w->replaces[i]) unlink(path);
    free(path);
}

static bool put_all_in_place(struct writing *w) {
    for (int i = 0; i < w->n; i++) {
        if (put_in_place(w, i)) continue;
        while (i > 0) take_away(w, --i);
        return false;
    }
    return true;
}

static void remove_hidden(struct writing *w) {
    for (int i = 0; i < w->n; i++) {
        char *hidden = hidden_path(w, i);
        unlink(hidden);
        free(hidden);
    }
    rmdir(w->hidden);
    free(w->hidden);
}

bool task_folder_write(const char *folder, const struct task *tasks, int n, bool may_replace, struct fault *why) {
    struct writing w = {.folder = folder, .task = tasks, .n = n, .why = why};
    w.replaces = memory_zeros((size_t)n, sizeof *w.replaces);
    bool written = make_folder(&w) && places_are_free(&w, may_replace) && make_hidden(&w);
    if (written) {
        written = write_hidden(&w) && put_all_in_place(&w);
        remove_hidden(&w);
    }
    if (!written && w.made) rmdir(folder);
    free(w.replaces);
    return written;
}
