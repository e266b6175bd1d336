/* SPDX-License-Identifier: MIT */
/* Any bytes at any door: whichever protocol the first byte tells, what is said to the client and what is asked for are
 * the same whichever way the bytes are split. The first byte of the input is the length of the pieces of the second
 * reading, the second one is what the door has. */
#include "proxy/dialect.h"

#include "base/err.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is told of a whole conversation. */
struct outcome {
    enum door_verdict verdict;
    size_t used;
    unsigned spoken;
    struct door_ask ask;
    size_t said; /* bytes of answers */
    uint8_t words[8 * DOOR_ANSWER_MAX];
};

static void hear(struct outcome *o, const struct door_answer *a)
{
    assert(a->len <= DOOR_ANSWER_MAX);
    if (o->said + a->len <= sizeof o->words) {
        memcpy(o->words + o->said, a->bytes, a->len);
    }
    o->said += a->len;
}

static void check_open(const struct door_ask *ask, const struct door_terms *terms, unsigned spoken)
{
    const struct target *to = &ask->target;
    assert(memchr(to->name, '\0', sizeof to->name) != NULL);
    assert(to->addr.family == FAMILY_NONE || to->name[0] == '\0');
    assert(ask->request != DOOR_BIND || terms->binds);
    assert(ask->request != DOOR_ASSOCIATE || (terms->associates && spoken == DOOR_SOCKS5));
    assert(ask->request != DOOR_EXCHANGE || spoken == DOOR_HTTP);
    bool asks = spoken != DOOR_FORWARD && spoken != DOOR_SNI;
    assert(!asks || terms->users == NULL || ask->user != NULL);
    char words[TARGET_TEXT];
    assert(strlen(target_format(to, words)) < sizeof words);
}

/* What the target gets first is what the client sent. */
static void check_prelude(const struct dialect *d, const uint8_t *data, size_t used)
{
    size_t len;
    const uint8_t *prelude = dialect_prelude(d, &len);
    assert(len == 0 || (len == used && memcmp(prelude, data, len) == 0));
}

static void check_replies(const struct dialect *d)
{
    for (int err = -50; err <= 0; err++) {
        struct door_answer answer;
        dialect_reply(d, &answer, err, NULL);
        assert(answer.len <= DOOR_ANSWER_MAX);
    }
}

static void converse(struct outcome *o, const struct door_terms *terms, const uint8_t *data,
                     size_t size, size_t piece)
{
    memset(o, 0, sizeof *o);
    struct dialect d;
    dialect_init(&d, terms);
    while (o->used < size && o->verdict != DOOR_OPEN && o->verdict != DOOR_SHUT) {
        size_t len = size - o->used < piece ? size - o->used : piece;
        struct door_answer answer = {.len = 0};
        size_t used;
        o->verdict = dialect_feed(&d, data + o->used, len, &used, &o->ask, &answer);
        assert(used <= len && (o->verdict != DOOR_MORE || used == len));
        o->used += used;
        if (o->verdict == DOOR_ANSWER || o->verdict == DOOR_SHUT) {
            hear(o, &answer);
        }
    }
    o->spoken = d.spoken;
    if (o->verdict == DOOR_OPEN) {
        check_open(&o->ask, terms, d.spoken);
        check_prelude(&d, data, o->used);
        check_replies(&d);
    }
    assert((o->spoken & ~terms->protocols) == 0);
    dialect_fini(&d);
}

static void compare(const struct door_terms *terms, const uint8_t *data, size_t size, size_t piece)
{
    static struct outcome whole, split;
    converse(&whole, terms, data, size, SIZE_MAX);
    converse(&split, terms, data, size, piece);
    assert(whole.verdict == split.verdict ||
           (whole.verdict != DOOR_OPEN && whole.verdict != DOOR_SHUT));
    /* TLS goes to the target as it came, whatever was read with the hello. */
    assert(whole.used == split.used || whole.spoken == DOOR_SNI);
    assert(whole.spoken == split.spoken && whole.said == split.said);
    assert(memcmp(whole.words, split.words, sizeof whole.words) == 0);
    if (whole.verdict == DOOR_OPEN) {
        const struct door_ask *a = &whole.ask, *b = &split.ask;
        assert(a->request == b->request && a->user == b->user && a->target.port == b->target.port);
        assert(addr_equal(&a->target.addr, &b->target.addr) &&
               strcmp(a->target.name, b->target.name) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned sets[] = {
        DOOR_MIXED,   DOOR_SOCKS5, DOOR_SOCKS4, DOOR_HTTP, DOOR_SOCKS5 | DOOR_SOCKS4,
        DOOR_FORWARD, DOOR_SNI,    DOOR_MIXED};
    if (size < 2) {
        return 0;
    }
    struct users *users;
    if (users_new(&users) != 0 || users_add(users, "a", "b") != 0) {
        return 0;
    }
    struct door_terms terms = {
        .protocols = sets[data[1] & 7],
        .users = data[1] & 0x10 ? users : NULL,
        .binds = data[1] & 0x20,
        .associates = data[1] & 0x40,
        .target = {.name = "example.com", .port = 80},
    };
    compare(&terms, data + 2, size - 2, 1u + data[0] % 32);
    users_free(users);
    return 0;
}
