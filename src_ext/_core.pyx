# cython: language_level=3, binding=False, embedsignature=True, embedsignature.format=clinic, autotestdict=False
# cython: always_allow_keywords=False
"""The compiled core: levels, books, and the path that every frame takes.

Contents: Level, Update (values) - SidState (the count of one subscription) - BookCore (two ladders and how they stand) -
FeedCore (bytes to book). ``_pycore`` is the same in plain Python and the specification of all of it.

One rule holds everything together: ``FeedCore.receive`` handles exactly two cases by itself, today's delta that is the next
of its sid and leaves its book LIVE, and today's snapshot that is the next of its sid and makes it LIVE. It decides that
before it changes anything, and hands every other frame, untouched, to ``_receive_other``, where the law of the feed is
written once, in Python.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.object cimport Py_EQ, Py_NE, Py_TYPE, PyObject, PyTypeObject
from cpython.ref cimport Py_DECREF
from cpython.unicode cimport PyUnicode_CheckExact
from libc.stdint cimport INT32_MAX, INT64_MAX, INT64_MIN, int32_t, int64_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #define LADDER_MALLOC PyMem_Malloc
    #define LADDER_FREE PyMem_Free
    #define TICKERS_CALLOC PyMem_Calloc
    #define TICKERS_FREE PyMem_Free

    /* as_int64 by a name under which its exception is not looked for: whoever calls it looks. */
    #define try_int64(number) kalshi_book_as_int64(number)
    """
    int64_t try_int64(object number) noexcept

from native cimport *

cdef extern from "structmember.h":
    const int T_OBJECT_EX

cdef extern from "Python.h":
    ctypedef struct PyMemberDef:
        const char *name
        int type
    ctypedef struct PyMemberDescrObject:
        PyMemberDef *d_member
    PyTypeObject PyMemberDescr_Type
    ctypedef PyObject *(*PyCFunction)(PyObject *instance, PyObject *arguments)
    ctypedef struct PyMethodDef:
        PyCFunction ml_meth
        int ml_flags
    const int METH_FASTCALL, METH_KEYWORDS
    ctypedef struct PyMethodDescrObject:
        PyMethodDef *d_method
    PyTypeObject PyMethodDescr_Type
    object PyDescr_NewMethod(PyTypeObject *owner, PyMethodDef *method)
    object PyMember_GetOne(const char *instance, PyMemberDef *member)
    PyObject *PyLong_FromLongLong(long long number) noexcept
    PyObject *PyTuple_GET_ITEM(PyObject *items, Py_ssize_t at) noexcept
    Py_ssize_t PyTuple_GET_SIZE(PyObject *items) noexcept
    PyObject *PyObject_CallOneArg(object function, object argument) noexcept
    void PyErr_Clear() noexcept
    bint PyErr_ExceptionMatches(object kind) noexcept
    PyObject *PyErr_Occurred() noexcept
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    bint PyUnicode_IS_COMPACT_ASCII(object text) noexcept
    const void *PyUnicode_DATA(object text) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(object text) noexcept
    long long PyLong_AsLongLongAndOverflow(object number, int *overflow) except? -1

import sys
from copy import copy

import msgspec

from kalshi_book import _text, errors, messages, units
from kalshi_book.kinds import Effect, Kind, StaleReason, State

cdef object UNSET = msgspec.UNSET
cdef object DELTA = Kind.DELTA
cdef object SNAPSHOT = Kind.SNAPSHOT
cdef object MALFORMED = Kind.MALFORMED
cdef object APPLIED = Effect.APPLIED
cdef object HEALED = Effect.HEALED
cdef object NEW = State.NEW
cdef object LIVE = State.LIVE
cdef object STALE = State.STALE
cdef object CONTRADICTION = StaleReason.CONTRADICTION
cdef object CROSSED = StaleReason.CROSSED
cdef str YES = "yes"
cdef str NO = "no"

cdef int64_t NOTHING = INT64_MIN  # an optional number that is absent; no wire number can be this
cdef int64_t MIN_PRICE = units.MIN_PRICE_E4
cdef int64_t MAX_PRICE = units.MAX_PRICE_E4


cdef inline object optional(int64_t number):
    return None if number == NOTHING else number


cdef inline const char *utf8_of(object text, Py_ssize_t *length) except NULL:
    """The bytes of a text, borrowed from it: without a call where it is ASCII, as all of the wire is."""
    if PyUnicode_IS_COMPACT_ASCII(text):
        length[0] = PyUnicode_GET_LENGTH(text)
        return <const char *> PyUnicode_DATA(text)
    return PyUnicode_AsUTF8AndSize(text, length)


cdef inline int64_t as_int64 "kalshi_book_as_int64" (object number) except? -1:
    # Cython's own conversion: inlined for numbers of a few digits, where PyLong_AsLongLongAndOverflow is a call of 10 ns.
    return <int64_t> number


cdef int64_t optional_int64(object number, str name) except? -1:
    """An argument that is int or None, as a number or NOTHING."""
    if number is None:
        return NOTHING
    return exact_int64(number, name)


cdef inline int64_t exact_int64(object number, str name) except? -1:
    """An argument that must be int: Cython alone would cut a float or a Decimal without a word."""
    cdef int64_t value
    if type(number) is int:
        value = try_int64(number)
        if value != -1 and value != NOTHING:
            return value
    return odd_int64(number, name)


cdef int64_t odd_int64(object number, str name) except? -1:
    """As exact_int64, for what is no int, no number of 64 bits, or -1, which might also say that it is none."""
    cdef int overflow = 0
    cdef long long value
    PyErr_Clear()
    if type(number) is not int:
        raise TypeError(f"{name} must be int, not {type(number).__name__}")
    value = PyLong_AsLongLongAndOverflow(number, &overflow)
    if overflow or value == INT64_MIN:
        raise errors.UsageError(f"{name} must fit 64 bits")
    return value


