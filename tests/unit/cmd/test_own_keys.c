/* SPDX-License-Identifier: MIT */
#include "cmd/own_keys.h"

#include <string.h>

#include "base/err.h"
#include "unit/test.h"
#include "wg/wg.h"

static char said[1024];

static void heard(void *ctx, bool is_error, const char *message)
{
    (void)ctx;
    assert_true(is_error);
    strcat(strcat(said, message), "\n");
}

/* A file with this many peers, whose keys are others' but for number `own` (-1: all are). */
static int check_peers(size_t n, int own)
{
    char path[] = "client.conf";
    struct config_peer peers[3] = {{.line = 5}, {.line = 9}, {.line = 13}};
    struct config c = {.path = path, .peers = peers, .n_peers = n};
    struct files f = {.n = 1};
    memset(c.private_key, 0x42, KEY_LEN);
    wg_clamp(c.private_key);
    for (size_t i = 0; i < n; i++) {
        memset(peers[i].public_key, (int)(7 + i), KEY_LEN);
    }
    if (own >= 0) {
        assert_true(wg_public_key(peers[own].public_key, c.private_key));
    }
    f.file[0].config = &c;
    said[0] = '\0';
    return own_keys_check(&f, heard, NULL);
}

static void peers_have_keys_of_their_own(void **state)
{
    (void)state;
    assert_int_equal(check_peers(0, -1), 0);
    assert_int_equal(check_peers(3, -1), 0);
    assert_string_equal(said, "");
}

static void our_own_key_in_a_peer_is_an_error_with_its_line(void **state)
{
    (void)state;
    assert_int_equal(check_peers(3, 1), ERR_INVALID);
    assert_string_equal(said,
                        "client.conf:9: [Peer]: its PublicKey is the one of our own PrivateKey; "
                        "the peer's own belongs there\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_have_keys_of_their_own),
        cmocka_unit_test(our_own_key_in_a_peer_is_an_error_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
