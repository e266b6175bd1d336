/* SPDX-License-Identifier: MIT */
/* A user is a small state machine over a scripted client: ask, read the reply, then send and check. */
#include "sim_user.h"

#include <stdlib.h>
#include <string.h>

#include "unit/test.h"

#define SIP_EVERY (100 * NS_PER_MS)

struct sim_user {
    struct sim_pair *pair;
    struct sim_client *client;
    struct sim_user_plan plan;
    enum sim_user_end end;
    unsigned reply;
    size_t sent, received;
    uint64_t next_chunk, next_sip; /* since the start */
    bool shut, excused;
};

static uint8_t pattern(const struct sim_user *u, size_t i)
{
    return (uint8_t)(u->plan.salt + i * 31 + (i >> 8) * 7 + (i >> 16));
}

struct sim_user *sim_user_new(struct sim_pair *p, const struct sim_user_plan *plan,
                              const char *address)
{
    struct sim_user *u = calloc(1, sizeof *u);
    *u = (struct sim_user){.pair = p, .plan = *plan, .reply = 256};
    u->client = sim_pair_ask(p, address, ECHO_PORT);
    if (plan->sip != 0) {
        sim_client_set_window(u->client, 4096);
    }
    return u;
}

void sim_user_leave(struct sim_user *u)
{
    if (u->end == SIM_USER_ACTIVE) {
        sim_client_reset(u->client);
        u->end = SIM_USER_RESET;
    }
}

void sim_user_free(struct sim_user *u)
{
    sim_client_free(u->client);
    free(u);
}

/* ---- steps ---- */

/* A moment at which it wants to be asked again. */
static void come_back(const struct sim_user *u, uint64_t *at, uint64_t after)
{
    *at = sim_time(u->pair->sim) + after;
    sim_stir(u->pair->sim, *at);
}

static void read_reply(struct sim_user *u)
{
    if (sim_client_received(u->client) < 6) {
        return;
    }
    const uint8_t *in = sim_client_data(u->client);
    size_t len = 2 + (in[5] == 4 ? 22u : 10u);
    if (sim_client_received(u->client) < len) {
        return;
    }
    u->reply = in[3];
    sim_client_take(u->client, len);
    if (u->reply != 0) {
        u->end = SIM_USER_REFUSED;
    }
}

static void check_bytes(struct sim_user *u, size_t n)
{
    const uint8_t *in = sim_client_data(u->client);
    if (u->received + n > u->sent) {
        fail_msg("%zu bytes came back, and only %zu were sent", u->received + n, u->sent);
    }
    for (size_t i = 0; i < n; i++) {
        if (in[i] != pattern(u, u->received + i)) {
            fail_msg("byte %zu came back as %02x, and not as %02x", u->received + i, in[i],
                     pattern(u, u->received + i));
        }
    }
    sim_client_take(u->client, n);
    u->received += n;
}

static void read_echo(struct sim_user *u)
{
    size_t n = sim_client_received(u->client);
    if (n == 0) {
        return;
    }
    if (u->plan.sip == 0) {
        check_bytes(u, n);
    } else if (sim_time(u->pair->sim) >= u->next_sip) {
        check_bytes(u, n < u->plan.sip ? n : u->plan.sip);
        come_back(u, &u->next_sip, SIP_EVERY);
    }
}

static void send_chunk(struct sim_user *u)
{
    uint8_t bytes[65536];
    size_t left = u->plan.total - u->sent;
    size_t n = left < u->plan.chunk ? left : u->plan.chunk;
    n = n < sizeof bytes ? n : sizeof bytes;
    for (size_t i = 0; i < n; i++) {
        bytes[i] = pattern(u, u->sent + i);
    }
    sim_client_send(u->client, bytes, n);
    u->sent += n;
    if (u->plan.pause > 0) {
        come_back(u, &u->next_chunk, u->plan.pause);
    }
}

static void write_more(struct sim_user *u)
{
    if (u->shut) {
        return;
    }
    if (u->sent == u->plan.total) {
        u->shut = true;
        sim_client_shutdown(u->client);
        return;
    }
    bool its_turn = !u->plan.turns || u->received == u->sent;
    if (its_turn && sim_time(u->pair->sim) >= u->next_chunk && sim_client_unsent(u->client) == 0) {
        send_chunk(u);
    }
}

/* What the door did to the connection. */
static void look_for_end(struct sim_user *u)
{
    if (sim_client_was_reset(u->client)) {
        u->end = SIM_USER_RESET;
    } else if (sim_client_eof(u->client) && sim_client_received(u->client) == 0) {
        if (u->received != u->plan.total) {
            fail_msg("the connection ended in order, but with %zu of %zu bytes", u->received,
                     u->plan.total);
        }
        u->end = SIM_USER_DONE;
    }
}

enum sim_user_end sim_user_step(struct sim_user *u)
{
    if (u->end == SIM_USER_ACTIVE && u->reply == 256) {
        read_reply(u);
    }
    if (u->end == SIM_USER_ACTIVE && u->reply == 0) {
        read_echo(u);
        write_more(u);
    }
    if (u->end == SIM_USER_ACTIVE) {
        look_for_end(u);
    }
    if (u->end == SIM_USER_ACTIVE && u->plan.reset_after > 0 &&
        u->received >= u->plan.reset_after) {
        sim_client_reset(u->client);
        u->end = SIM_USER_DONE;
    }
    return u->end;
}

/* ---- looking on ---- */

enum sim_user_end sim_user_end(const struct sim_user *u)
{
    return u->end;
}

unsigned sim_user_reply(const struct sim_user *u)
{
    return u->reply;
}

size_t sim_user_sent(const struct sim_user *u)
{
    return u->sent;
}

size_t sim_user_received(const struct sim_user *u)
{
    return u->received;
}

bool sim_user_is_excused(const struct sim_user *u)
{
    return u->excused;
}

void sim_user_excuse(struct sim_user *u)
{
    u->excused = true;
}
