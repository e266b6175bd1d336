/* SPDX-License-Identifier: MIT */
/* Datagrams that leave and arrive many to a message (UDP_SEGMENT, UDP_GRO), and each way in which
 * a system can refuse that: whatever it does, the same datagrams arrive in the same order. */
#include "unit/io/port.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "base/bytes.h"
#include "io/udp_offload.h"
#include "unit/seeded.h"

/* ---- a system that refuses what it is told to ---- */

static struct {
    int no_gso, no_gro;  /* errno of setsockopt */
    int run_errno;       /* of messages that are to be cut into pieces */
    size_t run_least;    /* into pieces of at least this size; */
    unsigned run_spared; /* so many of them are taken before */
    size_t too_long;     /* datagrams beyond this are refused with EMSGSIZE; 0: none */
    int alone_errno;     /* of messages that are one datagram */
    int all_errno;       /* of all messages */
    unsigned path_mtu;   /* 0: the system's own */
    const char *release; /* NULL: the system's own */
} refuse;

static char sent[4096]; /* how many pieces each message had that was taken, with blanks */
static unsigned sent_runs, tried_runs;

static void forget_sent(void)
{
    sent[0] = '\0';
    sent_runs = tried_runs = 0;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
    int wanted = level == IPPROTO_UDP && option == UDP_SEGMENT ? refuse.no_gso
                 : level == IPPROTO_UDP && option == UDP_GRO   ? refuse.no_gro
                                                               : 0;
    if (wanted != 0) {
        errno = wanted;
        return -1;
    }
    return (int)syscall(SYS_setsockopt, fd, level, option, value, len);
}

int uname(struct utsname *u)
{
    int rc = (int)syscall(SYS_uname, u);
    if (refuse.release != NULL) {
        snprintf(u->release, sizeof u->release, "%s", refuse.release);
    }
    return rc;
}

unsigned io_path_mtu(const struct endpoint *to)
{
    (void)to;
    return refuse.path_mtu;
}

static size_t piece_of(struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_SEGMENT) {
            uint16_t piece;
            memcpy(&piece, CMSG_DATA(c), sizeof piece);
            return piece;
        }
    }
    return 0;
}

/* What the system says to one message: 0, or an errno. */
static int answer(struct msghdr *msg)
{
    size_t len = msg->msg_iov[0].iov_len, piece = piece_of(msg);
    size_t longest = piece != 0 ? piece : len;
    tried_runs += piece != 0;
    if (refuse.all_errno != 0) {
        return refuse.all_errno;
    }
    if (piece != 0 && refuse.run_errno != 0 && piece >= refuse.run_least &&
        sent_runs >= refuse.run_spared) {
        return refuse.run_errno;
    }
    if (piece == 0 && refuse.alone_errno != 0) {
        return refuse.alone_errno;
    }
    return refuse.too_long != 0 && longest > refuse.too_long ? EMSGSIZE : 0;
}

int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
    for (unsigned i = 0; i < n; i++) {
        struct msghdr *msg = &msgs[i].msg_hdr;
        size_t piece = piece_of(msg), len = msg->msg_iov[0].iov_len;
        int err = answer(msg);
        if (err == 0 && syscall(SYS_sendmmsg, fd, &msgs[i], 1, flags) != 1) {
            err = errno;
        }
        if (err != 0) {
            errno = err;
            return i > 0 ? (int)i : -1;
        }
        sent_runs += piece != 0;
        size_t used = strlen(sent);
        snprintf(sent + used, sizeof sent - used, " %zu",
                 piece == 0 ? 1 : (len + piece - 1) / piece);
    }
    return (int)n;
}

/* ---- fixture ---- */

static char said[4096];

static void note_line(void *ctx, enum log_level level, const char *line)
{
    (void)ctx;
    if (strstr(line, "buffers are") == NULL) { /* the machine's own matter */
        assert_int_equal(level, LOG_INFO);
        strcat(strcat(said, line), "\n");
    }
}

static const struct log log_lines = {.level = LOG_INFO, .write = note_line};

/* Everything goes from the port to itself, over its two addresses. */
struct ground {
    struct port *port;
    struct outbox ob;
    struct endpoint at[2];
};

