/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/session_associate.c: an association lives as long as its TCP connection. */
#include "proxy/session.h"

#include "base/err.h"
#include "fake_udp_relay.h"
#include "unit/test.h"
#include "visit.h"

#include <string.h>

#define ASSOCIATE "\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00"
#define BOUND "\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38"

static struct udp_relay relay;

static void begin(struct visit *v)
{
    relay = (struct udp_relay){.refusal = 0};
    assert_true(endpoint_parse(&relay.bound, "127.0.0.1:1080"));
    visit_begin(v, (struct ground_options){.udp = &relay});
}

static void a_client_is_told_where_to_send_its_datagrams(void **state)
{
    (void)state;
    struct visit v;
    begin(&v);
    visit_say(&v, BYTES(HELLO ASSOCIATE));
    visit_heard(&v, BYTES(WELCOME BOUND));
    assert_int_equal(relay.n_open, 1);
    assert_true(endpoint_equal(&relay.client, &v.c.stream.remote));
    assert_true(endpoint_equal(&relay.local, &v.c.stream.local));
    assert_int_equal(relay.hint.port, 0);
    assert_string_equal(relay.user, "");
    assert_int_equal(proxy_next_deadline(v.g->proxy), NEVER);
    visit_end(&v);
    assert_int_equal(relay.n_open, 0);
}

static void the_hint_of_a_request_is_passed_on_and_a_name_is_none(void **state)
{
    (void)state;
    struct visit v;
    begin(&v);
    visit_say(&v, BYTES(HELLO "\x05\x03\x00\x01\x7f\x00\x00\x01\x12\x34"));
    char text[ENDPOINT_TEXT];
    assert_string_equal(endpoint_format(&relay.hint, text), "127.0.0.1:4660");
    visit_end(&v);
    begin(&v);
    visit_say(&v, BYTES(HELLO "\x05\x03\x00\x03\x01"
                              "a"
                              "\x12\x34"));
    assert_int_equal(relay.n_open, 1);
    assert_int_equal(relay.hint.addr.family, FAMILY_NONE);
    assert_int_equal(relay.hint.port, 0);
    visit_end(&v);
}

static void the_end_of_the_connection_is_the_end_of_the_association(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        struct visit v;
        begin(&v);
        visit_say(&v, BYTES(HELLO ASSOCIATE "and more"));
        visit_say(&v, BYTES("what it says is thrown away"));
        assert_int_equal(relay.n_open, 1);
        if (how == 0) {
            fake_client_shutdown(&v.c);
        } else if (how == 1) {
            fake_client_reset(&v.c);
        } else {
            proxy_free(v.g->proxy);
            v.g->proxy = NULL;
        }
        if (how < 2) {
            visit_settle(&v);
        }
        assert_int_equal(relay.n_open, 0);
        assert_int_equal(v.c.fate, FAKE_CLOSED);
        assert_true(
            how != 0 ||
            ground_said(
                v.g, "debug: 127.0.0.1:40000 with datagrams -> the client ended its association"));
        visit_heard(&v, BYTES(WELCOME BOUND));
        visit_end(&v);
    }
}

static void an_association_without_datagrams_ends_when_it_was_idle_for_too_long(void **state)
{
    (void)state;
    struct visit v;
    relay = (struct udp_relay){.refusal = 0};
    visit_begin(&v, (struct ground_options){.udp = &relay, .idle = 10 * NS_PER_S});
    visit_say(&v, BYTES(HELLO ASSOCIATE));
    assert_int_equal(proxy_next_deadline(v.g->proxy), v.g->now.mono + 10 * NS_PER_S);

    /* A datagram passes after 4 s: at 10 s the end is put off to 14 s. */
    relay.used = v.g->now.mono + 4 * NS_PER_S;
    v.g->now.mono += 10 * NS_PER_S;
    proxy_tick(v.g->proxy, v.g->now);
    assert_int_equal(relay.n_open, 1);
    assert_int_equal(proxy_next_deadline(v.g->proxy), relay.used + 10 * NS_PER_S);

    v.g->now.mono += 4 * NS_PER_S;
    proxy_tick(v.g->proxy, v.g->now);
    assert_int_equal(relay.n_open, 0);
    assert_int_equal(v.c.fate, FAKE_CLOSED);
    assert_true(ground_said(v.g, "debug: 127.0.0.1:40000 with datagrams -> idle for too long"));
    visit_end(&v);
}

