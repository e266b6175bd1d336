/* SPDX-License-Identifier: MIT */
/* Where a configuration is looked for when the command line names none. */
#ifndef WGPROXY_CMD_USUAL_CONFIG_H
#define WGPROXY_CMD_USUAL_CONFIG_H

/* What WGPROXY_CONFIG says; or the first that exists of /etc/wgproxy/wgproxy.conf,
 * $XDG_CONFIG_HOME/wgproxy.conf, ~/.config/wgproxy.conf and wireproxy's two,
 * /etc/wireproxy/wireproxy.conf and ~/.config/wireproxy.conf. NULL: none. Valid until the next call. */
const char *usual_config(void);

#endif