# --- Values ------------------------------------------------------------------------------------------------------------


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Level:
    """One price with the size that rests there. Immutable; equal levels are equal and hash alike.

    >>> from kalshi_book import Level
    >>> level = Level(price_e4=3300, size_e2=76487)
    >>> level, level.price, level.cents, level.size
    (Level($0.3300 x 764.87), Decimal('0.3300'), Decimal('33.00'), Decimal('764.87'))
    """

    cdef readonly int64_t size_e2
    """Size in 0.01 contract."""
    cdef readonly int32_t price_e4
    """Price in $0.0001."""

    def __init__(self, *, price_e4, size_e2):
        cdef int64_t price = exact_int64(price_e4, "price_e4")
        if not -INT32_MAX <= price <= INT32_MAX:
            raise errors.UsageError("price_e4 must fit 32 bits")
        self.size_e2 = exact_int64(size_e2, "size_e2")
        self.price_e4 = <int32_t> price

    @property
    def price(self):
        """Price in dollars, an exact Decimal with 4 decimals."""
        return units.price_decimal(self.price_e4)

    @property
    def cents(self):
        """Price in cents, an exact Decimal with 2 decimals."""
        return units.cents_decimal(self.price_e4)

    @property
    def size(self):
        """Size in contracts, an exact Decimal with 2 decimals."""
        return units.size_decimal(self.size_e2)

    def __richcmp__(self, other, int operation):
        cdef Level left, right
        if not isinstance(other, Level) or operation not in (Py_EQ, Py_NE):
            return NotImplemented
        left, right = self, other
        return (left.price_e4 == right.price_e4 and left.size_e2 == right.size_e2) == (operation == Py_EQ)

    def __hash__(self):
        return hash((self.price_e4, self.size_e2))

    def __repr__(self):
        return _text.level_text(self.price_e4, self.size_e2)

    def __reduce__(self):
        return _level, (self.price_e4, self.size_e2)


def _level(price_e4, size_e2):
    """Make a Level again when it is unpickled."""
    return Level(price_e4=price_e4, size_e2=size_e2)


cdef inline Level make_level(int64_t price_e4, int64_t size_e2):
    cdef Level level = Level.__new__(Level)
    level.price_e4 = <int32_t> price_e4
    level.size_e2 = size_e2
    return level


@cython.final
@cython.no_gc  # nothing that an Update refers to can refer back: its error is never raised itself, only copies of it
@cython.freelist(256)
cdef class Update:
    """What one frame was and what it did. Made by ``Feed.receive``; immutable."""

    # One is made for every frame, so it holds few objects: numbers as numbers, the two words as borrowed references to
    # enum members that never die, and what only the law sets in one tuple.
    cdef PyObject *_kind
    cdef PyObject *_effect
    cdef readonly object book
    """The OrderBook that the frame speaks of, or None where the feed holds none."""
    cdef readonly object frame
    """The frame as it was given, bytes or str."""
    cdef readonly object client_order_id
    """The id of your own order where you caused this change, else None."""
    cdef object _message
    cdef tuple _ticker_and_error
    cdef int64_t _sid, _seq, _received_ns, _price_e4, _delta_e2, _size_e2
    cdef readonly int64_t skipped
    """How many sequence numbers are missing right before this frame: 0 normally."""
    cdef char _outcome
    cdef readonly bint top_changed
    """Whether the best price or its size changed on either ladder of the book."""

    def __init__(
        self, *, kind, effect, frame, book=None, market_ticker=None, outcome_side=None, price_e4=None, delta_e2=None,
        size_e2=None, top_changed=False, client_order_id=None, sid=None, seq=None, skipped=0, received_ns=None,
        _error=None, _message=None,
    ):
        if type(kind) is not Kind:  # calling an enum takes 150 ns
            kind = Kind(kind)
        if type(effect) is not Effect:
            effect = Effect(effect)
        self._kind = <PyObject *> kind
        self._effect = <PyObject *> effect
        self.frame = frame
        self.book = book
        self._ticker_and_error = market_ticker, _error
        self._message = _message
        self._outcome = 0 if outcome_side is None else 2 if outcome_side == NO else 1
        self._price_e4 = optional_int64(price_e4, "price_e4")
        self._delta_e2 = optional_int64(delta_e2, "delta_e2")
        self._size_e2 = optional_int64(size_e2, "size_e2")
        self.top_changed = top_changed
        self.client_order_id = client_order_id
        self._sid = optional_int64(sid, "sid")
        self._seq = optional_int64(seq, "seq")
        self.skipped = exact_int64(skipped, "skipped")
        self._received_ns = optional_int64(received_ns, "received_ns")

    @property
    def kind(self):
        """What the frame was, a Kind."""
        return None if self._kind is NULL else <object> self._kind

    @property
    def effect(self):
        """What it did, an Effect."""
        return None if self._effect is NULL else <object> self._effect

    @property
    def market_ticker(self):
        """The market that the frame names, or None."""
        return self.book.market_ticker if self._ticker_and_error is None else self._ticker_and_error[0]

    @property
    def error(self):
        """What was wrong: MalformedFrame, Contradiction, or None. A new object each time, free to be raised."""
        return None if self._ticker_and_error is None else copy(self._ticker_and_error[1])

    @property
    def outcome_side(self):
        """``"yes"`` or ``"no"`` for a delta, else None."""
        return (None, YES, NO)[self._outcome]

    @property
    def price_e4(self):
        """The level of a delta in $0.0001, a NO level on the NO scale; else None."""
        return optional(self._price_e4)

    @property
    def delta_e2(self):
        """The signed change of a delta in 0.01 contract, else None."""
        return optional(self._delta_e2)

    @property
    def size_e2(self):
        """What rests at the level after a delta that was applied, in 0.01 contract; else None."""
        return optional(self._size_e2)

    @property
    def own(self):
        """Whether you caused this change: the frame carries a ``client_order_id``, which may be ``""``.

        It marks cause, not ownership: never derive your own resting size from it.
        """
        return self.client_order_id is not None

    @property
    def subaccount(self):
        """The subaccount of an own change, or None. Decodes the frame when first asked."""
        return getattr(getattr(self.message, "msg", None), "subaccount", None) if self.own else None

    @property
    def sid(self):
        """The subscription that the frame belongs to, or None."""
        return optional(self._sid)

    @property
    def seq(self):
        """The sequence number of the frame, or None."""
        return optional(self._seq)

    @property
    def received_ns(self):
        """The time of receipt that was passed in, or None."""
        return optional(self._received_ns)

    @property
    def message(self):
        """The frame as a typed message with every field, or None where it is malformed. Decoded when first asked."""
        if self._message is None and self.kind is not MALFORMED:
            self._message = messages.read(self.frame)
        return self._message

    def __repr__(self):
        return _text.update_text(self)


# --- The book ----------------------------------------------------------------------------------------------------------


@cython.final
cdef class SidState:
    """How far the count of one subscription has come, and on which price scale its NO side arrives."""

    cdef readonly int64_t sid
    """The subscription."""
    cdef int64_t _last_seq
    cdef public object last_frame
    """The frame that took the last number, to tell a duplicate from a restart; None before the first."""
    cdef public bint use_yes_price
    """Whether NO-side prices arrive on the YES scale."""
    cdef public bint is_dead
    """Whether the exchange has ended it: its frames are counted and nothing else."""

    def __init__(self, sid, *, use_yes_price=False):
        self.sid = exact_int64(sid, "sid")
        self._last_seq = NOTHING
        self.use_yes_price = use_yes_price

    @property
    def last_seq(self):
        """The number of the last sequenced frame, or None before the first."""
        return optional(self._last_seq)

    @last_seq.setter
    def last_seq(self, seq):
        self._last_seq = optional_int64(seq, "last_seq")


