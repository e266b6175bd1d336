/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/socks4.c: whole requests and what they lead to, at every split. */
#include "proxy/socks4.h"

#include "base/err.h"
#include "base/macros.h"
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

static struct door_terms full = {.protocols = DOOR_SOCKS4, .binds = true};
static struct door_terms bare = {.protocols = DOOR_SOCKS4};

#define CONNECT "\x04\x01\x00\x50"
#define HOST "\x0a\x00\x00\x01"
#define A4 "\x00\x00\x00\x07"
#define BYTES(s) (s), sizeof(s) - 1

static const struct {
    const char *bytes;
    size_t len;
    const char *story;
} requests[] = {
    /* 0: to an address */
    {BYTES(CONNECT HOST "\0"), "open 10.0.0.1:80"},
    {BYTES(CONNECT HOST "me\0"), "open 10.0.0.1:80"},
    {BYTES(CONNECT HOST "me\0early"), "open 10.0.0.1:80, 5 left"},
    {BYTES("\x04\x02\x00\x15" HOST "me\0"), "bind 10.0.0.1:21"},
    {BYTES("\x04\x01\x00\x00" HOST "\0"), "open 10.0.0.1:0"},
    {BYTES(CONNECT "\0\0\0\0\0"), "open 0.0.0.0:80"}, /* no name follows 0.0.0.0 */
    {BYTES(CONNECT "\0\0\1\1\0"), "open 0.0.1.1:80"},
    /* 7: 4a */
    {BYTES(CONNECT A4 "\0example.com\0"), "open example.com:80"},
    {BYTES(CONNECT A4 "me\0example.com\0early"), "open example.com:80, 5 left"},
    {BYTES(CONNECT "\0\0\0\xff\0a\0"), "open a:80"},
    {BYTES("\x04\x02\x00\x15" A4 "\0a\0"), "bind a:21"},
    {BYTES(CONNECT A4 "\0"
                      "10.0.0.1\0"),
     "open 10.0.0.1:80"},
    /* 12: the refused twins */
    {BYTES("\x05\x01\x00"), "shut: not SOCKS4, 2 left"},
    {BYTES("GET"), "shut: not SOCKS4, 2 left"},
    {BYTES("\x04\x03\x00\x50" HOST "\0"),
     "005b shut: a command that this door does not know, 7 left"},
    {BYTES("\x04\x00\x00"), "005b shut: a command that this door does not know, 1 left"},
    {BYTES(CONNECT A4 "\0\0x"), "005b shut: an empty name, 1 left"},
    /* 17: cut short */
    {BYTES(CONNECT HOST), "more"},
    {BYTES(CONNECT HOST "me"), "more"},
    {BYTES(CONNECT A4 "me\0"), "more"},
    {BYTES(CONNECT A4 "me\0example"), "more"},
    {BYTES("\x04"), "more"},
};

struct story {
    char text[512];
    bool over;
    size_t used;
};

static void tell(struct story *s, const char *words)
{
    size_t at = strlen(s->text);
    assert_true((size_t)snprintf(s->text + at, sizeof s->text - at, "%s", words) <
                sizeof s->text - at);
}

static void feed(struct story *s, struct socks4 *door, const char *bytes, size_t len)
{
    uint8_t piece[1024];
    memcpy(piece, bytes, len); /* so that reading behind it is seen */
    struct door_ask ask;
    struct door_answer answer = {.len = 0};
    size_t used;
    enum door_verdict verdict = socks4_feed(door, piece, len, &used, &ask, &answer);
    assert_true(used <= len);
    s->used += used;
    char words[TARGET_TEXT];
    switch (verdict) {
    case DOOR_MORE:
        assert_int_equal(used, len);
        return;
    case DOOR_ANSWER:
        fail();
        break;
    case DOOR_OPEN:
        tell(s, ask.request == DOOR_BIND ? "bind " : "open ");
        tell(s, target_format(&ask.target, words));
        assert_null(ask.user);
        break;
    case DOOR_SHUT:
        assert_true(answer.len == 0 || answer.len == 8);
        assert_true(answer.len == 0 || memcmp(answer.bytes, "\0\x5b\0\0\0\0\0\0", 8) == 0);
        tell(s, answer.len > 0 ? "005b shut: " : "shut: ");
        tell(s, answer.why);
        break;
    }
    s->over = true;
}

