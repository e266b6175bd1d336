/* SPDX-License-Identifier: MIT */
/* RSV RSV FRAG ATYP DST.ADDR DST.PORT, and the payload. */
#include "proxy/udp_header.h"

#include "base/bytes.h"

#include <string.h>

enum { HEAD = 4, PORT = 2, TYPE_V4 = 1, TYPE_NAME = 3, TYPE_V6 = 4 };

size_t udp_header_parse(struct target *to, uint8_t *fragment, const uint8_t *data, size_t len)
{
    if (len <= HEAD) {
        return 0;
    }
    *to = (struct target){0};
    *fragment = data[2];
    uint8_t type = data[3];
    size_t n = type == TYPE_V4 ? 4 : type == TYPE_V6 ? 16 : type == TYPE_NAME ? 1u + data[HEAD] : 0;
    if (n == 0 || len < HEAD + n + PORT) {
        return 0;
    }
    if (type == TYPE_NAME) {
        memcpy(to->name, data + HEAD + 1, n - 1);
        if (n == 1 || strlen(to->name) != n - 1) {
            return 0;
        }
    } else {
        to->addr = addr_from_bytes(type == TYPE_V4 ? FAMILY_V4 : FAMILY_V6, data + HEAD);
    }
    to->port = load_be16(data + HEAD + n);
    return to->port != 0 ? HEAD + n + PORT : 0;
}

size_t udp_header_write(uint8_t out[UDP_HEADER_MAX], const struct endpoint *from)
{
    size_t n = addr_len(&from->addr);
    memset(out, 0, 3);
    out[3] = from->addr.family == FAMILY_V4 ? TYPE_V4 : TYPE_V6;
    memcpy(out + HEAD, from->addr.bytes, n);
    store_be16(out + HEAD + n, from->port);
    return HEAD + n + PORT;
}
