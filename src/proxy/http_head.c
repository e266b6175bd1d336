/* SPDX-License-Identifier: MIT */
/* Takes heads apart. Requests strictly, since another server reads them after us; responses as far as
 * they are understood. */
#include "proxy/http_head.h"

#include <string.h>
#include <strings.h>

size_t http_head_length(const char *text, size_t len, size_t from)
{
    /* The empty line may have begun in what was there before. */
    from = from > 3 ? from - 3 : 0;
    for (size_t i = from; i < len; i++) {
        if (text[i] != '\n') {
            continue;
        }
        if (i + 1 < len && text[i + 1] == '\n') {
            return i + 2;
        }
        if (i + 2 < len && text[i + 1] == '\r' && text[i + 2] == '\n') {
            return i + 3;
        }
    }
    return 0;
}

bool http_text_is(struct http_text text, const char *word)
{
    return strlen(word) == text.len && strncasecmp(text.at, word, text.len) == 0;
}

/* RFC 9110 section 5.6.2. */
static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct http_text t)
{
    for (size_t i = 0; i < t.len; i++) {
        if (!is_token_char(t.at[i])) {
            return false;
        }
    }
    return t.len > 0;
}

bool http_head_may_begin(char first)
{
    return is_token_char(first);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct http_text trim(struct http_text t)
{
    while (t.len > 0 && is_blank(t.at[0])) {
        t.at++;
        t.len--;
    }
    while (t.len > 0 && is_blank(t.at[t.len - 1])) {
        t.len--;
    }
    return t;
}

/* ---- lines ---- */

struct lines {
    const char *at, *end;
    bool lenient;
};

/* The next line without its end; false for a bare CR or LF, or a control character. */
static bool next_line(struct lines *l, struct http_text *line)
{
    const char *newline = memchr(l->at, '\n', (size_t)(l->end - l->at));
    if (newline == NULL) {
        return false;
    }
    size_t len = (size_t)(newline - l->at);
    bool crlf = len > 0 && newline[-1] == '\r';
    *line = (struct http_text){l->at, len - crlf};
    l->at = newline + 1;
    for (size_t i = 0; i < line->len; i++) {
        unsigned char c = (unsigned char)line->at[i];
        if ((c < ' ' && c != '\t') || c == 127) {
            return false;
        }
    }
    return crlf || l->lenient;
}

static bool take_field(struct http_field *f, struct http_text line)
{
    const char *colon = memchr(line.at, ':', line.len);
    if (colon == NULL) {
        return false;
    }
    f->name = (struct http_text){line.at, (size_t)(colon - line.at)};
    f->value = trim((struct http_text){colon + 1, line.len - f->name.len - 1});
    return is_token(f->name); /* no blank before the colon, and no folded line */
}

/* 0, 400 or 431. */
static unsigned take_fields(struct http_head *h, struct lines *l)
{
    struct http_text line;
    for (h->n = 0;; h->n++) {
        if (!next_line(l, &line)) {
            return 400;
        }
        if (line.len == 0) {
            return 0;
        }
        if (h->n == HTTP_FIELDS_MAX) {
            return 431;
        }
        if (!take_field(&h->fields[h->n], line)) {
            return 400;
        }
    }
}

/* "HTTP/1.x"; 0, 400 for what is none, 505 for another major version. */
static unsigned take_version(struct http_head *h, struct http_text t)
{
    if (t.len != 8 || memcmp(t.at, "HTTP/", 5) != 0 || t.at[6] != '.' || t.at[5] < '0' ||
        t.at[5] > '9' || t.at[7] < '0' || t.at[7] > '9') {
        return 400;
    }
    h->minor = t.at[7] != '0';
    return t.at[5] == '1' ? 0 : 505;
}

unsigned http_head_request(struct http_head *h, const char *text, size_t len)
{
    struct lines l = {.at = text, .end = text + len};
    struct http_text line;
    if (!next_line(&l, &line)) {
        return 400;
    }
    const char *first = memchr(line.at, ' ', line.len);
    if (first == NULL) {
        return 400;
    }
    h->method = (struct http_text){line.at, (size_t)(first - line.at)};
    size_t rest = line.len - h->method.len - 1;
    const char *second = memchr(first + 1, ' ', rest);
    if (second == NULL || !is_token(h->method)) {
        return 400;
    }
    h->target = (struct http_text){first + 1, (size_t)(second - first) - 1};
    if (memchr(h->target.at, '\t', h->target.len) != NULL) {
        return 400; /* which some readers take for a blank (RFC 9112 3) */
    }
    unsigned refused = take_version(h, (struct http_text){second + 1, rest - h->target.len - 1});
    return refused != 0 ? refused : take_fields(h, &l);
}

bool http_head_response(struct http_head *h, const char *text, size_t len)
{
    struct lines l = {.at = text, .end = text + len, .lenient = true};
    struct http_text line;
    if (!next_line(&l, &line) || line.len < 12 ||
        take_version(h, (struct http_text){line.at, 8}) != 0 || line.at[8] != ' ') {
        return false;
    }
    h->status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (line.at[i] < '0' || line.at[i] > '9') {
            return false;
        }
        h->status = h->status * 10 + (unsigned)(line.at[i] - '0');
    }
    h->reason = trim((struct http_text){line.at + 12, line.len - 12});
    return h->status >= 100 && take_fields(h, &l) == 0;
}

/* ---- fields ---- */

