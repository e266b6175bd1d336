/* SPDX-License-Identifier: MIT */
/* A ring of pointers; packets wait rarely, so each is allocated in its own size. What is freed is
 * wiped: it is what the tunnel is there to hide. */
#include "wg/staged.h"

#include <assert.h>
#include <stdlib.h>

void staged_init(struct staged *s)
{
    *s = (struct staged){0};
}

void staged_purge(struct staged *s)
{
    while (!staged_is_empty(s)) {
        staged_pop(s);
    }
}

bool staged_push(struct staged *s, const uint8_t *data, size_t len)
{
    struct staged_packet *p = malloc(sizeof *p + len);
    if (p == NULL) {
        return false;
    }
    if (s->n == STAGED_MAX) {
        staged_pop(s);
    }
    p->len = len;
    memcpy(p->data, data, len);
    s->ring[(s->first + s->n++) % STAGED_MAX] = p;
    return true;
}

const struct staged_packet *staged_peek(const struct staged *s)
{
    return staged_is_empty(s) ? NULL : s->ring[s->first];
}

void staged_pop(struct staged *s)
{
    assert(s->n > 0);
    struct staged_packet *p = s->ring[s->first];
    s->ring[s->first] = NULL;
    s->first = (s->first + 1) % STAGED_MAX;
    s->n--;
    wipe(p->data, p->len);
    free(p);
}
