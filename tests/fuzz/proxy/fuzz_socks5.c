/* SPDX-License-Identifier: MIT */
/* Any bytes as a SOCKS5 client: the parser says the same whichever way they are split. The first
 * byte is the length of the pieces of the second reading, and what the door has. */
#include "proxy/socks5.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is told of a whole conversation. */
struct outcome {
    enum door_verdict verdict;
    size_t used;
    struct door_ask ask;
    struct door_answer answers[3]; /* to the greeting, to the login, and the last word */
    unsigned n_answers;
};

static void check_open(const struct door_ask *ask, const struct door_terms *terms)
{
    const struct target *to = &ask->target;
    assert((ask->user != NULL) == (terms->users != NULL));
    assert(ask->request != DOOR_BIND || terms->binds);
    assert(ask->request != DOOR_ASSOCIATE || terms->associates);
    bool named = to->addr.family == FAMILY_NONE;
    assert(named == (to->name[0] != '\0') || (named && ask->request == DOOR_ASSOCIATE));
    assert(memchr(to->name, '\0', sizeof to->name) != NULL);
    char words[TARGET_TEXT];
    assert(strlen(target_format(to, words)) < sizeof words);
}

static void check_answer(const struct door_answer *a)
{
    assert(a->len == 0 || a->len == 2 || a->len == 10);
    assert(a->len == 0 || a->bytes[0] == 5 || (a->len == 2 && a->bytes[0] == 1));
}

static void converse(struct outcome *o, const struct door_terms *terms, const uint8_t *data,
                     size_t size, size_t piece)
{
    memset(o, 0, sizeof *o);
    struct socks5 door;
    socks5_init(&door, terms);
    while (o->used < size) {
        size_t len = size - o->used < piece ? size - o->used : piece;
        struct door_answer answer = {.len = 0};
        size_t used;
        o->verdict = socks5_feed(&door, data + o->used, len, &used, &o->ask, &answer);
        assert(used <= len);
        o->used += used;
        if (o->verdict == DOOR_MORE) {
            assert(used == len);
            continue;
        }
        if (o->verdict == DOOR_OPEN) {
            check_open(&o->ask, terms);
            return;
        }
        check_answer(&answer);
        assert(o->n_answers < 3);
        o->answers[o->n_answers++] = answer;
        if (o->verdict == DOOR_SHUT) {
            return;
        }
    }
}

static void compare(const struct door_terms *terms, const uint8_t *data, size_t size, size_t piece)
{
    struct outcome whole, split;
    converse(&whole, terms, data, size, SIZE_MAX);
    converse(&split, terms, data, size, piece);
    assert(whole.used == split.used && whole.n_answers == split.n_answers);
    if (whole.verdict == DOOR_OPEN || whole.verdict == DOOR_SHUT) {
        assert(whole.verdict == split.verdict);
    }
    for (unsigned i = 0; i < whole.n_answers; i++) {
        assert(whole.answers[i].len == split.answers[i].len);
        assert(memcmp(whole.answers[i].bytes, split.answers[i].bytes, whole.answers[i].len) == 0);
    }
    if (whole.verdict == DOOR_OPEN) {
        const struct door_ask *a = &whole.ask, *b = &split.ask;
        assert(a->request == b->request && a->user == b->user);
        assert(memcmp(&a->target.addr, &b->target.addr, sizeof a->target.addr) == 0);
        assert(strcmp(a->target.name, b->target.name) == 0 && a->target.port == b->target.port);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct users *users;
    if (users_new(&users) != 0 || users_add(users, "a", "b") != 0) {
        return 0;
    }
    struct door_terms terms = {
        .protocols = DOOR_SOCKS5,
        .users = data[0] & 0x10 ? users : NULL,
        .binds = data[0] & 0x20,
        .associates = data[0] & 0x40,
    };
    compare(&terms, data + 1, size - 1, 1u + data[0] % 16);
    users_free(users);
    return 0;
}
