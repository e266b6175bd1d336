/* SPDX-License-Identifier: MIT */
/* Names and words of the error table. */
#include "base/err.h"

const char *err_text(int err)
{
#define ERR_WORDS(name, code, words) \
    case name:                       \
        return words;
    switch (err) {
    case 0:
        return "success";
        ERR_TABLE(ERR_WORDS)
    default:
        return "unknown error";
    }
#undef ERR_WORDS
}

const char *err_name(int err)
{
#define ERR_NAME(name, code, words) \
    case name:                      \
        return #name;
    switch (err) {
    case 0:
        return "OK";
        ERR_TABLE(ERR_NAME)
    default:
        return "ERR_UNKNOWN";
    }
#undef ERR_NAME
}
