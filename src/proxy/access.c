/* SPDX-License-Identifier: MIT */
/* The rules in their order. For a name whose addresses are not known yet the rules about networks can only perhaps fit:
 * it is decided at once where everything that could come out is the same. */
#include "proxy/access.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct access {
    struct access_rule *rules; /* their texts are ours */
    size_t n, size;
    bool allows; /* some rule allows something */
};

int access_new(struct access **out)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? 0 : ERR_NOMEM;
}

static void rule_fini(const struct access_rule *r)
{
    free((char *)(uintptr_t)r->suffix);
    free((char *)(uintptr_t)r->user);
}

void access_free(struct access *a)
{
    if (a == NULL) {
        return;
    }
    for (size_t i = 0; i < a->n; i++) {
        rule_fini(&a->rules[i]);
    }
    free(a->rules);
    free(a);
}

static bool grow(struct access *a)
{
    if (a->n < a->size) {
        return true;
    }
    size_t size = a->size == 0 ? 8 : 2 * a->size;
    struct access_rule *rules = malloc(size * sizeof *rules);
    if (rules == NULL) {
        return false;
    }
    if (a->n > 0) {
        memcpy(rules, a->rules, a->n * sizeof *rules);
    }
    free(a->rules);
    a->rules = rules;
    a->size = size;
    return true;
}

/* Without the dot that ends a full name. */
static size_t name_length(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && name[len - 1] == '.' ? len - 1 : len;
}

static char *copy(const char *text, size_t len)
{
    char *out = malloc(len + 1);
    if (out != NULL) {
        memcpy(out, text, len);
        out[len] = '\0';
    }
    return out;
}

/* ".corp.example" and "corp.example." mean what "corp.example" means. */
static bool copy_suffix(const char **out, const char *suffix)
{
    if (suffix == NULL) {
        return true;
    }
    suffix += suffix[0] == '.';
    *out = copy(suffix, name_length(suffix));
    return *out != NULL;
}

static bool copy_user(const char **out, const char *user)
{
    if (user == NULL) {
        return true;
    }
    *out = copy(user, strlen(user));
    return *out != NULL;
}

int access_add(struct access *a, const struct access_rule *rule)
{
    struct access_rule own = *rule;
    own.suffix = own.user = NULL;
    if (!grow(a) || !copy_suffix(&own.suffix, rule->suffix) || !copy_user(&own.user, rule->user)) {
        rule_fini(&own);
        return ERR_NOMEM;
    }
    a->rules[a->n++] = own;
    a->allows |= own.allow;
    return 0;
}

/* The name itself, or one below it. */
static bool has_suffix(const char *name, const char *suffix)
{
    size_t len = name_length(name), n = strlen(suffix);
    return len >= n && len > 0 && strncasecmp(name + len - n, suffix, n) == 0 &&
           (len == n || n == 0 || name[len - n - 1] == '.');
}

/* Everything but the network. */
static bool rest_fits(const struct access_rule *r, const char *user, const struct target *to)
{
    return to->port >= r->first && to->port <= r->last &&
           (r->suffix == NULL || has_suffix(to->name, r->suffix)) &&
           (r->user == NULL || (user != NULL && strcmp(r->user, user) == 0));
}

enum access_verdict access_ask(const struct access *a, const char *user, const struct target *to)
{
    if (a == NULL) {
        return ACCESS_ALLOWED;
    }
    /* by rules about networks, which a name leaves open */
    bool may_allow = false, may_deny = false;
    bool allow = !a->allows;
    for (size_t i = 0; i < a->n; i++) {
        const struct access_rule *r = &a->rules[i];
        if (!rest_fits(r, user, to)) {
            continue;
        }
        if (r->has_net && to->addr.family == FAMILY_NONE) {
            may_allow |= r->allow;
            may_deny |= !r->allow;
        } else if (!r->has_net || prefix_contains(&r->net, &to->addr)) {
            allow = r->allow;
            break;
        }
    }
    if (allow ? may_deny : may_allow) {
        return ACCESS_ASK_ADDRESS;
    }
    return allow ? ACCESS_ALLOWED : ACCESS_DENIED;
}
