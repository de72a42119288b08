/* From the bytes of a market ticker to its book: open addressing with linear probing, removal by shifting back.
 *
 * It is an index beside the dict of books, for the one look-up that every frame needs: the ticker of a frame is a
 * fresh string whose Python hash would have to be computed first (42-75 ns in a dict, about 15 here). Keys are borrowed:
 * their bytes belong to the books. No Python.h here, so that this file can be fuzzed and sanitised alone.
 */
#ifndef KALSHI_BOOK_TICKERS_H
#define KALSHI_BOOK_TICKERS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hints.h"

#ifndef TICKERS_CALLOC
#define TICKERS_CALLOC calloc
#define TICKERS_FREE free
#endif

typedef struct {
    const char *key;  /* NULL: free */
    void *value;
    uint32_t hash;
    uint32_t length;
} tickers_slot_t;

typedef struct {
    tickers_slot_t *slots;
    size_t mask;  /* number of slots - 1, a power of two; meaningless while slots is NULL */
    size_t count;
} tickers_t;

enum { TICKERS_FIRST_SLOTS = 16 };

static inline void tickers_init(tickers_t *table)
{
    memset(table, 0, sizeof *table);
}

static inline void tickers_free(tickers_t *table)
{
    TICKERS_FREE(table->slots);
    tickers_init(table);
}

static inline uint32_t tickers_hash(const char *key, size_t length)
{
    const uint64_t multiplier = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t hash = length * multiplier, word;

    for (; length >= 8; key += 8, length -= 8) {
        memcpy(&word, key, 8);
        hash = (hash ^ word) * multiplier;
        hash ^= hash >> 32;
    }
    if (length) {
        word = 0;
        memcpy(&word, key, length);
        hash = (hash ^ word) * multiplier;
        hash ^= hash >> 32;
    }
    return (uint32_t)(hash ^ (hash >> 15));
}

static inline int tickers_is(const tickers_slot_t *slot, uint32_t hash, const char *key, size_t length)
{
    return slot->hash == hash && slot->length == length && memcmp(slot->key, key, length) == 0;
}

/* The slot that holds `key`, or the free one where it would go. Needs a table with a free slot. */
static inline tickers_slot_t *tickers_probe(const tickers_t *table, uint32_t hash, const char *key, size_t length)
{
    size_t at = hash & table->mask;
    while (table->slots[at].key != NULL && !tickers_is(&table->slots[at], hash, key, length))
        at = (at + 1) & table->mask;
    return &table->slots[at];
}

static inline void *tickers_probe_ahead(const tickers_t *table, uint32_t hash, const char *key, size_t length)
{
    const tickers_slot_t *slot = &table->slots[hash & table->mask];

    PREFETCH(slot->value);
    PREFETCH((uintptr_t)slot->value + 64);
    PREFETCH((uintptr_t)slot->value + 128);
    return tickers_probe(table, hash, key, length)->value;
}

/* The value of `key`, or NULL. */
static inline void *tickers_get(const tickers_t *table, const char *key, size_t length)
{
    if (table->slots == NULL)
        return NULL;
    return tickers_probe_ahead(table, tickers_hash(key, length), key, length);
}

static inline int tickers_resize(tickers_t *table, size_t slots)
{
    tickers_t bigger = {TICKERS_CALLOC(slots, sizeof *table->slots), slots - 1, table->count};
    size_t at;

    if (bigger.slots == NULL)
        return 0;
    for (at = 0; table->slots != NULL && at <= table->mask; at++) {
        const tickers_slot_t *slot = &table->slots[at];
        if (slot->key != NULL)
            *tickers_probe(&bigger, slot->hash, slot->key, slot->length) = *slot;
    }
    TICKERS_FREE(table->slots);
    *table = bigger;
    return 1;
}

/* Set `key` (which must outlive its entry) to `value`, not NULL. Returns 1, or 0 without memory, unchanged. */
static inline int tickers_set(tickers_t *table, const char *key, size_t length, void *value)
{
    uint32_t hash = tickers_hash(key, length);
    tickers_slot_t *slot;

    if (length > UINT32_MAX)
        return 0;
    if (table->slots == NULL ? !tickers_resize(table, TICKERS_FIRST_SLOTS)
                             : table->count * 2 > table->mask && !tickers_resize(table, (table->mask + 1) * 2))
        return 0;
    slot = tickers_probe(table, hash, key, length);
    table->count += slot->key == NULL;
    *slot = (tickers_slot_t){key, value, hash, (uint32_t)length};
    return 1;
}

/* Forget `key`. Returns whether it was there. */
static inline int tickers_remove(tickers_t *table, const char *key, size_t length)
{
    tickers_slot_t *slot;
    size_t hole, at;

    if (table->slots == NULL)
        return 0;
    slot = tickers_probe(table, tickers_hash(key, length), key, length);
    if (slot->key == NULL)
        return 0;
    hole = (size_t)(slot - table->slots);
    for (at = (hole + 1) & table->mask; table->slots[at].key != NULL; at = (at + 1) & table->mask) {
        size_t home = table->slots[at].hash & table->mask;
        if (((at - home) & table->mask) >= ((at - hole) & table->mask)) {
            table->slots[hole] = table->slots[at];
            hole = at;
        }
    }
    memset(&table->slots[hole], 0, sizeof *table->slots);
    table->count--;
    return 1;
}

#endif
