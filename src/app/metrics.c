/* SPDX-License-Identifier: MIT */
/* Tables: one row for each metric, so that both forms and their order are seen at a glance. */
#include "app/metrics.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "stack/stack_tcp.h"

/* ---- WireGuard's words ---- */

static void write_hex(struct words *out, const char *name, const uint8_t key[KEY_LEN])
{
    words_add(out, "%s=", name);
    for (size_t i = 0; i < KEY_LEN; i++) {
        words_add(out, "%02x", key[i]);
    }
    words_add(out, "\n");
}

static void write_peer(struct words *out, const struct wg_peer *peer,
                       const struct config_peer *config)
{
    struct wg_peer_status st;
    char text[ENDPOINT_TEXT], net[PREFIX_TEXT];
    wg_peer_get(peer, &st);
    write_hex(out, "public_key", st.public_key);
    words_add(out, "preshared_key=REDACTED\nprotocol_version=1\n");
    if (st.endpoint.addr.family != FAMILY_NONE) {
        words_add(out, "endpoint=%s\n", endpoint_format(&st.endpoint, text));
    }
    words_add(out, "last_handshake_time_sec=%" PRIu64 "\nlast_handshake_time_nsec=%" PRIu64 "\n",
              st.last_handshake_wall / NS_PER_S, st.last_handshake_wall % NS_PER_S);
    words_add(out, "tx_bytes=%" PRIu64 "\nrx_bytes=%" PRIu64 "\n", st.tx_bytes, st.rx_bytes);
    words_add(out, "persistent_keepalive_interval=%u\n", (unsigned)config->keepalive);
    for (size_t i = 0; i < config->n_allowed_ips; i++) {
        words_add(out, "allowed_ip=%s\n", prefix_format(&config->allowed_ips[i], net));
    }
}

/* How the datagrams of the outside are moved. */
static void write_datagrams(struct words *out, const struct dgram_counters *c)
{
    words_add(out, "udp_gso=%d\nudp_gro=%d\n", c->gso, c->gro);
    words_add(out, "udp_tx_datagrams=%" PRIu64 "\nudp_tx_calls=%" PRIu64 "\n", c->sent,
              c->send_calls);
    words_add(out, "udp_tx_dropped=%" PRIu64 "\nudp_tx_undelivered=%" PRIu64 "\n", c->send_dropped,
              c->undelivered);
    words_add(out, "udp_rx_datagrams=%" PRIu64 "\nudp_rx_calls=%" PRIu64 "\n", c->received,
              c->receive_calls);
    words_add(out, "udp_rx_dropped=%" PRIu64 "\n", c->receive_dropped);
}

/* ---- what is dropped ---- */

struct reason {
    char name[24]; /* the constant's, without what all have in front, in lower case */
    bool is_inner; /* by the stack's gate, of packets that a peer sent in good form */
    unsigned code;
};

#define WG_REASON(name, words) {#name, false, name},
#define STACK_REASON(name, words) {#name, true, name},
static const struct reason reasons[] = {WG_RX_TABLE(WG_REASON) STACK_DROP_TABLE(STACK_REASON)};

/* What stands behind "_DROP_", NULL for a verdict that is none. */
static const char *reason_name(const struct reason *r, char out[sizeof r->name])
{
    const char *found = strstr(r->name, "_DROP_");
    size_t i = 0;
    if (found == NULL) {
        return NULL;
    }
    for (found += strlen("_DROP_"); found[i] != '\0'; i++) {
        out[i] = (char)tolower((unsigned char)found[i]);
    }
    out[i] = '\0';
    return out;
}

static uint64_t reason_count(const struct reason *r, struct tunnel *t)
{
    return r->is_inner ? stack_drop_count(tunnel_stack(t), (enum stack_drop)r->code)
                       : wg_rx_count(tunnel_wg(t), (enum wg_rx)r->code);
}

