/* SPDX-License-Identifier: MIT */
/* Where a body ends (RFC 9112 sections 6 and 7). Its bytes pass unchanged. */
#include "proxy/http_head.h"

#include <assert.h>
#include <string.h>

/* What the next byte of a chunked body is. */
enum chunk_state {
    CHUNK_SIZE,      /* digits, then blanks, an extension or CR */
    CHUNK_BLANKS,    /* behind the size: then an extension or CR */
    CHUNK_EXTENSION, /* up to CR */
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER_START, /* of a line: a field's name; CR: the end */
    CHUNK_TRAILER,       /* up to CR */
    CHUNK_TRAILER_LF,
    CHUNK_END_LF,
};

static int digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool step_behind_size(struct http_body *b, uint8_t c)
{
    b->state = c == '\r' ? CHUNK_SIZE_LF : c == ';' ? CHUNK_EXTENSION : CHUNK_BLANKS;
    return c == '\r' || c == ';' || c == ' ' || c == '\t';
}

static bool step_size(struct http_body *b, uint8_t c)
{
    int d = digit(c);
    if (d >= 0) {
        b->begun = true;
        b->left = b->left << 4 | (unsigned)d;
        return b->left >> 56 == 0;
    }
    return b->begun && step_behind_size(b, c);
}

/* Of an extension or a trailer. The CR leads to `end`. */
static bool step_text(struct http_body *b, uint8_t c, enum chunk_state end)
{
    b->state = c == '\r' ? (uint8_t)end : b->state;
    return c == '\r' || c == '\t' || (c >= ' ' && c != 127);
}

/* One byte that is not of a chunk's data. False when it may not stand there. */
static bool step(struct http_body *b, uint8_t c)
{
    switch ((enum chunk_state)b->state) {
    case CHUNK_SIZE:
        return step_size(b, c);
    case CHUNK_BLANKS:
        return step_behind_size(b, c);
    case CHUNK_EXTENSION:
        return step_text(b, c, CHUNK_SIZE_LF);
    case CHUNK_SIZE_LF:
        b->state = b->left > 0 ? CHUNK_DATA : CHUNK_TRAILER_START;
        return c == '\n';
    case CHUNK_DATA_CR:
        b->state = CHUNK_DATA_LF;
        return c == '\r';
    case CHUNK_DATA_LF:
        b->state = CHUNK_SIZE;
        b->left = 0;
        b->begun = false;
        return c == '\n';
    case CHUNK_TRAILER_START:
        b->state = c == '\r' ? CHUNK_END_LF : CHUNK_TRAILER;
        return c == '\r' || http_head_may_begin((char)c);
    case CHUNK_TRAILER:
        return step_text(b, c, CHUNK_TRAILER_LF);
    case CHUNK_TRAILER_LF:
        b->state = CHUNK_TRAILER_START;
        return c == '\n';
    case CHUNK_END_LF:
        b->done = true;
        return c == '\n';
    case CHUNK_DATA:
        break;
    }
    assert(false && "data is taken whole");
    return false;
}

static size_t take_chunks(struct http_body *b, const uint8_t *data, size_t len)
{
    size_t at = 0;
    while (at < len && !b->done && !b->bad) {
        if (b->state == CHUNK_DATA) {
            size_t n = b->left < len - at ? (size_t)b->left : len - at;
            at += n;
            b->left -= n;
            b->state = b->left > 0 ? CHUNK_DATA : CHUNK_DATA_CR;
        } else {
            b->bad = !step(b, data[at++]);
        }
    }
    return at;
}

size_t http_body_take(struct http_body *b, const uint8_t *data, size_t len)
{
    switch (b->framing) {
    case HTTP_NO_BODY:
        return 0;
    case HTTP_UNTIL_CLOSE:
        return len;
    case HTTP_CHUNKED:
        return take_chunks(b, data, len);
    case HTTP_LENGTH:
        break;
    }
    size_t n = b->left < len ? (size_t)b->left : len;
    b->left -= n;
    b->done = b->left == 0;
    return n;
}

/* ---- what the head says ---- */

static bool take_length(uint64_t *out, struct http_text t)
{
    uint64_t v = 0;
    for (size_t i = 0; i < t.len; i++) {
        if (t.at[i] < '0' || t.at[i] > '9' || v > UINT64_MAX / 16) {
            return false;
        }
        v = v * 10 + (unsigned)(t.at[i] - '0');
    }
    *out = v;
    return t.len > 0;
}

/* The framing that the fields say: HTTP_UNTIL_CLOSE when they say nothing. False when they
 * contradict themselves. */
static bool framing_of(struct http_body *b, const struct http_head *h)
{
    bool has_length = false;
    *b = (struct http_body){.framing = HTTP_UNTIL_CLOSE};
    for (size_t i = 0; i < h->n; i++) {
        const struct http_field *f = &h->fields[i];
        uint64_t length;
        if (http_text_is(f->name, "Transfer-Encoding")) {
            if (b->framing == HTTP_CHUNKED || !http_text_is(f->value, "chunked")) {
                return false;
            }
            b->framing = HTTP_CHUNKED;
        } else if (http_text_is(f->name, "Content-Length")) {
            if (!take_length(&length, f->value) || (has_length && length != b->left)) {
                return false;
            }
            has_length = true;
            b->left = length;
        }
    }
    if (has_length && b->framing == HTTP_CHUNKED) {
        return false;
    }
    if (has_length) {
        b->framing = HTTP_LENGTH;
        b->done = b->left == 0;
    }
    return true;
}

static void no_body(struct http_body *b)
{
    *b = (struct http_body){.framing = HTTP_NO_BODY, .done = true};
}

bool http_body_of_request(struct http_body *b, const struct http_head *h)
{
    if (!framing_of(b, h) || (b->framing == HTTP_CHUNKED && h->minor == 0)) {
        return false;
    }
    if (b->framing == HTTP_UNTIL_CLOSE) {
        no_body(b);
    }
    return true;
}

bool http_body_of_response(struct http_body *b, const struct http_head *h, bool to_head)
{
    if (to_head || h->status < 200 || h->status == 204 || h->status == 304) {
        no_body(b);
        return true;
    }
    if (!framing_of(b, h)) {
        return false;
    }
    if (b->framing == HTTP_CHUNKED && h->minor == 0) {
        *b = (struct http_body){.framing = HTTP_UNTIL_CLOSE}; /* RFC 9112 6.1 */
    }
    return true;
}
