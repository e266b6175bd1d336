/* SPDX-License-Identifier: MIT */
/* Which known word was meant by a misspelt one: the restricted
 * Damerau-Levenshtein distance, bounded. */
#include "config/nearest.h"

#include <ctype.h>
#include <string.h>

#define WORD_MAX 32 /* longer words are no misspelling of ours */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static int lower(char c)
{
    return tolower((unsigned char)c);
}

unsigned nearest_distance(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    if (na > WORD_MAX || nb > WORD_MAX || na > nb + NEAREST_MAX || nb > na + NEAREST_MAX) {
        return NEAREST_MAX + 1;
    }
    unsigned rows[3][WORD_MAX + 1]; /* two rows back, one back, this one */
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (unsigned j = 0; j <= nb; j++) {
        last[j] = j;
    }
    for (unsigned i = 1; i <= na; i++) {
        row[0] = i;
        for (unsigned j = 1; j <= nb; j++) {
            unsigned differs = lower(a[i - 1]) != lower(b[j - 1]);
            row[j] = least(last[j], row[j - 1]) + 1;
            row[j] = least(row[j], last[j - 1] + differs);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1])) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
        unsigned *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[nb] <= NEAREST_MAX ? last[nb] : NEAREST_MAX + 1;
}

void nearest_init(struct nearest *n, const char *wanted)
{
    *n = (struct nearest){.wanted = wanted, .distance = NEAREST_MAX + 1};
}

void nearest_offer(struct nearest *n, const char *word)
{
    unsigned d = nearest_distance(n->wanted, word);
    /* Short words are all near each other: two thirds of the letters must be
     * right. */
    if (d < n->distance && d * 3 <= strlen(word)) {
        n->best = word;
        n->distance = d;
    }
}
