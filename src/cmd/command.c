/* SPDX-License-Identifier: MIT */
/* Waits, runs a program, and becomes what became of it. */
#include "cmd/command.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cmd/environment.h"
#include "config/report.h"

#define EXPLAINED_AFTER 16 /* seconds; the log has said by then what came back */
#define CALL_EVERY 5       /* seconds, of the keepalive that makes a quiet tunnel begin */

/* ---- the private door ---- */

static int make_place(struct errand *c, struct place *at)
{
    static const struct addr loopback = {.family = FAMILY_V4, .bytes = {127, 0, 0, 1}};
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    *at = (struct place){.kind = PLACE_IP, .at.addr = loopback};
    if (!c->options->private_unix) {
        return 0;
    }
    const char *base =
        runtime != NULL && strlen(runtime) < 32 && access(runtime, W_OK) == 0 ? runtime : "/tmp";
    snprintf(c->folder, sizeof c->folder, "%s/wgproxy-XXXXXX", base);
    if (mkdtemp(c->folder) == NULL) {
        c->folder[0] = '\0';
        return ERR_PERM;
    }
    at->kind = PLACE_UNIX;
    snprintf(at->path, sizeof at->path, "%s/proxy", c->folder);
    return 0;
}

int command_prepare(struct errand *c, struct world *world, struct tunnel *tunnel,
                    const struct files *files, const struct options *options)
{
    const struct config *config = files->file[0].config;
    struct config_door d = {.kind = CONFIG_PROXY,
                            .protocols = CONFIG_SOCKS5 | CONFIG_SOCKS4 | CONFIG_HTTP};
    *c = (struct errand){
        .world = world, .tunnel = tunnel, .files = files, .config = config, .options = options};
    int err = make_place(c, &d.bind);
    if (err == 0) {
        err = app_add_door(world->app, tunnel, config, &d, &c->door, NULL);
    }
    if (err != 0) {
        log_error(&world->log, "cannot open the command's own proxy: %s", err_text(err));
    }
    return err;
}

void command_fini(struct errand *c)
{
    if (c->options != NULL && c->folder[0] != '\0') {
        unlink(c->door.path);
        rmdir(c->folder);
    }
}

/* ---- waiting ---- */

/* Without a word to say a tunnel would not begin. */
static void set_keepalives(struct errand *c, bool calling, struct now now)
{
    size_t i = 0;
    for (struct wg_peer *p = wg_peer_first(tunnel_wg(c->tunnel)); p != NULL;
         p = wg_peer_next(p), i++) {
        uint16_t usual = i < c->config->n_peers ? c->config->peers[i].keepalive : 0;
        wg_peer_set_keepalive(p, calling ? CALL_EVERY : usual, now);
    }
}

void command_start(struct errand *c, struct now now)
{
    if (c->options != NULL) {
        c->until = now.mono + c->options->wait * NS_PER_S;
        set_keepalives(c, true, now);
    }
}

static bool tunnel_is_up(const struct errand *c)
{
    for (struct wg_peer *p = wg_peer_first(tunnel_wg(c->tunnel)); p != NULL; p = wg_peer_next(p)) {
        struct wg_peer_status status;
        wg_peer_get(p, &status);
        if (status.has_session) {
            return true;
        }
    }
    return false;
}

static void tell_silence_of(const struct errand *c, const struct wg_peer *p, const char *name)
{
    const struct log *log = &c->world->log;
    const char *word = c->options->words[0];
    unsigned waited = c->options->wait;
    struct wg_peer_status status;
    char at[ENDPOINT_TEXT];
    wg_peer_get(p, &status);
    if (status.endpoint.addr.family != FAMILY_NONE) {
        log_error(log,
                  "no answer from %s in %u s (%u handshake initiation%s sent): %s was not run%s",
                  endpoint_format(&status.endpoint, at), waited, status.initiations_pending,
                  status.initiations_pending == 1 ? "" : "s", word,
                  waited < EXPLAINED_AFTER ? " -> 'wgproxy check' finds out why" : "");
    } else if (name != NULL) {
        log_error(log, "no address is known for the endpoint %s after %u s: %s was not run", name,
                  waited, word);
    } else {
        log_error(log, "a peer without Endpoint did not call within %u s: %s was not run", waited,
                  word);
    }
}

/* What is known of the silence. */
static void tell_silence(const struct errand *c)
{
    size_t i = 0;
    for (struct wg_peer *p = wg_peer_first(tunnel_wg(c->tunnel)); p != NULL;
         p = wg_peer_next(p), i++) {
        tell_silence_of(c, p, i < c->config->n_peers ? c->config->peers[i].endpoint_host : NULL);
    }
}

