/* A walk over the levels of one ladder, from the best on: what an order takes, and for how much money.
 *
 * Sums cannot overflow. A size may be anything up to 63 bits, and a price times a size more, so both sums are kept in two
 * parts, of the lower 32 bits of each size and of the bits above. A book has at most 9,999 levels, at prices 1 to 9999: each
 * part of a sum of money is below 9,999 x 9,999 x 2^32 < 2^59. Whoever asks puts the parts together: high x 2^32 + low.
 * No Python.h here, so that this file can be fuzzed and sanitised alone.
 */
#ifndef KALSHI_BOOK_WALK_H
#define KALSHI_BOOK_WALK_H

#include <stdint.h>

#include "fixed.h"
#include "ladder.h"

enum { WALK_UNLIMITED = -1 };

typedef struct {
    int64_t levels;    /* how many at most */
    int64_t size;      /* how many contracts at most, or WALK_UNLIMITED */
    int64_t money;     /* for how much money at most, or WALK_UNLIMITED */
    int64_t distance;  /* how far from the best price at most, or WALK_UNLIMITED */
} walk_limits_t;

typedef struct {
    int64_t size_low, size_high;
    int64_t money_low, money_high;
    int64_t best, worst;  /* prices as the walker sees them; 0 where there is none */
    int32_t levels;
    int takes_all;
} walk_t;

/* What of a level is taken, within what is left of both limits. */
static inline int64_t walk_takes(int64_t price, int64_t size, int64_t size_left, int64_t money_left)
{
    if (size_left != WALK_UNLIMITED && size > size_left)
        size = size_left;
    if (money_left != WALK_UNLIMITED && size > money_left / price)
        size = money_left / price;
    return size;
}

/* Walk over a ladder whose prices are 1 to 9999. `flip`: whoever walks takes asks, priced at $1 less. O(levels taken). */
static inline void walk_ladder(const ladder_t *ladder, int flip, const walk_limits_t *limits, walk_t *walk)
{
    int64_t size_left = limits->size, money_left = limits->money, lowest = 0;
    int32_t at = ladder->count - 1;
    int32_t end = limits->levels < ladder->count ? ladder->count - (int32_t)limits->levels : 0;

    memset(walk, 0, sizeof *walk);
    if (at >= 0) {
        walk->best = flip ? flip_e4(ladder->prices[at]) : ladder->prices[at];
        if (limits->distance != WALK_UNLIMITED)
            lowest = ladder->prices[at] - limits->distance;  /* of both sides: an ask is as far away as its bid */
    }
    for (; at >= end && ladder->prices[at] >= lowest; at--) {
        int64_t price = flip ? flip_e4(ladder->prices[at]) : ladder->prices[at];
        int64_t takes = walk_takes(price, ladder->sizes[at], size_left, money_left);

        if (takes) {
            walk->size_low += takes & UINT32_MAX;
            walk->size_high += takes >> 32;
            walk->money_low += (takes & UINT32_MAX) * price;
            walk->money_high += (takes >> 32) * price;
            walk->worst = price;
            walk->levels++;
        }
        if (takes < ladder->sizes[at])
            return;
        if (size_left != WALK_UNLIMITED)
            size_left -= takes;
        if (money_left != WALK_UNLIMITED)
            money_left -= takes * price;  /* no more than money_left, as walk_takes saw to */
    }
    walk->takes_all = at < 0;
}

#endif
