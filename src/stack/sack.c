/* SPDX-License-Identifier: MIT */
#include "stack/sack.h"

#include "base/bytes.h"

enum { TCP_FIXED = 20, END = 0, NOP = 1, SACK = 5 };

static bool is_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static size_t read_blocks(const uint8_t *option, size_t len, struct sack_block *out)
{
    size_t n = (len - 2) / 8;
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct sack_block){load_be32(option + 2 + 8 * i), load_be32(option + 6 + 8 * i)};
    }
    return n;
}

size_t sack_parse(const uint8_t *tcp, size_t len, struct sack_block out[SACK_BLOCKS_MAX])
{
    for (size_t at = TCP_FIXED; at < len && tcp[at] != END;) {
        if (tcp[at] == NOP) {
            at++;
            continue;
        }
        size_t size = at + 1 < len ? tcp[at + 1] : 0;
        if (size < 2 || size > len - at) {
            return 0;
        }
        if (tcp[at] == SACK && (size - 2) % 8 == 0 && (size - 2) / 8 <= SACK_BLOCKS_MAX) {
            return read_blocks(tcp + at, size, out);
        }
        at += size;
    }
    return 0;
}

static bool touch(const struct sack_block *a, const struct sack_block *b)
{
    return !is_before(a->right, b->left) && !is_before(b->right, a->left);
}

/* What it touches becomes a part of it. */
static void absorb(struct sack_set *set, struct sack_block *b)
{
    for (size_t i = set->n; i-- > 0;) {
        const struct sack_block *o = &set->block[i];
        if (touch(o, b)) {
            b->left = is_before(o->left, b->left) ? o->left : b->left;
            b->right = is_before(b->right, o->right) ? o->right : b->right;
            set->block[i] = set->block[--set->n];
        }
    }
}

bool sack_add(struct sack_set *set, struct sack_block block)
{
    absorb(set, &block);
    if (set->n == SACK_SET_MAX) {
        return false; /* it touched none, and so none was taken out */
    }
    set->block[set->n++] = block;
    return true;
}

bool sack_covers(const struct sack_set *set, uint32_t left, uint32_t right)
{
    for (size_t i = 0; i < set->n; i++) {
        if (!is_before(left, set->block[i].left) && !is_before(set->block[i].right, right)) {
            return true;
        }
    }
    return false;
}

bool sack_is_duplicate(const struct sack_block *blocks, size_t n, uint32_t una)
{
    if (n == 0) {
        return false;
    }
    if (!is_before(una, blocks[0].right)) {
        return true;
    }
    return n > 1 && !is_before(blocks[0].left, blocks[1].left) &&
           !is_before(blocks[1].right, blocks[0].right);
}
