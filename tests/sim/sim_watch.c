/* SPDX-License-Identifier: MIT */
/* Looks at the wire with the eyes of a stranger who remembers everything. */
#include "sim_watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "unit/test.h"
#include "wg/messages.h"

#define SIDES 2
#define CAPTURED_MAX 64

/* One direction of a session, as its sender knows it. */
struct direction {
    uint32_t to; /* the receiver's index */
    uint32_t
        own; /* the sender's index in the same handshake; of an initiator known with the response */
    bool answered;    /* the sender was the responder */
    bool confirmed;   /* and has heard data under it */
    uint64_t born;    /* when the sender had the keys, since the start */
    uint64_t counter; /* the next */
};

struct capture {
    uint8_t *data;
    size_t len;
};

struct side {
    struct endpoint *allowed;
    size_t n_allowed;
    struct direction *directions; /* the latest last */
    size_t n_directions;
    uint64_t spoke; /* its last handshake message, since the start; NEVER: none in this life */
    struct capture awaiting; /* an initiation that came, accepted if the response follows */
    struct capture captured[CAPTURED_MAX];
    unsigned n_captured;
};

struct sim_watch {
    struct sim *sim;
    size_t largest;
    struct side sides[SIDES];
};

/* Room for one more, and its place. */
static void *grow(void *array, size_t *n, size_t each)
{
    if ((*n & (*n - 1)) == 0) {
        array = realloc(array, (*n == 0 ? 1 : *n * 2) * each);
    }
    memset((char *)array + *n * each, 0, each);
    (*n)++;
    return array;
}

/* ---- addresses ---- */

static bool is_allowed(const struct side *side, const struct endpoint *to)
{
    for (size_t i = 0; i < side->n_allowed; i++) {
        if (endpoint_equal(&side->allowed[i], to)) {
            return true;
        }
    }
    return false;
}

static void allow(struct side *side, const struct endpoint *to)
{
    if (!is_allowed(side, to)) {
        side->allowed = grow(side->allowed, &side->n_allowed, sizeof *side->allowed);
        side->allowed[side->n_allowed - 1] = *to;
    }
}

void sim_watch_allow(struct sim_watch *w, unsigned host, const struct endpoint *to)
{
    allow(&w->sides[host], to);
}

/* ---- sessions ---- */

static struct direction *direction_to(struct side *side, uint32_t to)
{
    for (size_t i = side->n_directions; i-- > 0;) {
        if (side->directions[i].to == to) {
            return &side->directions[i];
        }
    }
    return NULL;
}

static struct direction *new_direction(struct side *side, uint32_t to, uint64_t now)
{
    side->directions = grow(side->directions, &side->n_directions, sizeof *side->directions);
    struct direction *d = &side->directions[side->n_directions - 1];
    *d = (struct direction){.to = to, .born = now};
    return d;
}

static void sends_data(struct sim_watch *w, unsigned by, const uint8_t *data)
{
    struct side *side = &w->sides[by];
    const struct msg_data *msg = (const struct msg_data *)data;
    uint32_t to = load_le32(msg->receiver);
    uint64_t counter = load_le64(msg->counter);
    struct direction *d = direction_to(side, to);
    if (d == NULL) {
        fail_msg("%s sends data to the index %08x, which nobody offered", w->sim->hosts[by].name,
                 (unsigned)to);
        return;
    }
    if (sim_time(w->sim) - d->born >= REJECT_AFTER_TIME) {
        fail_msg("%s sends data under keys that are %llu s old", w->sim->hosts[by].name,
                 (unsigned long long)((sim_time(w->sim) - d->born) / NS_PER_S));
    }
    if (d->answered && !d->confirmed) {
        fail_msg("%s sends data to %08x before the initiator confirmed", w->sim->hosts[by].name,
                 (unsigned)to);
    }
    if (counter != d->counter) {
        fail_msg("%s sends the counter %llu to %08x, and not %llu", w->sim->hosts[by].name,
                 (unsigned long long)counter, (unsigned)to, (unsigned long long)d->counter);
    }
    d->counter++;
}

static void keep_floor(struct sim_watch *w, unsigned by)
{
    uint64_t now = sim_time(w->sim), before = w->sides[by].spoke;
    if (before != NEVER && now - before < REKEY_TIMEOUT) {
        fail_msg("%s sends an initiation %llu ms after another handshake message",
                 w->sim->hosts[by].name, (unsigned long long)((now - before) / NS_PER_MS));
    }
}

static void drop_capture(struct capture *c)
{
    free(c->data);
    *c = (struct capture){0};
}

