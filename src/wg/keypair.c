/* SPDX-License-Identifier: MIT */
/* Birth, slots and death of sessions. */
#include "wg/keypair.h"

#include "wg/messages.h"

#include <assert.h>

static void retire(struct keypair *kp, struct index_table *t)
{
    if (kp == NULL) {
        return;
    }
    assert(kp->open_jobs == 0);
    struct wg_peer *peer = kp->entry.peer;
    index_remove(t, &kp->entry);
    wipe(kp, sizeof *kp);
    index_entry_init(&kp->entry, INDEX_KEYPAIR, peer);
}

static bool older_than(const struct keypair *kp, uint64_t age, struct now now)
{
    return now.mono >= kp->born + age;
}

void keypairs_init(struct keypairs *k, struct wg_peer *peer)
{
    k->current = k->previous = k->next = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(k->pool); i++) {
        wipe(&k->pool[i], sizeof k->pool[i]);
        index_entry_init(&k->pool[i].entry, INDEX_KEYPAIR, peer);
    }
}

void keypairs_clear(struct keypairs *k, struct index_table *t)
{
    for (size_t i = 0; i < ARRAY_SIZE(k->pool); i++) {
        retire(&k->pool[i], t);
    }
    k->current = k->previous = k->next = NULL;
}

struct keypair *keypairs_blank(struct keypairs *k)
{
    for (size_t i = 0; i < ARRAY_SIZE(k->pool); i++) {
        struct keypair *kp = &k->pool[i];
        if (kp != k->current && kp != k->previous && kp != k->next) {
            return kp;
        }
    }
    assert(false); /* three slots cannot fill four places */
    return NULL;
}

void keypairs_add(struct keypairs *k, struct index_table *t, struct keypair *kp)
{
    if (!kp->initiator) {
        retire(k->next, t);
        retire(k->previous, t);
        k->next = kp;
        k->previous = NULL;
        return;
    }
    /* The peer may already send under a next that it got from us: keep that one able to receive. */
    struct keypair *demoted = k->next != NULL ? k->next : k->current;
    if (demoted != k->current) {
        retire(k->current, t);
    }
    retire(k->previous, t);
    k->previous = demoted;
    k->next = NULL;
    k->current = kp;
}

bool keypairs_confirm(struct keypairs *k, struct index_table *t, const struct keypair *kp)
{
    if (kp != k->next) {
        return false;
    }
    retire(k->previous, t);
    k->previous = k->current;
    k->current = k->next;
    k->next = NULL;
    return true;
}

bool keypair_may_send(const struct keypair *kp, struct now now)
{
    return !older_than(kp, REJECT_AFTER_TIME, now) && kp->tx_counter < REJECT_AFTER_MESSAGES;
}

bool keypair_may_receive(const struct keypair *kp, struct now now)
{
    return !older_than(kp, REJECT_AFTER_TIME, now) && kp->replay.highest < REJECT_AFTER_MESSAGES;
}

bool keypair_is_stale_to_send(const struct keypair *kp, struct now now)
{
    return kp->tx_counter > REKEY_AFTER_MESSAGES ||
           (kp->initiator && older_than(kp, REKEY_AFTER_TIME, now));
}

bool keypair_is_stale_to_receive(const struct keypair *kp, struct now now)
{
    return kp->initiator && older_than(kp, REKEY_ON_RECEIVE_AFTER, now);
}
