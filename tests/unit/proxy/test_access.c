/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/access.c: rules, destinations and what comes of them. */
#include "proxy/access.h"

#include "base/err.h"
#include "base/macros.h"
#include "fail_alloc.h"
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "+net/8 ~suffix @user :80-90", a rule for each ';'. */
static void add_rule(struct access *a, char *words)
{
    struct access_rule r = {.allow = words[0] == '+', .last = 65535};
    for (char *save, *w = strtok_r(words + 1, " ", &save); w != NULL;
         w = strtok_r(NULL, " ", &save)) {
        if (w[0] == '~') {
            r.suffix = w + 1;
        } else if (w[0] == '@') {
            r.user = w + 1;
        } else if (w[0] == ':') {
            char *end;
            r.first = (uint16_t)strtoul(w + 1, &end, 10);
            r.last = *end == '-' ? (uint16_t)strtoul(end + 1, NULL, 10) : r.first;
        } else {
            r.has_net = true;
            assert_true(prefix_parse(&r.net, w));
        }
    }
    assert_int_equal(access_add(a, &r), 0);
}

static struct access *rules_of(const char *text)
{
    struct access *a;
    assert_int_equal(access_new(&a), 0);
    char copy[256];
    snprintf(copy, sizeof copy, "%s", text);
    for (char *save, *one = strtok_r(copy, ";", &save); one != NULL;
         one = strtok_r(NULL, ";", &save)) {
        add_rule(a, one);
    }
    return a; /* the words are gone by now: it has its own */
}

/* "user name address port", "-" for none. */
static char ask(const struct access *a, const char *question)
{
    char user[32], name[64], addr[64];
    struct target to = {.port = 0};
    assert_int_equal(sscanf(question, "%31s %63s %63s %hu", user, name, addr, &to.port), 4);
    assert_true(strcmp(addr, "-") == 0 || addr_parse(&to.addr, addr));
    if (strcmp(name, "-") != 0) {
        strcpy(to.name, name);
    }
    enum access_verdict v = access_ask(a, strcmp(user, "-") == 0 ? NULL : user, &to);
    return v == ACCESS_ALLOWED ? 'y' : v == ACCESS_DENIED ? 'n' : '?';
}

static void each_question_has_its_verdict(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *question;
        char verdict;
    } cases[] = {
        /* 0: nothing said, everything allowed */
        {"", "- - 10.0.0.1 80", 'y'},
        {"", "- example.com - 80", 'y'},
        {"", "alice example.com 10.0.0.1 80", 'y'},
        /* 3: networks */
        {"-10.0.0.0/8", "- - 10.1.2.3 80", 'n'},
        {"-10.0.0.0/8", "- - 11.1.2.3 80", 'y'},
        {"-10.0.0.0/8", "- - fd00::1 80", 'y'},
        {"+10.0.0.0/8", "- - 10.1.2.3 80", 'y'},
        {"+10.0.0.0/8", "- - 11.1.2.3 80", 'n'},
        {"+fd00::/8", "- - fd12::1 80", 'y'},
        {"+0.0.0.0/0", "- - fd12::1 80", 'n'},
        {"-::/0", "- - 10.0.0.1 80", 'y'},
        /* 11: the first that fits */
        {"+10.0.0.1;-10.0.0.0/8", "- - 10.0.0.1 80", 'y'},
        {"+10.0.0.1;-10.0.0.0/8", "- - 10.0.0.2 80", 'n'},
        {"-10.0.0.1;+10.0.0.0/8", "- - 10.0.0.1 80", 'n'},
        {"-10.0.0.1;+10.0.0.0/8", "- - 10.0.0.2 80", 'y'},
        {"-", "- - 10.0.0.1 80", 'n'},
        {"-", "- example.com - 80", 'n'},
        {"+;-", "- - 10.0.0.1 80", 'y'},
        /* 18: ports */
        {"-:25", "- - 10.0.0.1 25", 'n'},
        {"-:25", "- - 10.0.0.1 26", 'y'},
        {"+:8000-8999", "- - 10.0.0.1 8000", 'y'},
        {"+:8000-8999", "- - 10.0.0.1 8999", 'y'},
        {"+:8000-8999", "- - 10.0.0.1 9000", 'n'},
        {"+:8000-8999", "- - 10.0.0.1 7999", 'n'},
        {"-10.0.0.0/8 :22", "- - 10.0.0.1 22", 'n'},
        {"-10.0.0.0/8 :22", "- - 10.0.0.1 23", 'y'},
        {"-10.0.0.0/8 :22", "- - 11.0.0.1 22", 'y'},
        /* 27: names */
        {"+~corp.example", "- corp.example - 80", 'y'},
        {"+~corp.example", "- www.corp.example - 80", 'y'},
        {"+~corp.example", "- a.b.corp.example - 80", 'y'},
        {"+~corp.example", "- evilcorp.example - 80", 'n'},
        {"+~corp.example", "- corp.example.evil - 80", 'n'},
        {"+~corp.example", "- example - 80", 'n'},
        {"+~corp.example", "- WWW.Corp.EXAMPLE - 80", 'y'},
        {"+~corp.example", "- www.corp.example. - 80", 'y'},
        {"+~.corp.example.", "- www.corp.example - 80", 'y'},
        {"+~.corp.example.", "- corp.example - 80", 'y'},
        {"+~corp.example", "- - 10.0.0.1 80", 'n'},
        {"-~corp.example", "- - 10.0.0.1 80", 'y'},
        {"-~corp.example", "- corp.example. 10.0.0.1 80", 'n'},
        {"+~.", "- any - 80", 'y'},
        {"+~.", "- - 10.0.0.1 80", 'n'},
        /* 42: users */
        {"+@alice", "alice - 10.0.0.1 80", 'y'},
        {"+@alice", "bob - 10.0.0.1 80", 'n'},
        {"+@alice", "- - 10.0.0.1 80", 'n'},
        {"+@alice", "Alice - 10.0.0.1 80", 'n'},
        {"-@alice", "bob - 10.0.0.1 80", 'y'},
        {"+~corp.example @alice", "alice corp.example - 80", 'y'},
        {"+~corp.example @alice", "bob corp.example - 80", 'n'},
        {"+~corp.example @alice", "alice example - 80", 'n'},
        /* 50: a name alone leaves networks open, unless all comes to the same */
        {"-10.0.0.0/8", "- example.com - 80", '?'},
        {"-10.0.0.0/8", "- example.com 10.0.0.1 80", 'n'},
        {"-10.0.0.0/8", "- example.com 11.0.0.1 80", 'y'},
        {"+10.0.0.0/8", "- example.com - 80", '?'},
        {"+10.0.0.0/8;-11.0.0.0/8", "- example.com - 80", '?'},
        {"-10.0.0.0/8;+~example.com", "- example.com - 80", '?'},
        {"-10.0.0.0/8;+~example.com", "- example.com 10.0.0.1 80", 'n'},
        {"-10.0.0.0/8;+~example.com", "- example.com 11.0.0.1 80", 'y'},
        {"+~example.com;-10.0.0.0/8", "- example.com - 80", 'y'},
        {"+~example.com;-10.0.0.0/8", "- example.com 10.0.0.1 80", 'y'},
        {"-10.0.0.0/8;-~example.com", "- example.com - 80", 'n'},
        {"+10.0.0.0/8;-~example.com", "- example.com - 80", '?'},
        {"+10.0.0.0/8;+~example.com", "- example.com - 80", 'y'},
        {"-10.0.0.0/8 :22", "- example.com - 80", 'y'},
        {"-10.0.0.0/8 @bob", "alice example.com - 80", 'y'},
        {"-10.0.0.0/8;+", "- example.com - 80", '?'},
        {"-10.0.0.0/8;-", "- example.com - 80", 'n'},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct access *a = rules_of(cases[i].rules);
        char verdict = ask(a, cases[i].question);
        if (verdict != cases[i].verdict) {
            fail_msg("case %zu: '%c'", i, verdict);
        }
        access_free(a);
    }
}