static void open_ground(struct ground *g)
{
    said[0] = '\0';
    forget_sent();
    g->port = calloc(1, sizeof *g->port);
    assert_int_equal(io_loop_new(&g->port->loop, &log_lines), 0);
    assert_int_equal(io_udp_open(g->port->loop, 0, &port_handler, g->port, &g->port->dgram), 0);
    assert_int_equal(outbox_init(&g->ob, 1 << 20, 1024), 0);
    g->at[0] = port_at(g->port, "127.0.0.1");
    g->at[1] = port_at(g->port, "::1");
}

static void close_ground(struct ground *g)
{
    outbox_fini(&g->ob);
    port_close(g->port);
    memset(&refuse, 0, sizeof refuse);
}

/* A datagram whose bytes tell its number and their place. */
static void fill_datagram(uint8_t *data, size_t len, uint32_t number)
{
    for (size_t i = 0; i < len; i++) {
        data[i] = (uint8_t)(i < 4 ? number >> (24 - 8 * i) : number * 7 + i * 3 + (i >> 8));
    }
}

static void add(struct ground *g, size_t len, int family, uint8_t tos)
{
    assert_true(outbox_has_room(&g->ob, len));
    fill_datagram(outbox_tail(&g->ob), len, g->ob.n);
    outbox_commit(&g->ob, len, &g->at[family], tos);
}

static void add_many(struct ground *g, unsigned n, size_t len)
{
    for (unsigned i = 0; i < n; i++) {
        add(g, len, 0, 0);
    }
}

static void leave(struct ground *g)
{
    g->port->dgram->ops->send(g->port->dgram, &g->ob);
}

static void assert_sent(struct ground *g, const char *pieces)
{
    leave(g);
    assert_string_equal(sent, pieces);
    outbox_clear(&g->ob);
    forget_sent();
}

/* All that stands in the outbox has arrived, each as it was and each family in its order. */
static void assert_arrived(struct ground *g, unsigned n)
{
    struct port *p = g->port;
    port_drive_until(p, n);
    unsigned next[2] = {0, 0};
    static uint8_t expected[65536];
    for (unsigned i = 0; i < n; i++) {
        int family = p->got[i].from.addr.family == FAMILY_V6;
        unsigned k = next[family];
        while (g->ob.msgs[k].to.addr.family != p->got[i].from.addr.family) {
            assert_true(++k < g->ob.n);
        }
        next[family] = k + 1;
        const struct outbox_msg *m = &g->ob.msgs[k];
        assert_int_equal(p->got[i].len, m->len);
        assert_int_equal(p->got[i].tos, m->tos);
        fill_datagram(expected, m->len, k);
        assert_memory_equal(p->kept_data[i], expected, m->len);
    }
}

/* ---- what makes a run ---- */

static void equal_neighbours_leave_as_one_message(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    if (!counters_of(g.port->dgram).gso) {
        close_ground(&g);
        skip_because("this system has no UDP_SEGMENT, or one that is not to be trusted");
    }
    add_many(&g, 10, 100);
    add_many(&g, 1, 60);
    assert_sent(&g, " 11");
    port_drive_until(g.port, 11);
    struct dgram_counters c = counters_of(g.port->dgram);
    assert_int_equal(c.sent, 11);
    assert_int_equal(c.send_calls, 1);
    assert_int_equal(c.received, 11);
    assert_int_equal(c.receive_calls, 1);
    assert_string_equal(said, "");
    close_ground(&g);
}

static void a_run_ends_where_something_changes(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    add_many(&g, 3, 100);
    add_many(&g, 2, 101); /* longer */
    add_many(&g, 1, 99);  /* the tail of its run */
    add_many(&g, 2, 99);
    assert_sent(&g, " 3 3 2");

    add_many(&g, 2, 100);
    add_many(&g, 2, 0); /* nothing to cut */
    add_many(&g, 2, 100);
    assert_sent(&g, " 2 1 1 2");

    for (int i = 0; i < 6; i++) {
        add(&g, 100, i / 2 % 2, 0); /* to another */
    }
    assert_sent(&g, " 2 2 2");

    for (uint8_t i = 0; i < 8; i++) {
        add(&g, 100, 0, i / 3); /* marked otherwise */
    }
    assert_sent(&g, " 3 3 2");
    close_ground(&g);
}

