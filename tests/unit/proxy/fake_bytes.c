/* SPDX-License-Identifier: MIT */
/* Bytes that gather. */
#include "fake_bytes.h"

#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

void fake_append(struct fake_bytes *b, const void *data, size_t len)
{
    if (b->len + len > b->size) {
        b->size = (b->len + len) * 2;
        b->data = realloc(b->data, b->size);
        assert_non_null(b->data);
    }
    if (len > 0) {
        memcpy(b->data + b->len, data, len);
        b->len += len;
    }
}

void fake_bytes_fini(struct fake_bytes *b)
{
    free(b->data);
    *b = (struct fake_bytes){0};
}
