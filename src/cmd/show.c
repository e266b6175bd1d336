/* SPDX-License-Identifier: MIT */
/* The page is in the order in which it is shown, but for what wg(8) puts behind the allowed addresses: that is kept until a
 * peer has ended. */
#include "cmd/show.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/macros.h"

struct showing {
    FILE *out;
    uint64_t now;
    bool any;    /* something stands above */
    bool inside; /* of a peer */
    unsigned allowed;
    uint64_t handshake, received, sent, keepalive;
    bool dropped; /* a line of these has begun */
};

struct line {
    const char *key, *value;
    int key_len, value_len;
};

static bool is_key(const struct line *l, const char *key)
{
    return (size_t)l->key_len == strlen(key) && memcmp(l->key, key, strlen(key)) == 0;
}

static uint64_t number(const struct line *l)
{
    return strtoull(l->value, NULL, 10);
}

/* "1 day, 2 hours, 3 seconds" */
static void print_span(FILE *out, uint64_t seconds)
{
    static const struct {
        const char *name;
        uint64_t length;
    } units[] = {
        {"year", 365 * 86400}, {"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}};
    const char *comma = "";
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        uint64_t n = seconds / units[i].length;
        seconds %= units[i].length;
        if (n > 0) {
            fprintf(out, "%s%" PRIu64 " %s%s", comma, n, units[i].name, n == 1 ? "" : "s");
            comma = ", ";
        }
    }
}

static void print_bytes(FILE *out, uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double n = (double)bytes / 1024;
    size_t i = 0;
    if (bytes < 1024) {
        fprintf(out, "%" PRIu64 " B", bytes);
        return;
    }
    for (; n >= 1024 && i + 1 < ARRAY_SIZE(units); i++) {
        n /= 1024;
    }
    fprintf(out, "%.2f %s", n, units[i]);
}

static void end_peer(struct showing *s)
{
    if (!s->inside) {
        return;
    }
    fputs(s->allowed == 0 ? "  allowed ips: (none)\n" : "\n", s->out);
    if (s->handshake > 0) {
        fputs("  latest handshake: ", s->out);
        if (s->now <= s->handshake) {
            fputs("Now\n", s->out);
        } else {
            print_span(s->out, s->now - s->handshake);
            fputs(" ago\n", s->out);
        }
    }
    if (s->received + s->sent > 0) {
        fputs("  transfer: ", s->out);
        print_bytes(s->out, s->received);
        fputs(" received, ", s->out);
        print_bytes(s->out, s->sent);
        fputs(" sent\n", s->out);
    }
    if (s->keepalive > 0) {
        fputs("  persistent keepalive: every ", s->out);
        print_span(s->out, s->keepalive);
        fputs("\n", s->out);
    }
    *s = (struct showing){.out = s->out, .now = s->now, .any = true};
}

static void end_tunnel(struct showing *s)
{
    end_peer(s);
    if (s->dropped) {
        fputs("\n", s->out);
        s->dropped = false;
    }
}

static void print_key(const struct showing *s, const struct line *l)
{
    uint8_t key[KEY_LEN] = {0};
    char text[KEY_TEXT];
    for (size_t i = 0; i < KEY_LEN && 2 * (int)i + 1 < l->value_len; i++) {
        unsigned byte = 0;
        sscanf(l->value + 2 * i, "%2x", &byte);
        key[i] = (uint8_t)byte;
    }
    key_to_base64(text, key);
    fprintf(s->out, "%s\n", text);
}

/* "outer_dropped_mac1=2" */
static bool show_drop(struct showing *s, const struct line *l)
{
    static const char word[] = "_dropped_";
    const char *found = memmem(l->key, (size_t)l->key_len, word, strlen(word));
    if (found == NULL) {
        return false;
    }
    const char *why = found + strlen(word);
    fprintf(s->out, "%s%" PRIu64 " %.*s (%.*s)", s->dropped ? ", " : "  dropped: ", number(l),
            l->key_len - (int)(why - l->key), why, (int)(found - l->key), l->key);
    s->dropped = true;
    return true;
}

static void show_of_tunnel(struct showing *s, const struct line *l)
{
    if (is_key(l, "tunnel")) {
        end_tunnel(s);
        fprintf(s->out, "%sinterface: %.*s\n", s->any ? "\n" : "", l->value_len, l->value);
        s->any = true;
    } else if (is_key(l, "own_public_key")) {
        fputs("  public key: ", s->out);
        print_key(s, l);
    } else if (is_key(l, "private_key")) {
        fputs("  private key: (hidden)\n", s->out);
    } else if (is_key(l, "listen_port")) {
        fprintf(s->out, "  listening port: %.*s\n", l->value_len, l->value);
    } else {
        show_drop(s, l);
    }
}

static void show_of_peer(struct showing *s, const struct line *l)
{
    if (is_key(l, "endpoint")) {
        fprintf(s->out, "  endpoint: %.*s\n", l->value_len, l->value);
    } else if (is_key(l, "allowed_ip")) {
        fprintf(s->out, "%s%.*s", s->allowed++ == 0 ? "  allowed ips: " : ", ", l->value_len,
                l->value);
    } else if (is_key(l, "last_handshake_time_sec")) {
        s->handshake = number(l);
    } else if (is_key(l, "rx_bytes")) {
        s->received = number(l);
    } else if (is_key(l, "tx_bytes")) {
        s->sent = number(l);
    } else if (is_key(l, "persistent_keepalive_interval")) {
        s->keepalive = number(l);
    }
}

static void show_line(struct showing *s, const struct line *l)
{
    if (is_key(l, "public_key")) {
        end_tunnel(s);
        fputs("\npeer: ", s->out);
        print_key(s, l);
        s->inside = true;
    } else if (s->inside && !is_key(l, "tunnel")) {
        show_of_peer(s, l);
    } else {
        show_of_tunnel(s, l);
    }
}

void show_print(FILE *out, const char *page, uint64_t now)
{
    struct showing s = {.out = out, .now = now};
    for (const char *at = page, *next; *at != '\0'; at = next) {
        size_t len = strcspn(at, "\n");
        const char *equals = memchr(at, '=', len);
        next = at + len + (at[len] == '\n');
        if (equals != NULL) {
            struct line l = {at, equals + 1, (int)(equals - at), (int)(at + len - equals - 1)};
            show_line(&s, &l);
        }
    }
    end_tunnel(&s);
}
