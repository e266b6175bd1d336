/* SPDX-License-Identifier: MIT */
/* Descriptors that a service manager has handed over (sd_listen_fds(3)). */
#include "io/inherited.h"

#include "io/io.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST 3

/* How many there are, if they are meant for this process. */
static int count(void)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    if (pid == NULL || fds == NULL || strtol(pid, NULL, 10) != (long)getpid()) {
        return 0;
    }
    long n = strtol(fds, NULL, 10);
    return n > 0 && n < 4096 ? (int)n : 0;
}

void inherited_withhold(void)
{
    int n = count();
    for (int i = 0; i < n; i++) {
        fcntl(FIRST + i, F_SETFD, FD_CLOEXEC);
    }
}

int io_inherited(const char *name)
{
    const char *names = getenv("LISTEN_FDNAMES");
    int n = count();
    for (int i = 0; i < n && names != NULL; i++) {
        size_t len = strcspn(names, ":");
        if (len == strlen(name) && memcmp(names, name, len) == 0) {
            fcntl(FIRST + i, F_SETFD, FD_CLOEXEC);
            return FIRST + i;
        }
        names = names[len] == ':' ? names + len + 1 : NULL;
    }
    return -1;
}
