/* One side of a book: prices ascending, so the best bid is the last level.
 *
 * Theory. A book changes where its best price is: most deltas land within a few levels of it. With the levels packed in
 * price order and the best one last, a level is found among the last few, and adding or removing one there moves only those
 * above it. So the cost depends on the distance from the best price, not on how many levels lie below: a book of 1,000
 * levels is as cheap near the top as one of 10. Far from the top a search in two steps takes over, and levels are moved on
 * the shorter side. The best price is simply the last element, also right after the best level was removed.
 *
 * Layout. One allocation a side: capacity sizes (int64), then capacity prices (int32): 12 bytes a level whatever the
 * tick grid, where a table indexed by price would take 16 KiB a side on a tenth-of-a-cent grid. The levels lie anywhere in
 * it, so there may be room on both sides of them.
 *
 * Every function leaves the ladder unchanged when it fails. No Python.h here, so that this file can be fuzzed and
 * sanitised alone; whoever includes it may set the allocator.
 */
#ifndef KALSHI_BOOK_LADDER_H
#define KALSHI_BOOK_LADDER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hints.h"

#ifndef LADDER_MALLOC
#define LADDER_MALLOC malloc
#define LADDER_FREE free
#endif

typedef struct {
    int64_t *sizes;   /* count sizes, each above 0 */
    int32_t *prices;  /* count prices, strictly ascending */
    int32_t count;
    int32_t capacity;
    int32_t below;    /* room below the levels: the allocation starts so many sizes before the first */
} ladder_t;

enum {
    LADDER_OK = 0,
    LADDER_BELOW_ZERO = 1,
    LADDER_OVERFLOW = 2,
    LADDER_NO_MEMORY = 3,
    LADDER_TWICE = 4,
};

enum {
    LADDER_WINDOW = 32,         /* levels that are compared all at once; first those below the best */
    LADDER_STRIDE = 32,         /* every so many levels one is looked at, to find the window that holds a price */
    LADDER_MAX_COUNT = 1 << 27  /* keeps every byte count far from overflow */
};

static inline void ladder_init(ladder_t *ladder)
{
    memset(ladder, 0, sizeof *ladder);
}

static inline void ladder_release(const ladder_t *ladder)
{
    if (ladder->sizes != NULL)
        LADDER_FREE(ladder->sizes - ladder->below);
}

static inline void ladder_free(ladder_t *ladder)
{
    ladder_release(ladder);
    ladder_init(ladder);
}

/* How many of the LADDER_WINDOW prices that start here are below `price`. */
static inline int32_t ladder_window(const int32_t *prices, int32_t price)
{
    int32_t at, below = 0;
    for (at = 0; at < LADDER_WINDOW; at++)
        below += prices[at] < price;
    return below;
}

/* As ladder_find, where the price is not in the window below the best, so that a window follows whatever is found. */
SELDOM int32_t ladder_find_far(const ladder_t *ladder, int32_t price)
{
    const int32_t *base = ladder->prices;
    int32_t left = ladder->count - LADDER_WINDOW, at, steps = 0;

    while (left > LADDER_STRIDE * LADDER_STRIDE) {
        int32_t half = left / 2;
        /* By arithmetic: gcc makes a branch of the conditional, mispredicted every other time (42 ns became 19). */
        base += half & -(int32_t)(base[half - 1] < price);
        left -= half;
    }
    for (at = LADDER_STRIDE - 1; at < left; at += LADDER_STRIDE)
        steps += base[at] < price;
    base += steps * LADDER_STRIDE;
    return (int32_t)(base - ladder->prices) + ladder_window(base, price);
}

/* Where `price` is, or where it would go: the number of levels below it.
 *
 * Which level a delta hits cannot be predicted, so a loop that stops there costs a mispredicted branch or several. In the
 * window below the best price all levels are compared instead, without a branch: the compiler makes vectors of it. */
static inline int32_t ladder_find(const ladder_t *ladder, int32_t price)
{
    const int32_t *prices = ladder->prices;
    int32_t at, below = ladder->count - LADDER_WINDOW;

    if (below > 0)
        return prices[below - 1] >= price ? ladder_find_far(ladder, price) : below + ladder_window(prices + below, price);
    for (at = below = 0; at < ladder->count; at++)
        below += prices[at] < price;
    return below;
}