/* What is said of a name alone holds for each of its addresses. */
static void a_name_and_its_addresses_never_disagree(void **state)
{
    (void)state;
    static const char *const rules[] = {"+10.0.0.0/8", "-10.0.0.0/8", "+~a", "-~a",
                                        "+:80",        "-:80",        "+",   "-"};
    static const char *const addresses[] = {"10.0.0.1", "11.0.0.1", "fd00::1"};
    const size_t n = ARRAY_SIZE(rules);
    for (size_t i = 0; i < n * n * n; i++) {
        char text[64], question[64];
        snprintf(text, sizeof text, "%s;%s;%s", rules[i % n], rules[i / n % n], rules[i / n / n]);
        struct access *a = rules_of(text);
        char of_name = ask(a, "- a - 80");
        unsigned yes = 0;
        for (size_t k = 0; k < ARRAY_SIZE(addresses); k++) {
            snprintf(question, sizeof question, "- a %s 80", addresses[k]);
            char of_address = ask(a, question);
            assert_int_not_equal(of_address, '?');
            yes += of_address == 'y';
        }
        assert_true(of_name == '?' || yes == (of_name == 'y' ? 3 : 0));
        access_free(a);
    }
}

static void without_rules_everything_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(ask(NULL, "- example.com - 80"), 'y');
    access_free(NULL);
}

static void without_memory_a_rule_is_not_half_there(void **state)
{
    (void)state;
    struct access *a;
    fail_alloc_at(1);
    assert_int_equal(access_new(&a), ERR_NOMEM);
    fail_alloc_at(0);
    a = rules_of("");
    const struct access_rule r = {.suffix = "example.com", .user = "alice", .last = 65535};
    static const unsigned failing[] = {1, 2, 2}; /* the table, which then has room; either text */
    for (size_t i = 0; i < ARRAY_SIZE(failing); i++) {
        fail_alloc_at(failing[i]);
        assert_int_equal(access_add(a, &r), ERR_NOMEM);
        fail_alloc_at(0);
        assert_int_equal(ask(a, "alice example.com - 80"), 'y');
    }
    assert_int_equal(access_add(a, &r), 0);
    assert_int_equal(ask(a, "alice example.com - 80"), 'n');
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(access_add(a, &r), 0);
    }
    access_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_question_has_its_verdict),
        cmocka_unit_test(a_name_and_its_addresses_never_disagree),
        cmocka_unit_test(without_rules_everything_is_allowed),
        cmocka_unit_test(without_memory_a_rule_is_not_half_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
