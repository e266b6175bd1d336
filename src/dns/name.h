/* SPDX-License-Identifier: MIT */
/* Host names as text. They are checked, lower-cased and freed of the final dot once, at the door,
 * so that the rest of the module compares them with strcmp(). */
#ifndef WGPROXY_DNS_NAME_H
#define WGPROXY_DNS_NAME_H

#include "base/macros.h"
#include "dns/resolver.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_SIZE (DNS_NAME_MAX + 1)
#define NAME_LABEL_MAX 63 /* RFC 1035 2.3.4 */

/* Case is folded for ASCII alone (RFC 4343). */
static inline uint8_t name_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* 0, or ERR_BAD_NAME: empty, longer than DNS_NAME_MAX, an empty label or one over 63, or a byte
 * that is not printable ASCII, or a backslash. Anything else may stand in a label (RFC 2181 11):
 * `_dmarc` and the like are looked up by SOCKS clients too. *absolute: the name ended in a dot. */
int name_canonical(char out[NAME_SIZE], const char *text, bool *absolute) MUST_USE;

/* Names that no server may be asked for. `.local` is not one of them: it belongs to multicast (RFC
 * 6762), which a tunnel does not carry, and many private networks serve it by plain DNS. */
bool name_stays_here(const char *name);

/* The search domains, in canonical form. */
struct name_search {
    char (*domains)[NAME_SIZE];
    size_t n;
};

/* 0, ERR_NOMEM, ERR_BAD_NAME */
int name_search_init(struct name_search *s, const char *const *domains, size_t n) MUST_USE;
void name_search_fini(struct name_search *s);

/* Write the next name to ask for and move *at, which starts at 0. False when there is none left. A
 * name with a dot is asked for as it is and then in the domains, one without (ndots:1) in the
 * domains first, an absolute one only as it is. Names that would be too long, or that stay here,
 * are passed over. */
bool name_search_next(const struct name_search *s, const char *name, bool absolute, size_t *at,
                      char out[NAME_SIZE]);

#endif