@cython.no_gc  # a book refers to texts, levels, a SidState, a Market and a MarketOwn, none of which may refer back to it
cdef class BookCore:
    """Two ladders of bids, and how the book stands. The public class is ``OrderBook``, which adds the rest in Python.

    Methods that start with an underscore are the feed's and the views' (they check neither arguments nor state).
    """

    cdef ladder_t yes
    cdef ladder_t no
    cdef readonly str market_ticker
    """The market."""
    cdef readonly object state
    """How the book stands, a State."""
    cdef readonly object stale_reason
    """Why it is not LIVE, as text (a StaleReason, or the word given to ``Feed.closed``); None while NEW or LIVE."""
    cdef SidState _sid_state
    cdef int64_t _seq, _received_ns
    # Numbers, not objects: letting go of those of a book that was not touched for a while is two cache misses.
    cdef int64_t _clock, _ts_ms
    cdef bint _is_known, is_kept
    cdef Level _yes_bid, _yes_ask, _no_bid, _no_ask  # prebuilt answers, while LIVE; None: not built yet
    cdef public object _market
    """What is known of the market, a Market, or None."""
    cdef public object _own
    """Own orders of it, a MarketOwn (in a copy an OwnReading), or None."""

    def __cinit__(self):
        ladder_init(&self.yes)
        ladder_init(&self.no)
        self._seq = self._received_ns = self._clock = self._ts_ms = NOTHING

    def __init__(self, market_ticker):
        if not isinstance(market_ticker, str):
            raise TypeError(f"market_ticker must be str, not {type(market_ticker).__name__}")
        self.market_ticker = str(market_ticker)
        self.state = NEW

    def __dealloc__(self):
        ladder_free(&self.yes)
        ladder_free(&self.no)

    # How it stands.

    @property
    def is_live(self):
        """Whether the book is exact now."""
        return self.state is LIVE

    @property
    def sid(self):
        """The subscription that keeps this book, or None."""
        return None if self._sid_state is None else self._sid_state.sid

    @property
    def seq(self):
        """Sequence number of the last frame that was applied, or None."""
        return optional(self._seq)

    @property
    def received_ns(self):
        """The time of receipt of the last frame that was applied, as it was passed in, or None."""
        return optional(self._received_ns)

    @property
    def clock(self):
        """The exchange's clock for this market in the last frame that was applied, or None where it had none."""
        return optional(self._clock)

    @property
    def ts_ms(self):
        """The exchange's time of the last delta that was applied, unix milliseconds, or None."""
        return optional(self._ts_ms)

    @property
    def _core(self):
        """The book itself: what its readings are taken from."""
        return self

    @property
    def _live(self):
        """True: its readings are taken only while it is LIVE."""
        return True

    def _require(self, bint live):
        """Raise BookNotLive unless the book is LIVE, or, where that is not asked for, had a snapshot."""
        if self.state is not LIVE and (live or not self._is_known):
            raise errors.BookNotLive(
                market_ticker=self.market_ticker, state=self.state, stale_reason=self.stale_reason, seq=optional(self._seq)
            )

    # What it answers. A cached level stands only while the book is LIVE, so one test of a pointer is the whole check.

    def best_yes_bid(self):
        """Give the highest price at which somebody buys YES, with its size; None: nobody.

        Raises:
            BookNotLive: the book cannot know now.
        """
        if self._yes_bid is not None:
            return self._yes_bid
        if self.state is not LIVE:
            self._require(True)
        self._yes_bid = self.top_of(False, False)
        return self._yes_bid

    def best_yes_ask(self):
        """Give the lowest price at which YES can be bought ($1 less the best NO bid), with its size; None: nobody.

        Raises:
            BookNotLive: the book cannot know now.
        """
        if self._yes_ask is not None:
            return self._yes_ask
        if self.state is not LIVE:
            self._require(True)
        self._yes_ask = self.top_of(False, True)
        return self._yes_ask

    def best_no_bid(self):
        """Give the highest price at which somebody buys NO, with its size; None: nobody.

        Raises:
            BookNotLive: the book cannot know now.
        """
        if self._no_bid is not None:
            return self._no_bid
        if self.state is not LIVE:
            self._require(True)
        self._no_bid = self.top_of(True, False)
        return self._no_bid

    def best_no_ask(self):
        """Give the lowest price at which NO can be bought ($1 less the best YES bid), with its size; None: nobody.

        Raises:
            BookNotLive: the book cannot know now.
        """
        if self._no_ask is not None:
            return self._no_ask
        if self.state is not LIVE:
            self._require(True)
        self._no_ask = self.top_of(True, True)
        return self._no_ask

    def best_yes_bid_e4(self):
        """Give the price of ``best_yes_bid`` in $0.0001, or None.

        Raises:
            BookNotLive: the book cannot know now.
        """
        if self.state is not LIVE:
            self._require(True)
        return self.yes.prices[self.yes.count - 1] if self.yes.count else None

    def best_yes_ask_e4(self):
        """Give the price of ``best_yes_ask`` in $0.0001, or None.

        Raises:
            BookNotLive: the book cannot know now.
        """
        if self.state is not LIVE:
            self._require(True)
        return flip_e4(self.no.prices[self.no.count - 1]) if self.no.count else None

    def best_no_bid_e4(self):
        """Give the price of ``best_no_bid`` in $0.0001, or None.

        Raises:
            BookNotLive: the book cannot know now.
        """
        if self.state is not LIVE:
            self._require(True)
        return self.no.prices[self.no.count - 1] if self.no.count else None

    def best_no_ask_e4(self):
        """Give the price of ``best_no_ask`` in $0.0001, or None.

        Raises:
            BookNotLive: the book cannot know now.
        """
        if self.state is not LIVE:
            self._require(True)
        return flip_e4(self.yes.prices[self.yes.count - 1]) if self.yes.count else None

    def change(self, *, outcome_side, price_e4, delta_e2):
        """Change one level of a LIVE book: for people without a Feed. No sequence is checked.

        Args:
            outcome_side: ``"yes"`` or ``"no"``: whose bids.
            price_e4: the level in $0.0001, a NO level on the NO scale.
            delta_e2: the signed change in 0.01 contract. A level that reaches 0 is gone.

        Returns:
            What rests at the level now, in 0.01 contract.

        Raises:
            BookNotLive: nothing was changed.
            Contradiction: the level would fall below zero or pass 63 bits, or the price is not 1 to 9999 (nothing was
                changed), or the book is crossed now (the change was made). The book is STALE until its next snapshot.
            TypeError, UsageError: a wrong argument; nothing was changed.
        """
        return self.change_level(outcome_side, price_e4, delta_e2)

    # What the feed does to it.

    def _apply_delta(self, bint no, price_e4, delta_e2):
        """Change one level. Returns (size_e2 there now, whether a best level changed); raises Contradiction."""
        cdef bint top = False
        cdef int64_t size = self.add(no, exact_int64(price_e4, "price_e4"), exact_int64(delta_e2, "delta_e2"), &top)
        return size, top

    def _load(self, yes, bint yes_in_cents, no, bint no_in_cents, bint use_yes_price, stale_reason):
        """Replace both ladders by levels as they stand in a frame, and be LIVE, or STALE for ``stale_reason`` or because
        they cross. Returns whether a best level changed.

        Raises ValueError, with nothing changed, where ``messages.book.parse_levels`` does.
        """
        cdef ladder_t new_yes, new_no
        cdef bint top
        ladder_init(&new_yes)
        ladder_init(&new_no)
        try:
            fill(&new_yes, yes, yes_in_cents, False, YES)
            fill(&new_no, no, no_in_cents, use_yes_price, NO)
        except BaseException:
            ladder_free(&new_yes)
            ladder_free(&new_no)
            raise
        top = not self._is_known or not same_top(&self.yes, &new_yes) or not same_top(&self.no, &new_no)
        ladder_free(&self.yes)
        ladder_free(&self.no)
        self.yes = new_yes
        self.no = new_no
        self._is_known = True
        self.forget_levels()
        if stale_reason is None and self.crossed():
            stale_reason = CROSSED
        self.state = LIVE if stale_reason is None else STALE
        self.stale_reason = stale_reason
        return top

    def _stamp(self, seq, clock, ts_ms, received_ns):
        """Note which frame was applied last."""
        self._seq = optional_int64(seq, "seq")
        self._clock = optional_int64(clock, "clock")
        self._ts_ms = optional_int64(ts_ms, "ts_ms")
        self._received_ns = optional_int64(received_ns, "received_ns")

    def _join(self, SidState sid_state):
        """Belong to a subscription, or to none."""
        self._sid_state = sid_state

    def _set_state(self, state, stale_reason=None):
        """Stand otherwise from now on."""
        self.stand(state, stale_reason)

    # What views and the feed read, whatever the state.

    def _belongs_to(self, SidState sid_state):
        """Whether ``sid_state`` keeps this book."""
        return self._sid_state is sid_state

    def _known(self):
        """Whether there was a first snapshot."""
        return self._is_known

    def _is_crossed(self):
        """Whether the best bids of both outcomes sum to $1 or more."""
        return self.crossed()

    def _is_kept(self):
        """Whether a feed keeps this book."""
        return self.is_kept

    # Each checks and reads in one go, and makes its lists first: making one may run the garbage collector, and that any
    # code at all.

    def _best(self, bint no, bint ask, bint live):
        self._require(live)
        return self.top_of(no, ask)

    def _bbo(self, bint no, bint live):
        self._require(live)
        return self.top_of(no, False), self.top_of(no, True)

    def _levels(self, bint no, bint ask, int64_t n, bint live):
        """The best n levels of one side, best first."""
        cdef list levels = []
        self._require(live)
        self.collect(levels, no, ask, n)
        return levels

    def _depth(self, bint no, int64_t n, bint live):
        cdef list bids = []
        cdef list asks = []
        self._require(live)
        self.collect(bids, no, False, n)
        self.collect(asks, no, True, n)
        return bids, asks

    def _size_at(self, bint no, int64_t price_e4, bint live):
        """Bids resting at a price in 0.01 contract."""
        self._require(live)
        return ladder_size_at(&self.no if no else &self.yes, <int32_t> price_e4)

    def _walk(
        self, bint no, int64_t n_bids, int64_t n_asks, int64_t size_e2, int64_t money_e6, int64_t distance_e4, bint live
    ):
        """Walk over both sides of one outcome within the same limits, as ``walk.walk`` does. O(levels taken)."""
        cdef walk_limits_t limits
        cdef walk_t bids, asks
        self._require(live)
        limits.size, limits.money, limits.distance = size_e2, money_e6, distance_e4
        limits.levels = n_bids
        walk_ladder(&self.no if no else &self.yes, False, &limits, &bids)
        limits.levels = n_asks
        walk_ladder(&self.yes if no else &self.no, True, &limits, &asks)
        return walked(&bids), walked(&asks)

    def _copy(self, bint live):
        """A copy that shares nothing, as a plain BookCore."""
        cdef BookCore copy = BookCore.__new__(BookCore)
        self._require(live)
        if copy_ladder(&copy.yes, &self.yes) or copy_ladder(&copy.no, &self.no):
            raise MemoryError
        copy.market_ticker = self.market_ticker
        copy.state = self.state
        copy.stale_reason = self.stale_reason
        copy._sid_state = self._sid_state
        copy._seq = self._seq
        copy._clock = self._clock
        copy._ts_ms = self._ts_ms
        copy._received_ns = self._received_ns
        copy._is_known = self._is_known
        copy._market = self._market
        copy._own = None if self._own is None else self._own.now()
        return copy

    def _faults(self):
        """Name each invariant that does not hold: our own mistakes, never the exchange's."""
        cdef list faults = ladder_faults(&self.yes, YES) + ladder_faults(&self.no, NO)
        if self.state is LIVE and self.crossed():
            faults.append("a LIVE book is crossed")
        for name, cached, built in (
            ("best_yes_bid", self._yes_bid, self.top_of(False, False)),
            ("best_yes_ask", self._yes_ask, self.top_of(False, True)),
            ("best_no_bid", self._no_bid, self.top_of(True, False)),
            ("best_no_ask", self._no_ask, self.top_of(True, True)),
        ):
            if cached is not None and (cached != built or self.state is not LIVE):
                faults.append(f"the answer kept for {name} is not the ladder's")
        return faults

    # The C side.

    cdef int collect(self, list levels, bint no, bint ask, int64_t n) except -1:
        """Append the best n levels of one side, best first. Levels are made without the garbage collector's notice."""
        cdef ladder_t *ladder = &self.no if no != ask else &self.yes
        cdef int32_t count = <int32_t> min(n, <int64_t> ladder.count)
        cdef int32_t at
        for at in range(ladder.count - 1, ladder.count - count - 1, -1):
            levels.append(make_level(flip_e4(ladder.prices[at]) if ask else ladder.prices[at], ladder.sizes[at]))
        return 0

    cdef Level top_of(self, bint no, bint ask):
        cdef ladder_t *ladder = &self.no if no != ask else &self.yes
        cdef int64_t price
        if ladder.count == 0:
            return None
        price = ladder.prices[ladder.count - 1]
        return make_level(flip_e4(price) if ask else price, ladder.sizes[ladder.count - 1])

    cdef void stand(self, object state, object stale_reason) noexcept:
        """Takes no memory: it is also how a book is made STALE because there is none."""
        self.state = state
        self.stale_reason = stale_reason
        if state is not LIVE:
            self.forget_levels()

    cdef inline bint crossed(self) noexcept:
        return top_sum(&self.yes, &self.no) >= PRICE_SCALE_E4

    cdef inline void forget_top(self, bint no) noexcept:
        """The best level of one ladder changed: two prebuilt answers are wrong now."""
        if no:
            self._no_bid = None
            self._yes_ask = None
        else:
            self._yes_bid = None
            self._no_ask = None

    cdef inline void forget_levels(self) noexcept:
        self.forget_top(False)
        self.forget_top(True)

    cdef int64_t change_level(self, object outcome_side, object price_e4, object delta_e2) except -1:
        cdef bint top = False
        cdef bint no = outcome_side is NO
        cdef int64_t price, delta
        if not (no | (outcome_side is YES)):  # one branch, and never taken: which of the two it is cannot be predicted
            no = units.outcome_is_no(outcome_side)
        price = exact_int64(price_e4, "price_e4")
        delta = exact_int64(delta_e2, "delta_e2")
        if self.state is not LIVE:
            self._require(True)
        return self.add(no, price, delta, &top)

    cdef int64_t add(self, bint no, int64_t price, int64_t delta, bint *top) except -1:
        """Feed rules F7 and F14, the only place in C that turns them into a state."""
        cdef ladder_t *ladder = &self.no if no else &self.yes
        cdef int64_t size = 0
        cdef int outcome = LADDER_BELOW_ZERO
        if MIN_PRICE <= price <= MAX_PRICE:
            outcome = ladder_add(ladder, <int32_t> price, delta, &size, top)
            if outcome == LADDER_NO_MEMORY:
                raise MemoryError
        if outcome != LADDER_OK:
            if MIN_PRICE <= price <= MAX_PRICE:
                size = ladder_size_at(ladder, <int32_t> price)
            self.contradict(no, price, delta, size, CONTRADICTION)
        if top[0]:
            self.forget_top(no)
            if self.crossed():
                self.contradict(no, price, delta, size, CROSSED)
        return size

    cdef int contradict(self, bint no, int64_t price, int64_t delta, int64_t size, object reason) except -1:
        self.stand(STALE, reason)
        raise errors.Contradiction(
            market_ticker=self.market_ticker, outcome_side=NO if no else YES, price_e4=price, delta_e2=delta, size_e2=size,
            stale_reason=reason,
        )


