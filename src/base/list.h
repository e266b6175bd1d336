/* SPDX-License-Identifier: MIT */
/* An intrusive doubly linked list: the link is a member, so membership allocates nothing, and an item
 * leaves any list it is on without knowing which. A link must be list_init'ed before its first use. */
#ifndef WGPROXY_BASE_LIST_H
#define WGPROXY_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* True for an item that is on some list. */
static inline bool list_linked(const struct list *item)
{
    return item->next != item;
}

static inline void list_push_back(struct list *l, struct list *item)
{
    item->prev = l->prev;
    item->next = l;
    l->prev->next = item;
    l->prev = item;
}

/* Harmless on an item that is on no list. */
static inline void list_remove(struct list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_init(item);
}

/* The first item, taken off; NULL when empty. */
static inline struct list *list_pop_front(struct list *l)
{
    if (list_empty(l)) {
        return NULL;
    }
    struct list *item = l->next;
    list_remove(item);
    return item;
}

/* Move all of `from` to the empty list `to`: the way to walk a list that handlers may change. */
static inline void list_take(struct list *to, struct list *from)
{
    list_init(to);
    if (!list_empty(from)) {
        *to = *from;
        to->next->prev = to;
        to->prev->next = to;
        list_init(from);
    }
}

#define list_item(link, type, member) container_of(link, type, member)
#define list_foreach(pos, l) for (struct list *pos = (l)->next; pos != (l); pos = pos->next)
#define list_foreach_safe(pos, l)                                           \
    for (struct list *pos = (l)->next, *pos##_next = pos->next; pos != (l); \
         pos = pos##_next, pos##_next = pos->next)

#endif