static void write_drops(struct words *out, struct tunnel *t)
{
    char name[sizeof reasons[0].name];
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
        uint64_t count = reason_count(&reasons[i], t);
        if (count > 0 && reason_name(&reasons[i], name) != NULL) {
            words_add(out, "%s_dropped_%s=%" PRIu64 "\n", reasons[i].is_inner ? "inner" : "outer",
                      name, count);
        }
    }
}

void metrics_write(struct words *out, const struct env *env, struct alive *const *tunnels, size_t n)
{
    words_add(out, "aead=%s\nworkers=%u\n", wg_suite_name(),
              env->parallel != NULL ? env->parallel->workers : 0);
    for (size_t i = 0; i < n; i++) {
        const struct config *c = alive_config(tunnels[i]);
        struct tunnel *t = alive_tunnel(tunnels[i]);
        size_t k = 0;
        words_add(out, "tunnel=%s\n", c->path);
        write_hex(out, "own_public_key", wg_own_public_key(tunnel_wg(t)));
        words_add(out, "private_key=REDACTED\nlisten_port=%u\n", (unsigned)tunnel_port(t));
        struct dgram_counters datagrams = tunnel_datagrams(t);
        write_datagrams(out, &datagrams);
        write_drops(out, t);
        for (struct wg_peer *p = wg_peer_first(tunnel_wg(t)); p != NULL && k < c->n_peers;
             p = wg_peer_next(p), k++) {
            write_peer(out, p, &c->peers[k]);
        }
    }
}

/* ---- Prometheus's ---- */

struct sample {
    struct tunnel *tunnel;
    struct alive *alive;
    struct dgram_counters datagrams;
    struct wg_peer_status peer;
    struct now now;
};

#define VALUE(name, expression)                  \
    static uint64_t name(const struct sample *s) \
    {                                            \
        return (uint64_t)(expression);           \
    }
VALUE(is_ready, alive_is_ready(s->alive, s->now))
VALUE(connections, stack_tcp_count(tunnel_stack(s->tunnel)))
VALUE(sent_datagrams, s->datagrams.sent)
VALUE(received_datagrams, s->datagrams.received)
VALUE(unsent_datagrams, s->datagrams.send_dropped)
VALUE(undelivered_datagrams, s->datagrams.undelivered)
VALUE(lost_datagrams, s->datagrams.receive_dropped)
VALUE(sent_bytes, s->peer.tx_bytes)
VALUE(received_bytes, s->peer.rx_bytes)
VALUE(handshakes, s->peer.handshakes)
VALUE(unanswered, s->peer.initiations_pending)
VALUE(last_handshake, s->peer.last_handshake_wall / NS_PER_S)
VALUE(has_session, s->peer.has_session)
#undef VALUE

struct metric {
    const char *name, *type, *help;
    uint64_t (*value)(const struct sample *s);
};

static const struct metric of_tunnels[] = {
    {"wgproxy_tunnel_ready", "gauge", "1 when /readyz says so of this tunnel.", is_ready},
    {"wgproxy_tcp_connections", "gauge", "TCP connections inside the tunnel.", connections},
    {"wgproxy_udp_sent_datagrams_total", "counter", "Datagrams to peers.", sent_datagrams},
    {"wgproxy_udp_received_datagrams_total", "counter", "Datagrams from outside.",
     received_datagrams},
    {"wgproxy_udp_unsent_datagrams_total", "counter", "Datagrams for which the system had no room.",
     unsent_datagrams},
    {"wgproxy_udp_undelivered_datagrams_total", "counter",
     "Datagrams that the network sent an error for.", undelivered_datagrams},
    {"wgproxy_udp_lost_datagrams_total", "counter",
     "Datagrams that came and found no room, in the system or here.", lost_datagrams},
};

