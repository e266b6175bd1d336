/* SPDX-License-Identifier: MIT */
/* What the demo finds behind the far end: one web page and a DNS server that knows its name, both inside the tunnel. */
#ifndef WGPROXY_CMD_DEMO_FAR_H
#define WGPROXY_CMD_DEMO_FAR_H

#include "base/addr.h"
#include "base/log.h"
#include "base/macros.h"
#include "stack/stack.h"

#define DEMO_NAME "hello.wgproxy"

/* The page, as it must arrive. */
extern const char demo_page[];

struct demo_far;

/* Serve on `stack`: the page on port 80, the name on port 53 with the two addresses. 0, ERR_IN_USE, ERR_NOMEM. */
int demo_far_start(struct demo_far **out, struct stack *stack, const struct addr *v4,
                   const struct addr *v6) MUST_USE;
void demo_far_stop(struct demo_far *far); /* before the stack goes; NULL is harmless */

#endif
