/* What the compiler cannot know.
 *
 * PREFETCH(address): ask for a cache line that will be needed soon. The address may be any number; nothing is read.
 * SELDOM: before a function that is seldom called. It stays out of its callers, which are then short enough to be inlined.
 */
#ifndef KALSHI_BOOK_HINTS_H
#define KALSHI_BOOK_HINTS_H

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch((const void *)(address))
#define SELDOM __attribute__((noinline, unused)) static
#else
#define PREFETCH(address) ((void)(address))
#define SELDOM static
#endif

#endif
