/* SPDX-License-Identifier: MIT */
/* outbox, rxbuf and list: the small containers. */
#include <string.h>

#include "unit/test.h"
#include "base/err.h"
#include "base/list.h"
#include "base/outbox.h"
#include "base/rxbuf.h"

static void outbox_messages_stand_behind_each_other(void **state)
{
    (void)state;
    struct outbox ob;
    struct endpoint to = {.port = 7};
    assert_int_equal(outbox_init(&ob, 64, 3), 0);
    memset(outbox_tail(&ob), 'a', 20);
    outbox_commit(&ob, 20, &to, 0x88);
    memset(outbox_tail(&ob), 'b', 44);
    assert_true(outbox_has_room(&ob, 44));
    assert_false(outbox_has_room(&ob, 45));
    outbox_commit(&ob, 44, &to, 0);
    assert_false(outbox_has_room(&ob, 1));
    assert_int_equal(ob.n, 2);
    assert_int_equal(outbox_data(&ob, &ob.msgs[0])[19], 'a');
    assert_ptr_equal(outbox_data(&ob, &ob.msgs[1]), ob.buf + 20);
    assert_int_equal(ob.msgs[0].tos, 0x88);
    outbox_clear(&ob);
    assert_true(outbox_has_room(&ob, 64));
    outbox_fini(&ob);
}

static void outbox_is_full_when_its_messages_are(void **state)
{
    (void)state;
    struct outbox ob;
    struct endpoint to = {0};
    assert_int_equal(outbox_init(&ob, 64, 2), 0);
    outbox_commit(&ob, 1, &to, 0);
    assert_true(outbox_has_room(&ob, 1));
    outbox_commit(&ob, 1, &to, 0);
    assert_false(outbox_has_room(&ob, 1));
    outbox_fini(&ob);
}

static void receive_buffer_lives_until_its_last_reference(void **state)
{
    (void)state;
    struct rxbuf_pool pool;
    rxbuf_pool_init(&pool, 4096, 1);
    struct rxbuf *a = rxbuf_new(&pool);
    assert_int_equal((uintptr_t)a->data % 16, 0);
    memset(a->data, 1, 4096);
    rxbuf_ref(a);
    rxbuf_unref(a);
    assert_int_equal(pool.n_live, 1);
    rxbuf_unref(a);
    assert_int_equal(pool.n_live, 0);
    assert_ptr_equal(rxbuf_new(&pool), a); /* kept for reuse */
    struct rxbuf *b = rxbuf_new(&pool);
    assert_int_equal(pool.n_live, 2);
    rxbuf_unref(a);
    rxbuf_unref(b); /* one more than the pool keeps */
    assert_int_equal(pool.n_idle, 1);
    rxbuf_unref(NULL);
    rxbuf_pool_fini(&pool);
}

struct item {
    int number;
    struct list link;
};

static void list_keeps_order_and_lets_items_go(void **state)
{
    (void)state;
    struct list l, taken;
    struct item items[4];
    list_init(&l);
    assert_null(list_pop_front(&l));
    for (int i = 0; i < 4; i++) {
        items[i].number = i;
        list_init(&items[i].link);
        assert_false(list_linked(&items[i].link));
        list_push_back(&l, &items[i].link);
    }
    list_remove(&items[1].link);
    list_remove(&items[1].link); /* harmless */
    list_take(&taken, &l);
    assert_true(list_empty(&l));
    int want[] = {0, 2, 3}, n = 0;
    list_foreach_safe(p, &taken)
    {
        assert_int_equal(list_item(p, struct item, link)->number, want[n++]);
        list_remove(p);
    }
    assert_int_equal(n, 3);
    assert_true(list_empty(&taken));
    list_take(&taken, &l);
    assert_true(list_empty(&taken));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outbox_messages_stand_behind_each_other),
        cmocka_unit_test(outbox_is_full_when_its_messages_are),
        cmocka_unit_test(receive_buffer_lives_until_its_last_reference),
        cmocka_unit_test(list_keeps_order_and_lets_items_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