/* ---- the program ---- */

static void on_exited(void *ctx, int status, struct now now)
{
    (void)now;
    struct errand *c = ctx;
    c->child = NULL;
    c->over = true;
    c->status = status;
}

enum { VARIABLES_MAX = 8, VARIABLE_SIZE = 256 };

struct variables {
    char text[VARIABLES_MAX][VARIABLE_SIZE];
    char *list[VARIABLES_MAX + 1];
    size_t n;
};

/* The variable under both of its names. */
static void add_variable(struct variables *v, const char *upper, const char *lower,
                         const char *value)
{
    const char *const names[] = {upper, lower};
    for (size_t i = 0; i < 2; i++) {
        snprintf(v->text[v->n], VARIABLE_SIZE, "%s=%s", names[i], value);
        v->list[v->n] = v->text[v->n];
        v->n++;
    }
}

/* Where the caller has said what uses no proxy, it is so: said once, under whichever of its names. */
static bool keeps_no_proxy(const struct log *log)
{
    const char *name = getenv("NO_PROXY") != NULL ? "NO_PROXY" : "no_proxy";
    const char *value = getenv(name);
    if (value != NULL && value[0] != '\0') {
        char text[QUOTE_SIZE];
        log_warn(log, "%s is set: what it names goes past the tunnel: %s", name,
                 report_quote(text, value));
    }
    return value != NULL;
}

/* curl's form for a Unix socket is understood by few others, who fail then; with HTTP's variables left as they were they
 * would take the proxy of those, around the tunnel. What must not go through the proxy is the caller's to say; this
 * machine itself is not in the tunnel. */
static void fill_variables(const struct errand *c, struct variables *v)
{
    char socks[VARIABLE_SIZE - 16], http[VARIABLE_SIZE - 16], at[PLACE_TEXT];
    *v = (struct variables){.n = 0};
    place_format(&c->door, at);
    if (c->door.kind == PLACE_UNIX) {
        snprintf(socks, sizeof socks, "socks5h://localhost%s", c->door.path);
        memcpy(http, socks, sizeof http);
    } else {
        snprintf(socks, sizeof socks, "socks5h://%s", at);
        snprintf(http, sizeof http, "http://%s", at);
    }
    add_variable(v, "ALL_PROXY", "all_proxy", socks);
    add_variable(v, "HTTP_PROXY", "http_proxy", http);
    add_variable(v, "HTTPS_PROXY", "https_proxy", http);
    if (!keeps_no_proxy(&c->world->log)) {
        add_variable(v, "NO_PROXY", "no_proxy", "localhost,127.0.0.1,::1");
    }
}

static void run_program(struct errand *c)
{
    struct variables v;
    fill_variables(c, &v);
    char **environment = environment_new(v.list, c->files);
    int err = ERR_NOMEM;
    if (environment != NULL) {
        err = io_spawn(c->world->loop, c->options->words, environment, on_exited, c, &c->child);
    }
    free(environment);
    if (err != 0) {
        log_error(&c->world->log, "cannot run %s: %s", c->options->words[0],
                  err == ERR_NO_NAME ? "there is no such program" : err_text(err));
        c->child = NULL;
        c->over = true;
        c->status = err == ERR_NO_NAME ? 127 : 126; /* as a shell says it */
    }
}

bool command_is_wanted(const struct errand *c)
{
    return c->options != NULL;
}

uint64_t command_look(struct errand *c, struct now now)
{
    if (c->over || c->child != NULL) {
        return NEVER;
    }
    if (tunnel_is_up(c)) {
        set_keepalives(c, false, now);
        run_program(c);
        return NEVER;
    }
    if (now.mono >= c->until) {
        tell_silence(c);
        c->over = true;
        c->status = STATUS_CHECK_FAILED;
    }
    return c->until;
}

bool command_is_over(const struct errand *c)
{
    return c->over;
}

int command_status(const struct errand *c)
{
    return c->status;
}

/* Before anything runs, a signal is the end of what was to run: whoever waits for its success must not see any. */
static void end_before_it_began(struct errand *c, int signum)
{
    if (signum != SIGUSR1 && signum != SIGUSR2) {
        c->over = true;
        c->status = 128 + signum;
    }
}

/* What a terminal's keys send has gone to the program already. */
bool command_signal(struct errand *c, int signum)
{
    if (c->options == NULL) {
        return false;
    }
    bool by_key = (signum == SIGINT || signum == SIGQUIT) && isatty(STDIN_FILENO);
    if (c->child == NULL) {
        end_before_it_began(c, signum);
    } else if (!by_key) {
        io_kill(c->child, signum);
    }
    return true;
}
