/* SPDX-License-Identifier: MIT */
/* Any bytes as a message of HTTP from either side: its head is read or refused, and its body ends at the same byte
 * whichever way it is split. The first byte of the input is the length of the pieces, the second one whose it is. */
#include "proxy/http_head.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IS_RESPONSE = 1, TO_HEAD = 2 };

static void check_text(struct http_text t, const char *text, size_t len)
{
    assert(t.len == 0 || (t.at >= text && t.at + t.len <= text + len));
}

static void check_head(const struct http_head *h, const char *text, size_t len)
{
    assert(h->n <= HTTP_FIELDS_MAX);
    for (size_t i = 0; i < h->n; i++) {
        check_text(h->fields[i].name, text, len);
        check_text(h->fields[i].value, text, len);
        assert(h->fields[i].name.len > 0);
        (void)http_field_is_ours(h, &h->fields[i]);
    }
}

/* In what a proxy passes on, nobody may see a line that it did not see. */
static void check_request(const struct http_head *h, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        assert(text[i] != '\0' && (text[i] != '\n' || (i > 0 && text[i - 1] == '\r')));
        assert(text[i] != '\r' || (i + 1 < len && text[i + 1] == '\n'));
    }
    struct http_target t;
    check_text(h->target, text, len);
    if (http_target_absolute(&t, h->target) == 0) {
        check_text(t.authority, text, len);
        check_text(t.path, text, len);
        assert(t.target.addr.family != FAMILY_NONE || t.target.name[0] != '\0');
    }
    if (http_target_authority(&t, h->target)) {
        assert(t.target.port != 0);
    }
}

static size_t take_all(struct http_body *b, const uint8_t *data, size_t size, size_t piece)
{
    size_t taken = 0;
    while (taken < size && !b->done && !b->bad) {
        size_t len = size - taken < piece ? size - taken : piece;
        size_t n = http_body_take(b, data + taken, len);
        assert(n <= len && (n == len || b->done || b->bad));
        taken += n;
    }
    return taken;
}

static void compare(struct http_body body, const uint8_t *data, size_t size, size_t piece)
{
    struct http_body whole = body, split = body;
    size_t a = take_all(&whole, data, size, SIZE_MAX), b = take_all(&split, data, size, piece);
    assert(whole.done == split.done && whole.bad == split.bad);
    assert(whole.bad || a == b);
    assert(body.framing != HTTP_NO_BODY || a == 0);
    assert(body.framing != HTTP_LENGTH || a == (size < body.left ? size : body.left));
    assert(body.framing != HTTP_UNTIL_CLOSE || (a == size && !whole.done));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_head h;
    struct http_body body = {0};
    if (size < 2) {
        return 0;
    }
    const char *text = (const char *)data + 2;
    size_t len = http_head_length(text, size - 2, 0);
    for (size_t from = 0; from < len; from++) {
        assert(http_head_length(text, from, 0) == 0); /* it ends at the first empty line */
    }
    if (len == 0) {
        return 0;
    }
    bool good;
    if (data[1] & IS_RESPONSE) {
        good = http_head_response(&h, text, len) &&
               http_body_of_response(&body, &h, data[1] & TO_HEAD);
    } else {
        good = http_head_request(&h, text, len) == 0;
        if (good) {
            check_request(&h, text, len);
        }
        good = good && http_body_of_request(&body, &h);
    }
    if (good) {
        check_head(&h, text, len);
        compare(body, data + 2 + len, size - 2 - len, 1u + data[0] % 16);
    }
    return 0;
}
