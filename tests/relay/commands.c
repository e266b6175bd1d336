/* SPDX-License-Identifier: MIT */
/* One table of words; each kind of value has its reader. */
#include "commands.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define NS_PER_MS 1e6
#define MS_MOST 60000.0

static bool read_number(const char *text, double most, double *out)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !(number >= 0 && number <= most)) {
        return false;
    }
    *out = number;
    return true;
}

static bool read_endpoint(void *field, const char *text)
{
    struct endpoint read;
    if (!endpoint_parse(&read, text)) {
        return false;
    }
    *(struct endpoint *)field = read;
    return true;
}

static bool read_percent(void *field, const char *text)
{
    return read_number(text, 100, field);
}

static bool read_ms(void *field, const char *text)
{
    double ms;
    if (!read_number(text, MS_MOST, &ms)) {
        return false;
    }
    *(uint64_t *)field = (uint64_t)(ms * NS_PER_MS);
    return true;
}

static bool read_count(void *field, const char *text)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0) {
        return false;
    }
    *(uint64_t *)field = number;
    return true;
}

static const struct {
    const char *word;
    size_t field;
    bool (*read)(void *field, const char *text);
    bool only_at_start;
} commands[] = {
    {"listen", offsetof(struct settings, listen), read_endpoint, true},
    {"to", offsetof(struct settings, to), read_endpoint, true},
    {"seed", offsetof(struct settings, seed), read_count, true},
    {"loss", offsetof(struct settings, rules.loss), read_percent, false},
    {"duplicate", offsetof(struct settings, rules.duplicate), read_percent, false},
    {"delay", offsetof(struct settings, rules.delay), read_ms, false},
    {"jitter", offsetof(struct settings, rules.jitter), read_ms, false},
    {"rate", offsetof(struct settings, rules.rate), read_count, false},
    {"rebind-after", offsetof(struct settings, rebind_after), read_count, false},
};

bool command_apply(struct settings *s, const char *word, const char *value, bool at_start)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (strcmp(word, commands[i].word) == 0) {
            return (at_start || !commands[i].only_at_start) &&
                   commands[i].read((char *)s + commands[i].field, value);
        }
    }
    return false;
}
