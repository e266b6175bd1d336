/* SPDX-License-Identifier: MIT */
/* Sets up a far WireGuard endpoint and a client tunnel to it in one process, over a real UDP socket on loopback, and
 * fetches the far page through its own SOCKS5 proxy. Both configurations go through the ordinary parser. */
#include "cmd/demo.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/bytes.h"
#include "base/err.h"
#include "cmd/demo_far.h"
#include "cmd/demo_fetch.h"
#include "cmd/world.h"

#define FAR_V4 "10.99.0.1"
#define FAR_V6 "fd99::1"
#define CLIENT_V4 "10.99.0.2"
#define CLIENT_V6 "fd99::2"

struct demo {
    struct world world;
    struct demo_far *far;
    struct demo_fetch *fetch;
    struct endpoint socks; /* where the proxy stands */
    bool once;
    bool proven;
};

struct key_pair {
    uint8_t private_key[KEY_LEN];
    char private_text[KEY_TEXT];
    char public_text[KEY_TEXT];
};

static void make_keys(struct key_pair *k, const struct rng *rng)
{
    uint8_t public_key[KEY_LEN];
    rng_fill(rng, k->private_key, KEY_LEN);
    wg_clamp(k->private_key);
    (void)wg_public_key(public_key, k->private_key); /* a clamped key has a public half */
    key_to_base64(k->private_text, k->private_key);
    key_to_base64(k->public_text, public_key);
}

/* The far end waits on whatever port it is given, which the parser warns of: that is as it should be here. */
static void message(void *ctx, bool is_error, const char *line)
{
    log_line(ctx, is_error ? LOG_ERROR : LOG_DEBUG, "%s", line);
}

static int add_tunnel(struct demo *d, const char *name, char *text, struct tunnel **out)
{
    struct config *c = NULL;
    int err = config_parse(&c, name, text, strlen(text), message, &d->world.log);
    wipe(text, strlen(text));
    if (err == 0) {
        err = app_add_tunnel(d->world.app, c, NULL, NULL, out, io_now(d->world.loop));
    }
    config_free(c);
    return err;
}

static int add_far(struct demo *d, const struct key_pair *far, const struct key_pair *client,
                   struct tunnel **out)
{
    char text[1024];
    snprintf(text, sizeof text,
             "[Interface]\nPrivateKey = %s\nAddress = " FAR_V4 "/32, " FAR_V6 "/128\n"
             "[Peer]\nPublicKey = %s\nAllowedIPs = " CLIENT_V4 "/32, " CLIENT_V6 "/128\n",
             far->private_text, client->public_text);
    int err = add_tunnel(d, "far.conf", text, out);
    if (err != 0) {
        return err;
    }
    struct addr v4, v6;
    if (!addr_parse(&v4, FAR_V4) || !addr_parse(&v6, FAR_V6)) {
        return ERR_INVALID;
    }
    return demo_far_start(&d->far, tunnel_stack(*out), &v4, &v6);
}

static int add_client(struct demo *d, const struct key_pair *far, const struct key_pair *client,
                      uint16_t port)
{
    char text[1024];
    snprintf(text, sizeof text,
             "[Interface]\nPrivateKey = %s\nAddress = " CLIENT_V4 "/32, " CLIENT_V6
             "/128\nDNS = " FAR_V4 "\n"
             "[Peer]\nPublicKey = %s\nAllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = 127.0.0.1:%u\n",
             client->private_text, far->public_text, (unsigned)port);
    struct tunnel *tunnel;
    int err = add_tunnel(d, "client.conf", text, &tunnel);
    if (err == 0) {
        struct endpoint at = d->socks;
        err = app_add_socks(d->world.app, tunnel, &at, &d->socks);
    }
    return err;
}

static int set_up(struct demo *d, uint16_t *far_port)
{
    struct key_pair far, client;
    struct tunnel *far_tunnel;
    make_keys(&far, &d->world.env.rng);
    make_keys(&client, &d->world.env.rng);
    int err = add_far(d, &far, &client, &far_tunnel);
    if (err == 0) {
        *far_port = tunnel_port(far_tunnel);
        err = add_client(d, &far, &client, *far_port);
    }
    wipe(&far, sizeof far);
    wipe(&client, sizeof client);
    return err;
}

static void describe(const struct demo *d, uint16_t far_port)
{
    char at[ENDPOINT_TEXT];
    printf(
        "wgproxy demo: two ends of a WireGuard tunnel, on this machine alone, without privileges\n"
        "  far end    127.0.0.1:%u/udp; inside the tunnel " FAR_V4 " and " FAR_V6 "\n"
        "             with a web page and a DNS server that knows " DEMO_NAME "\n"
        "  client     inside the tunnel " CLIENT_V4 " and " CLIENT_V6 "; SOCKS5 proxy on %s\n",
        (unsigned)far_port, endpoint_format(&d->socks, at));
}

static void invite(const struct demo *d)
{
    char at[ENDPOINT_TEXT];
    endpoint_format(&d->socks, at);
    printf("\nTry it in another terminal (Ctrl-C here ends the demo):\n"
           "  curl -x socks5h://%s http://" DEMO_NAME "/\n"
           "  curl -x socks5h://%s 'http://[" FAR_V6 "]/'\n"
           "  curl --max-time 3 http://" FAR_V4
           "/          # without the proxy: there is no such address\n",
           at, at);
}

static void fetched(void *ctx, int err, unsigned reply, const char *body, size_t len)
{
    struct demo *d = ctx;
    d->fetch = NULL;
    d->proven = err == 0 && len == strlen(demo_page) && memcmp(body, demo_page, len) == 0;
    if (d->proven) {
        printf("  proof      fetched http://" DEMO_NAME
               "/ through the proxy: %zu bytes, as they should be\n",
               len);
    } else if (err == 0) {
        log_error(&d->world.log,
                  "the page that came through the tunnel is not the one behind it (%zu bytes)",
                  len);
    } else if (err == ERR_REFUSED && reply != 0) {
        log_error(&d->world.log, "the proxy refused the page: SOCKS reply %u", reply);
    } else {
        log_error(&d->world.log, "the page did not come through the tunnel: %s", err_text(err));
    }
    if (d->once || !d->proven) {
        io_loop_stop(d->world.loop);
    } else {
        invite(d);
    }
    fflush(stdout);
}

static int prove(struct demo *d)
{
    return demo_fetch_start(&d->fetch, d->world.loop, &d->socks, DEMO_NAME, fetched, d);
}

int demo_run(const struct endpoint *socks, bool once, enum log_level level)
{
    struct demo d = {.socks = *socks, .once = once};
    uint16_t far_port = 0;
    if (world_init(&d.world, level) != 0) {
        return 1;
    }
    int err = set_up(&d, &far_port);
    if (err == 0) {
        describe(&d, far_port);
        err = prove(&d);
    }
    if (err == 0) {
        world_run(&d.world);
    } else {
        log_error(&d.world.log, "the demo could not be set up: %s", err_text(err));
    }
    demo_fetch_cancel(d.fetch);
    demo_far_stop(d.far);
    world_fini(&d.world);
    return d.proven ? 0 : 1;
}
