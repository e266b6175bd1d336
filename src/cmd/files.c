/* SPDX-License-Identifier: MIT */
/* Finds, reads and orders configuration files. */
#include "cmd/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"

#define SUFFIX ".conf"

PRINTF_LIKE(3, 4) static int complain(config_message_fn *message, void *ctx, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    message(ctx, true, line);
    return ERR_INVALID;
}

static void name_of(char out[FILES_NAME], const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    size_t n = strlen(base), suffix = strlen(SUFFIX);
    if (n > suffix && strcmp(base + n - suffix, SUFFIX) == 0) {
        n -= suffix;
    }
    snprintf(out, FILES_NAME, "%.*s", (int)n, base);
}

static int add_file(struct files *f, const char *path, config_message_fn *message, void *ctx)
{
    if (f->n == FILES_MAX) {
        return complain(message, ctx, "%s: more than %d configuration files", path, FILES_MAX);
    }
    struct file *file = &f->file[f->n];
    int err = config_load(&file->config, path, f->allow_lan, message, ctx);
    if (err == 0) {
        name_of(file->name, path);
        f->n++;
    }
    return err;
}

static int is_configuration(const struct dirent *e)
{
    size_t n = strlen(e->d_name), suffix = strlen(SUFFIX);
    return e->d_name[0] != '.' && n > suffix && strcmp(e->d_name + n - suffix, SUFFIX) == 0;
}

static int add_folder(struct files *f, const char *path, config_message_fn *message, void *ctx)
{
    struct dirent **entries;
    int n = scandir(path, &entries, is_configuration, alphasort);
    if (n < 0) {
        return complain(message, ctx, "%s: cannot read: %s", path, strerror(errno));
    }
    int err = n == 0 ? complain(message, ctx, "%s: there is no *" SUFFIX " in it", path) : 0;
    for (int i = 0; i < n; i++) {
        char *whole = malloc(strlen(path) + strlen(entries[i]->d_name) + 2);
        int one = ERR_NOMEM;
        if (whole != NULL) {
            sprintf(whole, "%s/%s", path, entries[i]->d_name);
            one = add_file(f, whole, message, ctx);
        }
        err = one != 0 ? one : err;
        free(whole);
        free(entries[i]);
    }
    free(entries);
    return err;
}

int files_add(struct files *f, const char *path, config_message_fn *message, void *ctx)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return add_folder(f, path, message, ctx);
    }
    return add_file(f, path, message, ctx);
}

static const struct file *find(const struct files *f, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(f->file[i].name, name) == 0) {
            return &f->file[i];
        }
    }
    return NULL;
}

/* Bring the next file whose way is clear to place `at`. False when there is none. */
static bool place_next(struct files *f, size_t at)
{
    for (size_t i = at; i < f->n; i++) {
        const char *through = f->file[i].config->through;
        if (through == NULL || find(f, at, through) != NULL) {
            struct file next = f->file[i];
            memmove(&f->file[at + 1], &f->file[at], (i - at) * sizeof next);
            f->file[at] = next;
            return true;
        }
    }
    return false;
}

int files_sort(struct files *f, config_message_fn *message, void *ctx)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct file *twin = find(f, i, f->file[i].name);
        if (twin != NULL) {
            return complain(message, ctx, "%s: a tunnel named \"%s\" is given already: %s",
                            f->file[i].config->path, twin->name, twin->config->path);
        }
    }
    for (size_t at = 0; at < f->n; at++) {
        if (place_next(f, at)) {
            continue;
        }
        const struct config *stuck = f->file[at].config;
        return find(f, f->n, stuck->through) == NULL
                   ? complain(message, ctx, "%s: Through: \"%s\": no tunnel of that name is given",
                              stuck->path, stuck->through)
                   : complain(message, ctx,
                              "%s: Through: \"%s\": the tunnels go through each other in a circle",
                              stuck->path, stuck->through);
    }
    return 0;
}

void files_free(struct files *f)
{
    for (size_t i = 0; i < f->n; i++) {
        config_free(f->file[i].config);
    }
    f->n = 0;
}
