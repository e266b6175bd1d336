/* SPDX-License-Identifier: MIT */
/* Each key of the tables has a value that it does not take, and says so with its line and name. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/schema.h"
#include "unit/config/heard.h"
#include "unit/test.h"

static const struct {
    const char *key, *bad;
} values[] = {
    {"PrivateKey", "abc"},
    {"PrivateKeyFile", "/nowhere"},
    {"Address", "10.0.0.2/33"},
    {"DNS", "1.2.3.4.5"},
    {"MTU", "575"},
    {"ListenPort", "65536"},
    {"CheckAlive", "name.example"},
    {"CheckAliveInterval", "0"},
    {"PublicKey", "abc"},
    {"PresharedKey", "abc"},
    {"PresharedKeyFile", "/nowhere"},
    {"AllowedIPs", "10.0.0.0/33"},
    {"Endpoint", "vpn.example"},
    {"PersistentKeepalive", "65536"},
    {"BindAddress", "65536"},
    {"AllowLan", "maybe"},
    {"PasswordFile", "/nowhere"},
    {"CertFile", "/nowhere"},
    {"KeyFile", "/nowhere"},
    {"UdpOffload", "maybe"},
    {"Workers", "many"},
    {"Protocols", "socks3"},
    {"UDP", "maybe"},
    {"UdpPort", "x"},
    {"UdpAdvertise", "host.example"},
    {"Allow", "10.0.0.0/8 192.0.2.0/24"},
    {"Deny", "* port=9-1"},
    {"IdleTimeout", "soon"},
    {"InactivityTimeout", "-1s"},
    {"LogDomains", "maybe"},
    {"Port", "0"},
    {"Target", "host"},
    {"Outside", "maybe"},
    {"ResolveStrategy", "ipv5"},
    {"ConnectTimeout", "0"},
    {"GreetingTimeout", "0"},
    {"UdpIdleTimeout", "0"},
    {"DrainTimeout", "5x"},
    {"MaxConnections", "many"},
};

/* Any text will do for these; what they name is looked at elsewhere. */
static const char *const free_texts[] = {"Through", "Username", "Password", "WGConfig"};

static const char *bad_value(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        if (strcasecmp(values[i].key, key) == 0) {
            return values[i].bad;
        }
    }
    return NULL;
}

static bool is_free_text(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(free_texts); i++) {
        if (strcasecmp(free_texts[i], key) == 0) {
            return true;
        }
    }
    return false;
}

/* A file of one section that has the key in its second line, or behind a user. */
static void assert_refused_in(const struct key_entry *key, const struct section_entry *section,
                              const char *bad)
{
    char text[256], expected[128];
    struct heard h = {0};
    struct config *c;
    bool behind_user = key->kind == KEY_EACH && strncmp(key->name, "Password", 8) == 0;
    snprintf(text, sizeof text, "[%s]\n%s%s = %s\n", section->name,
             behind_user ? "Username = u\n" : "", key->name, bad);
    snprintf(expected, sizeof expected, "E f:%d: %s: ", behind_user ? 3 : 2, key->name);
    heard_parse(&h, &c, text, strlen(text));
    if (strstr(h.text, expected) == NULL) {
        fail_msg("[%s] %s = %s: %s", section->name, key->name, bad, h.text);
    }
    assert_null(c);
}

static void each_key_has_a_value_that_it_does_not_take(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_n_keys; i++) {
        const struct key_entry *key = &schema_keys[i];
        const char *bad = key->set != NULL ? bad_value(key->name) : "1";
        if (key->kind == KEY_SKIP || is_free_text(key->name)) {
            continue;
        }
        if (bad == NULL) {
            fail_msg("no test has a value that %s does not take", key->name);
        }
        for (size_t k = 0; k < schema_n_sections; k++) {
            if (key->sections & schema_sections[k].section) {
                assert_refused_in(key, &schema_sections[k], bad);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_has_a_value_that_it_does_not_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
