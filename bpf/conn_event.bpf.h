/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Events of connections in a record of 64 bytes, where they fit. The memory of the ring is in no
 * cache of the processor that writes it nor of the one that reads it, so each line costs; and
 * the ring holds more records.
 */
#ifndef __PORTTRACE_CONN_EVENT_BPF_H
#define __PORTTRACE_CONN_EVENT_BPF_H

#include "event.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define V4_WORD 3 /* of an address in v4-mapped form: the IPv4 address */

static __always_inline bool is_v4mapped(const __u8 a[16])
{
	const u32 *w = (const u32 *)a;

	return w[0] == 0 && w[1] == 0 && w[2] == bpf_htonl(0xffff);
}

/* Reports whether struct conn_event has all that user space reads of the event. */
static __always_inline bool fits_conn_event(const struct sock_event *e)
{
	switch (e->head.kind) {
	case KIND_OPEN:
	case KIND_CLOSE:
	case KIND_CLOSE_WAIT:
		return !(e->device | e->low | e->high) && is_v4mapped(e->saddr) &&
		       is_v4mapped(e->daddr);
	}
	return false;
}

static __always_inline void copy_conn_event(struct conn_event *to, const struct sock_event *e)
{
	to->ts = e->head.ts;
	to->start = e->head.start;
	to->cookie = e->cookie;
	to->duration = e->head.kind == KIND_OPEN ? e->search_ns : e->duration;
	to->close_wait = e->close_wait;
	to->pid = e->head.pid;
	to->netns = e->netns;
	to->saddr = ((const u32 *)e->saddr)[V4_WORD];
	to->daddr = ((const u32 *)e->daddr)[V4_WORD];
	to->sport = e->sport;
	to->dport = e->dport;
	to->flags = e->flags;
	to->kind = e->head.kind;
	to->how = e->direction | e->closed_by << CLOSED_BY_SHIFT;
}

#endif /* __PORTTRACE_CONN_EVENT_BPF_H */
