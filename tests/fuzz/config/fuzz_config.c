/* SPDX-License-Identifier: MIT */
/* Any bytes as a configuration file: what is taken keeps the promises of config.h, and what is
 * refused says why. */
#include "config/config.h"

#include "base/err.h"
#include "config/listener.h"
#include "config/sources.h"

#include <assert.h>
#include <stdbool.h>
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

static void check_rules(const struct config_rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert(rules[i].line > 0 && rules[i].first_port <= rules[i].last_port);
        assert(!(rules[i].has_net && rules[i].suffix != NULL));
        assert(rules[i].suffix == NULL || rules[i].suffix[0] != '\0');
    }
}

static void check_target(const struct config_door *d)
{
    assert((d->target_host != NULL) + (d->target_path != NULL) == 1);
    assert(d->target_path == NULL || (d->kind == CONFIG_REVERSE && !d->udp));
    assert(d->target_host == NULL || d->target_port != 0);
}

/* Nobody comes in from outside by accident, and nobody comes in without his password. */
static void check_door(const struct config_door *d)
{
    bool stands_here =
        d->kind == CONFIG_PROXY || d->kind == CONFIG_SNI || d->kind == CONFIG_FORWARD;
    assert(d->line > 0);
    assert(!stands_here || place_is_private(&d->bind) || d->allow_lan || d->n_users > 0);
    assert(!stands_here || d->bind.kind != PLACE_IP || d->bind.at.addr.family != FAMILY_NONE);
    assert(d->kind != CONFIG_PROXY || d->protocols != 0);
    assert(d->kind != CONFIG_REVERSE || d->port != 0);
    if (d->kind == CONFIG_FORWARD || d->kind == CONFIG_STDIO || d->kind == CONFIG_REVERSE) {
        check_target(d);
    }
    for (size_t i = 0; i < d->n_users; i++) {
        assert(d->users[i].name[0] != '\0' && d->users[i].password != NULL &&
               d->users[i].password[0] != '\0');
    }
    check_rules(d->rules, d->n_rules);
}

static void check_config(const struct config *c)
{
    assert(c->n_addresses > 0 && c->n_peers > 0);
    assert(c->mtu == 0 || c->mtu >= 576);
    assert(c->check_alive_interval == 0 || c->n_check_alive > 0);
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
        check_door(&c->doors[i]);
    }
    check_rules(c->rules, c->n_rules);
    assert(c->status_line == 0 || place_is_private(&c->status) || c->status_allow_lan);
}

/* A few variables, one of which holds whatever may stand for something else; no files. */
static const char *variable(void *ctx, const char *name)
{
    (void)ctx;
    static const struct {
        const char *name, *value;
    } all[] = {{"A", "127.0.0.1:1"},
               {"K", "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="},
               {"O", "%(a)s$A\"\\\n[x]"},
               {"E", ""}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].name, name) == 0) {
            return all[i].value;
        }
    }
    return NULL;
}

static const char *file(void *ctx, const char *path, bool is_secret, struct text *out)
{
    (void)ctx;
    (void)path;
    (void)is_secret;
    (void)out;
    return "there are no files here";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sources sources = {.variable = variable, .file = file};
    struct heard h = {0};
    struct config *c;
    int err = config_parse_with(&c, "f", (const char *)data, size, &sources, message, &h);
    assert(err == 0 || err == ERR_INVALID);
    assert((err == 0) == (c != NULL) && (err == 0) == (h.errors == 0));
    if (c != NULL) {
        check_config(c);
    }
    config_free(c);
    return 0;
}