static const struct metric of_peers[] = {
    {"wgproxy_peer_sent_bytes_total", "counter", "Bytes to the peer, outside.", sent_bytes},
    {"wgproxy_peer_received_bytes_total", "counter", "Bytes from the peer, outside.",
     received_bytes},
    {"wgproxy_peer_handshakes_total", "counter", "Handshakes that were completed.", handshakes},
    {"wgproxy_peer_unanswered_initiations", "gauge",
     "Handshakes begun since the peer last answered one.", unanswered},
    {"wgproxy_peer_last_handshake_seconds", "gauge", "Unix time of the last one, 0: never.",
     last_handshake},
    {"wgproxy_peer_has_session", "gauge", "1 while there is a key to send with.", has_session},
};

static void write_head(struct words *out, const char *name, const char *type, const char *help)
{
    words_add(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* {tunnel="a.conf", with what must be escaped in a label's value. */
static void write_label(struct words *out, const struct config *c)
{
    words_add(out, "{tunnel=\"");
    for (const char *p = c->path; *p != '\0'; p++) {
        if (*p == '\n') {
            words_add(out, "\\n");
        } else {
            words_add(out, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
        }
    }
    words_add(out, "\"");
}

static void write_of_tunnels(struct words *out, const struct metric *m,
                             struct alive *const *tunnels, size_t n, struct now now)
{
    write_head(out, m->name, m->type, m->help);
    for (size_t i = 0; i < n; i++) {
        struct sample s = {.tunnel = alive_tunnel(tunnels[i]), .alive = tunnels[i], .now = now};
        s.datagrams = tunnel_datagrams(s.tunnel);
        words_add(out, "%s", m->name);
        write_label(out, alive_config(tunnels[i]));
        words_add(out, "} %" PRIu64 "\n", m->value(&s));
    }
}

static void write_of_peers(struct words *out, const struct metric *m, struct alive *const *tunnels,
                           size_t n)
{
    char key[KEY_TEXT];
    write_head(out, m->name, m->type, m->help);
    for (size_t i = 0; i < n; i++) {
        const struct wg *wg = tunnel_wg(alive_tunnel(tunnels[i]));
        for (struct wg_peer *p = wg_peer_first(wg); p != NULL; p = wg_peer_next(p)) {
            struct sample s = {0};
            wg_peer_get(p, &s.peer);
            words_add(out, "%s", m->name);
            write_label(out, alive_config(tunnels[i]));
            key_to_base64(key, s.peer.public_key);
            words_add(out, ",public_key=\"%s\"} %" PRIu64 "\n", key, m->value(&s));
        }
    }
}

static void write_reasons(struct words *out, struct alive *const *tunnels, size_t n, bool is_inner)
{
    const char *name =
        is_inner ? "wgproxy_inner_packets_dropped_total" : "wgproxy_outer_packets_dropped_total";
    char why[sizeof reasons[0].name];
    write_head(out, name, "counter",
               is_inner ? "Packets that a peer sent and the gate before the TCP/IP stack refused."
                        : "Datagrams that WireGuard refused.");
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(reasons); k++) {
            if (reasons[k].is_inner != is_inner || reason_name(&reasons[k], why) == NULL) {
                continue;
            }
            words_add(out, "%s", name);
            write_label(out, alive_config(tunnels[i]));
            words_add(out, ",reason=\"%s\"} %" PRIu64 "\n", why,
                      reason_count(&reasons[k], alive_tunnel(tunnels[i])));
        }
    }
}

void metrics_write_exposition(struct words *out, const struct env *env,
                              struct alive *const *tunnels, size_t n, struct now now)
{
    write_head(out, "wgproxy_info", "gauge", "1, with what this program works with.");
    words_add(out, "wgproxy_info{aead=\"%s\",workers=\"%u\"} 1\n", wg_suite_name(),
              env->parallel != NULL ? env->parallel->workers : 0);
    for (size_t i = 0; i < ARRAY_SIZE(of_tunnels); i++) {
        write_of_tunnels(out, &of_tunnels[i], tunnels, n, now);
    }
    write_reasons(out, tunnels, n, false);
    write_reasons(out, tunnels, n, true);
    for (size_t i = 0; i < ARRAY_SIZE(of_peers); i++) {
        write_of_peers(out, &of_peers[i], tunnels, n);
    }
}
