/* SPDX-License-Identifier: MIT */
/* How lwIP is built: its core alone, one thread, every limit ours. What is not obvious says why. */
#ifndef WGPROXY_STACK_LWIP_LWIPOPTS_H
#define WGPROXY_STACK_LWIP_LWIPOPTS_H

#include <stddef.h>
#include <stdint.h>

/* ---- one thread, raw API, timers of our own (stack/ticks.c) ---- */
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_CALLBACK_API 1
#define LWIP_STATS 0
#define LWIP_TIMERS 1
#define LWIP_TIMERS_CUSTOM 1 /* without timeouts.c; we define what it would */

/* ---- memory: stack/memory.c, no pools; the limits are in our code ---- */
#define MEM_CUSTOM_ALLOCATOR 1
#define MEM_CUSTOM_MALLOC stack_mem_alloc
#define MEM_CUSTOM_CALLOC stack_mem_calloc
#define MEM_CUSTOM_FREE stack_mem_free
void *stack_mem_alloc(size_t size);
void *stack_mem_calloc(size_t count, size_t size);
void stack_mem_free(void *mem);
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT 8
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define PBUF_LINK_HLEN 0
#define PBUF_LINK_ENCAPSULATION_HLEN 0 /* packets are copied into the outbox, never prepended to */
#define PBUF_POOL_SIZE 0
#define PBUF_POOL_FREE_OOSEQ 0

/* ---- one interface at a time: stack/instance.c puts its stack's in place ---- */
#define LWIP_SINGLE_NETIF 1
#define LWIP_NETIF_LOOPBACK 0
#define LWIP_HAVE_LOOPIF 0
#define LWIP_ARP 0
#define LWIP_ETHERNET 0
#define LWIP_DHCP 0
#define LWIP_AUTOIP 0
#define LWIP_ACD 0
#define LWIP_IGMP 0
#define LWIP_DNS 0
#define LWIP_RAW 0 /* ICMP errors are read before lwIP (stack/icmp.c) */

/* ---- IP: fragments are put together before lwIP (stack/reass.c), which only makes them ---- */
#define LWIP_IPV4 1
#define IP_FORWARD 0
#define IP_REASSEMBLY 0
#define IP_FRAG 1
#define IP_OPTIONS_ALLOWED 0
#define LWIP_ICMP 1
#define LWIP_IPV6 1
#define LWIP_IPV6_MLD 0
#define LWIP_IPV6_AUTOCONFIG 0
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 0
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 0
#define LWIP_IPV6_SCOPES 0
#define LWIP_IPV6_ADDRESS_LIFETIMES 0
#define LWIP_IPV6_NUM_ADDRESSES 1
#define LWIP_IPV6_FRAG 1
#define LWIP_IPV6_REASS 0
#define LWIP_IPV6_FORWARD 0
#define LWIP_ICMP6 1
#define LWIP_ND6_QUEUEING 0
#define LWIP_ND6_NUM_NEIGHBORS 1
#define LWIP_ND6_NUM_PREFIXES 1
#define LWIP_ND6_NUM_ROUTERS 1
#define LWIP_ND6_NUM_DESTINATIONS 1
#define LWIP_ND6_TCP_REACHABILITY_HINTS 0
#define LWIP_ND6_ALLOW_RA_UPDATES 0
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS 0

#define LWIP_UDP 1
#define LWIP_UDPLITE 0

/* ---- TCP ---- */
#define LWIP_TCP 1
#define TCP_MSS 8860 /* a ceiling: the interface's MTU decides */
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 9                /* 8 ends 256 bytes below 16 MiB */
#define TCP_WND (16 * 1024 * 1024)     /* a ceiling: stack/window.c gives each connection its own */
#define TCP_SND_BUF (16 * 1024 * 1024) /* a ceiling: the stream's send queue has its own limit */
#define TCP_SND_QUEUELEN \
    0xff00                 /* counts pbufs in 16 bits, two a segment: 17 MiB at an MSS of 536 */
#define TCP_SNDLOWAT 16384 /* unused by the raw API, but checked for sanity */
#define TCP_OVERSIZE 0     /* room for later copies: nothing is ever written by copy */
#define LWIP_TCP_SACK_OUT 1
#define LWIP_TCP_MAX_SACK_NUM 4
#define LWIP_TCP_TIMESTAMPS 0 /* used for neither PAWS nor RTT: 12 bytes for nothing */
#define TCP_QUEUE_OOSEQ 1
#define TCP_OOSEQ_MAX_PBUFS 16384 /* 0 is no limit; the largest window has 12,300 segments */
/* A walk over them is at most as long as the window has segments of 256 bytes. */
#define TCP_OOSEQ_PBUFS_LIMIT(pcb) ((u16_t)LWIP_MIN(TCP_OOSEQ_MAX_PBUFS, 64 + (pcb)->rcv_wnd / 256))
#define TCP_LISTEN_BACKLOG 0 /* an 8-bit count; stack/conn_open.c has its own */
#define LWIP_TCP_KEEPALIVE 0 /* its settings; nobody asks for it */
#define SO_REUSE 0
#define LWIP_TCP_PCB_NUM_EXT_ARGS 1 /* tells stack/conn.c when lwIP lets go of a pcb */
#define TCP_TMR_INTERVAL 50         /* slow tick 100 ms: RTO floor 300 ms, delayed ACK 50 ms */
#define LWIP_TCP_RTO_TIME 1000      /* RFC 6298 (2.1) */
#define TCP_MSL 5000UL
#define TCP_MAXRTX 12
#define TCP_SYNMAXRTX 5 /* with the backoff of stack/ticks.c: 1, 2, 4, 8, 16 s */
#define TCP_WND_UPDATE_THRESHOLD 16384
#define LWIP_TCP_EXTERNAL_RECOVERY 1 /* stack/sender.c */
#define TCP_OOSEQ_TIMEOUT 40U /* 12 s at least: what is behind a hole was sent, and is bounded */
#define LWIP_TCP_CALC_INITIAL_CWND(mss) ((tcpwnd_size_t)(10U * (mss))) /* RFC 6928 */

/* ---- checksums: made, not verified: the AEAD vouches for the packet, as in the kernels ---- */
#define CHECKSUM_GEN_IP 1
#define CHECKSUM_GEN_UDP 1
#define CHECKSUM_GEN_TCP 1
#define CHECKSUM_GEN_ICMP 1
#define CHECKSUM_GEN_ICMP6 1
#define CHECKSUM_CHECK_IP 0
#define CHECKSUM_CHECK_UDP 0
#define CHECKSUM_CHECK_TCP 0
#define CHECKSUM_CHECK_ICMP 0
#define CHECKSUM_CHECK_ICMP6 0
#define LWIP_CHECKSUM_ON_COPY 0
uint16_t stack_checksum(const void *data, int len);
#define LWIP_CHKSUM stack_checksum

#define LWIP_HOOK_FILENAME "lwip_hooks.h"

#endif
