/* SPDX-License-Identifier: MIT */
/* Any bytes as a configuration file: what is taken keeps the promises of config.h, and what is
 * refused says why. */
#include "config/config.h"

#include "base/err.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    unsigned errors;
    unsigned n;
};

static void message(void *ctx, bool is_error, const char *text)
{
    struct heard *h = ctx;
    h->errors += is_error;
    h->n++;
    assert(strncmp(text, "f:", 2) == 0);
    assert(strchr(text, '\n') == NULL);
    for (const char *p = text; *p != '\0'; p++) {
        assert(*p >= ' ' && *p <= '~');
    }
}

static void check_prefix(const struct prefix *p)
{
    assert(p->addr.family == FAMILY_V4 || p->addr.family == FAMILY_V6);
    assert(p->len <= addr_len(&p->addr) * 8);
}

static void check_peer(const struct config_peer *peer)
{
    static const uint8_t zero[KEY_LEN];
    assert(peer->line > 0);
    assert(memcmp(peer->public_key, zero, KEY_LEN) != 0);
    assert(peer->has_preshared_key == (memcmp(peer->preshared_key, zero, KEY_LEN) != 0));
    assert((peer->endpoint_host == NULL) == (peer->endpoint_port == 0));
    for (size_t i = 0; i < peer->n_allowed_ips; i++) {
        check_prefix(&peer->allowed_ips[i]);
    }
}

static void check_config(const struct config *c)
{
    assert(c->n_addresses > 0 && c->n_peers > 0);
    assert(c->mtu == 0 || c->mtu >= 576);
    for (size_t i = 0; i < c->n_addresses; i++) {
        check_prefix(&c->addresses[i]);
    }
    for (size_t i = 0; i < c->n_peers; i++) {
        check_peer(&c->peers[i]);
    }
    for (size_t i = 0; i < c->n_search; i++) {
        assert(c->search[i][0] != '\0');
    }
    for (size_t i = 0; i < c->n_doors; i++) {
        assert(addr_is_loopback(&c->doors[i].bind.at.addr) || c->doors[i].allow_lan);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heard h = {0};
    struct config *c;
    int err = config_parse(&c, "f", (const char *)data, size, message, &h);
    assert(err == 0 || err == ERR_INVALID);
    assert((err == 0) == (c != NULL) && (err == 0) == (h.errors == 0));
    if (c != NULL) {
        check_config(c);
    }
    config_free(c);
    return 0;
}
