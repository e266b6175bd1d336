/* SPDX-License-Identifier: MIT */
/* Initial sequence numbers that a stranger cannot guess and that still rise with time, RFC 6528:
 * ISN = M + F(4-tuple, secret), where M counts 4 µs steps and F is a keyed hash. */
#include "base/bytes.h"
#include "stack/internal.h"
#include "stack/lwip_addr.h"

#include <lwip_hooks.h>

uint32_t stack_hook_isn(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                        uint16_t remote_port)
{
    const struct stack *s = instance_current();
    struct flow_key key = {
        .local = addr_from_lwip(local),
        .remote = addr_from_lwip(remote),
        .local_port = local_port,
        .remote_port = remote_port,
    };
    return (uint32_t)(s->mono / (4 * NS_PER_US)) +
           (uint32_t)siphash(s->isn_secret, &key, sizeof key);
}
