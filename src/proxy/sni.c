/* SPDX-License-Identifier: MIT */
/* Finds the server's name in a ClientHello. The records are joined anew at each step, which is cheap: a hello is one or
 * two segments long. */
#include "proxy/sni.h"

#include "base/bytes.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum {
    RECORD_HEAD = 5,
    RECORD_MAX = 16384,
    HANDSHAKE_HEAD = 4,
    TYPE_HANDSHAKE = 22,
    TYPE_ALERT = 21,
    CLIENT_HELLO = 1,
    EXTENSION_SERVER_NAME = 0,
    NAME_TYPE_HOST = 0,
    ALERT_FATAL = 2,
    ALERT_ACCESS_DENIED = 49,
    ALERT_DECODE_ERROR = 50,
    ALERT_INTERNAL_ERROR = 80,
    ALERT_UNRECOGNIZED_NAME = 112,
};

void sni_init(struct sni *s, const struct door_terms *terms)
{
    *s = (struct sni){.terms = terms};
}

void sni_fini(struct sni *s)
{
    free(s->raw);
    *s = (struct sni){0};
}

static void alert(struct door_answer *answer, uint8_t description)
{
    static const uint8_t head[] = {TYPE_ALERT, 3, 3, 0, 2, ALERT_FATAL};
    memcpy(answer->bytes, head, sizeof head);
    answer->bytes[sizeof head] = description;
    answer->len = sizeof head + 1;
}

void sni_reply(struct door_answer *answer, int err)
{
    answer->len = 0;
    if (err != 0) {
        alert(answer, err == ERR_DENIED                          ? ALERT_ACCESS_DENIED
                      : err == ERR_NO_NAME || err == ERR_NO_DATA ? ALERT_UNRECOGNIZED_NAME
                                                                 : ALERT_INTERNAL_ERROR);
    }
}

static enum door_verdict refuse(struct door_answer *answer, uint8_t description, const char *why)
{
    alert(answer, description);
    answer->why = why;
    return DOOR_SHUT;
}

/* ---- reading ---- */

struct cursor {
    const uint8_t *at;
    size_t left;
};

static bool take(struct cursor *c, size_t n, struct cursor *out)
{
    if (c->left < n) {
        return false;
    }
    *out = (struct cursor){c->at, n};
    c->at += n;
    c->left -= n;
    return true;
}

/* A vector behind its length of 1, 2 or 3 bytes. */
static bool take_vector(struct cursor *c, size_t width, struct cursor *out)
{
    struct cursor length;
    size_t n = 0;
    if (!take(c, width, &length)) {
        return false;
    }
    for (size_t i = 0; i < width; i++) {
        n = n << 8 | length.at[i];
    }
    return take(c, n, out);
}

/* What a hello says: a name, no name, or that it is none. */
enum found { FOUND_NAME, FOUND_NO_NAME, FOUND_NONSENSE };

static enum found take_name(struct cursor list, struct target *to)
{
    struct cursor names, type, name;
    if (!take_vector(&list, 2, &names) || !take(&names, 1, &type) ||
        !take_vector(&names, 2, &name)) {
        return FOUND_NONSENSE;
    }
    if (type.at[0] != NAME_TYPE_HOST || name.left == 0 || name.left > TARGET_NAME_MAX ||
        memchr(name.at, 0, name.left) != NULL) {
        return FOUND_NONSENSE;
    }
    memcpy(to->name, name.at, name.left);
    to->name[name.left] = '\0';
    struct addr literal;
    return addr_parse(&literal, to->name) ? FOUND_NO_NAME : FOUND_NAME; /* RFC 6066: no addresses */
}

static enum found read_hello(struct cursor hello, struct target *to)
{
    struct cursor skipped, extensions;
    bool good = take(&hello, 2 + 32, &skipped) && take_vector(&hello, 1, &skipped) &&
                take_vector(&hello, 2, &skipped) && take_vector(&hello, 1, &skipped);
    if (!good) {
        return FOUND_NONSENSE;
    }
    if (hello.left == 0) {
        return FOUND_NO_NAME;
    }
    if (!take_vector(&hello, 2, &extensions)) {
        return FOUND_NONSENSE;
    }
    while (extensions.left > 0) {
        struct cursor type, body;
        if (!take(&extensions, 2, &type) || !take_vector(&extensions, 2, &body)) {
            return FOUND_NONSENSE;
        }
        if (load_be16(type.at) == EXTENSION_SERVER_NAME) {
            return take_name(body, to);
        }
    }
    return FOUND_NO_NAME;
}

