/* SPDX-License-Identifier: MIT */
/* Another program beside the tunnel, with our standard streams. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "io/loop.h"
#include "io/oserr.h"

extern char **environ;

struct io_child {
    struct io_loop *loop;
    uv_process_t process;
    io_exited_fn *exited;
    void *ctx;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_child_exit(uv_process_t *process, int64_t status, int signum)
{
    struct io_child *c = process->data;
    int told = signum != 0 ? 128 + signum : (int)status;
    uv_close((uv_handle_t *)process, on_closed);
    c->exited(c->ctx, told, loop_enter(c->loop));
}

/* ---- its environment ---- */

static size_t count(char *const list[])
{
    size_t n = 0;
    while (list[n] != NULL) {
        n++;
    }
    return n;
}

static bool is_among(const char *variable, char *const list[])
{
    size_t len = strcspn(variable, "=");
    for (; *list != NULL; list++) {
        if (strncmp(*list, variable, len) == 0 && (*list)[len] == '=') {
            return true;
        }
    }
    return false;
}

/* Ours without those of the same name and the unwanted, then the others: borrowed strings in a new list. */
static char **join(char *const others[], io_unwanted_fn *unwanted)
{
    char **list = calloc(count(environ) + count(others) + 1, sizeof *list);
    size_t n = 0;
    for (char **v = environ; list != NULL && *v != NULL; v++) {
        if (!is_among(*v, others) && (unwanted == NULL || !unwanted(*v))) {
            list[n++] = *v;
        }
    }
    for (; list != NULL && *others != NULL; others++) {
        list[n++] = *others;
    }
    return list;
}

int io_spawn(struct io_loop *loop, char *const argv[], char *const variables[],
             io_unwanted_fn *unwanted, io_exited_fn *exited, void *ctx, struct io_child **out)
{
    uv_stdio_container_t standard[3];
    struct io_child *c = malloc(sizeof *c);
    char **environment = join(variables, unwanted);
    if (c == NULL || environment == NULL) {
        free(c);
        free(environment);
        return ERR_NOMEM;
    }
    for (int i = 0; i < 3; i++) {
        standard[i] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = i};
    }
    *c = (struct io_child){.loop = loop, .exited = exited, .ctx = ctx};
    uv_process_options_t options = {
        .exit_cb = on_child_exit,
        .file = argv[0],
        .args = (char **)argv, /* only read */
        .env = environment,
        .stdio = standard,
        .stdio_count = 3,
    };
    int rc = uv_spawn(&loop->uv, &c->process, &options);
    c->process.data = c;
    free(environment);
    if (rc != 0) {
        uv_close((uv_handle_t *)&c->process, on_closed);
        return rc == UV_ENOENT ? ERR_NO_NAME : oserr(rc);
    }
    *out = c;
    return 0;
}

void io_kill(struct io_child *c, int signum)
{
    uv_process_kill(&c->process, signum);
}
