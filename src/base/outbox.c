/* SPDX-License-Identifier: MIT */
/* Storage of the outgoing batch. */
#include "base/outbox.h"

#include <assert.h>
#include <stdlib.h>

#include "base/err.h"

int outbox_init(struct outbox *ob, size_t size, unsigned max_msgs)
{
    assert(size <= UINT32_MAX && size % 16 == 0);
    *ob = (struct outbox){.size = size, .max = max_msgs};
    ob->buf = aligned_alloc(16, size);
    ob->msgs = calloc(max_msgs, sizeof *ob->msgs);
    if (ob->buf == NULL || ob->msgs == NULL) {
        outbox_fini(ob);
        return ERR_NOMEM;
    }
    return 0;
}

void outbox_fini(struct outbox *ob)
{
    free(ob->buf);
    free(ob->msgs);
    *ob = (struct outbox){0};
}

void outbox_commit(struct outbox *ob, size_t len, const struct endpoint *to, uint8_t tos)
{
    assert(outbox_has_room(ob, len) && len <= UINT16_MAX);
    ob->msgs[ob->n++] = (struct outbox_msg){
        .offset = (uint32_t)ob->used,
        .len = (uint16_t)len,
        .tos = tos,
        .to = *to,
    };
    ob->used += len;
}