const struct http_field *http_head_find(const struct http_head *h, const char *name)
{
    for (size_t i = 0; i < h->n; i++) {
        if (http_text_is(h->fields[i].name, name)) {
            return &h->fields[i];
        }
    }
    return NULL;
}

static bool is_same(struct http_text a, struct http_text b)
{
    return a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
}

static bool lists(struct http_text value, struct http_text word)
{
    while (value.len > 0) {
        const char *comma = memchr(value.at, ',', value.len);
        size_t n = comma != NULL ? (size_t)(comma - value.at) : value.len;
        if (is_same(trim((struct http_text){value.at, n}), word)) {
            return true;
        }
        n += comma != NULL;
        value = (struct http_text){value.at + n, value.len - n};
    }
    return false;
}

static bool any_lists(const struct http_head *h, const char *name, struct http_text word)
{
    for (size_t i = 0; i < h->n; i++) {
        if (http_text_is(h->fields[i].name, name) && lists(h->fields[i].value, word)) {
            return true;
        }
    }
    return false;
}

bool http_head_lists(const struct http_head *h, const char *name, const char *word)
{
    return any_lists(h, name, (struct http_text){word, strlen(word)});
}

bool http_field_is_ours(const struct http_head *h, const struct http_field *f)
{
    static const char *const names[] = {
        "Connection", "Proxy-Connection",    "Keep-Alive",        "TE",
        "Upgrade",    "Proxy-Authorization", "Proxy-Authenticate"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (http_text_is(f->name, names[i])) {
            return true;
        }
    }
    if (http_text_is(f->name, "Content-Length")) {
        return f != http_head_find(h, "Content-Length");
    }
    /* What frames the body stays, whatever Connection says. */
    return !http_text_is(f->name, "Transfer-Encoding") && !http_text_is(f->name, "Host") &&
           any_lists(h, "Connection", f->name);
}

/* ---- targets ---- */

static bool take_port(uint16_t *port, struct http_text t)
{
    unsigned v = 0;
    if (t.len == 0 || t.len > 5) {
        return false;
    }
    for (size_t i = 0; i < t.len; i++) {
        if (t.at[i] < '0' || t.at[i] > '9') {
            return false;
        }
        v = v * 10 + (unsigned)(t.at[i] - '0');
    }
    *port = (uint16_t)v;
    return v > 0 && v <= UINT16_MAX;
}

/* What others may take for a part of a URI, or decode to another name. */
static bool is_in_no_name(char c)
{
    return (unsigned char)c <= ' ' || c == 127 || strchr(":/?#[]@%\\<>\"^`{|}", c) != NULL;
}

static bool is_name(struct http_text host)
{
    for (size_t i = 0; i < host.len; i++) {
        if (is_in_no_name(host.at[i])) {
            return false;
        }
    }
    return host.len > 0 && host.len <= TARGET_NAME_MAX;
}

/* The host goes where names go, an IPv6 address without its brackets. */
static bool take_host(struct target *out, struct http_text host)
{
    if (host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']') {
        char text[ADDR_TEXT];
        host = (struct http_text){host.at + 1, host.len - 2};
        if (host.len >= sizeof text) {
            return false;
        }
        memcpy(text, host.at, host.len);
        text[host.len] = '\0';
        return addr_parse(&out->addr, text);
    }
    if (!is_name(host)) {
        return false;
    }
    memcpy(out->name, host.at, host.len);
    out->name[host.len] = '\0';
    return true;
}

/* "host" or "host:port"; without a port `usual` is taken, where that is not 0. */
static bool take_authority(struct http_target *out, struct http_text text, uint16_t usual)
{
    size_t host = text.len;
    for (size_t i = text.len; i > 0 && text.at[i - 1] != ']'; i--) {
        if (text.at[i - 1] == ':') {
            host = i - 1;
            break;
        }
    }
    out->target = (struct target){.port = usual};
    out->authority = text;
    if (host < text.len && host + 1 < text.len) {
        struct http_text port = {text.at + host + 1, text.len - host - 1};
        if (!take_port(&out->target.port, port)) {
            return false;
        }
    }
    return out->target.port != 0 && take_host(&out->target, (struct http_text){text.at, host});
}

bool http_target_authority(struct http_target *out, struct http_text text)
{
    out->path = (struct http_text){"", 0};
    return take_authority(out, text, 0);
}

unsigned http_target_absolute(struct http_target *out, struct http_text text)
{
    static const char scheme[] = "http://";
    size_t skip = sizeof scheme - 1;
    if (text.len < skip || strncasecmp(text.at, scheme, skip) != 0) {
        const char *colon = memchr(text.at, ':', text.len);
        bool is_scheme = colon != NULL && (size_t)(colon - text.at) + 2 < text.len &&
                         colon[1] == '/' && colon[2] == '/';
        return is_scheme ? 501 : 400;
    }
    struct http_text rest = {text.at + skip, text.len - skip};
    size_t end = 0;
    while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?' && rest.at[end] != '#') {
        end++;
    }
    struct http_text authority = {rest.at, end};
    const char *at = memchr(authority.at, '@', authority.len);
    if (at != NULL) {
        size_t user = (size_t)(at - authority.at) + 1;
        authority = (struct http_text){authority.at + user, authority.len - user};
    }
    out->path = (struct http_text){rest.at + end, rest.len - end};
    return take_authority(out, authority, 80) ? 0 : 400;
}