/* ---- records ---- */

/* The length of the handshake message at the front, its head included; SIZE_MAX while that is not known. */
static size_t message_length(const uint8_t *message, size_t n)
{
    return n < HANDSHAKE_HEAD
               ? SIZE_MAX
               : HANDSHAKE_HEAD + ((size_t)message[1] << 16 | load_be16(message + 2));
}

/* The handshake bytes of the records that are there, joined into `out` until its message is whole: what follows is not
 * looked at. False for what is no handshake record. */
static bool join(const struct sni *s, uint8_t *out, size_t *n)
{
    struct cursor c = {s->raw, s->len};
    *n = 0;
    while (c.left > 0 && *n < message_length(out, *n)) {
        if (c.at[0] != TYPE_HANDSHAKE || (c.left > 1 && c.at[1] != 3)) {
            return false;
        }
        if (c.left < RECORD_HEAD) {
            return true;
        }
        size_t len = load_be16(c.at + 3);
        if (len == 0 || len > RECORD_MAX) {
            return false;
        }
        size_t have = c.left - RECORD_HEAD < len ? c.left - RECORD_HEAD : len;
        have = have < SNI_HELLO_MAX - *n ? have : SNI_HELLO_MAX - *n;
        memcpy(out + *n, c.at + RECORD_HEAD, have);
        *n += have;
        if (c.left - RECORD_HEAD < len) {
            return true;
        }
        c.at += RECORD_HEAD + len;
        c.left -= RECORD_HEAD + len;
    }
    return true;
}

static enum door_verdict judge(const struct sni *s, struct door_ask *ask,
                               struct door_answer *answer)
{
    uint8_t *joined = malloc(SNI_HELLO_MAX);
    enum door_verdict verdict = DOOR_MORE;
    size_t n;
    if (joined == NULL) {
        return refuse(answer, ALERT_INTERNAL_ERROR, err_text(ERR_NOMEM));
    }
    if (!join(s, joined, &n) || (n > 0 && joined[0] != CLIENT_HELLO)) {
        verdict = refuse(answer, ALERT_DECODE_ERROR, "not TLS");
    } else if (n >= HANDSHAKE_HEAD) {
        size_t len = message_length(joined, n) - HANDSHAKE_HEAD;
        *ask = (struct door_ask){.request = DOOR_CONNECT, .target.port = s->terms->target.port};
        if (len > SNI_HELLO_MAX - HANDSHAKE_HEAD) {
            verdict = refuse(answer, ALERT_DECODE_ERROR, "a ClientHello that is too long");
        } else if (n >= HANDSHAKE_HEAD + len) {
            enum found found =
                read_hello((struct cursor){joined + HANDSHAKE_HEAD, len}, &ask->target);
            verdict =
                found == FOUND_NAME ? DOOR_OPEN
                : found == FOUND_NO_NAME
                    ? refuse(answer, ALERT_UNRECOGNIZED_NAME, "a ClientHello without a server name")
                    : refuse(answer, ALERT_DECODE_ERROR, "not a ClientHello");
        }
    }
    free(joined);
    return verdict;
}

static bool append(struct sni *s, const uint8_t *data, size_t len)
{
    if (s->len + len > s->room) {
        size_t room = 2 * (s->len + len);
        uint8_t *wider = realloc(s->raw, room);
        if (wider == NULL) {
            return false;
        }
        s->raw = wider;
        s->room = room;
    }
    memcpy(s->raw + s->len, data, len);
    s->len += len;
    return true;
}

enum door_verdict sni_feed(struct sni *s, const uint8_t *data, size_t len, size_t *used,
                           struct door_ask *ask, struct door_answer *answer)
{
    /* Even one byte a record does not need more than this. */
    const size_t raw_max = SNI_HELLO_MAX * (RECORD_HEAD + 1);
    *used = len;
    if (len == 0) {
        return DOOR_MORE;
    }
    if (s->len + len > raw_max || !append(s, data, len)) {
        return refuse(answer, ALERT_DECODE_ERROR, "a ClientHello that is too long");
    }
    return judge(s, ask, answer);
}
