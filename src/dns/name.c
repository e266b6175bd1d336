/* SPDX-License-Identifier: MIT */
/* What is a name, and in which order a short one is completed. */
#include "dns/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static bool byte_is_allowed(char c)
{
    /* A backslash would begin an escape in the text form of RFC 1035 5.1, and mean something else
     * than it says. */
    return c > ' ' && c < 0x7f && c != '\\';
}

int name_canonical(char out[NAME_SIZE], const char *text, bool *absolute)
{
    size_t len = strnlen(text, DNS_NAME_MAX + 2);
    *absolute = len > 0 && text[len - 1] == '.';
    if (*absolute) {
        len--;
    }
    if (len == 0 || len > DNS_NAME_MAX) {
        return ERR_BAD_NAME;
    }
    size_t label = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '.' ? label == 0 : !byte_is_allowed(text[i]) || label == NAME_LABEL_MAX) {
            return ERR_BAD_NAME;
        }
        label = text[i] == '.' ? 0 : label + 1;
        out[i] = (char)name_lower((uint8_t)text[i]);
    }
    out[len] = '\0';
    return label == 0 ? ERR_BAD_NAME : 0;
}

static bool name_is_in(const char *name, const char *domain)
{
    size_t len = strlen(name), tail = strlen(domain);
    return len >= tail && strcmp(name + len - tail, domain) == 0 &&
           (len == tail || name[len - tail - 1] == '.');
}

bool name_stays_here(const char *name)
{
    /* RFC 6761 6.3 and 6.4, RFC 7686 2. The first would mean the server's machine, or ours: neither
     * is reached by a name through a tunnel. */
    return name_is_in(name, "localhost") || name_is_in(name, "invalid") ||
           name_is_in(name, "onion");
}

int name_search_init(struct name_search *s, const char *const *domains, size_t n)
{
    *s = (struct name_search){0};
    if (n == 0) {
        return 0;
    }
    s->domains = calloc(n, sizeof *s->domains);
    if (s->domains == NULL) {
        return ERR_NOMEM;
    }
    for (; s->n < n; s->n++) {
        bool absolute;
        int err = name_canonical(s->domains[s->n], domains[s->n], &absolute);
        if (err != 0) {
            name_search_fini(s);
            return err;
        }
    }
    return 0;
}

void name_search_fini(struct name_search *s)
{
    free(s->domains);
    *s = (struct name_search){0};
}

/* The `i`-th name of the order; false when it does not fit. */
static bool candidate(const struct name_search *s, const char *name, size_t i, char out[NAME_SIZE])
{
    bool dotted = strchr(name, '.') != NULL;
    size_t as_is = dotted ? 0 : s->n;
    const char *domain = i == as_is ? "" : s->domains[dotted ? i - 1 : i];
    int len = snprintf(out, NAME_SIZE, "%s%s%s", name, i == as_is ? "" : ".", domain);
    return len <= DNS_NAME_MAX;
}

bool name_search_next(const struct name_search *s, const char *name, bool absolute, size_t *at,
                      char out[NAME_SIZE])
{
    if (name_stays_here(name)) {
        return false;
    }
    if (absolute) {
        snprintf(out, NAME_SIZE, "%s", name);
        return (*at)++ == 0;
    }
    while (*at <= s->n) {
        if (candidate(s, name, (*at)++, out) && !name_stays_here(out)) {
            return true;
        }
    }
    return false;
}
