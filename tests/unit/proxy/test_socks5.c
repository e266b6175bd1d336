/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/socks5.c: whole conversations and what they lead to, at every split. */
#include "proxy/socks5.h"

#include "base/err.h"
#include "base/macros.h"
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

/* What a client sends, written as hex with ' for plain text, and what is told of it: each answer as
 * hex, "open" with the target, or "shut", and how many bytes were left over. */
struct conversation {
    const char *bytes, *story;
};

#define HELLO "05 01 00 "

static const struct conversation conversations[] = {
    /* 0: greetings */
    {"05 01 00", "0500 more"},
    {"05 02 02 00", "0500 more"},
    {"05 03 00 01 02", "0500 more"},
    {"05 02 00 00", "0500 more"},
    {"05 00", "05ff shut: no authentication method in common"},
    {"05 01 02", "05ff shut: no authentication method in common"},
    {"05 03 01 02 03", "05ff shut: no authentication method in common"},
    {"05", "more"},
    {"05 02 00", "more"},
    {"", "more"},
    /* 10: not SOCKS5 */
    {"04 01 00 50 0a 00 00 01 00", "shut: not SOCKS5, 8 left"},
    {"'GET / HTTP/1.1'", "shut: not SOCKS5, 13 left"},
    {"00", "shut: not SOCKS5"},
    {"06 01 00", "shut: not SOCKS5, 2 left"},
    /* 14: addresses */
    {HELLO "05 01 00 01 0a 00 00 01 00 50", "0500 open 10.0.0.1:80"},
    {HELLO "05 01 00 01 00 00 00 00 ff ff", "0500 open 0.0.0.0:65535"},
    {HELLO "05 01 00 04 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 01 bb",
     "0500 open [fd00::1]:443"},
    {HELLO "05 01 00 04 00 00 00 00 00 00 00 00 00 00 ff ff 0a 00 00 01 00 50",
     "0500 open 10.0.0.1:80"},
    {HELLO "05 01 00 03 0b 'example.com' 01 bb", "0500 open example.com:443"},
    {HELLO "05 01 00 03 01 'a' 00 00", "0500 open a:0"},
    {HELLO "05 01 00 03 08 '10.0.0.1' 00 50", "0500 open 10.0.0.1:80"},
    /* 21: early data is left over */
    {HELLO "05 01 00 01 0a 00 00 01 00 50 'hello'", "0500 open 10.0.0.1:80, 5 left"},
    {HELLO "05 01 00 03 01 'a' 00 50 05", "0500 open a:80, 1 left"},
    /* 23: the reserved byte is not looked at */
    {HELLO "05 01 ff 01 0a 00 00 01 00 50", "0500 open 10.0.0.1:80"},
    /* 24: the refused twins */
    {HELLO "04 01 00 01 0a 00 00 01 00 50",
     "0500 05010001000000000000 shut: a request of another version, 9 left"},
    {HELLO "05 02 00 01 0a 00 00 01 00 50",
     "0500 05070001000000000000 shut: a command other than CONNECT, 8 left"},
    {HELLO "05 03 00 01 00 00 00 00 00 00",
     "0500 05070001000000000000 shut: a command other than CONNECT, 8 left"},
    {HELLO "05 00", "0500 05070001000000000000 shut: a command other than CONNECT"},
    {HELLO "05 ff", "0500 05070001000000000000 shut: a command other than CONNECT"},
    {HELLO "05 01 00 00", "0500 05080001000000000000 shut: an unknown type of address"},
    {HELLO "05 01 00 02", "0500 05080001000000000000 shut: an unknown type of address"},
    {HELLO "05 01 00 05 0a 00",
     "0500 05080001000000000000 shut: an unknown type of address, 2 left"},
    {HELLO "05 01 00 ff", "0500 05080001000000000000 shut: an unknown type of address"},
    {HELLO "05 01 00 03 00 00 50", "0500 05010001000000000000 shut: an empty name, 2 left"},
    {HELLO "05 01 00 03 03 'a' 00 'b' 00 50",
     "0500 05010001000000000000 shut: a name with a NUL in it"},
    {HELLO "05 01 00 03 02 'a' 00 00 50",
     "0500 05010001000000000000 shut: a name with a NUL in it"},
    {HELLO "05 01 00 03 01 00 00 50", "0500 05010001000000000000 shut: a name with a NUL in it"},
    /* 37: cut short */
    {HELLO "05 01 00 01 0a 00 00 01 00", "0500 more"},
    {HELLO "05 01 00 03 0b 'example.com' 01", "0500 more"},
    {HELLO "05 01 00 04 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 01", "0500 more"},
    {HELLO "05 01 00", "0500 more"},
    {HELLO "05", "0500 more"},
};

