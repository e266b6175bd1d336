/* SPDX-License-Identifier: MIT */
/* The product's options without its hooks, so that the patches are tested alone. */
#ifndef WGPROXY_TESTS_LWIP_LWIPOPTS_H
#define WGPROXY_TESTS_LWIP_LWIPOPTS_H

#include "../../../src/stack/lwip/lwipopts.h"

#undef LWIP_CHKSUM
#undef LWIP_HOOK_FILENAME

#endif