static void a_client_that_says_very_much_is_read_in_turns(void **state)
{
    (void)state;
    struct visit v;
    begin(&v);
    visit_say(&v, BYTES(HELLO ASSOCIATE));
    static char much[100000];
    fake_client_send(&v.c, much, sizeof much);
    unsigned before = v.c.n_reads;
    assert_true(fake_client_turn(&v.c, v.g->now));
    assert_true(v.c.n_reads - before <= 16);
    visit_settle(&v);
    assert_int_equal(v.c.input_at, v.c.input.len);
    visit_end(&v);
}

static void a_reply_that_is_stuck_waits_for_room(void **state)
{
    (void)state;
    struct visit v;
    begin(&v);
    visit_say(&v, BYTES(HELLO));
    v.c.room = 4;
    visit_say(&v, BYTES(ASSOCIATE));
    assert_int_equal(v.c.output.len, 6);
    v.c.room = SIZE_MAX;
    visit_settle(&v);
    visit_heard(&v, BYTES(WELCOME BOUND));
    v.c.room = 0;
    fake_client_reset(&v.c);
    visit_settle(&v);
    assert_int_equal(relay.n_open, 0);
    visit_end(&v);
}

static void a_client_that_must_name_its_port_is_told_so_in_the_log(void **state)
{
    (void)state;
    struct visit v;
    begin(&v);
    relay.refusal = ERR_PERM;
    visit_say(&v, BYTES(HELLO ASSOCIATE));
    visit_heard(&v, BYTES(WELCOME "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"));
    assert_true(ground_said(
        v.g, "warning: UDP is refused to a client of a Unix socket that does not name the port it "
             "sends from: on loopback every account could send; UdpPort = PORT would take the "
             "first that does"));
    visit_end(&v);
}

static void a_refusal_is_told(void **state)
{
    (void)state;
    struct visit v;
    begin(&v);
    relay.refusal = ERR_LIMIT;
    visit_say(&v, BYTES(HELLO ASSOCIATE));
    visit_heard(&v, BYTES(WELCOME "\x05\x01\x00\x01\0\0\0\0\0\0"));
    visit_end(&v);
}

static void a_door_without_a_relay_does_not_know_the_command(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(HELLO ASSOCIATE));
    visit_heard(&v, BYTES(WELCOME "\x05\x07\x00\x01\0\0\0\0\0\0"));
    visit_end(&v);
}

static void the_user_is_told_to_the_relay(void **state)
{
    (void)state;
    struct users *u;
    assert_int_equal(users_new(&u), 0);
    assert_int_equal(users_add(u, "alice", "pw"), 0);
    relay = (struct udp_relay){.refusal = 0};
    struct visit v;
    visit_begin(&v, (struct ground_options){.udp = &relay, .users = u});
    visit_say(&v, BYTES("\x05\x01\x02\x01\x05"
                        "alice"
                        "\x02"
                        "pw" ASSOCIATE));
    assert_string_equal(relay.user, "alice");
    visit_end(&v);
    users_free(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_told_where_to_send_its_datagrams),
        cmocka_unit_test(the_hint_of_a_request_is_passed_on_and_a_name_is_none),
        cmocka_unit_test(the_end_of_the_connection_is_the_end_of_the_association),
        cmocka_unit_test(an_association_without_datagrams_ends_when_it_was_idle_for_too_long),
        cmocka_unit_test(a_client_that_says_very_much_is_read_in_turns),
        cmocka_unit_test(a_reply_that_is_stuck_waits_for_room),
        cmocka_unit_test(a_client_that_must_name_its_port_is_told_so_in_the_log),
        cmocka_unit_test(a_refusal_is_told),
        cmocka_unit_test(a_door_without_a_relay_does_not_know_the_command),
        cmocka_unit_test(the_user_is_told_to_the_relay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
