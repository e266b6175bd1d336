/* SPDX-License-Identifier: MIT */
#include "unit/config/migrant.h"

#include "base/err.h"
#include "config/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/test.h"

static const char *variable(void *ctx, const char *name)
{
    (void)ctx;
    static const struct {
        const char *name, *value;
    } all[] = {{"KEY", PRIVATE_KEY},
               {"ADDR", "10.0.0.2/32, fd00::2/128"},
               {"PASS", "p w"},
               {"EMPTY", ""},
               {"ODD", "%(host)s $PASS \"#\\"},
               {"HOST", "vpn.example:51820"},
               {"DIR", "/credentials"},
               {"CONF", "wg0.conf"},
               {"TEN", "10"},
               {"MTU", "1300"},
               {"IP", "10.0.0.1"},
               {"PSK", PRESHARED_KEY},
               {"NETS", "10.0.0.0/8, fd00::/8"}};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        if (strcmp(name, all[i].name) == 0) {
            return all[i].value;
        }
    }
    return NULL;
}

static const char *file(void *ctx, const char *path, bool is_secret, struct text *out)
{
    (void)ctx;
    assert_int_equal(is_secret, strcmp(path, "cert.pem") != 0 && strcmp(path, "nothing") != 0);
    static const struct {
        const char *path, *text;
    } all[] = {{"key", PRIVATE_KEY "\r\nmore\n"},
               {"/credentials/key", PRIVATE_KEY},
               {"empty", "\n"},
               {"nothing", ""},
               {"cert.pem", "-----BEGIN\ncertificate\n"},
               {"/credentials/key.pem", "-----BEGIN\nkey\n"},
               {"wg0.conf", INTERFACE PEER "[Socks5]\nBindAddress = 1\n"}};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        if (strcmp(path, all[i].path) == 0) {
            out->len = strlen(all[i].text);
            out->capacity = out->len + 1;
            out->bytes = malloc(out->capacity);
            memcpy(out->bytes, all[i].text, out->capacity);
            return NULL;
        }
    }
    return "No such file or directory";
}

static const struct sources sources = {.variable = variable, .file = file};

struct config *migrant_parse(const char *text, const char *messages)
{
    struct heard h = {0};
    struct config *c;
    int err = config_parse_with(&c, "f", text, strlen(text), &sources, heard_message, &h);
    assert_string_equal(h.text, messages);
    assert_int_equal(err, h.errors > 0 ? ERR_INVALID : 0);
    return c;
}

void migrant_refused(const char *text, const char *messages)
{
    assert_null(migrant_parse(text, messages));
}

const struct config_door *migrant_door(const struct config *c)
{
    assert_non_null(c);
    assert_int_equal(c->n_doors, 1);
    return &c->doors[0];
}

struct config *migrant_user(const char *lines, const char *messages)
{
    char text[2048];
    snprintf(text, sizeof text, INTERFACE PEER "[Socks5]\nBindAddress = 1\n%s", lines);
    struct config *c = migrant_parse(text, messages);
    assert_int_equal(migrant_door(c)->n_users, 1);
    return c;
}
