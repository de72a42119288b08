"""A client of the simulated exchange that writes commands by hand, and reads what is new."""

import json

from exchange import Exchange
from frames import START

BOOK = "orderbook_delta"


class Client:
    """One connection, open. The first market holds the usual book, the others are empty."""

    def __init__(self, *tickers, rules=None):
        self.exchange = Exchange(*tickers, rules=rules)
        self.read = 0
        for side, ladder in START.items():
            for price_e4, size_e2 in ladder.items():
                self.exchange.change(tickers[0], side, price_e4, size_e2)
        self.exchange.connect()

    def frames(self):
        """What came since the last call."""
        new, self.read = self.exchange.outbox[self.read :], len(self.exchange.outbox)
        return [json.loads(frame) for frame in new]

    def send(self, cmd, command_id=1, **params):
        """Send a command; give what came since."""
        self.exchange.command(json.dumps({"id": command_id, "cmd": cmd, "params": params}).encode())
        return self.frames()

    def subscribe(self, *tickers, channels=(BOOK,), command_id=1, **params):
        given = {"market_tickers": list(tickers)} if tickers else {}
        return self.send("subscribe", command_id, channels=list(channels), **given, **params)

    def update(self, action, *tickers, sid=1, command_id=2, **params):
        given = {"market_tickers": list(tickers)} if tickers else {}
        return self.send("update_subscription", command_id, sid=sid, action=action, **given, **params)


def brief(frames):
    """Each frame as (type, id, sid, seq, what it is about)."""
    return [(f["type"], f.get("id"), f.get("sid"), f.get("seq"), _about(f.get("msg"))) for f in frames]


def _about(msg):
    if not isinstance(msg, dict):
        return msg
    for name in ("market_ticker", "market_tickers", "code", "channel"):
        if name in msg:
            return msg[name]
    return msg


def codes(frames):
    """The codes of frames that are all errors."""
    assert {f["type"] for f in frames} == {"error"}
    return [f["msg"]["code"] for f in frames]
