/* SPDX-License-Identifier: MIT */
/* The status port without a tunnel: who is answered, and who has to go. */
#include "app/status.h"

#include <stdio.h>
#include <string.h>

#include "../proxy/fake_client.h"
#include "unit/test.h"

enum { PLACES = 64 };

static env_accept_fn *accept_one;
static void *accept_ctx;

static int fake_listen(void *world, const struct place *at, env_accept_fn *accepted, void *ctx,
                       struct place *bound, struct env_listener **out)
{
    accept_one = accepted;
    accept_ctx = ctx;
    *bound = *at;
    *out = world;
    return 0;
}

static void fake_listener_close(struct env_listener *l)
{
    (void)l;
}

static const struct env_ops ops = {.listen = fake_listen, .listener_close = fake_listener_close};
static const struct env env = {.ops = &ops};

static struct status *status_begin(void)
{
    struct status *s;
    struct place at = {.kind = PLACE_IP}, bound;
    assert_int_equal(status_new(&s, &env), 0);
    assert_int_equal(status_listen(s, &at, false, &bound), 0);
    return s;
}

static struct now at(uint64_t seconds)
{
    return (struct now){.mono = seconds * NS_PER_S};
}

static void come(struct fake_client *c, const char *local, uint64_t seconds)
{
    fake_client_init(c);
    if (local != NULL) {
        assert_true(endpoint_parse(&c->stream.local, local));
    } else {
        c->stream.local = (struct endpoint){0};
    }
    accept_one(accept_ctx, &c->stream, at(seconds));
}

/* The status of the answer to a request with this Host; NULL: with none. */
static unsigned answer_to(const char *local, const char *host)
{
    struct status *s = status_begin();
    struct fake_client c;
    char request[256] = "GET /metrics HTTP/1.0\r\n\r\n";
    unsigned code = 0;
    come(&c, local, 1);
    if (host != NULL) {
        snprintf(request, sizeof request, "GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n", host);
    }
    fake_client_send(&c, request, strlen(request));
    while (fake_client_turn(&c, at(1))) {
    }
    fake_append(&c.output, "", 1);
    assert_int_equal(sscanf((const char *)c.output.data, "HTTP/1.1 %u ", &code), 1);
    assert_int_equal(strstr((const char *)c.output.data, "aead=") != NULL, code == 200);
    fake_client_fini(&c);
    status_free(s);
    return code;
}

static void whoever_scrapes_is_answered_in_prometheus_format(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        bool is_exposition;
    } rows[] = {
        {"*/*", false},
        {"text/plain", false},
        {"text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true},
        {"application/openmetrics-text;version=1.0.0", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct status *s = status_begin();
        struct fake_client c;
        char request[256];
        come(&c, "127.0.0.1:9080", 1);
        snprintf(request, sizeof request, "GET /metrics HTTP/1.1\r\nAccept: %s\r\n\r\n",
                 rows[i].accept);
        fake_client_send(&c, request, strlen(request));
        while (fake_client_turn(&c, at(1))) {
        }
        fake_append(&c.output, "", 1);
        const char *said = (const char *)c.output.data;
        assert_int_equal(strstr(said, "# TYPE wgproxy_info gauge\n") != NULL &&
                             strstr(said, "text/plain; version=0.0.4") != NULL,
                         rows[i].is_exposition);
        assert_int_equal(strstr(said, "\naead=") != NULL, !rows[i].is_exposition);
        fake_client_fini(&c);
        status_free(s);
    }
}

/* A web page may give its own name our address, and then read what we tell (DNS rebinding): it is told apart by what the
 * browser takes us for. */
static void on_loopback_nobody_is_answered_who_takes_us_for_another_host(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        unsigned code;
    } rows[] = {
        {NULL, 200},
        {"127.0.0.1:9080", 200},
        {"127.0.0.1", 200},
        {"[::1]:9080", 200},
        {"[::1]", 200},
        {"localhost", 200},
        {"LocalHost:9080", 200},
        {"localhost.:9080", 200},
        {"wgproxy.localhost:9080", 200},
        {"attacker.example", 421},
        {"attacker.example:9080", 421},
        {"127.0.0.1.attacker.example:9080", 421},
        {"localhost.attacker.example", 421},
        {"notlocalhost:9080", 421},
        {"127.1", 421},
        {"[127.0.0.1]", 421},
        {"", 421},
        {":9080", 421},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(answer_to("127.0.0.1:9080", rows[i].host), rows[i].code);
        assert_int_equal(answer_to("[::1]:9080", rows[i].host), rows[i].code);
    }
}

/* There it was opened for others, who may know it by any name; no browser speaks to a Unix socket. */
static void elsewhere_every_name_is_answered(void **state)
{
    (void)state;
    assert_int_equal(answer_to("10.0.0.7:9080", "wgproxy.pod.svc:9080"), 200);
    assert_int_equal(answer_to(NULL, "anything"), 200);
}

/* Whoever asks must not wait for those who say nothing. */
static void when_all_places_are_taken_the_oldest_silent_one_goes(void **state)
{
    (void)state;
    static const char request[] = "GET / HTTP/1.0\r\n\r\n";
    static struct fake_client clients[PLACES + 1];
    struct status *s = status_begin();
    for (size_t i = 0; i <= PLACES; i++) {
        come(&clients[i], "127.0.0.1:9080", 1 + i / 32);
    }
    assert_int_not_equal(clients[0].fate, FAKE_OPEN);
    assert_int_equal(clients[1].fate, FAKE_OPEN);
    fake_client_send(&clients[PLACES], request, strlen(request));
    while (fake_client_turn(&clients[PLACES], at(3))) {
    }
    assert_true(clients[PLACES].output.len > 0);
    status_free(s);
    for (size_t i = 0; i <= PLACES; i++) {
        fake_client_fini(&clients[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_loopback_nobody_is_answered_who_takes_us_for_another_host),
        cmocka_unit_test(whoever_scrapes_is_answered_in_prometheus_format),
        cmocka_unit_test(elsewhere_every_name_is_answered),
        cmocka_unit_test(when_all_places_are_taken_the_oldest_silent_one_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