cdef tuple walked(const walk_t *walk):
    return (
        joined(walk.size_high, walk.size_low), joined(walk.money_high, walk.money_low),
        walk.best if walk.best else None, walk.worst if walk.worst else None, walk.levels, walk.takes_all,
    )


cdef object joined(int64_t high, int64_t low):
    """The two parts of a sum as one number."""
    return (<object> high << 32) + low if high else low


cdef list ladder_faults(const ladder_t *ladder, str outcome_side):
    cdef list faults = []
    if not ladder_check(ladder):
        faults.append(f"the {outcome_side} ladder is out of order or holds a size of 0 or less")
    if ladder.count and not MIN_PRICE <= ladder.prices[0] <= ladder.prices[ladder.count - 1] <= MAX_PRICE:
        faults.append(f"the {outcome_side} ladder holds a price outside 1 to 9999")
    return faults


cdef bint copy_ladder(ladder_t *copy, const ladder_t *ladder) except -1:
    """Returns whether memory ran out."""
    if ladder.count == 0:
        return False
    if ladder_resize(copy, ladder.count) != LADDER_OK:
        return True
    memcpy(copy.sizes, ladder.sizes, ladder.count * sizeof(int64_t))
    memcpy(copy.prices, ladder.prices, ladder.count * sizeof(int32_t))
    copy.count = ladder.count
    return False


