/* SPDX-License-Identifier: MIT */
/* A pipe between parent and child tells when the child is ready; its end, that the child is gone. */
#include "cmd/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int to_parent = -1;

static int await(int from_child, pid_t child)
{
    char ready;
    int how;
    ssize_t n;
    do {
        n = read(from_child, &ready, 1);
    } while (n < 0 && errno == EINTR);
    if (n == 1) {
        return 0;
    }
    while (waitpid(child, &how, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}

static void replace(int fd, int with)
{
    if (with >= 0 && dup2(with, fd) < 0) {
        perror("wgproxy: standard streams");
    }
}

bool daemon_begin(int *status)
{
    int ends[2];
    *status = 1;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        perror("wgproxy: cannot go into the background");
        return false;
    }
    pid_t child = fork();
    if (child < 0) {
        perror("wgproxy: cannot go into the background");
        return false;
    }
    if (child > 0) {
        close(ends[1]);
        *status = await(ends[0], child);
        return false;
    }
    close(ends[0]);
    to_parent = ends[1];
    setsid();
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    replace(STDIN_FILENO, nothing);
    if (nothing >= 0) {
        close(nothing);
    }
    return true;
}

/* From here on nobody reads what is said, unless it goes to a file: a terminal is let go. */
void daemon_ready(void)
{
    if (to_parent < 0) {
        return;
    }
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    replace(STDOUT_FILENO,
            nothing); /* nothing is said there any more, and a shell may wait for its end */
    if (isatty(STDERR_FILENO)) {
        replace(STDERR_FILENO, nothing);
    }
    if (nothing >= 0) {
        close(nothing);
    }
    if (write(to_parent, "r", 1) != 1) {
        perror("wgproxy"); /* the parent was killed meanwhile */
    }
    close(to_parent);
    to_parent = -1;
}
