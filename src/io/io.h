/* SPDX-License-Identifier: MIT */
/* The outside: libuv's loop, clocks, entropy, sockets and name resolution of the machine.
 * Descriptors are our own and watched with uv_poll_t, so that batched and gathered calls are at
 * hand. One thread; only host names are resolved on threads of their own. */
#ifndef WGPROXY_IO_IO_H
#define WGPROXY_IO_IO_H

#include "base/addr.h"
#include "base/dgram.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/now.h"
#include "base/place.h"
#include "base/rng.h"
#include "base/stream.h"

#include <stdbool.h>

struct io_loop;

/* ---- loop ---- */

/* Run once each time the loop is about to block: does the work that has gathered and returns
 * when it must run again at the latest (ns of now.mono; NEVER: not by itself). */
typedef uint64_t io_turn_fn(void *ctx, struct now now);
/* A signal came; the second one too. */
typedef void io_signal_fn(void *ctx, int signum, struct now now);

/* 0, ERR_NOMEM, ERR_IO. Changes the process: SIGPIPE is ignored, and the soft limit of
 * descriptors raised to the hard one. `log` is borrowed for life. */
int io_loop_new(struct io_loop **out, const struct log *log) MUST_USE;
void io_loop_set_turn(struct io_loop *loop, io_turn_fn *turn, void *ctx);
/* Be told of what asks for the end: SIGINT and SIGTERM, and SIGHUP and SIGQUIT unless they were ignored when the process
 * began; with `all` also of SIGUSR1 and SIGUSR2, for whoever passes them on. */
int io_loop_on_signal(struct io_loop *loop, bool all, io_signal_fn *fn, void *ctx) MUST_USE;
void io_loop_run(struct io_loop *loop); /* until io_loop_stop */
/* After this iteration, in which what is ready is still told. */
void io_loop_stop(struct io_loop *loop);
/* Every port, stream and listener must be closed (asserted), and every receive buffer released
 * before. Pending name resolutions are cancelled and nobody waits for them: a resolver that
 * hangs delays neither this call nor exit(). NULL is harmless. */
void io_loop_free(struct io_loop *loop);
/* Of this loop turn; outside io_loop_run, the clocks themselves. */
struct now io_now(const struct io_loop *loop);

/* The operating system's entropy (getrandom). */
struct rng io_rng(void);

/* From now on nothing of our memory, where the keys are, goes into a core file, nor to a debugger of a user who is not
 * root. Standard input and output are opened before: /proc/self is root's then. Programs that we start are not
 * concerned. */
void io_hide_memory(void);

/* ---- sockets ---- */

/* The UDP port of a tunnel: one IPv4 and one IPv6-only socket on the same port (0: any),
 * whichever the machine has. What the system refuses it of what makes it fast (UDP_SEGMENT, UDP_GRO,
 * large buffers) is done without, and said once in the life of the loop. 0, ERR_IN_USE, ERR_PERM, ERR_IO (neither family), ERR_NOMEM. */
int io_udp_open(struct io_loop *loop, uint16_t port, const struct dgram_handler *handler, void *ctx,
                struct dgram **out) MUST_USE;

/* A UDP socket for programs of this machine or its network: on exactly this address (port 0: any).
 * *bound is where it really stands. Errors as io_udp_open, and ERR_NO_ADDRESS, ERR_INVALID. */
int io_udp_bind(struct io_loop *loop, const struct endpoint *at,
                const struct dgram_handler *handler, void *ctx, struct endpoint *bound,
                struct dgram **out) MUST_USE;

/* The largest IP packet that the path to `to` takes, as far as the machine knows: its
 * interface's MTU, or what ICMP has told since. 0 when there is no route. Sends nothing. */
unsigned io_path_mtu(const struct endpoint *to);

/* The address of ours that datagrams to there come from, by the machine's routes: 0, or the system's error. */
int io_source_for(const struct endpoint *to, struct addr *out) MUST_USE;

struct io_listener;
/* Takes ownership of `s`, whose handler it sets. */
typedef void io_accept_fn(void *ctx, struct stream *s, struct now now);

/* Listen on a TCP endpoint; *bound is where it really stands (port 0 picks one). 0, ERR_IN_USE,
 * ERR_PERM, ERR_NO_ADDRESS, ERR_INVALID, ERR_LIMIT, ERR_IO, ERR_NOMEM. Accepting pauses by itself near the descriptor
 * limit and goes on when one is free. */
int io_listen(struct io_loop *loop, const struct endpoint *at, io_accept_fn *accepted, void *ctx,
              struct endpoint *bound, struct io_listener **out) MUST_USE;

/* The same at a place. A Unix socket is for our own user only (mode 0600); where its path is a
 * socket that nobody listens on any more, that one is replaced, else ERR_IN_USE; it is removed
 * when the listener closes, if it is still ours. PLACE_FD takes the descriptor over. */
int io_listen_at(struct io_loop *loop, const struct place *at, io_accept_fn *accepted, void *ctx,
                 struct place *bound, struct io_listener **out) MUST_USE;
void io_listener_close(struct io_listener *l);

/* Somebody waits to come in, and there is no descriptor for him: give up what can be done without. False where there is
 * nothing. Asked again after a second. */
