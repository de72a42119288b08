# The plain C parts of the core, declared: a table of contents of fixed.h, ladder.h, levels.h, tickers.h and walk.h.

from libc.stdint cimport int32_t, int64_t, uint32_t


cdef extern from "fixed.h" nogil:
    const int FIXED_PRICE_PLACES
    const int FIXED_SIZE_PLACES
    const int64_t PRICE_SCALE_E4
    int64_t flip_e4(int64_t price_e4) noexcept
    bint fixed_unsigned(const char *text, size_t length, int places, int64_t *out) noexcept
    bint fixed_price(const char *text, size_t length, int64_t *out) noexcept
    bint fixed_signed(const char *text, size_t length, int places, int64_t *out) noexcept


cdef extern from "ladder.h" nogil:
    ctypedef struct ladder_t:
        int64_t *sizes
        int32_t *prices
        int32_t count
        int32_t capacity
    const int LADDER_OK
    const int LADDER_BELOW_ZERO
    const int LADDER_OVERFLOW
    const int LADDER_NO_MEMORY
    const int LADDER_TWICE
    void ladder_init(ladder_t *ladder) noexcept
    void ladder_free(ladder_t *ladder) noexcept
    int64_t ladder_size_at(const ladder_t *ladder, int32_t price) noexcept
    int ladder_resize(ladder_t *ladder, int32_t capacity) noexcept
    void ladder_prefetch(const ladder_t *ladder) noexcept
    int ladder_add(ladder_t *ladder, int32_t price, int64_t delta, int64_t *size, bint *is_top) noexcept
    int ladder_push(ladder_t *ladder, int32_t price, int64_t size) noexcept
    int ladder_finish(ladder_t *ladder) noexcept
    bint ladder_check(const ladder_t *ladder) noexcept


cdef extern from "levels.h" nogil:
    size_t text_pairs(const char *text, size_t length, char first, char second) noexcept
    size_t text_count(const char *text, size_t length, char character) noexcept
    int levels_load(ladder_t *ladder, const char *text, size_t length, bint flip) noexcept


cdef extern from "tickers.h" nogil:
    ctypedef struct tickers_t:
        size_t count
    void tickers_init(tickers_t *table) noexcept
    void tickers_free(tickers_t *table) noexcept
    void *tickers_get(const tickers_t *table, const char *key, size_t length) noexcept
    bint tickers_set(tickers_t *table, const char *key, size_t length, void *value) noexcept
    bint tickers_remove(tickers_t *table, const char *key, size_t length) noexcept


cdef extern from "walk.h" nogil:
    ctypedef struct walk_limits_t:
        int64_t levels
        int64_t size
        int64_t money
        int64_t distance
    ctypedef struct walk_t:
        int64_t size_low
        int64_t size_high
        int64_t money_low
        int64_t money_high
        int64_t best
        int64_t worst
        int32_t levels
        bint takes_all
    void walk_ladder(const ladder_t *ladder, bint flip, const walk_limits_t *limits, walk_t *walk) noexcept
