/* Decimal text to a scaled integer, strictly: the C form of units.dollars_e4 and units.contracts_e2.
 *
 * Grammar: digits [ "." digits ], 1 to 19 digits before the point and 1 to `places` after it, ASCII, nothing else.
 * No Python.h here, so that this file can be fuzzed and sanitised alone.
 */
#ifndef KALSHI_BOOK_FIXED_H
#define KALSHI_BOOK_FIXED_H

#include <stddef.h>
#include <stdint.h>

#include "hints.h"

#define FIXED_PRICE_PLACES 4
#define FIXED_SIZE_PLACES 2
#define FIXED_MAX_WHOLE_DIGITS 19
#define PRICE_SCALE_E4 10000

/* A NO bid at p is a YES ask at $1 - p. The only place in C where the two scales meet. */
static inline int64_t flip_e4(int64_t price_e4) { return PRICE_SCALE_E4 - price_e4; }

/* Longest text whose value, scaled by 10^4, cannot pass 63 bits: all but the absurd ones go without overflow checks. */
#define FIXED_SAFE_LENGTH 14

/* Append one digit. Returns 0 when `checked` and the value would pass 63 bits. */
static inline int fixed_push(uint64_t *value, unsigned digit, int checked)
{
    if (checked && *value > ((uint64_t)INT64_MAX - digit) / 10)
        return 0;
    *value = *value * 10 + digit;
    return 1;
}

static inline int fixed_digits(const char *text, size_t length, int places, int64_t *out, int checked)
{
    uint64_t value = 0;
    size_t at = 0;
    int fraction = 0;

    while (at < length && (unsigned char)(text[at] - '0') <= 9) {
        if (!fixed_push(&value, (unsigned)(text[at] - '0'), checked))
            return 0;
        at++;
    }
    if (at == 0 || at > FIXED_MAX_WHOLE_DIGITS)
        return 0;
    if (at < length) {
        if (text[at++] != '.' || at == length)
            return 0;
        for (; at < length; at++, fraction++) {
            unsigned digit = (unsigned char)(text[at] - '0');
            if (digit > 9 || fraction == places || !fixed_push(&value, digit, checked))
                return 0;
        }
    }
    for (; fraction < places; fraction++)
        if (!fixed_push(&value, 0, checked))
            return 0;
    *out = (int64_t)value;
    return 1;
}

/* Read text[0..length) as an unsigned decimal scaled by 10^places (at most 4) into *out. Returns 1, or 0 with *out
 * untouched. */
static inline int fixed_unsigned(const char *text, size_t length, int places, int64_t *out)
{
    return length <= FIXED_SAFE_LENGTH ? fixed_digits(text, length, places, out, 0)
                                       : fixed_digits(text, length, places, out, 1);
}

/* As fixed_unsigned, with an optional "-" in front. */
static inline int fixed_signed(const char *text, size_t length, int places, int64_t *out)
{
    if (length && text[0] == '-') {
        int64_t value;
        if (!fixed_unsigned(text + 1, length - 1, places, &value))
            return 0;
        *out = -value;
        return 1;
    }
    return fixed_unsigned(text, length, places, out);
}

/* As fixed_signed with FIXED_PRICE_PLACES. */
SELDOM int fixed_other_price(const char *text, size_t length, int64_t *out)
{
    return fixed_signed(text, length, FIXED_PRICE_PLACES, out);
}

/* The same, where the usual text, "0." and four digits, is read without a loop. */
static inline int fixed_price(const char *text, size_t length, int64_t *out)
{
    if (length == 6 && text[0] == '0' && text[1] == '.') {
        unsigned a = (unsigned char)(text[2] - '0'), b = (unsigned char)(text[3] - '0');
        unsigned c = (unsigned char)(text[4] - '0'), d = (unsigned char)(text[5] - '0');
        if ((a <= 9) & (b <= 9) & (c <= 9) & (d <= 9)) {
            *out = (int64_t)(a * 1000 + b * 100 + c * 10 + d);
            return 1;
        }
    }
    return fixed_other_price(text, length, out);
}

#endif