cdef inline int64_t top_sum(const ladder_t *yes, const ladder_t *no) noexcept:
    """The best prices of both ladders, or 0 where one is empty: $1 or more crosses."""
    return yes.prices[yes.count - 1] + no.prices[no.count - 1] if yes.count and no.count else 0


cdef bint same_top(const ladder_t *left, const ladder_t *right) noexcept:
    if left.count == 0 or right.count == 0:
        return left.count == right.count
    return (
        left.prices[left.count - 1] == right.prices[right.count - 1]
        and left.sizes[left.count - 1] == right.sizes[right.count - 1]
    )


cdef int fill(ladder_t *ladder, object raw, bint in_cents, bint use_yes_price, str outcome_side) except -1:
    """Fill an empty ladder from levels as they stand in a frame.

    Pairs of texts, and the pairs of integers of the oldest shape, are read here. Whatever else, and every fault, goes
    through the parser in Python, which words the errors for both cores.
    """
    cdef int64_t price, size
    if fill_from_pairs(ladder, raw, in_cents, use_yes_price):
        return 0
    ladder.count = 0
    for price, size in messages.book.parse_levels(raw, in_cents, outcome_side):
        push(ladder, flip_e4(price) if use_yes_price else price, size)
    if ladder_finish(ladder) == LADDER_NO_MEMORY:
        raise MemoryError
    return 0


cdef int push(ladder_t *ladder, int64_t price, int64_t size) except -1:
    if ladder_push(ladder, <int32_t> price, size) != LADDER_OK:
        raise MemoryError
    return 0


