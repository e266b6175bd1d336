/* SPDX-License-Identifier: MIT */
/* Parses and builds the messages of SOCKS4 (Koblas's protocol of 1992) and of its extension 4a, byte by byte: texts
 * end with a NUL, so that their length is known only then. */
#include "proxy/socks4.h"

#include "base/bytes.h"

#include <assert.h>
#include <string.h>

enum { VERSION = 4, COMMAND_CONNECT = 1, COMMAND_BIND = 2 };

/* It tells nothing that we use; still, nobody sends it for ever. */
#define USER_MAX 255

void socks4_init(struct socks4 *s, const struct door_terms *terms)
{
    *s = (struct socks4){.terms = terms, .state = SOCKS4_READS_HEAD};
}

static void answer_code(struct door_answer *answer, enum socks4_code code,
                        const struct endpoint *bound)
{
    uint8_t *p = answer->bytes;
    memset(p, 0, SOCKS4_HEAD); /* VN of a reply is 0 */
    p[1] = (uint8_t)code;
    if (bound != NULL && bound->addr.family == FAMILY_V4) {
        store_be16(p + 2, bound->port);
        memcpy(p + 4, bound->addr.bytes, 4);
    }
    answer->len = SOCKS4_HEAD;
}

/* There are more codes, for identd, which nobody runs. */
void socks4_reply(struct door_answer *answer, int err, const struct endpoint *bound)
{
    answer_code(answer, err == 0 ? SOCKS4_GRANTED : SOCKS4_REFUSED, bound);
}

static enum door_verdict refuse(struct socks4 *s, struct door_answer *answer, const char *why)
{
    s->state = SOCKS4_OVER;
    answer->why = why;
    answer_code(answer, SOCKS4_REFUSED, NULL);
    return DOOR_SHUT;
}

static bool knows_command(const struct socks4 *s)
{
    return s->head[1] == COMMAND_CONNECT || (s->head[1] == COMMAND_BIND && s->terms->binds);
}

static enum door_verdict open(struct socks4 *s, struct door_ask *ask)
{
    s->state = SOCKS4_OVER;
    *ask = (struct door_ask){
        .request = s->head[1] == COMMAND_BIND ? DOOR_BIND : DOOR_CONNECT,
        .target.port = load_be16(s->head + 2),
    };
    if (s->name[0] != '\0') {
        memcpy(ask->target.name, s->name, sizeof s->name);
    } else {
        ask->target.addr = addr_from_bytes(FAMILY_V4, s->head + 4);
    }
    return DOOR_OPEN;
}

static void read_next(struct socks4 *s, enum socks4_state state)
{
    s->state = state;
    s->have = 0;
}

static enum door_verdict take_head(struct socks4 *s, uint8_t byte, struct door_answer *answer)
{
    s->head[s->have++] = byte;
    if (s->head[0] != VERSION) {
        s->state = SOCKS4_OVER;
        answer->why = "not SOCKS4";
        answer->len = 0;
        return DOOR_SHUT;
    }
    if (s->terms->users != NULL) {
        return refuse(s, answer, "SOCKS4 has no passwords, and this door asks for one");
    }
    if (s->have == 2 && !knows_command(s)) {
        return refuse(s, answer, "a command that this door does not know");
    }
    if (s->have == SOCKS4_HEAD) {
        read_next(s, SOCKS4_READS_USER);
    }
    return DOOR_MORE;
}

/* 4a: an address that no host can have stands for a name behind the user id. */
static bool name_follows(const struct socks4 *s)
{
    return load_be32(s->head + 4) <= 0xff && s->head[7] != 0;
}

static enum door_verdict take_user(struct socks4 *s, uint8_t byte, struct door_ask *ask,
                                   struct door_answer *answer)
{
    if (byte != '\0') {
        return s->have++ < USER_MAX ? DOOR_MORE : refuse(s, answer, "a user id without end");
    }
    if (!name_follows(s)) {
        return open(s, ask);
    }
    read_next(s, SOCKS4_READS_NAME);
    return DOOR_MORE;
}

static enum door_verdict take_name(struct socks4 *s, uint8_t byte, struct door_ask *ask,
                                   struct door_answer *answer)
{
    if (byte == '\0') {
        return s->have > 0 ? open(s, ask) : refuse(s, answer, "an empty name");
    }
    if (s->have == TARGET_NAME_MAX) {
        return refuse(s, answer, "a name without end");
    }
    s->name[s->have++] = (char)byte;
    return DOOR_MORE;
}

static enum door_verdict take(struct socks4 *s, uint8_t byte, struct door_ask *ask,
                              struct door_answer *answer)
{
    switch (s->state) {
    case SOCKS4_READS_HEAD:
        return take_head(s, byte, answer);
    case SOCKS4_READS_USER:
        return take_user(s, byte, ask, answer);
    case SOCKS4_READS_NAME:
        return take_name(s, byte, ask, answer);
    case SOCKS4_OVER:
        break;
    }
    assert(false && "fed after its verdict");
    return DOOR_SHUT;
}

enum door_verdict socks4_feed(struct socks4 *s, const uint8_t *data, size_t len, size_t *used,
                              struct door_ask *ask, struct door_answer *answer)
{
    enum door_verdict verdict = DOOR_MORE;
    *used = 0;
    while (verdict == DOOR_MORE && *used < len) {
        verdict = take(s, data[(*used)++], ask, answer);
    }
    return verdict;
}