static void a_run_is_bounded(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    add_many(&g, 130, 10);
    assert_sent(&g, " 64 64 2");
    add_many(&g, 100, 1452);
    assert_sent(&g, " 45 45 10");
    add_many(&g, 2, 32753); /* 65506 bytes */
    add_many(&g, 2, 32754); /* 65508 */
    assert_sent(&g, " 2 1 1");
    add_many(&g, 1, 65507);
    add_many(&g, 1, 1);
    assert_sent(&g, " 1 1");
    close_ground(&g);
}

static void a_program_of_this_network_is_sent_runs_too(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    struct endpoint at = endpoint_of("127.0.0.1:0"), bound;
    struct dgram *d;
    assert_int_equal(io_udp_bind(g.port->loop, &at, &port_handler, g.port, &bound, &d), 0);
    assert_false(counters_of(d).gro);
    add_many(&g, 20, 300);
    d->ops->send(d, &g.ob);
    assert_string_equal(sent, " 20");
    port_drive_until(g.port, 20);
    d->ops->close(d);
    close_ground(&g);
}

/* ---- the same datagrams through every refusal ---- */

static void add_mix(struct ground *g, uint64_t *seed)
{
    static const size_t sizes[] = {0, 1, 96, 148, 1280, 1452, 1452, 2047, 2048, 2049, 8952};
    static const uint8_t marks[] = {0, 0, 0, 1, 3, 0x88};
    while (g->ob.n < 300 && g->ob.used < 500000) {
        size_t len = sizes[seeded_next(seed) % ARRAY_SIZE(sizes)];
        int family = seeded_next(seed) % 8 == 0;
        uint8_t tos = marks[seeded_next(seed) % ARRAY_SIZE(marks)];
        for (uint64_t n = 1 + seeded_next(seed) % 60; n > 0 && g->ob.n < 300 && g->ob.used < 500000;
             n--) {
            add(g, len, family, tos);
        }
        if (seeded_next(seed) % 2 == 0 && len > 1) {
            add(g, 1 + seeded_next(seed) % (len - 1), family, tos);
        }
    }
}

static void one_mix(uint64_t seed, bool plain)
{
    struct ground g;
    open_ground(&g);
    g.port->keeping = true;
    if (plain) {
        g.port->dgram->ops->no_offload(g.port->dgram);
    }
    add_mix(&g, &seed);
    leave(&g);
    assert_arrived(&g, g.ob.n);
    assert_int_equal(counters_of(g.port->dgram).undelivered, 0);
    assert_int_equal(counters_of(g.port->dgram).sent, g.ob.n);
    if (plain) {
        assert_int_equal(tried_runs, 0);
    }
    close_ground(&g);
}

static void every_mix_arrives_as_it_was(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        one_mix(seed, false);
        one_mix(seed, true);
    }
}

static void every_mix_arrives_through_every_refusal(void **state)
{
    (void)state;
    static const int errnums[] = {EIO, EINVAL, EOPNOTSUPP, ENOPROTOOPT, EMSGSIZE};
    for (uint64_t seed = 0; seed < 20; seed++) {
        refuse.no_gso = ENOPROTOOPT;
        one_mix(seed, false);
        refuse.no_gro = ENOPROTOOPT;
        one_mix(seed, false);
        refuse.release = "7.1.4-arch1";
        one_mix(seed, false);
        for (size_t i = 0; i < ARRAY_SIZE(errnums); i++) {
            refuse.run_errno = errnums[i];
            refuse.run_spared = (unsigned)seed % 7;
            one_mix(seed, false);
        }
        refuse.run_errno = EMSGSIZE; /* a path that is too narrow for some */
        refuse.run_least = 1400;
        refuse.path_mtu = 1400;
        one_mix(seed, false);
    }
}

/* ---- refusals, one by one ---- */

