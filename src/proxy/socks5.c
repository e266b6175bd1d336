/* SPDX-License-Identifier: MIT */
/* Parses and builds the messages of RFC 1928 and RFC 1929. A message is gathered until its length is known and
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
    METHOD_PASSWORD = 0x02,
    METHOD_NOT_ACCEPTABLE = 0xff,
    LOGIN_VERSION = 1,
    LOGIN_RIGHT = 0,
    LOGIN_WRONG = 1,
    COMMAND_CONNECT = 1,
    COMMAND_BIND = 2,
    COMMAND_ASSOCIATE = 3,
    TYPE_V4 = 1,
    TYPE_NAME = 3,
    TYPE_V6 = 4,
};

enum {
    GREETING_HEAD = 2, /* VER NMETHODS */
    LOGIN_HEAD = 2,    /* VER ULEN */
    REQUEST_HEAD = 4,  /* VER CMD RSV ATYP */
    REPLY_HEAD = 4,    /* VER REP RSV ATYP */
    PORT = 2,
};

void socks5_init(struct socks5 *s, const struct door_terms *terms)
{
    s->terms = terms;
    s->user = NULL;
    s->state = SOCKS5_GREETING;
    s->have = 0;
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
    answer->len = (uint16_t)(REPLY_HEAD + n + PORT);
}

enum socks5_code socks5_code_of(int err)
{
    switch (err) {
    case 0:
        return SOCKS5_SUCCEEDED;
    case ERR_PERM:
    case ERR_DENIED:
        return SOCKS5_DENIED;
    case ERR_REFUSED:
        return SOCKS5_REFUSED;
    case ERR_NO_ROUTE:
    case ERR_NO_FAMILY: /* as a kernel says it; not 08, for the door knows the type */
        return SOCKS5_NETWORK_UNREACHABLE;
    case ERR_UNREACHABLE:
    case ERR_PEER_SILENT:
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
    int method = s->terms->users != NULL ? METHOD_PASSWORD : METHOD_NONE;
    bool offered = memchr(s->message + GREETING_HEAD, method, s->message[1]) != NULL;
    answer->bytes[0] = VERSION;
    answer->bytes[1] = (uint8_t)(offered ? method : METHOD_NOT_ACCEPTABLE);
    answer->len = 2;
    answer->why = "no authentication method in common";
    s->have = 0;
    if (!offered) {
        s->state = SOCKS5_OVER;
        return DOOR_SHUT;
    }
    s->state = method == METHOD_PASSWORD ? SOCKS5_LOGIN : SOCKS5_REQUEST;
    return DOOR_ANSWER;
}

/* RFC 1929 section 2: VER ULEN UNAME PLEN PASSWD, as far as it can be told from what is there. */
static size_t login_length(const struct socks5 *s)
{
    if (s->have < LOGIN_HEAD) {
        return LOGIN_HEAD;
    }
    size_t before = (size_t)LOGIN_HEAD + s->message[1] + 1;
    return s->have < before ? before : before + s->message[before - 1];
}

static enum door_verdict login_judge(struct socks5 *s, struct door_answer *answer)
{
    const uint8_t *m = s->message;
    bool known = m[0] == LOGIN_VERSION;
    if (known && s->have < login_length(s)) {
        return DOOR_MORE;
    }
    if (known) {
        const uint8_t *password = m + LOGIN_HEAD + m[1] + 1;
        s->user = users_check(s->terms->users, m + LOGIN_HEAD, m[1], password, password[-1]);
    }
    answer->bytes[0] = LOGIN_VERSION;
    answer->bytes[1] = s->user != NULL ? LOGIN_RIGHT : LOGIN_WRONG;
    answer->len = 2;
    answer->why = known ? "no such user, or another password" : "a login of another version";
    wipe(s->message, sizeof s->message);
    s->have = 0;
    s->state = s->user != NULL ? SOCKS5_REQUEST : SOCKS5_OVER;
    return s->user != NULL ? DOOR_ANSWER : DOOR_SHUT;
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

static enum door_request request_command(const struct socks5 *s)
{
    uint8_t command = s->message[1];
    return command == COMMAND_BIND        ? DOOR_BIND
           : command == COMMAND_ASSOCIATE ? DOOR_ASSOCIATE
                                          : DOOR_CONNECT;
}

static bool knows_command(const struct socks5 *s)
{
    switch (s->message[1]) {
    case COMMAND_CONNECT:
        return true;
    case COMMAND_BIND:
        return s->terms->binds;
    case COMMAND_ASSOCIATE:
        return s->terms->associates;
    default:
        return false;
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

/* Only an ASSOCIATE may leave open where it goes. */
static bool has_empty_name(const struct socks5 *s)
{
    const uint8_t *m = s->message;
    return s->have > REQUEST_HEAD && m[3] == TYPE_NAME && m[4] == 0 && m[1] != COMMAND_ASSOCIATE;
}

/* RSV is not looked at: nothing depends on it, and a client that leaves it unset is no danger. */
static enum door_verdict request_judge(struct socks5 *s, struct door_ask *ask,
                                       struct door_answer *answer)
{
    const uint8_t *m = s->message;
    if (m[0] != VERSION) {
        return refuse(s, answer, SOCKS5_FAILURE, "a request of another version");
    }
    if (s->have >= 2 && !knows_command(s)) {
        return refuse(s, answer, SOCKS5_BAD_COMMAND, "a command that this door does not know");
    }
    if (s->have >= REQUEST_HEAD && m[3] != TYPE_V4 && m[3] != TYPE_NAME && m[3] != TYPE_V6) {
        return refuse(s, answer, SOCKS5_BAD_ADDRESS_TYPE, "an unknown type of address");
    }
    if (has_empty_name(s)) {
        return refuse(s, answer, SOCKS5_FAILURE, "an empty name");
    }
    if (s->have < request_length(s)) {
        return DOOR_MORE;
    }
    if (!request_target(s, &ask->target)) {
        return refuse(s, answer, SOCKS5_FAILURE, "a name with a NUL in it");
    }
    ask->request = request_command(s);
    ask->user = s->user;
    s->state = SOCKS5_OVER;
    return DOOR_OPEN;
}

static enum door_verdict judge(struct socks5 *s, struct door_ask *ask, struct door_answer *answer)
{
    switch (s->state) {
    case SOCKS5_GREETING:
        return greeting_judge(s, answer);
    case SOCKS5_LOGIN:
        return login_judge(s, answer);
    case SOCKS5_REQUEST:
        return request_judge(s, ask, answer);
    case SOCKS5_OVER:
        break;
    }
    assert(false && "fed after its verdict");
    return DOOR_SHUT;
}

enum door_verdict socks5_feed(struct socks5 *s, const uint8_t *data, size_t len, size_t *used,
                              struct door_ask *ask, struct door_answer *answer)
{
    enum door_verdict verdict = DOOR_MORE;
    *used = 0;
    while (verdict == DOOR_MORE && *used < len) {
        s->message[s->have++] = data[(*used)++];
        verdict = judge(s, ask, answer);
    }
    return verdict;
}
