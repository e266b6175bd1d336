/* SPDX-License-Identifier: MIT */
/* The other way round from inherited.c: what we tell a service manager (sd_notify(3)). */
#include "io/io.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or @ and a name that is in no file system. */
static socklen_t manager_address(struct sockaddr_un *sun)
{
    const char *at = getenv("NOTIFY_SOCKET");
    size_t len = at != NULL ? strlen(at) : 0;
    if (len < 2 || len >= sizeof sun->sun_path || (at[0] != '/' && at[0] != '@')) {
        return 0;
    }
    *sun = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(sun->sun_path, at, len);
    if (at[0] == '@') {
        sun->sun_path[0] = '\0';
    }
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

void io_notify(const char *state)
{
    struct sockaddr_un sun;
    socklen_t len = manager_address(&sun);
    int fd = len > 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd >= 0) {
        sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&sun, len);
        close(fd);
    }
}
