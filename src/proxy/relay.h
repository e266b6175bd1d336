/* SPDX-License-Identifier: MIT */
/* Carries bytes between a client and its tunnel stream, both ways, straight from one's queue into
 * the other: the relay holds no bytes and allocates nothing.
 *
 *   FIN  stays a FIN: each direction ends by itself, the other goes on
 *   RST  stays a RST: whichever side breaks, the other one sees an error and never a clean end; what
 *        the tunnel brought before it broke reaches the client first
 *   A slow side slows its own sender only: nothing is read that cannot be put down */
#ifndef WGPROXY_PROXY_RELAY_H
#define WGPROXY_PROXY_RELAY_H

#include "base/stream.h"
#include "stack/stack_tcp.h"

/* At most this much is carried each way per call, so that one flow cannot hold up the others. */
#define RELAY_BUDGET ((size_t)256 * 1024)

enum relay_verdict {
    RELAY_GOES_ON,
    RELAY_FINISHED,     /* both directions ended cleanly */
    RELAY_CLIENT_BROKE, /* see err */
    RELAY_TUNNEL_BROKE, /* see err */
};

struct relay {
    struct stream *client;
    struct stack_tcp *tunnel;
    uint64_t up, down; /* bytes carried */

    /* The last one given. After it said that it is over, only relay_close is left to call. */
    enum relay_verdict verdict;
    int err; /* why it broke */

    /* What the client was asked for. READABLE missing: the tunnel has no room, or up_done.
     * WRITABLE set: the client has no room. */
    uint8_t want;
    int broken;     /* why the tunnel broke, while the client has not got all that came before; 0 */
    bool up_done;   /* the client's end of file went into the tunnel as FIN */
    bool down_done; /* and the other way round */
};

/* Takes ownership of both ends, whose handlers stay the caller's: the client's ready() and the
 * tunnel's events are to be passed on. `early` bytes went up already; with `client_eof` the
 * client's end of file was read behind them. */
enum relay_verdict relay_start(struct relay *r, struct stream *client, struct stack_tcp *tunnel,
                               size_t early, bool client_eof);
enum relay_verdict relay_client_ready(struct relay *r, unsigned events);
enum relay_verdict relay_tunnel_event(struct relay *r, unsigned events);

/* Give both ends up: orderly after RELAY_FINISHED, else with an error. */
void relay_close(struct relay *r);

#endif
