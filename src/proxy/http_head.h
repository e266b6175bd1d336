/* SPDX-License-Identifier: MIT */
/* Heads of HTTP/1 messages (RFC 9112): found, taken apart, and what a proxy must not pass on. The
 * parts of a head are slices of the text that it was parsed from. */
#ifndef WGPROXY_PROXY_HTTP_HEAD_H
#define WGPROXY_PROXY_HTTP_HEAD_H

#include "proxy/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX ((size_t)64 * 1024)
#define HTTP_FIELDS_MAX 200

struct http_text {
    const char *at;
    size_t len;
};

struct http_field {
    struct http_text name, value; /* the value without blanks around it */
};

struct http_head {
    struct http_text method, target; /* of a request */
    unsigned status;                 /* of a response */
    struct http_text reason;         /* ditto; may be empty */
    unsigned minor;                  /* HTTP/1.0 or 1.1; what is newer is 1.1 */
    size_t n;
    struct http_field fields[HTTP_FIELDS_MAX];
};

/* May a request begin with this byte, or a field: is it one of a token's (RFC 9110 section 5.6.2)? */
bool http_head_may_begin(char first);

/* The length of the head at the front of `text`, its empty line included; 0 while there is none.
 * `from` is where the search may begin: what an earlier call had, or 0. */
size_t http_head_length(const char *text, size_t len, size_t from);

/* 0, or the status that refuses it: 400 for what is not strictly RFC 9112 (bare CR or LF, blanks
 * before a colon, folded lines, NUL: two readers could see two messages in it), 431 for too many
 * fields, 505 for another version. `len` as http_head_length says. */
unsigned http_head_request(struct http_head *h, const char *text, size_t len);

/* False for what is no head of a response. Lines may end in a bare LF. */
bool http_head_response(struct http_head *h, const char *text, size_t len);

/* Without regard to case. */
bool http_text_is(struct http_text text, const char *word);

/* The first field of that name, or NULL. */
const struct http_field *http_head_find(const struct http_head *h, const char *name);

/* Is the word among the comma-separated ones in any field of that name? */
bool http_head_lists(const struct http_head *h, const char *name, const char *word);

/* Is it for this connection only (RFC 9110 section 7.6.1), or for the proxy, or a length said once more (8.6)? */
bool http_field_is_ours(const struct http_head *h, const struct http_field *f);

/* Where a request leads. */
struct http_target {
    struct target target;
    struct http_text authority; /* host and port, for Host; without user information */
    struct http_text path;      /* path and query; empty: "/" */
};

/* Of CONNECT: "host:port". False for anything else. */
bool http_target_authority(struct http_target *out, struct http_text text);

/* "http://host[:port]/path?query". 0, or 400, or 501 for a scheme that this proxy does not speak. */
unsigned http_target_absolute(struct http_target *out, struct http_text text);

/* ---- how long a body is (RFC 9112 section 6.3) ---- */

enum http_framing { HTTP_NO_BODY, HTTP_LENGTH, HTTP_CHUNKED, HTTP_UNTIL_CLOSE };

struct http_body {
    enum http_framing framing;
    uint64_t left; /* of the length, or of the chunk */
    uint8_t state; /* of the chunks */
    bool begun;    /* a digit of the chunk's size was read */
    bool done, bad;
};

/* False for what can be read in two ways: both framings, lengths that differ, an unknown coding. */
bool http_body_of_request(struct http_body *b, const struct http_head *h);
/* `to_head`: it answers a HEAD. */
bool http_body_of_response(struct http_body *b, const struct http_head *h, bool to_head);

/* How many of these bytes, from the front, belong to the body; all of them until done or bad. */
size_t http_body_take(struct http_body *b, const uint8_t *data, size_t len);

/* How many bytes may be taken without being looked at. */
static inline uint64_t http_body_plain(const struct http_body *b)
{
    return b->framing == HTTP_UNTIL_CLOSE ? UINT64_MAX : b->framing == HTTP_LENGTH ? b->left : 0;
}

#endif
