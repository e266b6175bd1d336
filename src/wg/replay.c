/* SPDX-License-Identifier: MIT */
/* A ring of words, one bit a counter. The window slides by whole words: the words that the highest
 * counter enters are cleared, and one word of the ring is spent on that, which is why 64 bits are
 * not usable. */
#include "wg/replay.h"

#include "base/macros.h"
#include "wg/messages.h"

enum { WORD_BITS = 64, WORDS = REPLAY_BITS / WORD_BITS };

static void slide(struct replay *r, uint64_t to)
{
    uint64_t word = r->highest / WORD_BITS;
    uint64_t steps = to / WORD_BITS - word;
    if (steps > WORDS) {
        steps = WORDS;
    }
    while (steps-- > 0) {
        r->seen[++word % WORDS] = 0;
    }
    r->highest = to;
}

void replay_init(struct replay *r)
{
    *r = (struct replay){0};
}

bool replay_accept(struct replay *r, uint64_t counter)
{
    if (counter >= REJECT_AFTER_MESSAGES) {
        return false;
    }
    if (counter > r->highest) {
        slide(r, counter);
    } else if (r->highest - counter > REPLAY_WINDOW) {
        return false;
    }
    uint64_t *word = &r->seen[counter / WORD_BITS % WORDS];
    uint64_t bit = UINT64_C(1) << counter % WORD_BITS;
    if ((*word & bit) != 0) {
        return false;
    }
    *word |= bit;
    return true;
}
