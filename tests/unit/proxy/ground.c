/* SPDX-License-Identifier: MIT */
/* Builds, moves and takes down the ground. */
#include "ground.h"

#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_line(void *ctx, enum log_level level, const char *line)
{
    struct ground *g = ctx;
    size_t at = strlen(g->lines);
    snprintf(g->lines + at, sizeof g->lines - at, "%s: %s\n", log_level_name(level), line);
}

static struct target target_of(const char *text)
{
    struct endpoint e = {.port = 0};
    assert_true(text == NULL || endpoint_parse(&e, text));
    return (struct target){.addr = e.addr, .port = e.port};
}

struct ground *ground_new(struct ground_options options)
{
    struct ground *g = calloc(1, sizeof *g);
    assert_non_null(g);
    g->now = (struct now){.mono = 1000 * NS_PER_S};
    g->log = (struct log){.level = LOG_DEBUG, .write = write_line, .ctx = g};
    g->stack = fake_stack_new();
    g->resolver = options.no_dns ? NULL : fake_resolver_new();
    struct dialer_config dc = {
        .stack = g->stack,
        .resolver = g->resolver,
        .timeout = options.dial_timeout,
        .log = &g->log,
    };
    assert_int_equal(dialer_new(&g->dialer, &dc), 0);
    struct proxy_config pc = {
        .dialer = g->dialer,
        .protocols = options.protocols,
        .target = target_of(options.target),
        .users = options.users,
        .access = options.access,
        .udp = options.udp,
        .stack = options.binds ? g->stack : NULL,
        .max_sessions = options.max_sessions,
        .idle = options.idle,
        .greeting_timeout = options.greeting_timeout,
        .tells_failures = options.tells_failures,
        .tells_targets = options.tells_targets,
        .log = &g->log,
    };
    assert_int_equal(proxy_new(&g->proxy, &pc), 0);
    return g;
}

void ground_free(struct ground *g)
{
    proxy_free(g->proxy);
    dialer_free(g->dialer);
    fake_stack_free(g->stack);
    if (g->resolver != NULL) {
        fake_resolver_free(g->resolver);
    }
    free(g);
}

void ground_sleep(struct ground *g, uint64_t ns)
{
    g->now.mono += ns;
}

static bool step(struct ground *g, struct fake_client *const *clients, unsigned n)
{
    bool ran = fake_stack_dispatch(g->stack, g->now);
    for (unsigned i = 0; i < n; i++) {
        ran |= fake_client_turn(clients[i], g->now);
    }
    if (dialer_next_deadline(g->dialer) <= g->now.mono) {
        dialer_tick(g->dialer, g->now);
        ran = true;
    }
    if (proxy_next_deadline(g->proxy) <= g->now.mono) {
        proxy_tick(g->proxy, g->now);
        ran = true;
    }
    return ran;
}

void ground_settle(struct ground *g, struct fake_client *const *clients, unsigned n)
{
    for (unsigned rounds = 0; step(g, clients, n); rounds++) {
        assert_true(rounds < 1000000);
    }
}

bool ground_said(const struct ground *g, const char *line)
{
    size_t len = strlen(line);
    for (const char *at = g->lines; (at = strstr(at, line)) != NULL; at++) {
        if ((at == g->lines || at[-1] == '\n') && at[len] == '\n') {
            return true;
        }
    }
    return false;
}

unsigned ground_lines(const struct ground *g)
{
    unsigned n = 0;
    for (const char *c = g->lines; *c != '\0'; c++) {
        n += *c == '\n';
    }
    return n;
}