static void converse(struct story *s, const struct door_terms *terms, const char *bytes, size_t len,
                     size_t a, size_t b)
{
    *s = (struct story){.used = 0};
    struct socks4 door;
    socks4_init(&door, terms);
    const size_t ends[] = {a, b, len};
    for (size_t i = 0, at = 0; i < ARRAY_SIZE(ends) && !s->over; at = ends[i++]) {
        if (ends[i] > at) {
            feed(s, &door, bytes + at, ends[i] - at);
        }
    }
    if (!s->over) {
        tell(s, "more");
    } else if (s->used < len) {
        char left[32];
        snprintf(left, sizeof left, ", %zu left", len - s->used);
        tell(s, left);
    }
}

static void each_request_has_its_verdict_at_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        for (size_t a = 0; a <= requests[i].len; a++) {
            for (size_t b = a; b <= requests[i].len; b++) {
                struct story s;
                converse(&s, &full, requests[i].bytes, requests[i].len, a, b);
                if (strcmp(s.text, requests[i].story) != 0) {
                    fail_msg("request %zu split at %zu and %zu: \"%s\"", i, a, b, s.text);
                }
            }
        }
    }
}

static void a_door_without_binds_does_not_know_them(void **state)
{
    (void)state;
    struct story s;
    converse(&s, &bare, BYTES("\x04\x02\x00\x15" HOST "\0"), 0, 0);
    assert_string_equal(s.text, "005b shut: a command that this door does not know, 7 left");
    converse(&s, &bare, BYTES(CONNECT HOST "\0"), 0, 0);
    assert_string_equal(s.text, "open 10.0.0.1:80");
}

/* Its user id is no proof of anything. */
static void a_door_with_users_lets_nobody_in_this_way(void **state)
{
    (void)state;
    struct users *u;
    assert_int_equal(users_new(&u), 0);
    assert_int_equal(users_add(u, "me", ""), 0);
    struct door_terms terms = {.protocols = DOOR_SOCKS4, .users = u};
    struct story s;
    converse(&s, &terms, BYTES(CONNECT HOST "me\0"), 0, 0);
    assert_string_equal(s.text,
                        "005b shut: SOCKS4 has no passwords, and this door asks for one, 10 left");
    users_free(u);
}

/* Up to 255 bytes each; what goes on is refused at the byte that is too many. */
static void texts_end_at_255_bytes(void **state)
{
    (void)state;
    for (unsigned which = 0; which < 2; which++) {
        for (size_t n = 254; n <= 256; n++) {
            char bytes[1024];
            size_t len = 0;
            memcpy(bytes, CONNECT A4, 8);
            len = 8;
            if (which == 1) {
                bytes[len++] = '\0';
            }
            memset(bytes + len, 'x', n);
            len += n;
            memcpy(bytes + len, "\0a", 3);
            len += which == 0 ? 3 : 1;
            struct story s;
            converse(&s, &full, bytes, len, 0, 0);
            if (n <= 255) {
                assert_int_equal(strncmp(s.text, "open ", 5), 0);
                assert_int_equal(s.used, len);
            } else {
                assert_non_null(strstr(s.text, which == 0 ? "shut: a user id without end"
                                                          : "shut: a name without end"));
                assert_int_equal(s.used, (which == 0 ? 8 : 9) + 256);
            }
        }
    }
}

static void a_reply_carries_what_ipv4_can_tell(void **state)
{
    (void)state;
    static const struct {
        int err;
        const char *bound, *reply;
    } cases[] = {
        {0, "10.9.9.9:50000", "\x00\x5a\xc3\x50\x0a\x09\x09\x09"},
        {0, "[fd00::9]:50000", "\x00\x5a\0\0\0\0\0\0"},
        {0, NULL, "\x00\x5a\0\0\0\0\0\0"},
        {ERR_REFUSED, NULL, "\x00\x5b\0\0\0\0\0\0"},
        {ERR_DENIED, NULL, "\x00\x5b\0\0\0\0\0\0"},
        {ERR_LIMIT, NULL, "\x00\x5b\0\0\0\0\0\0"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct endpoint e;
        assert_true(cases[i].bound == NULL || endpoint_parse(&e, cases[i].bound));
        struct door_answer answer;
        socks4_reply(&answer, cases[i].err, cases[i].bound != NULL ? &e : NULL);
        assert_int_equal(answer.len, 8);
        assert_memory_equal(answer.bytes, cases[i].reply, 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_has_its_verdict_at_every_split),
        cmocka_unit_test(a_door_without_binds_does_not_know_them),
        cmocka_unit_test(a_door_with_users_lets_nobody_in_this_way),
        cmocka_unit_test(texts_end_at_255_bytes),
        cmocka_unit_test(a_reply_carries_what_ipv4_can_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
