/* SPDX-License-Identifier: MIT */
/* load KIND --to ADDRESS:PORT [--socks ADDRESS:PORT] [--account ADDRESS:PORT] [--flows N] [--seconds T]
 * [--size BYTES] */
#include "load.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_address(struct sockaddr_in *out, const char *text)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof host) {
        return false;
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    *out =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1))};
    return inet_pton(AF_INET, host, &out->sin_addr) == 1 && out->sin_port != 0;
}

static bool parse_option(struct aim *aim, const char *name, const char *value)
{
    if (strcmp(name, "--to") == 0) {
        return parse_address(&aim->to, value);
    } else if (strcmp(name, "--socks") == 0) {
        return parse_address(&aim->socks, value);
    } else if (strcmp(name, "--account") == 0) {
        return parse_address(&aim->account, value);
    } else if (strcmp(name, "--flows") == 0) {
        aim->flows = (unsigned)atoi(value);
    } else if (strcmp(name, "--seconds") == 0) {
        aim->seconds = atof(value);
    } else if (strcmp(name, "--size") == 0) {
        aim->size = (size_t)atoi(value);
    } else {
        return false;
    }
    return true;
}

static int run(const char *kind, const struct aim *aim)
{
    if (strcmp(kind, "down") == 0) {
        return load_down(aim);
    } else if (strcmp(kind, "up") == 0) {
        return load_up(aim);
    } else if (strcmp(kind, "requests-new") == 0) {
        return load_requests(aim, false);
    } else if (strcmp(kind, "requests-kept") == 0) {
        return load_requests(aim, true);
    } else if (strcmp(kind, "pings") == 0) {
        return load_pings(aim);
    } else if (strcmp(kind, "datagrams") == 0) {
        return load_datagrams(aim);
    } else if (strcmp(kind, "hold") == 0) {
        return load_hold(aim);
    } else if (strcmp(kind, "first") == 0) {
        return load_first(aim);
    }
    return 2;
}

int main(int argc, char **argv)
{
    struct aim aim = {.flows = 1, .seconds = 1, .size = 64};
    bool good = argc >= 2 && argc % 2 == 0;
    for (int i = 2; good && i + 1 < argc; i += 2) {
        good = parse_option(&aim, argv[i], argv[i + 1]);
    }
    int status = good && aim.to.sin_port != 0 ? run(argv[1], &aim) : 2;
    if (status == 2) {
        fputs("usage: load down|up|requests-new|requests-kept|pings|datagrams|hold|first --to "
              "ADDRESS:PORT\n"
              "            [--socks ADDRESS:PORT] [--account ADDRESS:PORT] [--flows N] [--seconds "
              "T] [--size BYTES]\n",
              stderr);
    }
    return status;
}