cdef bint fill_from_pairs(ladder_t *ladder, object raw, bint in_cents, bint use_yes_price) except -1:
    """Returns False where a level is not a pair that can be read exactly, in range, or where a price stands twice."""
    cdef list levels
    cdef tuple pair
    cdef object level
    cdef int64_t price, size
    cdef int outcome
    if type(raw) is not list:
        return type(raw) is tuple and not <tuple> raw
    levels = raw
    if not levels:
        return True
    if ladder_resize(ladder, <int32_t> min(len(levels) + len(levels) // 8 + 2, INT32_MAX)) != LADDER_OK:
        raise MemoryError
    for level in levels:
        if type(level) is not tuple or len(<tuple> level) != 2:
            return False
        pair = <tuple> level
        if in_cents:
            if not hundredfold(pair[0], &price) or not hundredfold(pair[1], &size):
                return False
        elif type(pair[0]) is not str or type(pair[1]) is not str:
            return False
        elif not parse_price(pair[0], &price) or not parse_size(pair[1], &size):
            return False
        if not MIN_PRICE <= price <= MAX_PRICE or size <= 0:
            return False
        push(ladder, flip_e4(price) if use_yes_price else price, size)
    outcome = ladder_finish(ladder)
    if outcome == LADDER_NO_MEMORY:
        raise MemoryError
    return outcome == LADDER_OK


cdef inline bint hundredfold(object number, int64_t *value) noexcept:
    """Read whole cents as $0.0001, or whole contracts as 0.01 contract: none below 0, which no level has."""
    if type(number) is not int or not whole(number, value) or not 0 <= value[0] <= INT64_MAX // 100:
        return False
    value[0] *= 100
    return True


cdef inline bint parse_price(object text, int64_t *price_e4) except -1:
    cdef Py_ssize_t length = 0
    cdef const char *at = utf8_of(text, &length)
    return fixed_price(at, length, price_e4)


cdef inline bint parse_size(object text, int64_t *size_e2) except -1:
    cdef Py_ssize_t length = 0
    cdef const char *at = utf8_of(text, &length)
    return fixed_signed(at, length, FIXED_SIZE_PLACES, size_e2)


# --- Bytes to book -----------------------------------------------------------------------------------------------------


cdef enum:
    SID, SEQ, MSG, TICKER, CLOCK, PRICE, CHANGE, SIDE, TS_MS, ORDER_ID, FIELDS

FIELD_NAMES = ("sid", "seq", "msg", "market_ticker", "clock", "price_dollars", "delta_fp", "side", "ts_ms", "client_order_id")

cdef enum:
    SNAPSHOT_ID, SNAPSHOT_SID, SNAPSHOT_SEQ, SNAPSHOT_MSG, SNAPSHOT_TICKER, SNAPSHOT_CLOCK, YES_SIDE, NO_SIDE, OLDER_SIDES
    SNAPSHOT_FIELDS = OLDER_SIDES + 4

SNAPSHOT_FIELD_NAMES = (
    "id", "sid", "seq", "msg", "market_ticker", "clock", "yes_dollars_fp", "no_dollars_fp",
    "yes_dollars", "no_dollars", "yes", "no",
)


cdef class FeedCore:
    """The books of one connection and the path that every frame takes to them.

    ``Feed`` adds the law in Python: ``_receive_other``, and ``_expects``.

    Args:
        hot_decode: decodes a frame into one of ``hot_types``, and raises on everything else.
        hot_types: the struct classes of today's delta and of its ``msg``, whose fields are named in ``FIELD_NAMES``, and of
            a snapshot and its ``msg``, which leaves the sides as text; ``SNAPSHOT_FIELD_NAMES``.
    """

    cdef object _hot_decode
    cdef PyTypeObject *_hot_delta
    cdef PyTypeObject *_hot_snapshot
    cdef PyMemberDef *_members[FIELDS]
    cdef PyMemberDef *_snapshot_members[SNAPSHOT_FIELDS]
    cdef tickers_t _index  # borrows keys and books from _books
    cdef dict _books
    cdef object _hot_types
    cdef readonly int64_t _fast_deltas, _fast_snapshots, _fast_healed
    """How many frames took the short path: deltas and snapshots that were applied, snapshots that healed a book."""

    def __cinit__(self):
        tickers_init(&self._index)
        self._books = {}

    def __init__(self, hot_decode, hot_types):
        cdef int field
        hot_delta, hot_body, hot_snapshot, hot_sides = self._hot_types = hot_types
        self._hot_decode = hot_decode
        for field in range(FIELDS):
            self._members[field] = member_of(hot_delta if field <= MSG else hot_body, FIELD_NAMES[field])
            if self._members[field] is NULL:
                return  # fields of another kind: no message is of a hot type, and the law handles every frame
        for field in range(SNAPSHOT_FIELDS):
            struct = hot_snapshot if field <= SNAPSHOT_MSG else hot_sides
            self._snapshot_members[field] = member_of(struct, SNAPSHOT_FIELD_NAMES[field])
            if self._snapshot_members[field] is NULL:
                return
        self._hot_delta = <PyTypeObject *> hot_delta
        self._hot_snapshot = <PyTypeObject *> hot_snapshot

    @property
    def _fast_frames(self):
        """How many frames took the short path."""
        return self._fast_deltas + self._fast_snapshots + self._fast_healed

    def __dealloc__(self):
        tickers_free(&self._index)

    def receive(self, frame, *, received_ns=None):
        """Take in one frame: check its sequence, bring its book up to date, and say what happened.

        Args:
            frame: one frame of the connection as it came, bytes or str, with or without its newline.
            received_ns: when it came, in nanoseconds on a clock of your choice; kept on the update and the book.

        Returns:
            An Update, whatever the frame holds: expected trouble (a gap, a malformed frame) is a value.

        Raises:
            TypeError: ``frame`` is neither bytes nor str, or ``received_ns`` neither int nor None.
        """
        cdef PyObject *decoded
        cdef object message
        cdef Update update = None
        if not PyBytes_CheckExact(frame) and not PyUnicode_CheckExact(frame):
            return self._receive_other(frame, received_ns)
        decoded = PyObject_CallOneArg(self._hot_decode, frame)
        if decoded is NULL:
            clear_ordinary_error()  # the law reads the frame anew and words the error
            return self._receive_other(frame, received_ns)
        message = <object> decoded
        Py_DECREF(message)
        if <PyTypeObject *> Py_TYPE(message) is self._hot_delta:
            update = self.take_delta(message, frame, received_ns)
        elif <PyTypeObject *> Py_TYPE(message) is self._hot_snapshot:
            update = self.take_snapshot(message, frame, received_ns)
        if update is None:
            return self._receive_other(frame, received_ns)
        return update

    cdef Update take_delta(self, object message, object frame, object received_ns):
        """Apply today's delta where it is next in its sid and leaves its book LIVE; else None, with nothing changed."""
        cdef object body = field_of(message, self._members[MSG])
        cdef object text, side, order_id
        cdef const char *characters
        cdef Py_ssize_t length = 0
        cdef void *found
        cdef BookCore book
        cdef SidState sid_state
        cdef ladder_t *ladder
        cdef ladder_t *other
        cdef Update update
        cdef int64_t sid = 0, seq = 0, price = 0, delta = 0, size = 0
        cdef int64_t receipt = NOTHING, clock = NOTHING, ts_ms = NOTHING
        cdef bint no, top = False
        cdef int outcome

        # Everything that the frame alone decides comes first, while what the look-up found is on its way to the cache.
        text = field_of(body, self._members[TICKER])
        characters = utf8_of(text, &length)
        found = tickers_get(&self._index, characters, length)
        if found is NULL:
            return None
        book = <BookCore> found
        if not whole(field_of(message, self._members[SID]), &sid) or not whole(field_of(message, self._members[SEQ]), &seq):
            return None
        side = field_of(body, self._members[SIDE])
        no = utf8_of(side, &length)[0] == c"n"
        ladder = &book.no if no else &book.yes
        other = &book.yes if no else &book.no
        ladder_prefetch(ladder)
        if not parse_price(field_of(body, self._members[PRICE]), &price):
            return None
        if not parse_size(field_of(body, self._members[CHANGE]), &delta) or not MIN_PRICE <= price <= MAX_PRICE:
            return None

        sid_state = book._sid_state
        if book.state is not LIVE or sid_state is None or sid != sid_state.sid or seq <= 0 or seq - 1 != sid_state._last_seq:
            return None
        if no and sid_state.use_yes_price:
            price = flip_e4(price)
        if delta > 0 and other.count and price + other.prices[other.count - 1] >= PRICE_SCALE_E4:
            return None
        if not maybe_whole(received_ns, &receipt) or not maybe_whole(field_of(body, self._members[CLOCK]), &clock):
            return None
        if not maybe_whole(field_of(body, self._members[TS_MS]), &ts_ms):
            return None
        order_id = field_of(body, self._members[ORDER_ID])

        update = Update.__new__(Update)  # before the ladder changes: nothing can fail after it has
        outcome = ladder_add(ladder, <int32_t> price, delta, &size, &top)
        if outcome != LADDER_OK:
            return None
        sid_state._last_seq = seq
        sid_state.last_frame = frame
        book._seq = seq
        book._clock = clock
        book._ts_ms = ts_ms
        book._received_ns = receipt
        if top:
            book.forget_top(no)
        self._fast_deltas += 1
        update._kind = <PyObject *> DELTA
        update._effect = <PyObject *> APPLIED
        update.book = book
        update.frame = frame
        if order_id is not UNSET:
            update.client_order_id = order_id
        update._sid = sid
        update._seq = seq
        update._received_ns = receipt
        update._price_e4 = price
        update._delta_e2 = delta
        update._size_e2 = size
        update._outcome = 2 if no else 1
        update.top_changed = top
        return update

    cdef Update take_snapshot(self, object message, object frame, object received_ns):
        """Take in today's snapshot where it is next in its sid and makes its book LIVE; else None, with nothing changed.

        That of a LIVE book that was asked for is left to the law, which compares the two.
        """
        cdef object body = field_of(message, self._snapshot_members[SNAPSHOT_MSG])
        cdef object text = field_of(body, self._snapshot_members[SNAPSHOT_TICKER])
        cdef Py_ssize_t length = 0
        cdef const char *characters = utf8_of(text, &length)
        cdef void *found = tickers_get(&self._index, characters, length)
        cdef BookCore book
        cdef SidState sid_state
        cdef int64_t sid = 0, seq = 0, answered = 0
        cdef int64_t receipt = NOTHING, clock = NOTHING
        cdef int field
        if found is NULL:
            return None
        book = <BookCore> found
        sid_state = book._sid_state
        if sid_state is None:
            return None
        if not whole(field_of(message, self._snapshot_members[SNAPSHOT_SID]), &sid) or sid != sid_state.sid:
            return None
        if not whole(field_of(message, self._snapshot_members[SNAPSHOT_SEQ]), &seq) or seq <= 0:
            return None
        if seq - 1 != sid_state._last_seq:
            return None
        if not maybe_whole(field_of(message, self._snapshot_members[SNAPSHOT_ID]), &answered):
            return None
        if not maybe_whole(received_ns, &receipt):
            return None
        if not maybe_whole(field_of(body, self._snapshot_members[SNAPSHOT_CLOCK]), &clock):
            return None
        for field in range(OLDER_SIDES, SNAPSHOT_FIELDS):
            if field_of(body, self._snapshot_members[field]) is not UNSET:
                return None
        if answered and book.state is LIVE:
            return None
        return self.take_sides(book, body, frame, answered, seq, clock, receipt)

    cdef Update take_sides(
        self, BookCore book, object body, object frame, int64_t answered, int64_t seq, int64_t clock, int64_t receipt
    ):
        """The second half of ``take_snapshot``: read both sides, ask the law, and only then change anything."""
        cdef ladder_t yes, no
        cdef SidState sid_state = book._sid_state
        cdef object yes_side = field_of(body, self._snapshot_members[YES_SIDE])
        cdef object no_side = field_of(body, self._snapshot_members[NO_SIDE])
        cdef Update update
        cdef bint was_stale
        ladder_init(&yes)
        ladder_init(&no)
        try:
            if not read_side(&yes, yes_side, False) or not read_side(&no, no_side, sid_state.use_yes_price):
                return None
            if top_sum(&yes, &no) >= PRICE_SCALE_E4 or not sides_stand_once(frame, yes_side, no_side, yes.count + no.count):
                return None
            update = Update.__new__(Update)  # before the law is asked: nothing can fail after it was
            if not self._expects(book, sid_state, answered):
                return None
            update.top_changed = not book._is_known or not same_top(&book.yes, &yes) or not same_top(&book.no, &no)
            book.yes, yes = yes, book.yes
            book.no, no = no, book.no
        finally:
            ladder_free(&yes)
            ladder_free(&no)
        was_stale = book.state is not LIVE and book.state is not NEW
        sid_state._last_seq = seq
        sid_state.last_frame = frame
        book._is_known = True
        book._seq = seq
        book._clock = clock
        book._ts_ms = NOTHING
        book._received_ns = receipt
        book.forget_levels()
        book.state = LIVE
        book.stale_reason = None
        if was_stale:
            self._fast_healed += 1
        else:
            self._fast_snapshots += 1
        update._kind = <PyObject *> SNAPSHOT
        update._effect = <PyObject *> HEALED if was_stale else <PyObject *> APPLIED
        update.book = book
        update.frame = frame
        update._sid = sid_state.sid
        update._seq = seq
        update._received_ns = receipt
        update._price_e4 = update._delta_e2 = update._size_e2 = NOTHING
        return update

    # What the law needs.

    def _add_book(self, BookCore book):
        """Hold a book. Its ticker must be new here."""
        cdef Py_ssize_t length = 0
        cdef const char *characters = utf8_of(book.market_ticker, &length)
        self._books[book.market_ticker] = book
        if not tickers_set(&self._index, characters, length, <void *> book):
            del self._books[book.market_ticker]
            raise MemoryError
        book.is_kept = True

    def _remove_book(self, BookCore book):
        """Hold a book no longer."""
        cdef Py_ssize_t length = 0
        cdef const char *characters = utf8_of(book.market_ticker, &length)
        tickers_remove(&self._index, characters, length)
        book.is_kept = False
        del self._books[book.market_ticker]

    def _books_by_ticker(self):
        """The books held, by ticker, in order of appearance. To be read only."""
        return self._books

    def _stale_books(self, SidState sid_state, stale_reason):
        """Make every LIVE or NEW book of one subscription (or, for None, of all) STALE. Returns how many. O(books)."""
        cdef BookCore book
        cdef int64_t staled = 0
        for book in self._books.values():
            if (book.state is LIVE or book.state is NEW) and (sid_state is None or book._sid_state is sid_state):
                book.stand(STALE, stale_reason)
                staled += 1
        return staled


cdef bint read_side(ladder_t *ladder, object side, bint use_yes_price) except -1:
    """Fill an empty ladder from a side as it stands in the frame. Returns False where it is not what is written today."""
    cdef Py_buffer text
    cdef int outcome
    if side is UNSET:
        return True
    PyObject_GetBuffer(side, &text, PyBUF_SIMPLE)
    outcome = levels_load(ladder, <const char *> text.buf, text.len, use_yes_price)
    PyBuffer_Release(&text)
    if outcome == LADDER_NO_MEMORY:
        raise MemoryError
    return outcome == LADDER_OK


cdef bint sides_stand_once(object frame, object yes_side, object no_side, size_t levels) except -1:
    """Whether a frame, all of whose sides could be read, names each of them once, and no other array where one is absent.

    Of a key that stands twice the decoder gives the last; the one before may be malformed. "fp" is a part of nothing else
    here but by chance, which costs only time.
    """
    cdef Py_ssize_t length = 0
    cdef const char *text
    cdef size_t sides = (yes_side is not UNSET) + (no_side is not UNSET)
    if PyBytes_CheckExact(frame):
        text, length = PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(frame)
    else:
        text = utf8_of(frame, &length)
    if text_pairs(text, length, c"f", c"p") != sides or text_count(text, length, c"\\"):
        return False
    return sides == 2 or text_count(text, length, c"[") == sides + levels


cdef int clear_ordinary_error() except -1:
    """Forget an error that a frame can cause; let an interrupt pass."""
    if not PyErr_ExceptionMatches(Exception):
        return -1
    PyErr_Clear()
    return 0


cdef inline object field_of(object instance, PyMemberDef *member):
    """Read a field through the member that its class publishes: half the price of getattr."""
    return PyMember_GetOne(<const char *> <void *> instance, member)


cdef PyMemberDef *member_of(object struct, str name) except? NULL:
    """The member that a class publishes for a slot, or NULL where its descriptor is of another kind."""
    cdef object descriptor = vars(struct).get(name)
    if <PyTypeObject *> Py_TYPE(descriptor) is not &PyMemberDescr_Type:
        return NULL
    member = (<PyMemberDescrObject *> descriptor).d_member
    return member if member.type == T_OBJECT_EX else NULL


cdef inline bint whole(object number, int64_t *value) noexcept:
    """Whether an int fits 64 bits (and is not NOTHING); if so, its value."""
    value[0] = try_int64(number)
    if value[0] == -1 and PyErr_Occurred() is not NULL:
        PyErr_Clear()
        return False
    return value[0] != NOTHING


cdef inline bint maybe_whole(object number, int64_t *value) noexcept:
    """As whole, where None leaves the value as it is. False for anything but int and None."""
    if number is None:
        return True
    if type(number) is not int:
        return False
    return whole(number, value)


# --- Subclasses --------------------------------------------------------------------------------------------------------


def own_methods(cls):
    """Decorate a Python subclass of BookCore or FeedCore: give it descriptors of its own for the C methods it inherits.

    CPython from 3.11 on has a short way to call a C method, but only where the descriptor belongs to the very class of the
    instance: reading a best price took 31 ns without it, 13 with it.
    """
    cdef PyMethodDef *method
    base = BookCore if issubclass(cls, BookCore) else FeedCore
    for name, descriptor in vars(base).items():
        method = method_of(descriptor)
        if method is not NULL and not name.startswith("_") and name not in vars(cls):
            setattr(cls, name, PyDescr_NewMethod(<PyTypeObject *> cls, method))
    return cls


cdef PyMethodDef *method_of(object descriptor) noexcept:
    """The C method behind a descriptor, or NULL where it is of another kind."""
    if <PyTypeObject *> Py_TYPE(descriptor) is not &PyMethodDescr_Type:
        return NULL
    return (<PyMethodDescrObject *> descriptor).d_method


# --- The usual call of BookCore.change ---------------------------------------------------------------------------------

# Reading three keyword arguments took 10 ns more than it must. A call that gives all three in the order of the signature is
# known by its names, which are interned, and is taken here; every other call is the method's own.

ctypedef PyObject *(*FastMethod)(PyObject *book, PyObject **arguments, Py_ssize_t count, PyObject *names) except NULL

cdef tuple CHANGE_NAMES = tuple(map(sys.intern, ("outcome_side", "price_e4", "delta_e2")))
cdef FastMethod change_itself


cdef PyObject *change_fast(PyObject *book, PyObject **arguments, Py_ssize_t count, PyObject *names) except NULL:
    if count or names is NULL or PyTuple_GET_SIZE(names) != 3 or not are_change_names(names):
        return change_itself(book, arguments, count, names)
    return PyLong_FromLongLong(
        (<BookCore> book).change_level(<object> arguments[0], <object> arguments[1], <object> arguments[2])
    )


cdef inline bint are_change_names(PyObject *names) noexcept:
    cdef PyObject *ours = <PyObject *> CHANGE_NAMES
    return (
        PyTuple_GET_ITEM(names, 0) is PyTuple_GET_ITEM(ours, 0)
        and PyTuple_GET_ITEM(names, 1) is PyTuple_GET_ITEM(ours, 1)
        and PyTuple_GET_ITEM(names, 2) is PyTuple_GET_ITEM(ours, 2)
    )


cdef int quicken_change() except -1:
    cdef PyMethodDef *method = method_of(vars(BookCore)["change"])
    global change_itself
    if method is not NULL and method.ml_flags == METH_FASTCALL | METH_KEYWORDS:
        change_itself = <FastMethod> <void *> method.ml_meth
        method.ml_meth = <PyCFunction> <void *> change_fast
    return 0


quicken_change()
