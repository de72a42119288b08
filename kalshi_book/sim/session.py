"""The exchange's side of one connection: commands in, frames out.

It is told what happens and what the client says, and writes what the client is to receive, in order. It has no clock, no
randomness and no socket, and loses nothing: when a command is carried out, which snapshot is held back, and what becomes of
a frame on its way, whoever owns the session decides.

"Silent" marks what neither the published text (AsyncAPI text, read 2026-10-26) nor a recording settles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..messages.vocabulary import CHANNELS
from .commands import (
    LISTS,
    MARKETS,
    PUBLIC,
    Command,
    Names,
    Refused,
    Subscribe,
    only_sid,
    parse,
    read_subscribe,
    read_update,
)
from .outlet import Outlet, SnapshotDue, Venue, error
from .rules import Rules
from .subscription import Subscription
from .wire import Frame

_UNREADABLE: Final = Command(None, None, None)
_SECOND_NS: Final = 1_000_000_000


class Session(Outlet):
    """One connection as the exchange keeps it. Sids and numbers start at 1; nothing is subscribed.

    Whoever owns it calls `happened` with what the venue publishes, `command` with what the client sends, and takes frames
    from `write`.

    Args:
        venue: the markets.
        account: whose connection it is; None: nobody's, so that the channels that need an account are refused (error 9).
        rules: of the exchange.
        write: takes each frame when it is sent.
        now_ns: tells the exchange's time, unix nanoseconds.

    >>> from types import SimpleNamespace
    >>> frames, venue = [], SimpleNamespace(listings={})
    >>> session = Session(venue, account="user", rules=Rules(newline=False), write=frames.append, now_ns=lambda: 0)
    >>> session.command('{"id":1,"cmd":"subscribe","params":{"channels":["trade"]}}')
    >>> frames[0].payload
    b'{"type":"subscribed","id":1,"sending_ts_ms":0,"msg":{"channel":"trade","sid":1}}'
    """

    def __init__(
        self, venue: Venue, *, account: str | None, rules: Rules, write: Callable[[Frame], None], now_ns: Callable[[], int]
    ) -> None:  # fmt: skip
        super().__init__(venue, account=account, rules=rules, write=write, now_ns=now_ns)
        self._last_sid = 0
        self._is_mute = False
        self._second = self._commands = 0

    def command(self, data: str | bytes, *, reply: bool = True) -> None:
        """Carry out a command as it was sent, or refuse it.

        Args:
            data: the text message.
            reply: False: do it, and lose the reply, which takes no number then. Snapshots that it asks for are sent.
        """
        self._is_mute = not reply
        command = _UNREADABLE
        try:
            command = parse(data)
            self._count_command()
            self._obey(command)
        except Refused as refused:
            self._refuse(refused, command)
        finally:
            self._is_mute = False

    def refuse(self, data: str | bytes, code: int) -> None:
        """Answer a command with an error, and do nothing. After `command(data, reply=False)` it was done all the same."""
        try:
            command = parse(data)
        except Refused:
            command = _UNREADABLE
        self._refuse(Refused(code), command)

    def _count_command(self) -> None:
        # AsyncAPI text: 27, the command rate limit was exceeded. How the exchange counts is silent: here, by whole seconds.
        second = self._now_ns() // _SECOND_NS
        self._commands = self._commands + 1 if second == self._second else 1
        self._second = second
        if self._commands > self.rules.commands_per_second:
            raise Refused(27)

    def _obey(self, command: Command) -> None:
        cmd, params = command.cmd, command.params
        if cmd == "list_subscriptions":
            self._list(command.id)
            return
        if cmd not in ("subscribe", "unsubscribe", "update_subscription"):
            raise Refused(5)
        if not isinstance(params, dict):
            raise Refused(2)
        if cmd == "subscribe":
            self._subscribe(read_subscribe(params), command.id)
        elif cmd == "unsubscribe":
            self._unsubscribe(params.get("sids"), command.id)
        else:
            self._update(params, command.id)

    def _subscribe(self, given: Subscribe, command_id: int | None) -> None:
        # Observed, 2026: a bad channel is refused with the command's id, and the good ones are subscribed.
        for channel in given.channels:
            try:
                self._join(channel, given, command_id)
            except Refused as refused:
                self._refuse(refused, Command(command_id, "subscribe", None))

    def _join(self, channel: str, given: Subscribe, command_id: int | None) -> None:
        """Open a channel, or merge into the sid that it has (observed, 2026: one sid for each channel of a connection)."""
        if channel not in CHANNELS:
            raise Refused(8)
        if self.account is None and channel not in PUBLIC:
            raise Refused(9)
        held = self._by_channel.get(channel)
        if held and not self.rules.merges:
            raise Refused(6)
        sub = held or Subscription(channel, self._last_sid + 1, given, self.rules)
        wanted = {kind: given.names[kind] for kind in LISTS[channel] if kind in given.names}
        self._check_markets(wanted)
        new = sub.add(wanted, self.rules.market_limit)
        if not wanted and MARKETS in LISTS[channel]:
            sub.take_all()
        if given.skip_ticker_ack is not None:
            sub.skip_ticker_ack = given.skip_ticker_ack
        if held:
            self._ok(sub, command_id)
        else:
            self._by_channel[channel], self._last_sid = sub, sub.sid
            self._reply("subscribed", command_id, None, {"msg": {"channel": channel, "sid": sub.sid}})
        self._show_new(sub, new, with_ticker=given.send_initial_snapshot)

    def _update(self, params: Mapping[str, Any], command_id: int | None) -> None:
        sub = self._named(only_sid(params))
        update = read_update(params, sub.channel)
        if update.what == "get_snapshot":
            for ticker in update.names:
                self._show(SnapshotDue(sub.sid, ticker, command_id, True))
        elif update.what in ("indexlist", "underlying_list"):
            self._reply(f"{sub.channel}_{update.what}", command_id, sub, {"msg": {update.kind: update.names}})
        else:
            new: list[str] = []
            if update.what == "add":
                self._check_markets({update.kind: update.names})
                new = sub.add({update.kind: update.names}, self.rules.market_limit)
            else:
                sub.remove(update.kind, update.names)
            self._ok(sub, command_id)
            self._show_new(sub, new, with_ticker=update.send_initial_snapshot)

    def _unsubscribe(self, sids: object, command_id: int | None) -> None:
        if not sids:
            raise Refused(4)
        if not isinstance(sids, list):
            raise Refused(11)
        for sid in sids:
            try:
                sub = self._named(sid)
            except Refused as refused:
                self._refuse(refused, Command(command_id, "unsubscribe", None))
            else:
                # AsyncAPI text: it has a seq, on every channel. Observed: none in late 2025.
                self._reply("unsubscribed", command_id, sub, {}, is_counted=self.rules.era != "2025")
                del self._by_channel[sub.channel]

    def _list(self, command_id: int | None) -> None:
        held = [{"channel": sub.channel, "sid": sub.sid} for sub in self._by_channel.values()]
        if self.rules.era == "2025":
            self._reply("list_subscriptions", command_id, None, {"subscriptions": held})
        else:
            self._reply("ok", command_id, None, {"msg": held})

    def _check_markets(self, wanted: Names) -> None:
        if not self.rules.accepts_any_market:
            for ticker in wanted.get(MARKETS, ()):
                if ticker not in self._venue.listings:
                    raise Refused(16, ticker)

    # Replies.

    def _ok(self, sub: Subscription, command_id: int | None) -> None:
        lists = {} if sub.skip_ticker_ack else sub.lists()
        self._reply("ok", command_id, sub, lists if not lists or self.rules.era == "2025" else {"msg": lists})

    def _refuse(self, refused: Refused, command: Command) -> None:
        about = {} if refused.market_ticker is None else {"market_ticker": refused.market_ticker}
        self._reply("error", command.id, self._scope(command), {"msg": error(refused.code) | about})

    def _scope(self, command: Command) -> Subscription | None:
        """Give the subscription that an error names: that of an update that names one that is there."""
        if self.rules.scoped_errors and command.cmd == "update_subscription" and isinstance(command.params, dict):
            try:
                return self._named(only_sid(command.params))
            except Refused:
                pass
        return None

    def _named(self, sid: object) -> Subscription:
        sub = self.subscription(sid)
        if sub is None:
            raise Refused(7)
        return sub

    def _reply(
        self, type_: str, command_id: int | None, sub: Subscription | None, body: Mapping[str, object], *,
        is_counted: bool | None = None,
    ) -> None:  # fmt: skip
        if not self._is_mute:
            self._send(type_, sub, body, command_id, is_counted=is_counted)
