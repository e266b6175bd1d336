/* SPDX-License-Identifier: MIT */
/* Lets the k-th allocation of the code under test fail (linked with --wrap for malloc and
 * calloc). */
#ifndef WGPROXY_TESTS_UNIT_PROXY_FAIL_ALLOC_H
#define WGPROXY_TESTS_UNIT_PROXY_FAIL_ALLOC_H

/* The k-th from now on (1: the next) fails, once; 0: none does. */
void fail_alloc_at(unsigned k);
unsigned fail_alloc_count(void); /* how many there were since */

#endif
