/* SPDX-License-Identifier: MIT */
/* Finds the server's name in a ClientHello. Its records are joined as they come, and what came is kept beside that, as it
 * is, for the target. */
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
    free(s->hello);
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

/* One name, and nothing behind it: there are no others than of hosts, and none may be there twice. */
static enum found take_name(struct cursor list, struct target *to)
{
    struct cursor names, type, name;
    if (!take_vector(&list, 2, &names) || !take(&names, 1, &type) ||
        !take_vector(&names, 2, &name) || names.left > 0 || list.left > 0) {
        return FOUND_NONSENSE;
    }
    if (type.at[0] != NAME_TYPE_HOST || name.left == 0 || name.left > TARGET_NAME_MAX ||
        memchr(name.at, 0, name.left) != NULL) {
        return FOUND_NONSENSE;
    }
    memcpy(to->name, name.at, name.left);
    to->name[name.left] = '\0';
    struct addr literal; /* RFC 6066: no addresses, in brackets or without */
    bool is_name = !addr_parse(&literal, to->name) && strpbrk(to->name, "[]:") == NULL;
    return is_name ? FOUND_NAME : FOUND_NO_NAME;
}

/* The last one may be looked at by others, so there is only one (RFC 8446 section 4.2). */
static enum found find_name(struct cursor extensions, struct target *to)
{
    enum found found = FOUND_NO_NAME;
    bool has_names = false;
    while (extensions.left > 0) {
        struct cursor type, body;
        if (!take(&extensions, 2, &type) || !take_vector(&extensions, 2, &body)) {
            return FOUND_NONSENSE;
        }
        if (load_be16(type.at) != EXTENSION_SERVER_NAME) {
            continue;
        }
        if (has_names) {
            return FOUND_NONSENSE;
        }
        has_names = true;
        found = take_name(body, to);
    }
    return found;
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
    if (!take_vector(&hello, 2, &extensions) || hello.left > 0) {
        return FOUND_NONSENSE;
    }
    return find_name(extensions, to);
}

/* ---- records ---- */

/* The length of the handshake message at the front, its head included; SIZE_MAX while that is not known. */
static size_t message_length(const uint8_t *message, size_t n)
{
    return n < HANDSHAKE_HEAD
               ? SIZE_MAX
               : HANDSHAKE_HEAD + ((size_t)message[1] << 16 | load_be16(message + 2));
}

static bool append(uint8_t **to, size_t *at, size_t *room, const uint8_t *data, size_t len)
{
    if (*at + len > *room) {
        size_t wider = 2 * (*at + len);
        uint8_t *bytes = realloc(*to, wider);
        if (bytes == NULL) {
            return false;
        }
        *to = bytes;
        *room = wider;
    }
    if (len > 0) {
        memcpy(*to + *at, data, len);
        *at += len;
    }
    return true;
}

enum joined { JOINED, JOIN_NO_RECORD, JOIN_NO_MEMORY };

/* The handshake bytes of what came, until their message is whole: what follows is not looked at. */
static enum joined join(struct sni *s)
{
    while (s->record < s->len && s->hello_len < message_length(s->hello, s->hello_len)) {
        struct cursor c = {s->raw + s->record, s->len - s->record};
        if (c.at[0] != TYPE_HANDSHAKE || (c.left > 1 && c.at[1] != 3)) {
            return JOIN_NO_RECORD;
        }
        if (c.left < RECORD_HEAD) {
            break;
        }
        size_t len = load_be16(c.at + 3);
        if (len == 0 || len > RECORD_MAX) {
            return JOIN_NO_RECORD;
        }
        size_t have = c.left - RECORD_HEAD < len ? c.left - RECORD_HEAD : len;
        size_t fresh = have - s->taken, most = SNI_HELLO_MAX - s->hello_len;
        if (!append(&s->hello, &s->hello_len, &s->hello_room, c.at + RECORD_HEAD + s->taken,
                    fresh < most ? fresh : most)) {
            return JOIN_NO_MEMORY;
        }
        s->taken = have;
        if (have < len) {
            break;
        }
        s->record += RECORD_HEAD + len;
        s->taken = 0;
    }
    return JOINED;
}

static enum door_verdict judge_hello(const struct sni *s, struct door_ask *ask,
                                     struct door_answer *answer)
{
    size_t len = message_length(s->hello, s->hello_len) - HANDSHAKE_HEAD;
    *ask = (struct door_ask){.request = DOOR_CONNECT, .target.port = s->terms->target.port};
    if (len > SNI_HELLO_MAX - HANDSHAKE_HEAD) {
        return refuse(answer, ALERT_DECODE_ERROR, "a ClientHello that is too long");
    }
    if (s->hello_len < HANDSHAKE_HEAD + len) {
        return DOOR_MORE;
    }
    switch (read_hello((struct cursor){s->hello + HANDSHAKE_HEAD, len}, &ask->target)) {
    case FOUND_NAME:
        return DOOR_OPEN;
    case FOUND_NO_NAME:
        return refuse(answer, ALERT_UNRECOGNIZED_NAME, "a ClientHello without a server name");
    case FOUND_NONSENSE:
        break;
    }
    return refuse(answer, ALERT_DECODE_ERROR, "not a ClientHello");
}

static enum door_verdict judge(struct sni *s, struct door_ask *ask, struct door_answer *answer)
{
    enum joined joined = join(s);
    if (joined == JOIN_NO_MEMORY) {
        return refuse(answer, ALERT_INTERNAL_ERROR, err_text(ERR_NOMEM));
    }
    if (joined == JOIN_NO_RECORD || (s->hello_len > 0 && s->hello[0] != CLIENT_HELLO)) {
        return refuse(answer, ALERT_DECODE_ERROR, "not TLS");
    }
    return s->hello_len < HANDSHAKE_HEAD ? DOOR_MORE : judge_hello(s, ask, answer);
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
    if (s->len + len > raw_max) {
        return refuse(answer, ALERT_DECODE_ERROR, "a ClientHello that is too long");
    }
    if (!append(&s->raw, &s->len, &s->room, data, len)) {
        return refuse(answer, ALERT_INTERNAL_ERROR, err_text(ERR_NOMEM));
    }
    return judge(s, ask, answer);
}
