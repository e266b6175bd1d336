/* SPDX-License-Identifier: MIT */
/* One switch per question, a case per protocol. */
#include "proxy/dialect.h"

#include "base/bytes.h"

/* The first byte of each: RFC 1928 section 3, SOCKS4's VN, and a method of HTTP (RFC 9110 section 9.1: upper case by
 * convention). */
static unsigned told_by(uint8_t first)
{
    return first == 5                     ? DOOR_SOCKS5
           : first == 4                   ? DOOR_SOCKS4
           : first >= 'A' && first <= 'Z' ? DOOR_HTTP
                                          : 0;
}

static void speak(struct dialect *d, unsigned protocol)
{
    d->spoken = protocol;
    switch (protocol) {
    case DOOR_SOCKS5:
        socks5_init(&d->socks5, d->terms);
        break;
    case DOOR_SOCKS4:
        socks4_init(&d->socks4, d->terms);
        break;
    case DOOR_HTTP:
        http_door_init(&d->http, d->terms);
        break;
    case DOOR_SNI:
        sni_init(&d->sni, d->terms);
        break;
    default:
        break;
    }
}

void dialect_init(struct dialect *d, const struct door_terms *terms)
{
    d->terms = terms;
    bool one = (terms->protocols & (terms->protocols - 1)) == 0;
    speak(d, one ? terms->protocols : 0);
}

/* A password may have come in. */
void dialect_fini(struct dialect *d)
{
    if (d->spoken == DOOR_SOCKS5) {
        wipe(&d->socks5, sizeof d->socks5);
    } else if (d->spoken == DOOR_HTTP) {
        http_door_fini(&d->http);
    } else if (d->spoken == DOOR_SNI) {
        sni_fini(&d->sni);
    }
    d->spoken = 0;
}

static enum door_verdict refuse(struct door_answer *answer)
{
    answer->why = "a protocol that this door does not speak";
    answer->len = 0;
    return DOOR_SHUT;
}

enum door_verdict dialect_feed(struct dialect *d, const uint8_t *data, size_t len, size_t *used,
                               struct door_ask *ask, struct door_answer *answer)
{
    *used = 0;
    if (d->spoken == 0 && len > 0) {
        speak(d, told_by(data[0]) & d->terms->protocols);
        if (d->spoken == 0) {
            return refuse(answer);
        }
    }
    switch (d->spoken) {
    case 0:
        return DOOR_MORE;
    case DOOR_SOCKS5:
        return socks5_feed(&d->socks5, data, len, used, ask, answer);
    case DOOR_SOCKS4:
        return socks4_feed(&d->socks4, data, len, used, ask, answer);
    case DOOR_HTTP:
        return http_door_feed(&d->http, data, len, used, ask, answer);
    case DOOR_SNI:
        return sni_feed(&d->sni, data, len, used, ask, answer);
    case DOOR_FORWARD:
        *ask = (struct door_ask){.request = DOOR_CONNECT, .target = d->terms->target};
        return DOOR_OPEN;
    default:
        return refuse(answer);
    }
}

void dialect_reply(const struct dialect *d, struct door_answer *answer, int err,
                   const struct endpoint *bound)
{
    answer->len = 0;
    switch (d->spoken) {
    case DOOR_SOCKS5:
        socks5_reply(answer, err, bound);
        break;
    case DOOR_SOCKS4:
        socks4_reply(answer, err, bound);
        break;
    case DOOR_HTTP:
        http_door_reply(&d->http, answer, err);
        break;
    case DOOR_SNI:
        sni_reply(answer, err);
        break;
    default:
        break;
    }
}

void dialect_again(struct dialect *d)
{
    if (d->spoken == DOOR_HTTP) {
        http_door_again(&d->http);
    }
}

const uint8_t *dialect_prelude(const struct dialect *d, size_t *len)
{
    if (d->spoken == DOOR_SNI) {
        *len = d->sni.len;
        return d->sni.raw;
    }
    *len = 0;
    return NULL;
}