static struct capture capture(const uint8_t *data, size_t len)
{
    struct capture c = {.data = malloc(len), .len = len};
    memcpy(c.data, data, len);
    return c;
}

/* The latest stay, older ones go by and by. */
static void store(struct side *side, struct capture c)
{
    struct capture *place = &side->captured[side->n_captured++ % CAPTURED_MAX];
    drop_capture(place);
    *place = c;
}

/* A response tells that the initiation was accepted. */
static void sends_response(struct side *side, const struct msg_response *msg, uint64_t now)
{
    struct direction *d = new_direction(side, load_le32(msg->receiver), now);
    d->own = load_le32(msg->sender);
    d->answered = true;
    if (side->awaiting.data != NULL) {
        store(side, side->awaiting);
        side->awaiting = (struct capture){0};
    }
}

static void sent(void *ctx, const struct sim_host *by, const struct endpoint *to,
                 const uint8_t *data, size_t len)
{
    struct sim_watch *w = ctx;
    struct side *side = &w->sides[by->number];
    char text[ENDPOINT_TEXT];
    if (!is_allowed(side, to)) {
        fail_msg("%s sends to %s, which never proved to be the peer", by->name,
                 endpoint_format(to, text));
    }
    if (len > w->largest) {
        fail_msg("%s sends %zu bytes, more than %zu", by->name, len, w->largest);
    }
    switch (msg_type(data)) {
    case MSG_INITIATION:
        keep_floor(w, by->number);
        side->spoke = sim_time(w->sim);
        break;
    case MSG_RESPONSE:
        side->spoke = sim_time(w->sim);
        sends_response(side, (const struct msg_response *)data, side->spoke);
        break;
    case MSG_DATA:
        sends_data(w, by->number, data);
        break;
    default:
        fail_msg("%s sends a message of type %u", by->name, (unsigned)msg_type(data));
    }
}

/* ---- what comes ---- */

static void confirm(struct side *side, uint32_t own)
{
    for (size_t i = side->n_directions; i-- > 0;) {
        if (side->directions[i].answered && side->directions[i].own == own) {
            side->directions[i].confirmed = true;
            return;
        }
    }
}

static void arrives(void *ctx, const struct sim_host *at, const struct endpoint *from,
                    const uint8_t *data, size_t len, bool genuine)
{
    struct sim_watch *w = ctx;
    struct side *side = &w->sides[at->number];
    if (!genuine) {
        return;
    }
    allow(side, from);
    if (msg_type(data) == MSG_INITIATION) {
        drop_capture(&side->awaiting);
        side->awaiting = capture(data, len);
        return;
    }
    if (msg_type(data) == MSG_RESPONSE) {
        uint32_t to = load_le32(((const struct msg_response *)data)->sender);
        if (direction_to(side, to) == NULL) {
            new_direction(side, to, sim_time(w->sim));
        }
    } else if (msg_type(data) == MSG_DATA) {
        confirm(side, load_le32(((const struct msg_data *)data)->receiver));
    }
    store(side, capture(data, len));
}

bool sim_watch_captured(struct sim_watch *w, unsigned host, unsigned pick, const uint8_t **data,
                        size_t *len)
{
    struct side *side = &w->sides[host];
    unsigned n = side->n_captured < CAPTURED_MAX ? side->n_captured : CAPTURED_MAX;
    if (n == 0) {
        return false;
    }
    *data = side->captured[pick % n].data;
    *len = side->captured[pick % n].len;
    return true;
}

/* ---- life ---- */

struct sim_watch *sim_watch_new(struct sim *s, size_t largest)
{
    struct sim_watch *w = calloc(1, sizeof *w);
    w->sim = s;
    w->largest = largest;
    w->sides[0].spoke = w->sides[1].spoke = NEVER;
    s->watcher = (struct sim_watcher){.sent = sent, .arrives = arrives, .ctx = w};
    return w;
}

void sim_watch_restarted(struct sim_watch *w, unsigned host)
{
    struct side *side = &w->sides[host];
    side->n_allowed = 0;
    free(side->allowed);
    side->allowed = NULL;
    side->spoke = NEVER;
    drop_capture(&side->awaiting);
    for (unsigned i = 0; i < CAPTURED_MAX; i++) {
        drop_capture(&side->captured[i]);
    }
    side->n_captured = 0;
}

void sim_watch_free(struct sim_watch *w)
{
    for (unsigned i = 0; i < SIDES; i++) {
        sim_watch_restarted(w, i);
        free(w->sides[i].directions);
    }
    w->sim->watcher = (struct sim_watcher){0};
    free(w);
}
