/* SPDX-License-Identifier: MIT */
/* Messages under way, by number, by deadline, and in the order to be carried. */
#include "dns/exchange.h"

#include <assert.h>
#include <stdlib.h>

#define DNS_PORT 53

static const uint64_t patience_ns[N_PATIENCE] = {
    [PATIENCE_2S] = 2 * NS_PER_S,
    [PATIENCE_3S] = 3 * NS_PER_S,
    [PATIENCE_4S] = 4 * NS_PER_S,
};

static struct list *bucket_of(const struct exchanges *xs, uint32_t number)
{
    return (struct list *)&xs->table[number % EXCHANGE_BUCKETS];
}

void exchanges_init(struct exchanges *xs)
{
    for (size_t i = 0; i < EXCHANGE_BUCKETS; i++) {
        list_init(&xs->table[i]);
    }
    for (size_t i = 0; i < N_PATIENCE; i++) {
        list_init(&xs->waiting[i]);
    }
    list_init(&xs->to_carry);
    list_init(&xs->to_forget);
    xs->last_number = 0;
}

void exchanges_fini(struct exchanges *xs)
{
    assert(exchanges_next_deadline(xs) == NEVER);
    for (struct list *l = list_pop_front(&xs->to_forget); l != NULL;
         l = list_pop_front(&xs->to_forget)) {
        free(list_item(l, struct exchange, in_out));
    }
}

static struct exchange *find(const struct exchanges *xs, uint32_t number)
{
    const struct list *bucket = bucket_of(xs, number);
    list_foreach(pos, bucket) {
        struct exchange *x = list_item(pos, struct exchange, in_table);
        if (x->number == number) {
            return x;
        }
    }
    return NULL;
}

/* Numbers come back after 2^32 of them; one that is still known to the carrier is passed over. */
static uint32_t new_number(struct exchanges *xs)
{
    do {
        xs->last_number++;
    } while (find(xs, xs->last_number) != NULL);
    return xs->last_number;
}

struct exchange *exchange_open(struct exchanges *xs, struct question *question,
                               enum resolver_carry kind, const struct addr *server,
                               enum patience patience, struct now now)
{
    struct exchange *x = calloc(1, sizeof *x);
    if (x == NULL) {
        return NULL;
    }
    x->number = new_number(xs);
    x->deadline = now.mono + patience_ns[patience];
    x->question = question;
    x->kind = kind;
    x->server = (struct endpoint){.addr = *server, .port = DNS_PORT};
    list_push_back(bucket_of(xs, x->number), &x->in_table);
    list_push_back(&xs->waiting[patience], &x->in_wait);
    list_push_back(&xs->to_carry, &x->in_out);
    return x;
}

void exchange_close(struct exchanges *xs, struct exchange *x)
{
    list_remove(&x->in_wait);
    list_remove(&x->in_out);
    x->question = NULL;
    if (x->handed_out) { /* stays in the table: its number is not free yet */
        list_push_back(&xs->to_forget, &x->in_out);
    } else {
        list_remove(&x->in_table);
        free(x);
    }
}

struct exchange *exchange_lookup(const struct exchanges *xs, uint32_t number)
{
    struct exchange *x = find(xs, number);
    return x != NULL && x->handed_out && x->question != NULL ? x : NULL;
}

static void output_forget(struct exchange *x, struct resolver_output *out)
{
    *out = (struct resolver_output){
        .kind = RESOLVER_FORGET, .exchange = x->number, .server = x->server};
    list_remove(&x->in_table);
    free(x);
}

static void output_carry(struct exchange *x, struct resolver_output *out)
{
    x->handed_out = true;
    *out = (struct resolver_output){
        .kind = x->kind,
        .exchange = x->number,
        .server = x->server,
        .message = x->query,
        .len = x->len,
    };
}

bool exchanges_next_output(struct exchanges *xs, struct resolver_output *out)
{
    struct list *l = list_pop_front(&xs->to_forget);
    if (l != NULL) {
        output_forget(list_item(l, struct exchange, in_out), out);
        return true;
    }
    l = list_pop_front(&xs->to_carry);
    if (l != NULL) {
        output_carry(list_item(l, struct exchange, in_out), out);
        return true;
    }
    return false;
}

static struct exchange *first_waiting(const struct exchanges *xs, size_t patience)
{
    const struct list *l = &xs->waiting[patience];
    return list_empty(l) ? NULL : list_item(l->next, struct exchange, in_wait);
}

uint64_t exchanges_next_deadline(const struct exchanges *xs)
{
    uint64_t deadline = NEVER;
    for (size_t i = 0; i < N_PATIENCE; i++) {
        struct exchange *x = first_waiting(xs, i);
        deadline = x == NULL ? deadline : deadline_min(deadline, x->deadline);
    }
    return deadline;
}

struct exchange *exchanges_overdue(const struct exchanges *xs, struct now now)
{
    for (size_t i = 0; i < N_PATIENCE; i++) {
        struct exchange *x = first_waiting(xs, i);
        if (x != NULL && x->deadline <= now.mono) {
            return x;
        }
    }
    return NULL;
}
