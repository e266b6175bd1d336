/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/socks5.c: whole conversations and what they lead to, at every split. */
#include "proxy/socks5.h"

#include "base/err.h"
#include "base/macros.h"
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

/* What a client sends, written as hex with ' for plain text, and what is told of it: each answer as
 * hex, "open" with the target ("bind" and "associate" so), or "shut", and how many bytes were left
 * over. */
struct conversation {
    const char *bytes, *story;
};

#define HELLO "05 01 00 "
#define LOGIN_HELLO "05 01 02 "
#define ALICE "01 05 'alice' 03 'pw1' "

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
    {HELLO "05 04 00 01 00 00 00 00 00 00",
     "0500 05070001000000000000 shut: a command that this door does not know, 8 left"},
    {HELLO "05 00", "0500 05070001000000000000 shut: a command that this door does not know"},
    {HELLO "05 ff", "0500 05070001000000000000 shut: a command that this door does not know"},
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
    /* cut short */
    {HELLO "05 01 00 01 0a 00 00 01 00", "0500 more"},
    {HELLO "05 01 00 03 0b 'example.com' 01", "0500 more"},
    {HELLO "05 01 00 04 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 01", "0500 more"},
    {HELLO "05 01 00", "0500 more"},
    {HELLO "05", "0500 more"},
    /* the other commands */
    {HELLO "05 02 00 01 0a 00 00 01 00 50", "0500 bind 10.0.0.1:80"},
    {HELLO "05 02 00 03 00 00 50", "0500 05010001000000000000 shut: an empty name, 2 left"},
    {HELLO "05 03 00 01 00 00 00 00 00 00", "0500 associate 0.0.0.0:0"},
    {HELLO "05 03 00 03 01 'a' 00 07", "0500 associate a:7"},
    {HELLO "05 03 00 03 00 00 00", "0500 associate :0"},
};

/* At a door that has neither BIND nor ASSOCIATE. */
static const struct conversation bare_conversations[] = {
    {HELLO "05 01 00 01 0a 00 00 01 00 50", "0500 open 10.0.0.1:80"},
    {HELLO "05 02 00 01 0a 00 00 01 00 50",
     "0500 05070001000000000000 shut: a command that this door does not know, 8 left"},
    {HELLO "05 03 00 01 00 00 00 00 00 00",
     "0500 05070001000000000000 shut: a command that this door does not know, 8 left"},
};