static unsigned digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static size_t decode(const char *text, uint8_t *out)
{
    size_t n = 0;
    while (*text != '\0') {
        if (*text == ' ') {
            text++;
        } else if (*text == '\'') {
            for (text++; *text != '\''; text++) {
                out[n++] = (uint8_t)*text;
            }
            text++;
        } else {
            out[n++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
            text += 2;
        }
    }
    return n;
}

struct story {
    char text[1200];
    size_t len;
};

static void tell(struct story *s, const char *words)
{
    int n = snprintf(s->text + s->len, sizeof s->text - s->len, "%s", words);
    s->len += (size_t)n;
    assert_true(s->len < sizeof s->text);
}

static void tell_answer(struct story *s, const struct door_answer *answer)
{
    for (unsigned i = 0; i < answer->len; i++) {
        char hex[3];
        snprintf(hex, sizeof hex, "%02x", answer->bytes[i]);
        tell(s, hex);
    }
    tell(s, answer->len > 0 ? " " : "");
}

/* Feed one piece; false once it is over. `total` counts what was used. */
static bool hold(struct socks5 *door, const uint8_t *data, size_t len, size_t *total,
                 struct story *s)
{
    while (len > 0) {
        uint8_t piece[1024];
        memcpy(piece, data, len);
        struct target to;
        struct door_answer answer = {.len = 0};
        size_t used;
        enum door_verdict verdict = socks5_feed(door, piece, len, &used, &to, &answer);
        assert_true(used <= len && used > 0);
        data += used;
        len -= used;
        *total += used;
        char words[TARGET_TEXT];
        switch (verdict) {
        case DOOR_MORE:
            assert_int_equal(len, 0);
            break;
        case DOOR_ANSWER:
            tell_answer(s, &answer);
            break;
        case DOOR_OPEN:
            tell(s, "open ");
            tell(s, target_format(&to, words));
            return false;
        case DOOR_SHUT:
            tell_answer(s, &answer);
            tell(s, "shut: ");
            tell(s, answer.why);
            return false;
        }
    }
    return true;
}

/* The story of `bytes` given as [0, a), [a, b), [b, len). */
static void story_of(struct story *s, const uint8_t *bytes, size_t len, size_t a, size_t b)
{
    *s = (struct story){.len = 0};
    struct socks5 door;
    socks5_init(&door);
    size_t total = 0;
    bool on = hold(&door, bytes, a, &total, s) && hold(&door, bytes + a, b - a, &total, s) &&
              hold(&door, bytes + b, len - b, &total, s);
    if (on) {
        tell(s, "more");
    } else if (total < len) {
        char left[32];
        snprintf(left, sizeof left, ", %zu left", len - total);
        tell(s, left);
    }
}

static void each_conversation_has_its_verdict_at_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(conversations); i++) {
        uint8_t bytes[512];
        size_t len = decode(conversations[i].bytes, bytes);
        for (size_t a = 0; a <= len; a++) {
            for (size_t b = a; b <= len; b++) {
                struct story s;
                story_of(&s, bytes, len, a, b);
                if (strcmp(s.text, conversations[i].story) != 0) {
                    fail_msg("conversation %zu split at %zu and %zu: \"%s\"", i, a, b, s.text);
                }
            }
        }
    }
}

static void each_conversation_has_its_verdict_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(conversations); i++) {
        uint8_t bytes[512];
        size_t len = decode(conversations[i].bytes, bytes);
        struct story s = {.len = 0};
        struct socks5 door;
        socks5_init(&door);
        size_t total = 0;
        bool on = true;
        for (size_t at = 0; on && at < len; at++) {
            on = hold(&door, bytes + at, 1, &total, &s);
        }
        tell(&s, on ? "more" : "");
        size_t told = strcspn(conversations[i].story, ",");
        assert_int_equal(strncmp(s.text, conversations[i].story, told), 0);
    }
}

