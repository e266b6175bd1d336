/* SPDX-License-Identifier: MIT */
/* Whose turn with lwIP it is: see instance.h. */
#include "stack/instance.h"

#include "stack/internal.h"

#include <assert.h>
#include <lwip/init.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static struct stack *current;
static pthread_t thread;
static bool initialised;

static void globals_save(struct instance *i)
{
    *i = (struct instance){
        .netif = netif_default,
        .tcp_active = tcp_active_pcbs,
        .tcp_bound = tcp_bound_pcbs,
        .tcp_time_wait = tcp_tw_pcbs,
        .tcp_listen = tcp_listen_pcbs,
        .udp = udp_pcbs,
    };
}

static void globals_load(const struct instance *i)
{
    netif_default = i->netif;
    tcp_active_pcbs = i->tcp_active;
    tcp_bound_pcbs = i->tcp_bound;
    tcp_tw_pcbs = i->tcp_time_wait;
    tcp_listen_pcbs = i->tcp_listen;
    udp_pcbs = i->udp;
}

static void initialise(void)
{
    thread = pthread_self();
    lwip_init();
    initialised = true;
}

void instance_enter(struct stack *stack)
{
    assert(!stack->in_output);
    if (current != stack) {
        if (current) {
            globals_save(&current->instance);
        }
        globals_load(&stack->instance);
        current = stack;
        if (!initialised) {
            initialise();
        }
    }
    assert(pthread_equal(thread, pthread_self()));
    tcp_ticks = instance_ticks(stack);
}

void instance_enter_at(struct stack *stack, struct now now)
{
    if (now.mono > stack->mono) {
        stack->mono = now.mono;
    }
    instance_enter(stack);
}

void instance_leave(struct stack *stack)
{
    assert(current == stack);
    globals_load(&(struct instance){0});
    current = NULL;
}

struct stack *instance_current(void)
{
    assert(current);
    return current;
}

uint32_t instance_ticks(const struct stack *stack)
{
    return (uint32_t)(stack->mono / (TCP_SLOW_INTERVAL * NS_PER_MS));
}

/* ---- lwIP's platform ---- */

u32_t sys_now(void)
{
    return (u32_t)(current->mono / NS_PER_MS);
}

void sys_timeouts_init(void)
{
}

/* While it starts, lwIP asks for ports that nobody will use: the first stack of a process must not
 * draw more numbers than the others, or a seed would not say what happens. */
uint32_t stack_lwip_rand(void)
{
    return initialised ? rng_u32(&current->config.rng) : 0;
}

_Noreturn void stack_lwip_assert(const char *message, const char *file, int line)
{
    fprintf(stderr, "lwIP: %s (%s:%d)\n", message, file, line);
    abort();
}
