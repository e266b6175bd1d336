/* SPDX-License-Identifier: MIT */
/* The cryptokey routing table against the list of all prefixes. Six bytes an IPv4 step, eighteen
 * an IPv6 one: what and who, the length, the address. */
#include "unit/wg/routes.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char peers[16];

static struct wg_peer *peer(unsigned i)
{
    return (struct wg_peer *)(void *)&peers[i % sizeof peers];
}

static void check(bool fact)
{
    if (!fact) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct routes m;
    struct allowedips a;
    allowedips_init(&a);
    m.n = 0;
    while (size >= 6 && m.n < ROUTES_MAX) {
        uint8_t what = data[0];
        struct prefix p = {.addr = {.family = what & 0x80 && size >= 18 ? FAMILY_V6 : FAMILY_V4},
                           .len = data[1]};
        size_t width = addr_len(&p.addr);
        memcpy(p.addr.bytes, data + 2, width);
        data += 2 + width;
        size -= 2 + width;
        if (what & 0x40) {
            routes_remove_peer(&m, peer(what));
            allowedips_remove_peer(&a, peer(what));
        } else if (p.len <= width * 8) {
            routes_insert(&m, &p, peer(what));
            check(allowedips_insert(&a, &p, peer(what), NULL) == 0);
        } else {
            check(allowedips_insert(&a, &p, peer(what), NULL) < 0);
        }
        check(allowedips_lookup(&a, &p.addr) == routes_lookup(&m, &p.addr));
        p.addr.bytes[what % width] ^= 1;
        check(allowedips_lookup(&a, &p.addr) == routes_lookup(&m, &p.addr));
    }
    allowedips_fini(&a);
    return 0;
}
