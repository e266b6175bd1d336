/* SPDX-License-Identifier: MIT */
/* What will happen in the simulated world: events by time, and at one time in the order in which they were scheduled. */
#ifndef WGPROXY_TESTS_SIM_SIM_EVENTS_H
#define WGPROXY_TESTS_SIM_SIM_EVENTS_H

#include <stddef.h>
#include <stdint.h>

struct sim;

/* `arg` is the event's to free; an event that is taken back has its arg freed with free(). */
typedef void sim_event_fn(struct sim *s, void *arg);

struct sim_event {
    uint64_t at;
    uint64_t number; /* order of creation */
    sim_event_fn *fn;
    void *arg;
    const void *owner; /* may be NULL */
};

struct sim_events {
    struct sim_event *heap; /* the first is the next */
    size_t n, size;
    uint64_t created;
};

void sim_events_fini(struct sim_events *q); /* frees the args of what never happened */
void sim_events_push(struct sim_events *q, uint64_t at, sim_event_fn *fn, void *arg,
                     const void *owner);
uint64_t sim_events_next(const struct sim_events *q); /* when; NEVER */
struct sim_event sim_events_pop(struct sim_events *q);
void sim_events_cancel(struct sim_events *q, const void *owner);

#endif
