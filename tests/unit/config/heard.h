/* SPDX-License-Identifier: MIT */
/* What was said about a file, as one text to compare: "E " or "W " before each message, a newline
 * after it. */
#ifndef WGPROXY_TESTS_UNIT_CONFIG_HEARD_H
#define WGPROXY_TESTS_UNIT_CONFIG_HEARD_H

#include "config/config.h"

#define PRIVATE_KEY "oK56DE9Ue9zK76rAc8pBl6opph+1v36lm7cXXsQKrQM="
#define PRESHARED_KEY "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE="
#define PUBLIC_KEY "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
#define OTHER_KEY "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define ZERO_KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

/* Three lines and four that nothing can be said against. */
#define INTERFACE "[Interface]\nPrivateKey = " PRIVATE_KEY "\nAddress = 10.0.0.2/32\n"
#define PEER \
    "[Peer]\nPublicKey = " PUBLIC_KEY "\nAllowedIPs = 0.0.0.0/0\nEndpoint = vpn.example:51820\n"

struct heard {
    char text[16384];
    unsigned errors, warnings;
};

/* A config_message_fn; ctx is a struct heard. Fails the test when a message holds a part of a
 * secret key. */
void heard_message(void *ctx, bool is_error, const char *message);

/* config_parse under the name "f", for a text in a block of exactly its size. */
int heard_parse(struct heard *h, struct config **out, const char *text, size_t len);

/* A numbered row of a table of input and messages. */
struct heard_row {
    const char *text;
    const char *messages;
};

/* Each row says exactly these messages; it fails with ERR_INVALID exactly when one of them is an
 * error. */
void heard_expect(const struct heard_row *rows, size_t n);

#endif
