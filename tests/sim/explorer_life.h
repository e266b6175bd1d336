/* SPDX-License-Identifier: MIT */
/* One life of two hosts, drawn from a seed: what kind of tunnel it is, what befalls it, who uses it meanwhile. In the end the
 * weather clears, and then everything must be well again, and after the last user silent. */
#ifndef WGPROXY_TESTS_SIM_EXPLORER_LIFE_H
#define WGPROXY_TESTS_SIM_EXPLORER_LIFE_H

#include <stdint.h>

/* Fails the test with what went wrong; returns the fingerprint of everything that was on the wire. */
uint64_t explorer_live(uint64_t seed);

#endif