static void a_system_without_the_option_is_never_given_a_run(void **state)
{
    (void)state;
    struct ground g;
    refuse.no_gso = ENOPROTOOPT;
    open_ground(&g);
    assert_false(counters_of(g.port->dgram).gso);
    add_many(&g, 4, 100);
    assert_sent(&g, " 1 1 1 1");
    assert_string_equal(
        said,
        "the system has no UDP_SEGMENT (Protocol not available) -> datagrams leave one by one, "
        "which costs more CPU\n");
    struct dgram *another;
    assert_int_equal(io_udp_open(g.port->loop, 0, &port_handler, g.port, &another), 0);
    another->ops->close(another);
    assert_non_null(strstr(said, "\n"));
    assert_string_equal(strstr(said, "\n"), "\n"); /* once */
    close_ground(&g);
}

static void a_system_that_does_not_gather_is_said_once(void **state)
{
    (void)state;
    struct ground g;
    refuse.no_gro = EPERM;
    open_ground(&g);
    assert_false(counters_of(g.port->dgram).gro);
    assert_true(counters_of(g.port->dgram).gso);
    assert_string_equal(
        said,
        "the system has no UDP_GRO (Operation not permitted) -> datagrams arrive one by one, which "
        "costs more CPU\n");
    close_ground(&g);
}

static void a_broken_kernel_is_not_trusted(void **state)
{
    (void)state;
    struct ground g;
    refuse.release = "7.0.2-6-pve";
    open_ground(&g);
    add_many(&g, 2, 100);
    assert_sent(&g, " 1 1");
    assert_string_equal(said, "this kernel (7.0.2-6-pve) damages what UDP_SEGMENT cuts; 7.1.5 does "
                              "not -> datagrams leave "
                              "one by one, which costs more CPU\n");
    close_ground(&g);
}

static void the_broken_releases_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *release;
        bool broken;
    } table[] = {
        {"6.18.44", false},   {"6.19.12-1", false}, {"7.0", true},      {"7.0.0-rc1", true},
        {"7.0.14-pve", true}, {"7.1.0", true},      {"7.1.4", true},    {"7.1.5", false},
        {"7.1.40", false},    {"7.2.0", false},     {"17.0.1", false},  {"8.0.0", false},
        {"5.10.0-3", false},  {"", false},          {"strange", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        assert_int_equal(udp_offload_is_broken(table[i].release), table[i].broken);
    }
}

static void a_run_that_is_refused_leaves_one_by_one_and_the_rest_follows(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    refuse.run_errno = EIO;
    refuse.run_spared = 1;
    add_many(&g, 2, 200);
    add_many(&g, 3, 300);
    add_many(&g, 2, 400);
    leave(&g);
    assert_string_equal(sent, " 2 1 1 1 1 1");
    assert_string_equal(said, "the system refuses UDP_SEGMENT on this path (Input/output error) -> "
                              "datagrams leave one by one, which costs more CPU\n");
    assert_false(counters_of(g.port->dgram).gso);
    g.port->keeping = true;
    assert_arrived(&g, 7);

    tried_runs = 0;
    leave(&g);
    assert_int_equal(tried_runs, 0); /* as long as it is this port */
    assert_string_equal(strchr(said, '\n'), "\n");
    assert_int_equal(g.port->undelivered, 0);
    port_drive_until(g.port, 14);
    close_ground(&g);
}

static void send_run(struct ground *g, struct dgram *d, unsigned n)
{
    add_many(g, n, 100);
    forget_sent();
    d->ops->send(d, &g->ob);
    outbox_clear(&g->ob);
}

/* A program of this network may sit behind a device that can do less than the tunnel's, and may
 * provoke it. */
static void what_one_port_is_refused_another_still_has(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    struct endpoint at = endpoint_of("127.0.0.1:0"), bound;
    struct dgram *local[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(io_udp_bind(g.port->loop, &at, &port_handler, g.port, &bound, &local[i]),
                         0);
        refuse.run_errno = EIO;
        send_run(&g, local[i], 3);
        assert_string_equal(sent, " 1 1 1");
        refuse.run_errno = 0;
        send_run(&g, local[i], 3);
        assert_int_equal(tried_runs, 0);
        assert_false(counters_of(local[i]).gso);
    }
    assert_true(counters_of(g.port->dgram).gso);
    send_run(&g, g.port->dgram, 3);
    assert_string_equal(sent, " 3");
    assert_string_equal(said, "the system refuses UDP_SEGMENT towards a program of this network "
                              "(Input/output error) -> datagrams leave one by one, which costs "
                              "more CPU\n"); /* once, however many there are */
    port_drive_until(g.port, 15);
    local[0]->ops->close(local[0]);
    local[1]->ops->close(local[1]);
    close_ground(&g);
}

