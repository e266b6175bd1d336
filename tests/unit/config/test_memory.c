/* SPDX-License-Identifier: MIT */
/* The k-th allocation fails, for every k: the answer is ERR_NOMEM, and everything is given back. The
 * linker puts the __wrap_ functions before the real ones. */
#include "config/config.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/config/heard.h"
#include "unit/test.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

static unsigned long until_failure; /* 0: never */
static long live;

static bool fails_now(void)
{
    return until_failure > 0 && --until_failure == 0;
}

static void *count(void *p)
{
    live += p != NULL;
    return p;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : count(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t size)
{
    if (fails_now()) {
        return NULL;
    }
    void *q = __real_realloc(p, size);
    live += p == NULL && q != NULL;
    return q;
}

void __wrap_free(void *p)
{
    live -= p != NULL;
    __real_free(p);
}

static void ignore(void *ctx, bool is_error, const char *message)
{
    (void)is_error;
    (void)message;
    ++*(unsigned *)ctx;
}

/* Everything that allocates: lists that grow, names, messages, and a line longer than inih's first
 * buffer. */
static size_t make_text(char *text, size_t size)
{
    int n = snprintf(text, size,
                     INTERFACE
                     "Address = fd00::2, fd00::3\nDNS = 1.1.1.1, 8.8.8.8, a.example, b.example\n"
                     "PostUp = %05000d\n" PEER "AllowedIPs = 10.0.0.0/8, 10.0.1.0/24\n"
                     "Endpoint = b.example:1\n"
                     "[Peer]\nPublicKey = " OTHER_KEY "\nAllowedIPs = ::/0\n"
                     "[Socks5]\nBindAddress = 1080\n[Socks5]\nBindAddress = 1081\n",
                     0);
    return (size_t)n;
}

static void every_failing_allocation_is_reported_and_leaves_nothing(void **state)
{
    (void)state;
    static char text[16384];
    size_t len = make_text(text, sizeof text);
    int err = ERR_NOMEM;
    unsigned long k = 0;
    while (err == ERR_NOMEM) {
        struct config *c = (struct config *)text; /* not NULL */
        unsigned said = 0;
        long before = live;
        until_failure = ++k;
        err = config_parse(&c, "f", text, len, ignore, &said);
        until_failure = 0;
        assert_int_equal(c != NULL, err == 0);
        assert_int_equal(said, err == 0 ? 2 : 0); /* Endpoint twice, PostUp */
        config_free(c);
        assert_int_equal(live, before);
        assert_true(k < 1000);
    }
    assert_int_equal(err, 0);
    assert_true(k > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failing_allocation_is_reported_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
