"""The exchange's side of one connection, as its published text and the recordings have it: commands in, frames out.

The yardstick for whoever follows a session. It is written from the AsyncAPI text (read 2026-10-26) and from recordings of
2025 and 2026 alone, and shares no code with the package. What neither source settles stands here as a switch, or is marked
"silent". No clock, no randomness: whoever drives it decides what happens, and in which order.

A market has a true book, a dict of price_e4 to size_e2 for each outcome. A subscription is one sid on one channel. Whatever
is sent is appended to ``outbox``, in the order of delivery. What the network does to a frame on its way is up to the caller.
"""

import json
from dataclasses import dataclass, field

import exchange_wire as wire
from exchange_wire import BOOK, LISTS, MARKETS, Refused

START_MS = 1793000000000


@dataclass
class Market:
    """One market and its true book."""

    market_id: str
    book: dict = field(default_factory=lambda: {"yes": {}, "no": {}})
    clock: int = 0
    is_closed: bool = False


@dataclass
class Subscription:
    """One sid. ``names`` has a dict, used as an ordered set, for each kind of list; empty: everything."""

    channel: str
    sid: int
    use_yes_price: bool
    skip_ticker_ack: bool = False
    names: dict = field(default_factory=dict)
    seq: int = 0


class Exchange:
    """The exchange with some markets, and one connection at a time.

    Args:
        tickers: the markets that trade. Any other ticker is accepted in a command and streams nothing.
    """

    def __init__(self, *tickers):
        self.markets = {ticker: Market(f"6b1f0c52-0000-4000-8000-{n:012d}") for n, ticker in enumerate(tickers, 1)}
        self.is_connected = False
        self.outbox = []
        # Faults of the next command that is processed; it uses them up.
        self.ignore = False  # it has no effect and no reply
        self.fail_with = None  # it is refused with this error code
        self.lose_reply = False  # it has its effect; with fail_with too, that error is all its reply, without it none
        # How it behaves until that is changed.
        self.hold = False  # commands wait in ``pending`` until they are processed, in any order
        self.delay_snapshots = False  # snapshots wait in ``delayed`` until they are released; deltas do not wait
        # Of this connection: their frames are numbered and never appear. A ``subscribed`` does: the sid is only inside it.
        self.silent_sids = set()
        self.silent_markets = set()  # their snapshots never come; their deltas do
        self.market_limit = None  # how many markets a subscription may list: error 26
        self.scoped_errors = True  # a refused update_subscription carries the sid, and takes a number
        self.newline = True
        self._tick = self._sent = 0
        self._is_mute = False
        self._forget()

    # The connection.

    def connect(self):
        """Begin a connection: sids and numbers start at 1 again, nothing is subscribed, and the outbox is empty."""
        self._forget()
        self.outbox = []
        self.is_connected = True

    def disconnect(self):
        """End it: what was subscribed, held back or delayed is gone. What was sent stays in the outbox."""
        self._forget()
        self.is_connected = False

    def _forget(self):
        self._by_channel = {}
        self._last_sid = 0
        self.pending, self.delayed = [], []
        self.silent_sids.clear()

    # What is true.

    def book(self, ticker):
        """Copy the true book: price_e4 to size_e2 for each outcome, each on its own scale."""
        return {side: dict(ladder) for side, ladder in self.markets[ticker].book.items()}

    def sid_of(self, channel):
        """Give the sid of a channel, or None."""
        return self._by_channel[channel].sid if channel in self._by_channel else None

    def seq_of(self, channel):
        """Give the last number of a channel's subscription; 0: none yet."""
        return self._by_channel[channel].seq if channel in self._by_channel else 0

    def held_markets(self, channel):
        """Give the set of names that the subscription of a channel lists; an empty one for nothing, None for all markets."""
        if channel not in self._by_channel:
            return set()
        names = self._by_channel[channel].names
        if not names and MARKETS in LISTS[channel]:
            return None
        return {name for listed in names.values() for name in listed}

    def room(self, ticker, side):
        """Give the highest price_e4 at which a bid neither crosses nor locks the book; 0: none."""
        other = self.markets[ticker].book["no" if side == "yes" else "yes"]
        return 9999 - max(other, default=0)

    # What happens on the exchange.

    def change(self, ticker, side, price_e4, delta_e2, client_order_id=None):
        """Change one level of a true book. One delta goes out where the market is held."""
        market = self.markets[ticker]
        size_e2 = market.book[side].get(price_e4, 0) + delta_e2
        if market.is_closed or size_e2 < 0 or not 1 <= price_e4 <= (self.room(ticker, side) if size_e2 else 9999):
            raise ValueError(f"{ticker} {side} {price_e4} {delta_e2} cannot happen")
        market.book[side][price_e4] = size_e2
        if not size_e2:
            del market.book[side][price_e4]
        self._advance(market)
        if sub := self._holder(ticker):
            msg = {
                "market_ticker": ticker,
                "market_id": market.market_id,
                "clock": market.clock,
                "price_dollars": wire.price(price_e4, flip=side == "no" and sub.use_yes_price),
                "delta_fp": wire.size(delta_e2),
                "side": side,
                "ts_ms": START_MS + market.clock,
            }
            if client_order_id is not None:
                msg["client_order_id"] = client_order_id
            self._emit("orderbook_delta", sub, msg)

    def close(self, ticker):
        """Close a market: its book is cleared, those who hold it get an empty snapshot, and it streams nothing more."""
        market = self.markets[ticker]
        market.book = {"yes": {}, "no": {}}
        self._advance(market)
        if sub := self._holder(ticker):
            self._snapshot(sub, ticker, None)
        market.is_closed = True

    def send(self, channel, type_, msg):
        """Send any frame on a channel that is subscribed."""
        self._emit(type_, self._by_channel[channel], msg)

    def overflow(self, sid):
        """Lose a subscription whose reader was too slow: error 25."""
        self._end(sid, 25)

    def channel_error(self, sid):
        """Lose a subscription to an error of its channel: error 10."""
        self._end(sid, 10)

    def _end(self, sid, code):
        sub = self._by_sid(sid)
        del self._by_channel[sub.channel]
        self._emit("error", sub, wire.error(code))

    def _advance(self, market):
        self._tick += 1
        market.clock = self._tick

    def _holder(self, ticker):
        sub = self._by_channel.get(BOOK)
        return sub if sub and ticker in sub.names[MARKETS] else None

    # Commands.

    def command(self, data):
        """Take one command as it was sent: do it, or hold it back."""
        if not self.is_connected:
            raise ValueError("there is no connection")
        self.pending.append(data)
        if not self.hold:
            self.process(len(self.pending) - 1)

    def process(self, index=0):
        """Do one of the pending commands."""
        data = self.pending.pop(index)
        ignore, code, self._is_mute = self.ignore, self.fail_with, self.lose_reply
        self.ignore, self.fail_with, self.lose_reply = False, None, False
        if ignore:
            return
        command = {}
        try:
            command = wire.parse(data)
            if code is not None and not self._is_mute:
                raise Refused(code)
            self._obey(command.get("cmd"), command.get("params"), command.get("id"))
        except Refused as refused:
            self._reply("error", self._scope(command), wire.error(refused.code), command.get("id"))
        if code is not None and self._is_mute:
            self._emit("error", self._scope(command), wire.error(code), command.get("id"))

    def _obey(self, cmd, params, command_id):
        if cmd == "list_subscriptions":
            held = sorted(self._by_channel.values(), key=lambda sub: sub.sid)
            self._reply("ok", None, [{"channel": sub.channel, "sid": sub.sid} for sub in held], command_id)
            return
        if cmd not in ("subscribe", "unsubscribe", "update_subscription"):
            raise Refused(5)
        if not isinstance(params, dict):
            raise Refused(2)
        if cmd == "subscribe":
            self._subscribe(params, command_id)
        elif cmd == "unsubscribe":
            self._unsubscribe(params, command_id)
        else:
            self._update(params, command_id)

    def _subscribe(self, params, command_id):
        """Everything but a channel's name and limit is checked first, for all channels at once (silent)."""
        channels = params.get("channels")
        if not channels:
            raise Refused(3)
        named = {kind: wire.names_in(params, kind) for kind in wire.CODE_IF_MISSING}
        if not wire.are_names(channels) or not all(type(params.get(flag, False)) is bool for flag in wire.FLAGS):
            raise Refused(11)
        if BOOK in channels and not named[MARKETS]:
            raise Refused(14)
        if [] in named.values() or (named[MARKETS] and named["market_ids"]):
            raise Refused(11)
        if "communications" in channels:
            wire.check_shard(params.get("shard_factor"), params.get("shard_key"))
        for channel in dict.fromkeys(channels):
            try:
                self._join(channel, params, named, command_id)
            except Refused as refused:
                self._reply("error", None, wire.error(refused.code), command_id)

    def _join(self, channel, params, named, command_id):
        """Subscribe one channel, or merge into the sid that it has. Merging keeps the price scale that it had (silent)."""
        if channel not in LISTS:
            raise Refused(8)
        sub = self._by_channel.get(channel)
        is_new = sub is None
        if is_new:
            sub = Subscription(channel, self._last_sid + 1, params.get("use_yes_price", False))
        wanted = {kind: named[kind] for kind in LISTS[channel] if named[kind] is not None}
        if not wanted and MARKETS in LISTS[channel]:
            sub.names = {}
        elif is_new:
            sub.names = {kind: {} for kind in wanted or LISTS[channel]}
        new = self._add(sub, wanted)
        sub.skip_ticker_ack = params.get("skip_ticker_ack", sub.skip_ticker_ack)
        if is_new:
            self._by_channel[channel], self._last_sid = sub, sub.sid
            self._reply("subscribed", None, {"channel": channel, "sid": sub.sid}, command_id)
        else:
            self._ok(sub, command_id)
        self._show(sub, new)

    def _update(self, params, command_id):
        sub = self._only(params)
        action = params.get("action")
        if not action:
            raise Refused(15)
        if action == "get_snapshot" and sub.channel == BOOK:
            self._show(sub, wire.required({MARKETS: params.get(MARKETS) or []}, MARKETS), command_id)
            return
        kinds = LISTS[sub.channel]
        add, remove, ask = wire.ACTIONS[kinds[0]] if kinds else (None, None, None)
        if action not in (add, remove, ask):
            raise Refused(13)
        if action == ask:
            self._reply(f"{sub.channel}_{ask}", sub, {kinds[0]: wire.AVAILABLE[kinds[0]]}, command_id)
            return
        given = [kind for kind in kinds if wire.names_in(params, kind)] or [kinds[0]]
        if len(given) > 1:
            raise Refused(11)
        names, new = wire.required(params, given[0]), []
        if action == add:
            new = self._add(sub, {given[0]: names})
        else:
            self._remove(sub, given[0], names)
        self._ok(sub, command_id)
        self._show(sub, new)

    def _unsubscribe(self, params, command_id):
        sids = params.get("sids")
        if not sids:
            raise Refused(4)
        if not isinstance(sids, list):
            raise Refused(11)
        for sid in sids:
            if sub := self._by_sid(sid):
                self._reply("unsubscribed", sub, None, command_id)
                del self._by_channel[sub.channel]
            else:
                self._reply("error", None, wire.error(7), command_id)

    def _only(self, params):
        """Give the subscription that an update is for."""
        sids = params.get("sids", [])
        if not isinstance(sids, list):
            raise Refused(11)
        sids = sids + ([params["sid"]] if "sid" in params else [])
        if len(sids) != 1:
            raise Refused(12)
        if not (sub := self._by_sid(sids[0])):
            raise Refused(7)
        return sub

    def _scope(self, command):
        """Give the subscription that an error names: that of an update that names one that is there."""
        if not self.scoped_errors or command.get("cmd") != "update_subscription":
            return None
        try:
            return self._only(command.get("params") or {})
        except (Refused, AttributeError):
            return None

    def _by_sid(self, sid):
        return next((sub for sub in self._by_channel.values() if sub.sid == sid), None)

    def _add(self, sub, wanted):
        """List more names, and give those that are new. A subscription to everything stays one (silent)."""
        if not sub.names:
            return []
        new = [(kind, name) for kind, names in wanted.items() for name in names if name not in sub.names.get(kind, {})]
        count = sum(map(len, sub.names.values())) + len(new)
        if self.market_limit is not None and MARKETS in wanted and count > self.market_limit:
            raise Refused(26)
        for kind, name in new:
            sub.names.setdefault(kind, {})[name] = None
        return [name for _, name in new]

    def _remove(self, sub, kind, names):
        for name in names:
            sub.names.get(kind, {}).pop(name, None)
        if sub.channel == BOOK:  # a first snapshot that is not out yet is not sent any more
            self.delayed = [(to, name, asked) for to, name, asked in self.delayed if asked or name not in names]

    # Frames.

    def release(self, index=0):
        """Send one of the delayed snapshots, with the book as it is now."""
        self._snapshot(*self.delayed.pop(index))

    def _show(self, sub, tickers, command_id=None):
        """Send the snapshots that are due on the channel of books, now or later."""
        if sub.channel == BOOK:
            self.delayed += [(sub, ticker, command_id) for ticker in tickers]
        while self.delayed and not self.delay_snapshots:
            self.release()

    def _snapshot(self, sub, ticker, command_id):
        market = self.markets.get(ticker)
        if market is None or market.is_closed or ticker in self.silent_markets or self._by_channel.get(BOOK) is not sub:
            return
        msg = {"market_ticker": ticker, "market_id": market.market_id, "clock": market.clock}
        for side, ladder in market.book.items():
            flip = side == "no" and sub.use_yes_price
            levels = sorted([wire.price(price_e4, flip), wire.size(size_e2)] for price_e4, size_e2 in ladder.items())
            if levels:
                msg[f"{side}_dollars_fp"] = levels
        self._emit("orderbook_snapshot", sub, msg, command_id)

    def _ok(self, sub, command_id):
        """Acknowledge a change with the full lists; "all" stands for every index or underlying."""
        lists = {kind: ["all"] if "all" in names else list(names) for kind, names in sub.names.items()}
        self._reply("ok", sub, None if sub.skip_ticker_ack or not lists else lists, command_id)

    def _reply(self, type_, sub, msg, command_id):
        if not self._is_mute:
            self._emit(type_, sub, msg, command_id)

    def _emit(self, type_, sub, msg, command_id=None):
        """Append a frame; with a subscription of a channel that counts, it takes the next number. An id of 0 is none."""
        self._sent += 1
        frame = {"type": type_}
        if type(command_id) is int and command_id > 0:
            frame["id"] = command_id
        if sub:
            frame["sid"] = sub.sid
            if sub.channel not in wire.WITHOUT_SEQ:
                sub.seq += 1
                frame["seq"] = sub.seq
        frame["sending_ts_ms"] = START_MS + self._sent
        if msg is not None:
            frame["msg"] = msg
        if not sub or sub.sid not in self.silent_sids:
            self.outbox.append(json.dumps(frame, separators=(",", ":")).encode() + b"\n" * self.newline)