/* Nor does the tunnel's way out say anything of theirs; and the next port may have another one. */
static void what_the_tunnel_is_refused_the_others_still_have(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    struct endpoint at = endpoint_of("127.0.0.1:0"), bound;
    struct dgram *local, *next;
    assert_int_equal(io_udp_bind(g.port->loop, &at, &port_handler, g.port, &bound, &local), 0);
    refuse.run_errno = EIO;
    send_run(&g, g.port->dgram, 2);
    assert_string_equal(sent, " 1 1");
    refuse.run_errno = 0;
    send_run(&g, local, 2);
    assert_string_equal(sent, " 2");
    assert_int_equal(io_udp_open(g.port->loop, 0, &port_handler, g.port, &next), 0);
    send_run(&g, next, 2);
    assert_string_equal(sent, " 2");
    port_drive_until(g.port, 6);
    local->ops->close(local);
    next->ops->close(next);
    close_ground(&g);
}

/* One datagram of the run is too long for its path, and so are its equals: the run is not to blame. */
static void datagrams_that_are_too_long_are_told_and_runs_stay(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    refuse.too_long = 1000;
    add_many(&g, 3, 500);
    add_many(&g, 3, 1400);
    add_many(&g, 1, 900); /* the tail of that run */
    add_many(&g, 2, 700);
    leave(&g);
    assert_string_equal(sent, " 3 1 2");
    drive_idly(g.port->loop);
    assert_int_equal(g.port->undelivered, 1);
    assert_int_equal(g.port->last_err, ERR_LIMIT);
    assert_int_equal(counters_of(g.port->dgram).undelivered, 3);
    assert_true(counters_of(g.port->dgram).gso);
    assert_string_equal(said, "");
    close_ground(&g);
}

/* What is too long for the path is cut into fragments when it is sent alone, but refused as a run. */
static void on_a_narrow_path_long_ones_leave_alone_and_it_is_told(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    refuse.run_errno = EINVAL;
    refuse.run_least = 1253;
    refuse.path_mtu = 1280;
    add_many(&g, 3, 1452);
    add_many(&g, 3, 1252);
    leave(&g);
    assert_string_equal(sent, " 1 1 1 1 2"); /* the first short one was the tail of the run */
    drive_idly(g.port->loop);
    assert_int_equal(g.port->undelivered, 1);
    assert_int_equal(g.port->last_err, ERR_LIMIT);
    assert_int_equal(counters_of(g.port->dgram).undelivered, 0); /* they did leave */

    forget_sent();
    leave(&g);
    assert_string_equal(sent, " 1 1 1 3");
    assert_int_equal(tried_runs, 1); /* no run of long ones was tried again */
    drive_idly(g.port->loop);
    assert_int_equal(g.port->undelivered, 1);
    assert_string_equal(said, "");
    close_ground(&g);
}

static void a_destination_that_refuses_everything_says_nothing_of_runs(void **state)
{
    (void)state;
    static const int errnums[] = {EPERM, ENETUNREACH, EINVAL, EIO};
    for (size_t i = 0; i < ARRAY_SIZE(errnums); i++) {
        struct ground g;
        open_ground(&g);
        refuse.all_errno = errnums[i];
        add_many(&g, 3, 100);
        leave(&g);
        refuse.all_errno = 0;
        assert_int_equal(counters_of(g.port->dgram).undelivered, 3);
        assert_true(counters_of(g.port->dgram).gso);
        leave(&g);
        assert_string_equal(sent, " 3");
        assert_string_equal(said, "");
        close_ground(&g);
    }
}

static void a_full_socket_in_the_middle_of_a_refusal_decides_nothing(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    refuse.run_errno = EIO;
    refuse.alone_errno = EAGAIN;
    add_many(&g, 3, 100);
    leave(&g);
    assert_int_equal(counters_of(g.port->dgram).send_dropped, 3);
    assert_true(counters_of(g.port->dgram).gso);
    assert_string_equal(said, "");
    close_ground(&g);
}

/* ---- arrival ---- */

