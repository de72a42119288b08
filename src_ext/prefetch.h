/* PREFETCH(address): ask for a cache line that will be needed soon. The address may be any number; nothing is read. */
#ifndef KALSHI_BOOK_PREFETCH_H
#define KALSHI_BOOK_PREFETCH_H

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch((const void *)(address))
#else
#define PREFETCH(address) ((void)(address))
#endif

#endif