/* Ask for the levels near the best price, which a caller with something else to do first will need. */
static inline void ladder_prefetch(const ladder_t *ladder)
{
    /* As numbers: there may be no levels, or fewer than these. */
    uintptr_t prices = (uintptr_t)ladder->prices + (uintptr_t)ladder->count * sizeof *ladder->prices;
    uintptr_t sizes = (uintptr_t)ladder->sizes + (uintptr_t)ladder->count * sizeof *ladder->sizes;

    PREFETCH(prices - 4);
    PREFETCH(prices - 64);
    PREFETCH(sizes - 8);
    PREFETCH(sizes - 64);
}

/* Size resting at `price`; 0 where nothing does. */
static inline int64_t ladder_size_at(const ladder_t *ladder, int32_t price)
{
    int32_t at = ladder_find(ladder, price);
    return at < ladder->count && ladder->prices[at] == price ? ladder->sizes[at] : 0;
}

/* Give the ladder room for exactly `capacity` levels, of which it keeps the first `count`. All room is above them then. */
SELDOM int ladder_resize(ladder_t *ladder, int32_t capacity)
{
    int64_t *sizes;
    int32_t *prices;

    if (capacity > LADDER_MAX_COUNT)
        return LADDER_NO_MEMORY;
    sizes = LADDER_MALLOC((size_t)capacity * (sizeof *sizes + sizeof *prices));
    if (sizes == NULL)
        return LADDER_NO_MEMORY;
    prices = (int32_t *)(sizes + capacity);
    if (ladder->count) {
        memcpy(sizes, ladder->sizes, (size_t)ladder->count * sizeof *sizes);
        memcpy(prices, ladder->prices, (size_t)ladder->count * sizeof *prices);
    }
    ladder_release(ladder);
    ladder->sizes = sizes;
    ladder->prices = prices;
    ladder->capacity = capacity;
    ladder->below = 0;
    return LADDER_OK;
}

/* Move `count` levels from place `from` to place `to`, which may be right beside the levels. */
static inline void ladder_move(ladder_t *ladder, int32_t to, int32_t from, int32_t count)
{
    memmove(ladder->sizes + to, ladder->sizes + from, (size_t)count * sizeof *ladder->sizes);
    memmove(ladder->prices + to, ladder->prices + from, (size_t)count * sizeof *ladder->prices);
}

/* Let the levels start `by` places further up. */
static inline void ladder_start(ladder_t *ladder, int32_t by)
{
    ladder->sizes += by;
    ladder->prices += by;
    ladder->below += by;
}

/* As ladder_make_room, where there is none at that end. What is at the other is shared between both, which moves every level;
 * so there must be enough of it to be worth that. */
SELDOM int ladder_share_room(ladder_t *ladder, int is_below)
{
    int32_t room = ladder->capacity - ladder->count, by;

    if (room < 2 || room < ladder->count / 16) {
        if (ladder_resize(ladder, ladder->capacity + ladder->capacity / 2 + 4) != LADDER_OK)
            return LADDER_NO_MEMORY;
        if (!is_below)
            return LADDER_OK;
        room = ladder->capacity - ladder->count;
    }
    by = room / 2 - ladder->below;
    ladder_move(ladder, by, 0, ladder->count);
    ladder_start(ladder, by);
    return LADDER_OK;
}

/* Make room for one level, below the others or above. */
static inline int ladder_make_room(ladder_t *ladder, int is_below)
{
    int32_t room = is_below ? ladder->below : ladder->capacity - ladder->count - ladder->below;
    return room ? LADDER_OK : ladder_share_room(ladder, is_below);
}

/* Open a place for a level at `at`, moving those on its shorter side. */
static inline int ladder_open(ladder_t *ladder, int32_t at)
{
    int is_below = at < ladder->count - at;

    if (ladder_make_room(ladder, is_below) != LADDER_OK)
        return LADDER_NO_MEMORY;
    if (is_below) {
        ladder_start(ladder, -1);
        ladder_move(ladder, 0, 1, at);
    } else {
        ladder_move(ladder, at + 1, at, ladder->count - at);
    }
    ladder->count++;
    return LADDER_OK;
}

/* Close the place of the level at `at`, likewise. */
static inline void ladder_close(ladder_t *ladder, int32_t at)
{
    ladder->count--;
    if (at < ladder->count - at) {
        ladder_move(ladder, 1, 0, at);
        ladder_start(ladder, 1);
    } else {
        ladder_move(ladder, at, at + 1, ladder->count - at);
    }
}

