/* SPDX-License-Identifier: MIT */
/* The ledger of messages under way: which are to be carried, which wait for an answer and until
 * when, which are over and must be let go by the carrier. What a timeout or an answer means is
 * question.c's. */
#ifndef WGPROXY_DNS_EXCHANGE_H
#define WGPROXY_DNS_EXCHANGE_H

#include "base/list.h"
#include "base/macros.h"
#include "base/now.h"
#include "dns/message.h"
#include "dns/resolver.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct question;

/* How long an answer is waited for. There is one queue per patience, each in order of deadline by
 * itself. */
enum patience { PATIENCE_2S, PATIENCE_3S, PATIENCE_4S, N_PATIENCE };

/* One message to one server, until it is answered, given up, or failed. */
struct exchange {
    struct list in_table; /* by number */
    struct list in_wait;  /* by deadline */
    struct list in_out;   /* to be carried, or to be forgotten */
    uint32_t number;
    uint64_t deadline;
    struct question *question;
    enum resolver_carry kind;
    struct endpoint server;
    bool handed_out; /* the carrier knows of it */
    bool edns;
    size_t len;
    uint8_t query[MESSAGE_QUERY_MAX];
};

#define EXCHANGE_BUCKETS 256

struct exchanges {
    struct list table[EXCHANGE_BUCKETS];
    struct list waiting[N_PATIENCE];
    struct list to_carry, to_forget;
    uint32_t last_number;
};

void exchanges_init(struct exchanges *xs);
void exchanges_fini(struct exchanges *xs); /* no exchange may be open any more (asserted) */

/* A new exchange for `question`, to be carried from now on; NULL without memory. The caller then
 * writes query and len. */
struct exchange *exchange_open(struct exchanges *xs, struct question *question,
                               enum resolver_carry kind, const struct addr *server,
                               enum patience patience, struct now now);

/* Frees it. The carrier is told, if it knew. */
void exchange_close(struct exchanges *xs, struct exchange *x);

/* The open exchange that the carrier knows by `number`; NULL: over long ago, or never was. */
struct exchange *exchange_lookup(const struct exchanges *xs, uint32_t number);

bool exchanges_next_output(struct exchanges *xs, struct resolver_output *out);

uint64_t exchanges_next_deadline(const struct exchanges *xs);

/* One whose deadline has come; NULL when there is none. */
struct exchange *exchanges_overdue(const struct exchanges *xs, struct now now);

#endif
