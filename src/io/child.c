/* SPDX-License-Identifier: MIT */
/* Another program beside the tunnel, with our standard streams. Not by uv_spawn(), which gives every signal its default
 * action: what was to be ignored (nohup(1)) would not be. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "io/inherited.h"
#include "io/loop.h"
#include "io/oserr.h"

extern char **environ;

struct io_child {
    struct io_loop *loop;
    pid_t pid;
    uv_signal_t changed; /* SIGCHLD */
    io_exited_fn *exited;
    void *ctx;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_child_changed(uv_signal_t *changed, int signum)
{
    (void)signum;
    struct io_child *c = changed->data;
    int how;
    if (waitpid(c->pid, &how, WNOHANG) == c->pid) {
        uv_close((uv_handle_t *)changed, on_closed);
        c->exited(c->ctx, WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how),
                  loop_enter(c->loop));
    }
}

/* ---- between fork and exec: only what a signal handler may do (signal-safety(7)), for other threads may have held any
 * lock ---- */

/* A handler is none of the program's, and that SIGPIPE is ignored is ours. What else is ignored stays so. */
static void reset_signals(void)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    for (int signum = 1; signum < NSIG; signum++) {
        struct sigaction now;
        if (sigaction(signum, NULL, &now) == 0 &&
            (now.sa_handler != SIG_IGN || signum == SIGPIPE)) {
            sigaction(signum, &usual, NULL);
        }
    }
}

/* Tells why it could not, where it could not: `tell` is closed by a success. */
_Noreturn static void become(const struct io_loop *loop, char *const argv[], char **environment,
                             const sigset_t *mask, int tell)
{
    reset_signals();
    descriptors_give_back(&loop->descriptors);
    pthread_sigmask(SIG_SETMASK, mask, NULL);
    environ = environment;
    execvp(argv[0], argv);
    int why = errno;
    _exit(write(tell, &why, sizeof why) == sizeof why ? 127 : 126);
}

/* ---- life ---- */

/* What became of `pid` before it was another program: 0, or the errno, and it is gone. */
static int await_exec(int from_child, pid_t pid)
{
    int why = 0;
    ssize_t n;
    do {
        n = read(from_child, &why, sizeof why);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) {
        return 0; /* it began, or a signal ended it meanwhile, which SIGCHLD tells */
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return why;
}

/* No signal may meet the loop's handlers in the child: they write into a pipe that it shares with us. */
static int start(const struct io_loop *loop, char *const argv[], char **environment, pid_t *pid)
{
    inherited_withhold();
    int ends[2];
    sigset_t all, before;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return errno;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    *pid = fork();
    if (*pid == 0) {
        become(loop, argv, environment, &before, ends[1]);
    }
    int why = *pid < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    why = why != 0 ? why : await_exec(ends[0], *pid);
    close(ends[0]);
    return why;
}

int io_spawn(struct io_loop *loop, char *const argv[], char *environment[], io_exited_fn *exited,
             void *ctx, struct io_child **out)
{
    struct io_child *c = malloc(sizeof *c);
    if (c == NULL) {
        return ERR_NOMEM;
    }
    *c = (struct io_child){.loop = loop, .exited = exited, .ctx = ctx};
    uv_signal_init(&loop->uv, &c->changed);
    c->changed.data = c;
    int rc = uv_signal_start(&c->changed, on_child_changed, SIGCHLD); /* before it can end */
    rc = rc != 0 ? -rc : start(loop, argv, environment, &c->pid);
    if (rc != 0) {
        uv_close((uv_handle_t *)&c->changed, on_closed);
        return rc == ENOENT ? ERR_NO_NAME : oserr(-rc);
    }
    *out = c;
    return 0;
}

void io_kill(struct io_child *c, int signum)
{
    kill(c->pid, signum);
}
