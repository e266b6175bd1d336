/* SPDX-License-Identifier: MIT */
/* The k-th allocation fails, for every k: the answer is ERR_NOMEM, and everything is given back. And
 * whatever is given back at any time holds no key. The linker puts the __wrap_ functions before the
 * real ones. */
#include "config/config.h"

#include "base/err.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static struct {
    bool on;
    uint8_t private_key[KEY_LEN], preshared_key[KEY_LEN];
    unsigned blocks, found;
} watch;

static bool holds(const void *p, const void *secret, size_t len)
{
    return memmem(p, malloc_usable_size((void *)p), secret, len) != NULL;
}

static void look_for_keys(const void *p)
{
    if (!watch.on || p == NULL) {
        return;
    }
    watch.blocks++;
    watch.found += holds(p, watch.private_key, KEY_LEN) || holds(p, PRIVATE_KEY, KEY_TEXT - 1) ||
                   holds(p, watch.preshared_key, KEY_LEN) || holds(p, PRESHARED_KEY, KEY_TEXT - 1);
}

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

/* Always moves, so that what it leaves behind is seen. */
void *__wrap_realloc(void *p, size_t size)
{
    void *q = __wrap_malloc(size);
    if (q != NULL && p != NULL) {
        size_t old = malloc_usable_size(p);
        memcpy(q, p, old < size ? old : size);
        __wrap_free(p);
    }
    return q;
}

void __wrap_free(void *p)
{
    look_for_keys(p);
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
 * buffer. A key comes last, where no later line covers it in that buffer. */
static char text[16384];
static size_t text_len;
static char path[] = "/tmp/wgproxy-memory-XXXXXX";

static int make_text(void **state)
{
    (void)state;
    text_len = (size_t)snprintf(
        text, sizeof text,
        INTERFACE "Address = fd00::2, fd00::3\n"
                  "DNS = 1.1.1.1, 8.8.8.8, a.example, b.example\n"
                  "PostUp = %05000d\n" PEER "AllowedIPs = 10.0.0.0/8, 10.0.1.0/24\n"
                  "Endpoint = b.example:1\nPresharedKey = \\\n " PRESHARED_KEY "\n"
                  "[Socks5]\nBindAddress = [::]:1080\nPassword = `p`\nUsername = \"u\"\nDeny = "
                  "corp user=u\n[TCPClientTunnel]\nBindAddress = 1\nTarget = 10.0.0.9:1\n"
                  "[Socks5]\nBindAddress = 1081\n"
                  "[Peer]\nPublicKey = " OTHER_KEY "\nAllowedIPs = ::/0\n"
                  "PresharedKey = %%(psk)s\npsk = `" PRESHARED_KEY "`\n",
        0);
    int fd = mkstemp(path);
    bool written = fd >= 0 && write(fd, text, text_len) == (ssize_t)text_len;
    close(fd);
    bool known = key_from_base64(watch.private_key, PRIVATE_KEY) &&
                 key_from_base64(watch.preshared_key, PRESHARED_KEY);
    return written && known ? 0 : -1;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

typedef int read_fn(struct config **out, unsigned *said);

static int read_memory(struct config **out, unsigned *said)
{
    return config_parse(out, "f", text, text_len, ignore, said);
}

static int read_file(struct config **out, unsigned *said)
{
    return config_load(out, path, false, ignore, said);
}

static void assert_survives_every_failure(read_fn *read_config)
{
    int err = ERR_NOMEM;
    unsigned long k = 0;
    while (err == ERR_NOMEM) {
        struct config *c = (struct config *)(void *)text; /* not NULL */
        unsigned said = 0;
        long before = live;
        until_failure = ++k;
        err = read_config(&c, &said);
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

static void every_failing_allocation_is_reported_and_leaves_nothing(void **state)
{
    (void)state;
    assert_survives_every_failure(read_memory);
}

static void so_it_is_when_the_text_comes_from_a_file(void **state)
{
    (void)state;
    assert_survives_every_failure(read_file);
}

static void no_block_is_given_back_with_a_key_in_it(void **state)
{
    (void)state;
    struct config *c;
    unsigned said = 0;
    watch.on = true;
    assert_int_equal(read_file(&c, &said), 0);
    config_free(c);
    watch.on = false;
    assert_true(watch.blocks > 20);
    assert_int_equal(watch.found, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failing_allocation_is_reported_and_leaves_nothing),
        cmocka_unit_test(so_it_is_when_the_text_comes_from_a_file),
        cmocka_unit_test(no_block_is_given_back_with_a_key_in_it),
    };
    return cmocka_run_group_tests(tests, make_text, remove_file);
}
