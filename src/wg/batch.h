/* SPDX-License-Identifier: MIT */
/* A batch of data packets, shared among the cores that the program was given. */
#ifndef WGPROXY_WG_BATCH_H
#define WGPROXY_WG_BATCH_H

#include "base/parallel.h"
#include "wg/suite.h"

/* As suite_seal_batch and suite_open_batch: when they return, every job is done. `parallel` may be
 * NULL. */
void batch_seal(const struct parallel *parallel, struct suite_job *jobs, size_t n);
void batch_open(const struct parallel *parallel, struct suite_job *jobs, size_t n);

#endif
