/* SPDX-License-Identifier: MIT */
/* From a path to a text in memory, which holds keys and is wiped wherever it
 * stood. */
#include "config/config.h"

#include "base/bytes.h"
#include "base/err.h"
#include "config/lines.h"
#include "config/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct text {
    char *bytes;
    size_t len, capacity;
};

static void text_fini(struct text *t)
{
    if (t->bytes != NULL) {
        wipe(t->bytes, t->capacity);
        free(t->bytes);
    }
    *t = (struct text){0};
}

/* Room for at least one byte more. ERR_NOMEM or 0. */
static int text_reserve(struct text *t)
{
    if (t->len < t->capacity) {
        return 0;
    }
    size_t capacity = t->capacity > 0 ? 2 * t->capacity : 4096;
    char *bytes = malloc(capacity);
    if (bytes == NULL) {
        return ERR_NOMEM;
    }
    size_t len = t->len;
    if (len > 0) {
        memcpy(bytes, t->bytes, len);
    }
    text_fini(t);
    *t = (struct text){.bytes = bytes, .len = len, .capacity = capacity};
    return 0;
}

/* Everything up to the end, or a little more than may be taken. 0, ERR_NOMEM,
 * or ERR_IO with errno. */
static int read_all(struct text *t, int fd)
{
    while (t->len <= LINES_TEXT_MAX) {
        if (text_reserve(t) != 0) {
            return ERR_NOMEM;
        }
        ssize_t n = read(fd, t->bytes + t->len, t->capacity - t->len);
        if (n == 0) {
            break;
        }
        if (n < 0 && errno != EINTR) {
            return ERR_IO;
        }
        t->len += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static void say(config_message_fn *message, void *ctx, struct report *report)
{
    report_deliver(report, message, ctx);
    report_fini(report);
}

/* A message of its own, outside any text. */
static int refuse(const char *path, const char *what,
                  config_message_fn *message, void *ctx)
{
    struct report report;
    report_init(&report, path);
    report_error(&report, 0, "cannot %s: %s", what, strerror(errno));
    int err = report.no_memory ? ERR_NOMEM : ERR_INVALID;
    say(message, ctx, &report);
    return err;
}

static void warn_if_others_may_read(int fd, const char *path,
                                    config_message_fn *message, void *ctx)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        (st.st_mode & 077) == 0) {
        return;
    }
    struct report report;
    report_init(&report, path);
    report_warning(&report, 0,
                   "others may read the keys in it (mode %04o): chmod 600 it",
                   (unsigned)st.st_mode & 07777);
    say(message, ctx, &report);
}

int config_load(struct config **out, const char *path,
                config_message_fn *message, void *ctx)
{
    bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "(standard input)" : path;
    *out = NULL;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return refuse(name, "open", message, ctx);
    }
    struct text text = {0};
    int err = read_all(&text, fd);
    if (err == ERR_IO) {
        err = refuse(name, "read", message, ctx);
    } else if (err == 0) {
        if (!is_stdin) {
            warn_if_others_may_read(fd, name, message, ctx);
        }
        err = config_parse(out, name, text.bytes, text.len, message, ctx);
    }
    text_fini(&text);
    if (!is_stdin) {
        close(fd);
    }
    return err;
}
