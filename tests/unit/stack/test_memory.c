/* SPDX-License-Identifier: MIT */
/* Lists of small blocks: every size is served and aligned, blocks are used again, and what a busy
 * time needed goes back. */
#include "stack/memory.h"
#include "unit/seeded.h"
#include "unit/test.h"

#include <string.h>

enum { BLOCKS = 1000, SIZE_MAX_TRIED = 600 };

static void blocks_of_any_size_are_apart_and_aligned(void **state)
{
    (void)state;
    uint64_t chance = 1;
    static struct {
        uint8_t *mem, mark;
        size_t size;
    } held[BLOCKS];
    for (int step = 0; step < 100 * BLOCKS; step++) {
        size_t i = seeded_next(&chance) % BLOCKS;
        for (size_t k = 0; held[i].mem && k < held[i].size; k++) {
            assert_int_equal(held[i].mem[k], held[i].mark);
        }
        if (held[i].mem) {
            stack_mem_free(held[i].mem);
        }
        held[i].size = 1 + seeded_next(&chance) % SIZE_MAX_TRIED;
        held[i].mark = (uint8_t)step;
        held[i].mem = stack_mem_alloc(held[i].size);
        assert_non_null(held[i].mem);
        assert_int_equal((uintptr_t)held[i].mem % 8, 0);
        memset(held[i].mem, held[i].mark, held[i].size);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        stack_mem_free(held[i].mem);
    }
    memory_cleanup();
}

static void calloc_clears_a_block_that_was_used(void **state)
{
    (void)state;
    uint8_t *mem = stack_mem_alloc(100);
    memset(mem, 0xff, 100);
    stack_mem_free(mem);
    mem = stack_mem_calloc(10, 10);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(mem[i], 0);
    }
    stack_mem_free(mem);
    memory_cleanup();
}

static void what_a_peak_needed_goes_back_in_two_steps(void **state)
{
    (void)state;
    void *mem[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        mem[i] = stack_mem_alloc(40);
    }
    memory_settle();
    for (int i = 0; i < BLOCKS; i++) {
        stack_mem_free(mem[i]);
    }
    memory_settle(); /* busy until now */
    memory_settle();
    assert_false(memory_settle());
    memory_cleanup();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_any_size_are_apart_and_aligned),
        cmocka_unit_test(calloc_clears_a_block_that_was_used),
        cmocka_unit_test(what_a_peak_needed_goes_back_in_two_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
