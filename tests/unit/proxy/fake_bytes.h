/* SPDX-License-Identifier: MIT */
/* What the puppets share: bytes that gather, and how an end was given up. */
#ifndef WGPROXY_TESTS_UNIT_PROXY_FAKE_BYTES_H
#define WGPROXY_TESTS_UNIT_PROXY_FAKE_BYTES_H

#include <stddef.h>
#include <stdint.h>

enum fake_fate { FAKE_OPEN, FAKE_CLOSED, FAKE_ABORTED };

struct fake_bytes {
    uint8_t *data;
    size_t len, size;
};

void fake_append(struct fake_bytes *b, const void *data, size_t len);
void fake_bytes_fini(struct fake_bytes *b);

#endif
