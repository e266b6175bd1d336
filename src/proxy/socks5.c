/* SPDX-License-Identifier: MIT */
/* Parses and builds the messages of RFC 1928. A message is gathered until its length is known and
 * complete; what is wrong is refused at the first byte that shows it, so that nobody waits for
 * bytes that would not help. */
#include "proxy/socks5.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/macros.h"

#include <assert.h>
#include <string.h>

enum {
    VERSION = 5,
    METHOD_NONE = 0x00,
    METHOD_NOT_ACCEPTABLE = 0xff,
    COMMAND_CONNECT = 1,
    TYPE_V4 = 1,
    TYPE_NAME = 3,
    TYPE_V6 = 4,
};

enum {
    GREETING_HEAD = 2, /* VER NMETHODS */
    REQUEST_HEAD = 4,  /* VER CMD RSV ATYP */
    REPLY_HEAD = 4,    /* VER REP RSV ATYP */
    PORT = 2,
};

void socks5_init(struct socks5 *s)
{
    *s = (struct socks5){.state = SOCKS5_GREETING};
}

static void answer_code(struct door_answer *answer, enum socks5_code code,
                        const struct endpoint *bound)
{
    static const struct endpoint nowhere = {.addr = {.family = FAMILY_V4}};
    const struct endpoint *e =
        bound != NULL && bound->addr.family != FAMILY_NONE ? bound : &nowhere;
    size_t n = addr_len(&e->addr);

    uint8_t *p = answer->bytes;
    p[0] = VERSION;
    p[1] = (uint8_t)code;
    p[2] = 0;
    p[3] = e->addr.family == FAMILY_V4 ? TYPE_V4 : TYPE_V6;
    memcpy(p + REPLY_HEAD, e->addr.bytes, n);
    store_be16(p + REPLY_HEAD + n, e->port);
    answer->len = (uint8_t)(REPLY_HEAD + n + PORT);
}

enum socks5_code socks5_code_of(int err)
{
    switch (err) {
    case 0:
        return SOCKS5_SUCCEEDED;
    case ERR_PERM:
        return SOCKS5_DENIED;
    case ERR_REFUSED:
        return SOCKS5_REFUSED;
    case ERR_NO_ROUTE:
    case ERR_NO_FAMILY: /* as a kernel says it; not 08, for the door knows the type */
        return SOCKS5_NETWORK_UNREACHABLE;
    case ERR_UNREACHABLE:
    case ERR_NO_NAME:
    case ERR_NO_DATA:
    case ERR_NO_DNS:
    case ERR_DNS_FAILED:
    case ERR_DNS_SILENT:
    case ERR_BAD_NAME: /* no host can have it */
        return SOCKS5_HOST_UNREACHABLE;
    case ERR_TIMED_OUT:
        return SOCKS5_TTL_EXPIRED;
    default:
        return SOCKS5_FAILURE;
    }
}

void socks5_reply(struct door_answer *answer, int err, const struct endpoint *bound)
{
    answer_code(answer, socks5_code_of(err), bound);
}

static enum door_verdict refuse(struct socks5 *s, struct door_answer *answer, enum socks5_code code,
                                const char *why)
{
    s->state = SOCKS5_OVER;
    answer->why = why;
    answer_code(answer, code, NULL);
    return DOOR_SHUT;
}

/* Section 3: VER NMETHODS METHODS. */
static size_t greeting_length(const struct socks5 *s)
{
    return s->have < GREETING_HEAD ? GREETING_HEAD : (size_t)(GREETING_HEAD + s->message[1]);
}

static enum door_verdict greeting_judge(struct socks5 *s, struct door_answer *answer)
{
    if (s->message[0] != VERSION) {
        s->state = SOCKS5_OVER;
        answer->why = "not SOCKS5";
        answer->len = 0;
        return DOOR_SHUT;
    }
    if (s->have < greeting_length(s)) {
        return DOOR_MORE;
    }
    bool none = memchr(s->message + GREETING_HEAD, METHOD_NONE, s->message[1]) != NULL;
    answer->bytes[0] = VERSION;
    answer->bytes[1] = none ? METHOD_NONE : METHOD_NOT_ACCEPTABLE;
    answer->len = 2;
    answer->why = "no authentication method in common";
    s->state = none ? SOCKS5_REQUEST : SOCKS5_OVER;
    s->have = 0;
    return none ? DOOR_ANSWER : DOOR_SHUT;
}

/* Section 4: VER CMD RSV ATYP DST.ADDR DST.PORT, as far as it can be told from what is there. */
static size_t request_length(const struct socks5 *s)
{
    if (s->have < REQUEST_HEAD) {
        return REQUEST_HEAD;
    }
    switch (s->message[3]) {
    case TYPE_V4:
        return REQUEST_HEAD + 4 + PORT;
    case TYPE_V6:
        return REQUEST_HEAD + 16 + PORT;
    default: /* a name behind its length */
        return s->have == REQUEST_HEAD ? REQUEST_HEAD + 1
                                       : (size_t)(REQUEST_HEAD + 1 + s->message[4] + PORT);
    }
}

static bool request_target(const struct socks5 *s, struct target *to)
{
    const uint8_t *address = s->message + REQUEST_HEAD;
    *to = (struct target){.port = load_be16(s->message + s->have - PORT)};
    switch (s->message[3]) {
    case TYPE_V4:
        to->addr = addr_from_bytes(FAMILY_V4, address);
        return true;
    case TYPE_V6:
        to->addr = addr_from_bytes(FAMILY_V6, address);
        return true;
    default:
        memcpy(to->name, address + 1, address[0]);
        return strlen(to->name) == address[0]; /* "good.example\0.bad.example" is neither */
    }
}

/* RSV is not looked at: nothing depends on it, and a client that leaves it unset is no danger. */
static enum door_verdict request_judge(struct socks5 *s, struct target *to,
                                       struct door_answer *answer)
{
    const uint8_t *m = s->message;
    if (m[0] != VERSION) {
        return refuse(s, answer, SOCKS5_FAILURE, "a request of another version");
    }
    if (s->have >= 2 && m[1] != COMMAND_CONNECT) {
        return refuse(s, answer, SOCKS5_BAD_COMMAND, "a command other than CONNECT");
    }
    if (s->have >= REQUEST_HEAD && m[3] != TYPE_V4 && m[3] != TYPE_NAME && m[3] != TYPE_V6) {
        return refuse(s, answer, SOCKS5_BAD_ADDRESS_TYPE, "an unknown type of address");
    }
    if (s->have > REQUEST_HEAD && m[3] == TYPE_NAME && m[4] == 0) {
        return refuse(s, answer, SOCKS5_FAILURE, "an empty name");
    }
    if (s->have < request_length(s)) {
        return DOOR_MORE;
    }
    if (!request_target(s, to)) {
        return refuse(s, answer, SOCKS5_FAILURE, "a name with a NUL in it");
    }
    s->state = SOCKS5_OVER;
    return DOOR_OPEN;
}

enum door_verdict socks5_feed(struct socks5 *s, const uint8_t *data, size_t len, size_t *used,
                              struct target *to, struct door_answer *answer)
{
    assert(s->state != SOCKS5_OVER);
    enum door_verdict verdict = DOOR_MORE;
    *used = 0;
    while (verdict == DOOR_MORE && *used < len) {
        s->message[s->have++] = data[(*used)++];
        verdict =
            s->state == SOCKS5_GREETING ? greeting_judge(s, answer) : request_judge(s, to, answer);
    }
    return verdict;
}
