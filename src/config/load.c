/* SPDX-License-Identifier: MIT */
/* From a path to a text in memory, and from there to whatever it refers to. */
#include "config/config.h"

#include "base/err.h"
#include "config/report.h"
#include "config/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void say(config_message_fn *message, void *ctx, struct report *report)
{
    report_deliver(report, message, ctx);
    report_fini(report);
}

/* A message of its own, outside any text. */
static int refuse(const char *path, const char *what, config_message_fn *message, void *ctx)
{
    struct report report;
    report_init(&report, path);
    report_error(&report, 0, "cannot %s: %s", what, strerror(errno));
    int err = report.no_memory ? ERR_NOMEM : ERR_INVALID;
    say(message, ctx, &report);
    return err;
}

/* Somebody else's file may be ours to read as one of its group, and in no other way: a container's secret, root's. */
static void warn_if_others_may_read(int fd, const char *path, config_message_fn *message, void *ctx)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return;
    }
    bool by_group = st.st_uid != geteuid() && geteuid() != 0;
    if (!S_ISREG(st.st_mode) || (st.st_mode & (by_group ? 07 : 077)) == 0) {
        return;
    }
    struct report report;
    report_init(&report, path);
    report_warning(&report, 0, "others may read the secrets in it (mode %04o): chmod %s it",
                   (unsigned)st.st_mode & 07777, by_group ? "640" : "600");
    say(message, ctx, &report);
}

/* ---- what a file refers to ---- */

struct loading {
    const char *path; /* of the configuration */
    config_message_fn *message;
    void *ctx;
};

static const char *variable(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

/* Beside the configuration; where there is none, or nothing, as it stands. *opened is where that is. */
static int open_beside(const char *config, const char *path, char beside[PATH_MAX],
                       const char **opened)
{
    const char *slash = strrchr(config, '/');
    if (path[0] != '/' && slash != NULL) {
        int n = snprintf(beside, PATH_MAX, "%.*s/%s", (int)(slash - config), config, path);
        int fd = n < PATH_MAX ? open(beside, O_RDONLY | O_CLOEXEC) : -1;
        if (fd >= 0) {
            *opened = beside;
            return fd;
        }
    }
    *opened = path;
    return open(path, O_RDONLY | O_CLOEXEC);
}

static const char *read_file(void *ctx, const char *path, bool is_secret, struct text *out)
{
    const struct loading *l = ctx;
    char beside[PATH_MAX];
    const char *opened;
    int fd = open_beside(l->path, path, beside, &opened);
    if (fd < 0) {
        return strerror(errno);
    }
    int err = text_read(out, fd);
    if (err == 0 && (out->path = strdup(opened)) == NULL) {
        err = ERR_NOMEM;
    }
    const char *why = err == ERR_IO ? strerror(errno) : err != 0 ? err_text(err) : NULL;
    if (why == NULL && is_secret) {
        warn_if_others_may_read(fd, path, l->message, l->ctx);
    }
    close(fd);
    return why;
}

int config_load(struct config **out, const char *path, bool allow_lan, config_message_fn *message,
                void *ctx)
{
    bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "(standard input)" : path;
    *out = NULL;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return refuse(name, "open", message, ctx);
    }
    struct text text = {0};
    struct loading loading = {.path = is_stdin ? "" : path, .message = message, .ctx = ctx};
    struct sources sources = {
        .allow_lan = allow_lan, .variable = variable, .file = read_file, .ctx = &loading};
    int err = text_read(&text, fd);
    if (err == ERR_IO) {
        err = refuse(name, "read", message, ctx);
    } else if (err == 0) {
        err = config_parse_with(out, name, text.bytes, text.len, &sources, message, ctx);
        if (err == 0 && !is_stdin && (*out)->has_secrets) {
            warn_if_others_may_read(fd, name, message, ctx);
        }
    }
    text_fini(&text);
    if (!is_stdin) {
        close(fd);
    }
    return err;
}
