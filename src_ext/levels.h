/* The levels of a snapshot, straight from its bytes: [["0.4100","120.00"],["0.4200","7.00"]].
 *
 * Only what the exchange writes today is read: pairs of quoted decimals, no blanks, no escapes. Whatever else stands there
 * is for the general reader, so nothing here words an error. What is read here, any JSON decoder would read the same.
 * No Python.h here, so that this file can be fuzzed and sanitised alone.
 */
#ifndef KALSHI_BOOK_LEVELS_H
#define KALSHI_BOOK_LEVELS_H

#include <stddef.h>
#include <stdint.h>

#include "fixed.h"
#include "ladder.h"

enum {
    LEVELS_OTHER = 5,     /* beside LADDER_OK and its errors: not written like this, or a number out of range */
    LEVELS_SHORTEST = 11  /* ["0.1","1"] */
};

enum { TEXT_BLOCK = 240 };  /* counts of so many characters fit a byte, and the compiler adds sixteen bytes at once */

/* How often `first` is followed by `second`, which costs no branch a character. */
static inline size_t text_pairs(const char *text, size_t length, char first, char second)
{
    size_t at = 1, end, found = 0;

    while (at < length) {
        unsigned char here = 0;
        for (end = at + TEXT_BLOCK < length ? at + TEXT_BLOCK : length; at < end; at++)
            here += (text[at - 1] == first) & (text[at] == second);
        found += here;
    }
    return found;
}

/* How often `character` stands in a text. */
static inline size_t text_count(const char *text, size_t length, char character)
{
    size_t at = 0, end, found = 0;

    while (at < length) {
        unsigned char here = 0;
        for (end = at + TEXT_BLOCK < length ? at + TEXT_BLOCK : length; at < end; at++)
            here += text[at] == character;
        found += here;
    }
    return found;
}

/* The length of a text that a quote ends, or 0 where none does. */
static inline size_t levels_quoted(const char *text, const char *end)
{
    const char *at = text;
    while (at < end && *at != '"')
        at++;
    return at < end ? (size_t)(at - text) : 0;
}

/* Read one level, ["price","size"], and move *text behind it. Returns whether it could be read, and is in range. */
static inline int levels_one(const char **text, const char *end, int64_t *price, int64_t *size)
{
    const char *at = *text;
    size_t length;

    if (end - at < LEVELS_SHORTEST || at[0] != '[' || at[1] != '"')
        return 0;
    at += 2;
    length = at[6] == '"' && at[5] != ',' ? 6 : levels_quoted(at, end);  /* the usual "0.4100", else whatever it is */
    if (!fixed_price(at, length, price) || *price < 1 || *price >= PRICE_SCALE_E4)
        return 0;
    at += length;
    if (end - at < 6 || at[1] != ',' || at[2] != '"')
        return 0;
    at += 3;
    length = levels_quoted(at, end);
    if (!fixed_unsigned(at, length, FIXED_SIZE_PLACES, size) || *size <= 0)
        return 0;
    at += length + 1;
    if (at == end || *at != ']')
        return 0;
    *text = at + 1;
    return 1;
}

/* Fill an empty ladder from the text of one side. `flip`: its prices are those of the other outcome.
 * Returns LADDER_OK, LADDER_NO_MEMORY, LADDER_TWICE or LEVELS_OTHER; what the ladder holds then is to be freed. */
static inline int levels_load(ladder_t *ladder, const char *text, size_t length, int flip)
{
    const char *at = text, *end = text + length;
    size_t count = text_count(text, length, '[');
    int64_t price, size;

    if (count == 0 || count > LADDER_MAX_COUNT || *at++ != '[')
        return LEVELS_OTHER;
    if (count == 1)
        return length == 2 && *at == ']' ? LADDER_OK : LEVELS_OTHER;
    if (ladder_resize(ladder, (int32_t)(count - 1 + (count - 1) / 8 + 2)) != LADDER_OK)
        return LADDER_NO_MEMORY;
    do {
        if (!levels_one(&at, end, &price, &size) || at == end)
            return LEVELS_OTHER;
        ladder->prices[ladder->count] = (int32_t)(flip ? flip_e4(price) : price);
        ladder->sizes[ladder->count++] = size;
    } while (*at++ == ',');
    return at == end && at[-1] == ']' ? ladder_finish(ladder) : LEVELS_OTHER;
}

#endif
