"""kalshi-sdk: ``KalshiWebSocket._process_frame`` on a session put together without a socket, and the book read."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from kalshi.auth import KalshiAuth
from kalshi.config import KalshiConfig
from kalshi.ws.backpressure import MessageQueue
from kalshi.ws.channels import Subscription, SubscriptionManager
from kalshi.ws.client import KalshiWebSocket
from kalshi.ws.dispatch import MessageDispatcher
from kalshi.ws.orderbook import OrderbookManager
from kalshi.ws.sequence import SequenceTracker

from .keys import private_key_pem
from .wire import Top, e4


class Frames:
    """Each frame is processed, its message taken out of the queue, and ``OrderbookManager.get`` read."""

    takes = str

    def open(self, opening: list[str]) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self.begin(opening))

    async def begin(self, opening: list[str]) -> None:
        """Put together what ``_start`` and ``subscribe`` would leave behind."""
        socket = KalshiWebSocket(auth=KalshiAuth.from_pem("key", private_key_pem().decode()), config=KalshiConfig())
        socket._connection = object()  # never used
        subscriptions = socket._sub_mgr = SubscriptionManager(socket._connection)
        socket._seq_tracker = SequenceTracker(on_gap=socket._handle_seq_gap)
        socket._orderbook_mgr = OrderbookManager()
        socket._dispatcher = MessageDispatcher(
            sub_mgr=subscriptions, on_error=None, seq_tracker=socket._seq_tracker, orderbook_mgr=socket._orderbook_mgr
        )
        self.socket, self.queue = socket, MessageQueue[Any]()
        for sid in {json.loads(frame).get("sid") for frame in opening} - {None}:
            subscription = Subscription(sid, "orderbook_delta", {}, self.queue)
            subscription.server_sid = sid
            subscriptions._subscriptions[sid], subscriptions._sid_to_client[sid] = subscription, sid
        for frame in opening:
            await socket._process_frame(frame)
        while self.queue.qsize():
            await self.queue.get()

    def run(self, frames: list[str]) -> None:
        self.loop.run_until_complete(self.run_all(frames))

    async def run_all(self, frames: list[str]) -> None:
        process, get, queue = self.socket._process_frame, self.socket._orderbook_mgr.get, self.queue
        for frame in frames:
            await process(frame)
            message = await queue.get()
            book = get(message.msg.market_ticker)
            self.bests = (book.yes[-1].price if book.yes else None, 1 - book.no[-1].price if book.no else None)

    def top(self, frame: str) -> Top:
        self.run([frame])
        return e4(self.bests[0]), e4(self.bests[1])
