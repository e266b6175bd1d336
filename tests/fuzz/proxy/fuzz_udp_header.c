/* SPDX-License-Identifier: MIT */
/* Any bytes as a datagram of a SOCKS5 client: what is read of an address is what would be written. */
#include "proxy/udp_header.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct target to;
    uint8_t fragment, again[UDP_HEADER_MAX];
    size_t n = udp_header_parse(&to, &fragment, data, size);
    assert(n <= size);
    if (n == 0) {
        return 0;
    }
    assert(to.port != 0 && fragment == data[2]);
    assert((to.addr.family == FAMILY_NONE) == (to.name[0] != '\0'));
    assert(memchr(to.name, '\0', sizeof to.name) != NULL);
    /* An IPv4 address that came as a mapped one of IPv6 is read as what it is. */
    if (to.addr.family == (data[3] == 1 ? FAMILY_V4 : FAMILY_V6)) {
        struct endpoint from = {.addr = to.addr, .port = to.port};
        assert(udp_header_write(again, &from) == n && memcmp(again + 3, data + 3, n - 3) == 0);
    }
    return 0;
}