/* Change the level at `price` by `delta`; a level that reaches 0 goes. *size gets what rests there afterwards, *is_top
 * whether that level was or is now the best. */
static inline int ladder_add(ladder_t *ladder, int32_t price, int64_t delta, int64_t *size, int *is_top)
{
    int32_t at = ladder_find(ladder, price);
    int32_t above = ladder->count - at;
    int64_t sum;

    if (above && ladder->prices[at] == price) {
        if (delta > 0 && ladder->sizes[at] > INT64_MAX - delta)
            return LADDER_OVERFLOW;
        sum = ladder->sizes[at] + delta;
        if (sum < 0)
            return LADDER_BELOW_ZERO;
        if (sum)
            ladder->sizes[at] = sum;
        else
            ladder_close(ladder, at);
        *size = sum;
        *is_top = above == 1 && delta != 0;
        return LADDER_OK;
    }
    if (delta < 0)
        return LADDER_BELOW_ZERO;
    *size = delta;
    *is_top = 0;
    if (delta == 0)
        return LADDER_OK;
    if (ladder_open(ladder, at) != LADDER_OK)
        return LADDER_NO_MEMORY;
    ladder->sizes[at] = delta;
    ladder->prices[at] = price;
    *is_top = above == 0;
    return LADDER_OK;
}

/* Append a level while a new ladder is being filled, in any order; ladder_finish puts it in order. */
static inline int ladder_push(ladder_t *ladder, int32_t price, int64_t size)
{
    if (ladder_make_room(ladder, 0) != LADDER_OK)
        return LADDER_NO_MEMORY;
    ladder->prices[ladder->count] = price;
    ladder->sizes[ladder->count++] = size;
    return LADDER_OK;
}

typedef struct {
    int32_t price;
    int64_t size;
} ladder_level_t;

static int ladder_compare(const void *left, const void *right)
{
    int32_t a = ((const ladder_level_t *)left)->price, b = ((const ladder_level_t *)right)->price;
    return (a > b) - (a < b);
}

/* Whether prices strictly ascend. */
static inline int ladder_ascends(const ladder_t *ladder)
{
    int32_t at;
    for (at = 1; at < ladder->count; at++)
        if (ladder->prices[at - 1] >= ladder->prices[at])
            return 0;
    return 1;
}

static inline void ladder_reverse(ladder_t *ladder)
{
    int32_t low, high;
    for (low = 0, high = ladder->count - 1; low < high; low++, high--) {
        int32_t price = ladder->prices[low];
        int64_t size = ladder->sizes[low];
        ladder->prices[low] = ladder->prices[high];
        ladder->sizes[low] = ladder->sizes[high];
        ladder->prices[high] = price;
        ladder->sizes[high] = size;
    }
}

/* Put pushed levels in order. LADDER_TWICE when a price is there twice. */
SELDOM int ladder_finish(ladder_t *ladder)
{
    ladder_level_t *levels;
    int32_t at;

    if (ladder_ascends(ladder))
        return LADDER_OK;
    ladder_reverse(ladder);  /* levels of the other outcome's scale come the other way round */
    if (ladder_ascends(ladder))
        return LADDER_OK;
    levels = LADDER_MALLOC((size_t)ladder->count * sizeof *levels);
    if (levels == NULL)
        return LADDER_NO_MEMORY;
    for (at = 0; at < ladder->count; at++) {
        levels[at].price = ladder->prices[at];
        levels[at].size = ladder->sizes[at];
    }
    qsort(levels, (size_t)ladder->count, sizeof *levels, ladder_compare);
    for (at = 0; at < ladder->count; at++) {
        ladder->prices[at] = levels[at].price;
        ladder->sizes[at] = levels[at].size;
    }
    LADDER_FREE(levels);
    return ladder_ascends(ladder) ? LADDER_OK : LADDER_TWICE;
}

/* Whether every invariant holds. */
static inline int ladder_check(const ladder_t *ladder)
{
    int32_t at;
    if (ladder->count < 0 || ladder->below < 0 || ladder->count > ladder->capacity - ladder->below || !ladder_ascends(ladder))
        return 0;
    for (at = 0; at < ladder->count; at++)
        if (ladder->sizes[at] <= 0)
            return 0;
    return 1;
}

#endif
