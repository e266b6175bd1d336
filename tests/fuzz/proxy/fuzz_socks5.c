/* SPDX-License-Identifier: MIT */
/* Any bytes as a SOCKS5 client: the parser says the same whichever way they are split. The first
 * byte is the length of the pieces of the second reading. */
#include "proxy/socks5.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is told of a whole conversation. */
struct outcome {
    enum door_verdict verdict;
    size_t used;
    struct target to;
    struct door_answer answers[2]; /* to the greeting, and the last word */
    unsigned n_answers;
};

static void check_open(const struct target *to)
{
    assert((to->addr.family == FAMILY_NONE) == (to->name[0] != '\0'));
    assert(memchr(to->name, '\0', sizeof to->name) != NULL);
    char words[TARGET_TEXT];
    assert(strlen(target_format(to, words)) < sizeof words);
}

static void check_answer(const struct door_answer *a)
{
    assert(a->len == 0 || a->len == 2 || a->len == 10);
    assert(a->len == 0 || a->bytes[0] == 5);
}

static void converse(struct outcome *o, const uint8_t *data, size_t size, size_t piece)
{
    memset(o, 0, sizeof *o);
    struct socks5 door;
    socks5_init(&door);
    while (o->used < size) {
        size_t len = size - o->used < piece ? size - o->used : piece;
        struct door_answer answer = {.len = 0};
        size_t used;
        o->verdict = socks5_feed(&door, data + o->used, len, &used, &o->to, &answer);
        assert(used <= len);
        o->used += used;
        if (o->verdict == DOOR_MORE) {
            assert(used == len);
            continue;
        }
        if (o->verdict == DOOR_OPEN) {
            check_open(&o->to);
            return;
        }
        check_answer(&answer);
        assert(o->n_answers < 2);
        o->answers[o->n_answers++] = answer;
        if (o->verdict == DOOR_SHUT) {
            return;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct outcome whole, split;
    converse(&whole, data + 1, size - 1, SIZE_MAX);
    converse(&split, data + 1, size - 1, 1u + data[0] % 16);
    assert(whole.used == split.used && whole.n_answers == split.n_answers);
    if (whole.verdict == DOOR_OPEN || whole.verdict == DOOR_SHUT) {
        assert(whole.verdict == split.verdict);
    }
    for (unsigned i = 0; i < whole.n_answers; i++) {
        assert(whole.answers[i].len == split.answers[i].len);
        assert(memcmp(whole.answers[i].bytes, split.answers[i].bytes, whole.answers[i].len) == 0);
    }
    if (whole.verdict == DOOR_OPEN) {
        assert(memcmp(&whole.to.addr, &split.to.addr, sizeof whole.to.addr) == 0);
        assert(strcmp(whole.to.name, split.to.name) == 0 && whole.to.port == split.to.port);
    }
    return 0;
}