static void names_of_every_length_are_parsed(void **state)
{
    (void)state;
    for (size_t n = 1; n <= TARGET_NAME_MAX; n++) {
        uint8_t bytes[SOCKS5_MESSAGE_MAX] = {5, 1, 0, 3, (uint8_t)n};
        memset(bytes + 5, 'x', n);
        bytes[5 + n] = 0x1f;
        bytes[6 + n] = 0x90;
        struct socks5 door = {.state = SOCKS5_REQUEST};
        struct target to;
        struct door_answer answer;
        size_t used;
        assert_int_equal(socks5_feed(&door, bytes, 6 + n, &used, &to, &answer), DOOR_MORE);
        assert_int_equal(socks5_feed(&door, bytes + 6 + n, 1, &used, &to, &answer), DOOR_OPEN);
        assert_int_equal(strlen(to.name), n);
        assert_int_equal(to.port, 8080);
        assert_int_equal(to.addr.family, FAMILY_NONE);
    }
}

static void greetings_of_every_length_are_parsed(void **state)
{
    (void)state;
    for (unsigned n = 0; n <= 255; n++) {
        for (unsigned place = 0; place <= n; place++) { /* n: not offered */
            uint8_t bytes[2 + 255] = {5, (uint8_t)n};
            memset(bytes + 2, 0x80, n);
            if (place < n) {
                bytes[2 + place] = 0;
            }
            struct socks5 door;
            socks5_init(&door);
            struct target to;
            struct door_answer answer;
            size_t used;
            enum door_verdict verdict = socks5_feed(&door, bytes, 2 + n, &used, &to, &answer);
            assert_int_equal(verdict, place < n ? DOOR_ANSWER : DOOR_SHUT);
            assert_int_equal(used, 2 + n);
            assert_int_equal(answer.bytes[1], place < n ? 0x00 : 0xff);
        }
    }
}

static void a_reply_carries_the_address_of_its_family(void **state)
{
    (void)state;
    static const struct {
        const char *bound, *hex;
    } cases[] = {
        {"10.9.9.9:50000", "050000010a090909c350 "},
        {"[fd00::9]:1", "05000004fd0000000000000000000000000000090001 "},
        {NULL, "05000001000000000000 "},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct endpoint e = {.port = 7};
        assert_true(cases[i].bound == NULL || endpoint_parse(&e, cases[i].bound));
        struct door_answer answer;
        socks5_reply(&answer, 0, cases[i].bound != NULL ? &e : NULL);
        struct story s = {.len = 0};
        tell_answer(&s, &answer);
        assert_string_equal(s.text, cases[i].hex);
    }
    struct door_answer answer;
    struct endpoint none = {.port = 7};
    socks5_reply(&answer, 0, &none); /* an endpoint without an address is none */
    assert_memory_equal(answer.bytes, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10);
}

static void each_error_has_its_code(void **state)
{
    (void)state;
    static const struct {
        int err;
        enum socks5_code code;
    } cases[] = {
        {0, SOCKS5_SUCCEEDED},
        {ERR_REFUSED, SOCKS5_REFUSED},
        {ERR_NO_ROUTE, SOCKS5_NETWORK_UNREACHABLE},
        {ERR_NO_FAMILY, SOCKS5_NETWORK_UNREACHABLE},
        {ERR_UNREACHABLE, SOCKS5_HOST_UNREACHABLE},
        {ERR_NO_NAME, SOCKS5_HOST_UNREACHABLE},
        {ERR_NO_DATA, SOCKS5_HOST_UNREACHABLE},
        {ERR_NO_DNS, SOCKS5_HOST_UNREACHABLE},
        {ERR_DNS_FAILED, SOCKS5_HOST_UNREACHABLE},
        {ERR_DNS_SILENT, SOCKS5_HOST_UNREACHABLE},
        {ERR_BAD_NAME, SOCKS5_HOST_UNREACHABLE},
        {ERR_TIMED_OUT, SOCKS5_TTL_EXPIRED},
        {ERR_PERM, SOCKS5_DENIED},
        {ERR_INVALID, SOCKS5_FAILURE},
        {ERR_LIMIT, SOCKS5_FAILURE},
        {ERR_NOMEM, SOCKS5_FAILURE},
        {ERR_RESET, SOCKS5_FAILURE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(socks5_code_of(cases[i].err), cases[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_conversation_has_its_verdict_at_every_split),
        cmocka_unit_test(each_conversation_has_its_verdict_byte_by_byte),
        cmocka_unit_test(names_of_every_length_are_parsed),
        cmocka_unit_test(greetings_of_every_length_are_parsed),
        cmocka_unit_test(a_reply_carries_the_address_of_its_family),
        cmocka_unit_test(each_error_has_its_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