typedef bool io_wanted_fn(void *ctx, struct now now);
/* With the context of `accepted`; NULL: whoever waits has to. */
void io_listener_set_wanted(struct io_listener *l, io_wanted_fn *wanted);

/* What a server of TLS shows: its certificate, with those that lead to the root behind it, and the key, both as PEM.
 * 0; or ERR_INVALID, ERR_NOMEM, and in `why` what is wrong with them, without anything that they hold. */
#define IO_TLS_WHY 128
struct io_tls;
int io_tls_new(const char *certificate, const char *key, struct io_tls **out,
               char why[IO_TLS_WHY]) MUST_USE;
/* Where they came from, to be read again when somebody comes in and the files have changed: at most once a second, and
 * for what comes in from then on. What is there must fit together; until it does, the old is shown, with one warning.
 * 0, ERR_NOMEM. */
int io_tls_renew_from(struct io_tls *tls, const char *certificate_path,
                      const char *key_path) MUST_USE;
void io_tls_free(struct io_tls *tls); /* NULL is harmless */
/* No TLS is spoken here: loading OpenSSL has filled 1 MiB that nobody needs. */
void io_tls_unused(void);

/* Whoever comes in from now on speaks TLS with us; `tls` is the listener's then. */
void io_listener_set_tls(struct io_listener *l, struct io_tls *tls);

/* The descriptor of that name which a service manager has handed over (sd_listen_fds(3):
 * LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES), or -1. */
int io_inherited(const char *name);

/* Tell a service manager that wants to know (sd_notify(3): NOTIFY_SOCKET), such as "READY=1". Without one, and
 * where it does not listen, nothing happens. */
void io_notify(const char *state);

/* Connect to a TCP endpoint of this machine or outside; used by the demo's own check and by
 * reverse forwards, never for what a user sends through the tunnel. The stream becomes writable
 * when connected; the first write tells if it failed. ERR_LIMIT near the descriptor limit. */
int io_connect(struct io_loop *loop, const struct endpoint *to, struct stream **out) MUST_USE;
int io_connect_at(struct io_loop *loop, const struct place *to, struct stream **out) MUST_USE;

/* Standard input and output as one stream: pipes, terminals, sockets and files. From now on they
 * are the stream's alone; what others share with us is not made non-blocking where that can be
 * avoided. shutdown() closes standard output. 0, ERR_NOMEM, ERR_IO. */
int io_stdio(struct io_loop *loop, struct stream **out) MUST_USE;

/* ---- another program ---- */

struct io_child;
/* It ended: with an exit status, or by a signal (status is then 128 + signal, as shells say it).
 * The child is gone. */
typedef void io_exited_fn(void *ctx, int status, struct now now);

/* Run argv[0] (found in PATH) with our standard input, output and error, and this environment
 * ("NAME=value", the last one NULL). What was ignored when we began it ignores, too; of sockets that were handed over to
 * us it has none. 0, ERR_NOMEM, ERR_PERM, ERR_NO_NAME (there is no such program), ERR_IO. */
int io_spawn(struct io_loop *loop, char *const argv[], char *environment[], io_exited_fn *exited,
             void *ctx, struct io_child **out) MUST_USE;
void io_kill(struct io_child *c, int signum);

/* ---- a foreign descriptor ---- */

struct io_watch;
typedef void io_watch_fn(void *ctx, struct now now);
/* Call when `fd`, which stays its owner's, is readable. 0, ERR_NOMEM, ERR_IO. */
int io_watch_new(struct io_loop *loop, int fd, io_watch_fn *readable, void *ctx,
                 struct io_watch **out) MUST_USE;
void io_watch_free(struct io_watch *w); /* NULL is harmless */

/* ---- the machine ---- */

struct io_changes;
typedef void io_changed_fn(void *ctx, struct now now);
/* Call when the machine woke from sleep, had its clock set, or has a new address, as far as it tells; the loop, whose timers
 * do not count time asleep, then runs its turn. 0, ERR_NOMEM, ERR_IO. */
int io_changes_new(struct io_loop *loop, io_changed_fn *changed, void *ctx,
                   struct io_changes **out) MUST_USE;
void io_changes_free(struct io_changes *c); /* NULL is harmless */

/* ---- names outside ---- */

struct io_lookup;
/* err 0 and n >= 1 endpoints in the system's order, valid during the call; or ERR_NO_NAME,
 * ERR_DNS_FAILED. The lookup is over: it must not be cancelled any more. */
typedef void io_resolved_fn(void *ctx, int err, const struct endpoint *found, size_t n,
                            struct now now);

/* Resolve a peer's endpoint name with the system's resolver, off the loop's thread. done() runs
 * from the loop, never inside this call. Some are looked up at once, the others in their turn. 0, ERR_BAD_NAME (empty or
 * too long), ERR_LIMIT (very many wait already), ERR_NOMEM. */
int io_resolve(struct io_loop *loop, const char *host, uint16_t port, io_resolved_fn *done,
               void *ctx, struct io_lookup **out) MUST_USE;
void io_resolve_cancel(struct io_lookup *l); /* done() will not be called */

#endif
