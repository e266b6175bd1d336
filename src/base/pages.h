/* SPDX-License-Identifier: MIT */
/* Memory that a library has filled by being loaded, or by trying itself out. */
#ifndef WGPROXY_BASE_PAGES_H
#define WGPROXY_BASE_PAGES_H

/* Give the code and constants of the shared object that holds `inside` back to the system. Nothing was ever written
 * there, so what somebody needs after all is read from the file again. */
void pages_give_back(const void *inside);

#endif