/* At a door that lets in alice (pw1) and bob (no password), RFC 1929. */
static const struct conversation login_conversations[] = {
    {LOGIN_HELLO, "0502 more"},
    {"05 03 00 01 02", "0502 more"},
    {LOGIN_HELLO ALICE, "0502 0100 more"},
    {LOGIN_HELLO ALICE "05 01 00 01 0a 00 00 01 00 50", "0502 0100 alice open 10.0.0.1:80"},
    {LOGIN_HELLO ALICE "05 01 00 01 0a 00 00 01 00 50 'early'",
     "0502 0100 alice open 10.0.0.1:80, 5 left"},
    {LOGIN_HELLO "01 03 'bob' 00 05 02 00 01 0a 00 00 01 00 50", "0502 0100 bob bind 10.0.0.1:80"},
    /* the refused twins */
    {HELLO, "05ff shut: no authentication method in common"},
    {"05 00", "05ff shut: no authentication method in common"},
    {LOGIN_HELLO "01 05 'alice' 03 'pw2' 'more'",
     "0502 0101 shut: no such user, or another password, 4 left"},
    {LOGIN_HELLO "01 05 'alice' 02 'pw'", "0502 0101 shut: no such user, or another password"},
    {LOGIN_HELLO "01 05 'alice' 00", "0502 0101 shut: no such user, or another password"},
    {LOGIN_HELLO "01 04 'alic' 04 'epw1'", "0502 0101 shut: no such user, or another password"},
    {LOGIN_HELLO "01 03 'bob' 03 'pw1'", "0502 0101 shut: no such user, or another password"},
    {LOGIN_HELLO "01 00 00", "0502 0101 shut: no such user, or another password"},
    {LOGIN_HELLO "01 00 03 'pw1'", "0502 0101 shut: no such user, or another password"},
    {LOGIN_HELLO "01 06 'alice' 00 03 'pw1'", "0502 0101 shut: no such user, or another password"},
    {LOGIN_HELLO "05 01 00 01 0a 00 00 01 00 50",
     "0502 0101 shut: a login of another version, 9 left"},
    {LOGIN_HELLO "00", "0502 0101 shut: a login of another version"},
    /* cut short */
    {LOGIN_HELLO "01", "0502 more"},
    {LOGIN_HELLO "01 05 'alice'", "0502 more"},
    {LOGIN_HELLO "01 05 'alice' 03 'pw'", "0502 more"},
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

/* The terms of each table. */
static struct door_terms all_terms = {.protocols = DOOR_SOCKS5, .binds = true, .associates = true};
static struct door_terms bare_terms = {.protocols = DOOR_SOCKS5};
static struct door_terms login_terms = {.protocols = DOOR_SOCKS5, .binds = true};

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

static void tell_ask(struct story *s, const struct door_ask *ask)
{
    static const char *const words[] = {
        [DOOR_CONNECT] = "open ", [DOOR_BIND] = "bind ", [DOOR_ASSOCIATE] = "associate "};
    char target[TARGET_TEXT];
    tell(s, ask->user != NULL ? ask->user->name : "");
    tell(s, ask->user != NULL ? " " : "");
    tell(s, words[ask->request]);
    tell(s, target_format(&ask->target, target));
}

/* Feed one piece; false once it is over. `total` counts what was used. */
static bool hold(struct socks5 *door, const uint8_t *data, size_t len, size_t *total,
                 struct story *s)
{
    while (len > 0) {
        uint8_t piece[1024];
        memcpy(piece, data, len);
        struct door_ask ask;
        struct door_answer answer = {.len = 0};
        size_t used;
        enum door_verdict verdict = socks5_feed(door, piece, len, &used, &ask, &answer);
        assert_true(used <= len && used > 0);
        data += used;
        len -= used;
        *total += used;
        switch (verdict) {
        case DOOR_MORE:
            assert_int_equal(len, 0);
            break;
        case DOOR_ANSWER:
            tell_answer(s, &answer);
            break;
        case DOOR_OPEN:
            tell_ask(s, &ask);
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
static void story_of(struct story *s, const struct door_terms *terms, const uint8_t *bytes,
                     size_t len, size_t a, size_t b)
{
    *s = (struct story){.len = 0};
    struct socks5 door;
    socks5_init(&door, terms);
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

static void check_every_split(const struct door_terms *terms, const struct conversation *table,
                              size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t bytes[512];
        size_t len = decode(table[i].bytes, bytes);
        for (size_t a = 0; a <= len; a++) {
            for (size_t b = a; b <= len; b++) {
                struct story s;
                story_of(&s, terms, bytes, len, a, b);
                if (strcmp(s.text, table[i].story) != 0) {
                    fail_msg("conversation %zu split at %zu and %zu: \"%s\"", i, a, b, s.text);
                }
            }
        }
    }
}

static void each_conversation_has_its_verdict_at_every_split(void **state)
{
    (void)state;
    check_every_split(&all_terms, conversations, ARRAY_SIZE(conversations));
    check_every_split(&bare_terms, bare_conversations, ARRAY_SIZE(bare_conversations));
}

static struct users *alice_and_bob(void)
{
    struct users *u;
    assert_int_equal(users_new(&u), 0);
    assert_int_equal(users_add(u, "alice", "pw1"), 0);
    assert_int_equal(users_add(u, "bob", ""), 0);
    return u;
}

static void each_login_has_its_verdict_at_every_split(void **state)
{
    (void)state;
    struct users *u = alice_and_bob();
    login_terms.users = u;
    check_every_split(&login_terms, login_conversations, ARRAY_SIZE(login_conversations));
    users_free(u);
}

static void the_longest_login_is_parsed_and_nothing_of_it_stays(void **state)
{
    (void)state;
    char name[256], password[256];
    memset(name, 'n', 255);
    memset(password, 'p', 255);
    name[255] = password[255] = '\0';
    struct users *u;
    assert_int_equal(users_new(&u), 0);
    assert_int_equal(users_add(u, name, password), 0);
    login_terms.users = u;
    uint8_t bytes[3 + 255 + 255] = {1, 255};
    memcpy(bytes + 2, name, 255);
    bytes[257] = 255;
    memcpy(bytes + 258, password, 255);
    struct socks5 door;
    socks5_init(&door, &login_terms);
    struct door_ask ask;
    struct door_answer answer;
    size_t used;
    assert_int_equal(socks5_feed(&door, (const uint8_t *)"\5\1\2", 3, &used, &ask, &answer),
                     DOOR_ANSWER);
    assert_int_equal(socks5_feed(&door, bytes, sizeof bytes, &used, &ask, &answer), DOOR_ANSWER);
    assert_int_equal(used, sizeof bytes);
    assert_int_equal(answer.bytes[1], 0);
    static const uint8_t zeros[SOCKS5_MESSAGE_MAX];
    assert_memory_equal(door.message, zeros, sizeof zeros);
    users_free(u);
}

static void each_conversation_has_its_verdict_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(conversations); i++) {
        uint8_t bytes[512];
        size_t len = decode(conversations[i].bytes, bytes);
        struct story s = {.len = 0};
        struct socks5 door;
        socks5_init(&door, &all_terms);
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
        uint8_t bytes[7 + TARGET_NAME_MAX] = {5, 1, 0, 3, (uint8_t)n};
        memset(bytes + 5, 'x', n);
        bytes[5 + n] = 0x1f;
        bytes[6 + n] = 0x90;
        struct socks5 door = {.terms = &bare_terms, .state = SOCKS5_REQUEST};
        struct door_ask ask;
        struct door_answer answer;
        size_t used;
        assert_int_equal(socks5_feed(&door, bytes, 6 + n, &used, &ask, &answer), DOOR_MORE);
        assert_int_equal(socks5_feed(&door, bytes + 6 + n, 1, &used, &ask, &answer), DOOR_OPEN);
        assert_int_equal(strlen(ask.target.name), n);
        assert_int_equal(ask.target.port, 8080);
        assert_int_equal(ask.target.addr.family, FAMILY_NONE);
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
            socks5_init(&door, &bare_terms);
            struct door_ask ask;
            struct door_answer answer;
            size_t used;
            enum door_verdict verdict = socks5_feed(&door, bytes, 2 + n, &used, &ask, &answer);
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
        {ERR_DENIED, SOCKS5_DENIED},
        {ERR_PEER_SILENT, SOCKS5_HOST_UNREACHABLE},
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
        cmocka_unit_test(each_login_has_its_verdict_at_every_split),
        cmocka_unit_test(the_longest_login_is_parsed_and_nothing_of_it_stays),
        cmocka_unit_test(each_conversation_has_its_verdict_byte_by_byte),
        cmocka_unit_test(names_of_every_length_are_parsed),
        cmocka_unit_test(greetings_of_every_length_are_parsed),
        cmocka_unit_test(a_reply_carries_the_address_of_its_family),
        cmocka_unit_test(each_error_has_its_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
