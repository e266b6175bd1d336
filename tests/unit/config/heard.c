/* SPDX-License-Identifier: MIT */
#include "unit/config/heard.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/test.h"

#define PART 8 /* characters of a key that are too many */

static void assert_holds_no_part_of(const char *message, const char *key)
{
    char part[PART + 1] = "";
    for (size_t i = 0; i + PART <= strlen(key); i++) {
        memcpy(part, key + i, PART);
        assert_null(strstr(message, part));
    }
}

void heard_message(void *ctx, bool is_error, const char *message)
{
    struct heard *h = ctx;
    size_t used = strlen(h->text);
    assert_holds_no_part_of(message, PRIVATE_KEY);
    assert_holds_no_part_of(message, PRESHARED_KEY);
    assert_null(strchr(message, '\n'));
    snprintf(h->text + used, sizeof h->text - used, "%c %s\n", is_error ? 'E' : 'W', message);
    h->errors += is_error;
    h->warnings += !is_error;
}

int heard_parse(struct heard *h, struct config **out, const char *text, size_t len)
{
    char *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    *h = (struct heard){0};
    int err = config_parse(out, "f", exact, len, heard_message, h);
    free(exact);
    assert_int_equal(err == 0, *out != NULL);
    assert_int_equal(err == ERR_INVALID, h->errors > 0);
    return err;
}

void heard_expect(const struct heard_row *rows, size_t n)
{
    static struct heard h;
    for (size_t i = 0; i < n; i++) {
        struct config *c;
        heard_parse(&h, &c, rows[i].text, strlen(rows[i].text));
        config_free(c);
        if (strcmp(h.text, rows[i].messages) != 0) {
            print_error("row %zu:\n%s", i, rows[i].text);
        }
        assert_string_equal(h.text, rows[i].messages);
    }
}
