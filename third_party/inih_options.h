/* SPDX-License-Identifier: MIT */
/* inih's compile-time choices, included before everything else in ini.c and in
 * whoever uses ini.h. */
#ifndef WGPROXY_THIRD_PARTY_INIH_OPTIONS_H
#define WGPROXY_THIRD_PARTY_INIH_OPTIONS_H

/* Lines grow on the heap: a peer's AllowedIPs may hold thousands of prefixes. */
#define INI_USE_STACK 0
#define INI_ALLOW_REALLOC 1
#define INI_INITIAL_ALLOC 4096
#define INI_MAX_LINE 1048576

/* The handler hears of each [Section], so that two [Peer] stay two, of each line's
 * number, and of a line without '=', so that our own message can name it. */
#define INI_CALL_HANDLER_ON_NEW_SECTION 1
#define INI_HANDLER_LINENO 1
#define INI_ALLOW_NO_VALUE 1
#define INI_STOP_ON_FIRST_ERROR 0

#define INI_ALLOW_BOM 1
#define INI_ALLOW_MULTILINE 0
#define INI_ALLOW_INLINE_COMMENTS 1
#define INI_INLINE_COMMENT_PREFIXES "#;"

#endif
