/* SPDX-License-Identifier: MIT */
/* Clients of the simulated world: the other end of the streams that a door accepts, with unbounded patience and a socket
 * buffer of a chosen size. */
#ifndef WGPROXY_TESTS_SIM_SIM_CLIENT_H
#define WGPROXY_TESTS_SIM_SIM_CLIENT_H

#include "sim.h"

struct sim_client;

#define SIM_SOCKS_PORT 1080

/* Connect to the host's listener on SIM_SOCKS_PORT, or on another port. */
struct sim_client *sim_connect(struct sim *s, unsigned host);
struct sim_client *sim_connect_port(struct sim *s, unsigned host, uint16_t port);
void sim_client_free(struct sim_client *c); /* closes first, if it still is open */

void sim_client_send(struct sim_client *c, const void *data, size_t len);
void sim_client_shutdown(struct sim_client *c); /* FIN */
void sim_client_reset(struct sim_client *c);    /* RST */

/* What arrived and was not taken yet. A client with a `window` takes no more than that before sim_client_take. */
size_t sim_client_received(const struct sim_client *c);
const uint8_t *sim_client_data(const struct sim_client *c);
void sim_client_take(struct sim_client *c, size_t n);
void sim_client_set_window(struct sim_client *c, size_t window);

bool sim_client_eof(const struct sim_client *c);       /* the door's FIN came */
bool sim_client_was_reset(const struct sim_client *c); /* the door's RST came */
size_t sim_client_unsent(const struct sim_client *c);  /* bytes that the door has not read yet */

void sim_clients_wake(
    struct sim_host *h); /* it can be told again what became ready while it slept */

int sim_listen(void *world, const struct place *at, env_accept_fn *accepted, void *ctx,
               struct place *bound, struct env_listener **out);
void sim_listener_close(struct env_listener *l);

#endif