static void send_cut(int fd, const void *data, size_t len, int piece)
{
    assert_int_equal(syscall(SYS_setsockopt, fd, IPPROTO_UDP, UDP_SEGMENT, &piece, sizeof piece),
                     0);
    assert_int_equal(send(fd, data, len, 0), (ssize_t)len);
}

/* Each size of piece, so that each place in a piece meets the border of a slot. */
static void what_was_gathered_is_taken_apart(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    static uint8_t data[65536], expected[65536];
    for (int piece = 1; piece < 3000; piece += piece < 64 ? 1 : 97) {
        struct port *p = port_open();
        p->keeping = true;
        struct endpoint at = port_at(p, hosts[piece % 2]);
        int fd = plain_connected(&at, SOCK_DGRAM);
        size_t len = (size_t)piece * 19 + (piece > 1);
        for (uint32_t round = 0; round < 3; round++) {
            fill_datagram(data, len, round + 1);
            send_cut(fd, data, len, piece);
        }
        unsigned each = 19 + (piece > 1);
        port_drive_until(p, 3 * each);
        for (unsigned i = 0; i < 3 * each; i++) {
            fill_datagram(expected, len, i / each + 1);
            size_t from = i % each * (size_t)piece, left = len - from;
            assert_int_equal(p->got[i].len, left < (size_t)piece ? left : (size_t)piece);
            assert_memory_equal(p->kept_data[i], expected + from, p->got[i].len);
        }
        assert_in_range(counters_of(p->dgram).receive_calls, 1, 3);
        close(fd);
        port_close(p);
    }
}

static void marks_of_what_was_gathered_are_told(void **state)
{
    (void)state;
    static const uint8_t marks[] = {3, 1, 0, 2, 0x8b};
    struct ground g;
    open_ground(&g);
    for (int family = 0; family < 2; family++) {
        for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
            for (int k = 0; k < 20; k++) {
                add(&g, 1452, family, marks[i]);
            }
        }
    }
    g.port->keeping = true;
    leave(&g);
    assert_arrived(&g, 200);
    close_ground(&g);
}

static void after_no_offload_nothing_is_gathered(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    g.port->dgram->ops->no_offload(g.port->dgram);
    assert_false(counters_of(g.port->dgram).gso);
    assert_false(counters_of(g.port->dgram).gro);
    int fd = plain_connected(&g.at[0], SOCK_DGRAM);
    uint8_t data[1000] = {0};
    send_cut(fd, data, sizeof data, 100);
    port_drive_until(g.port, 10);
    assert_int_equal(counters_of(g.port->dgram).receive_calls, 2); /* eight messages, and two */
    close(fd);
    close_ground(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_neighbours_leave_as_one_message),
        cmocka_unit_test(a_run_ends_where_something_changes),
        cmocka_unit_test(a_run_is_bounded),
        cmocka_unit_test(a_program_of_this_network_is_sent_runs_too),
        cmocka_unit_test(every_mix_arrives_as_it_was),
        cmocka_unit_test(every_mix_arrives_through_every_refusal),
        cmocka_unit_test(a_system_without_the_option_is_never_given_a_run),
        cmocka_unit_test(a_system_that_does_not_gather_is_said_once),
        cmocka_unit_test(a_broken_kernel_is_not_trusted),
        cmocka_unit_test(the_broken_releases_are_known),
        cmocka_unit_test(a_run_that_is_refused_leaves_one_by_one_and_the_rest_follows),
        cmocka_unit_test(what_one_port_is_refused_another_still_has),
        cmocka_unit_test(what_the_tunnel_is_refused_the_others_still_have),
        cmocka_unit_test(datagrams_that_are_too_long_are_told_and_runs_stay),
        cmocka_unit_test(on_a_narrow_path_long_ones_leave_alone_and_it_is_told),
        cmocka_unit_test(a_destination_that_refuses_everything_says_nothing_of_runs),
        cmocka_unit_test(a_full_socket_in_the_middle_of_a_refusal_decides_nothing),
        cmocka_unit_test(what_was_gathered_is_taken_apart),
        cmocka_unit_test(marks_of_what_was_gathered_are_told),
        cmocka_unit_test(after_no_offload_nothing_is_gathered),
    };
    return cmocka_run_group_tests_name("io/udp_runs", tests, NULL, NULL);
}
