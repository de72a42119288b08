"""``kalshi-book sim``: the simulated exchange, or a recording, on a socket of this machine until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import signal
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..sim.exchange import Exchange
from ..sim.faults import FAULT_KINDS, options
from ..sim.keys import KEY_TYPES, Keyring
from ..sim.serving import ServedExchange
from ..sim.tape_exchange import TapeExchange

OF_AN_EXCHANGE = ("markets", "rate", "seed", "fault")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "sim",
        help="serve a simulated exchange, or a recording, on this machine",
        description="Serve a simulated exchange on a loopback socket until it is interrupted. When it is ready, it prints "
        "one JSON object on a line: the url to connect to, and the key that was made to sign with. Its markets are called "
        "KXSIM-26-A, KXSIM-26-B, ... What goes on there is told on standard error.",
        epilog="Exit code 0: it was told to stop (SIGINT, SIGTERM); 2: wrong arguments, or the port is taken; 3: the "
        "recording cannot be opened.",
    )
    exchange = command.add_argument_group("the exchange")
    exchange.add_argument("--markets", type=int, metavar="N", help="how many markets (default: 50)")
    exchange.add_argument(
        "--rate", type=int, metavar="N", help="level changes a second, all markets together (default: 100)"
    )
    exchange.add_argument("--seed", type=int, metavar="N", help="decides what happens (default: 0)")
    exchange.add_argument(
        "--fault", action="append", metavar="SPEC",
        help="something that goes wrong, such as drop:every=10s or close:code=1006,at=30s; may be given again",
    )  # fmt: skip
    exchange.add_argument("--list-faults", action="store_true", help="print what can go wrong, and its options")
    tape = command.add_argument_group("a recording instead")
    tape.add_argument("--tape", type=Path, metavar="FILE", help="whoever subscribes gets its frames: plain, .gz or .zst")
    tape.add_argument(
        "--speed", type=speed, metavar="X", default=argparse.SUPPRESS,
        help="how much faster than recorded (default: 1), or max: as fast as is read",
    )  # fmt: skip
    door = command.add_argument_group("the door")
    door.add_argument("--port", type=int, default=0, metavar="N", help="(default: any that is free)")
    door.add_argument("--host", default="127.0.0.1", help="an address of this machine's loopback (default: 127.0.0.1)")
    door.add_argument("--tls", action="store_true", help="with a certificate made for it: certificate_path in the JSON")
    door.add_argument("--key-type", choices=KEY_TYPES, default="rsa", help="of the key that is made (default: rsa)")
    door.add_argument("--no-auth", action="store_true", help="nobody has to sign: for tools that cannot send headers")
    door.add_argument("--serve-beyond-this-machine-without-any-warranty", action="store_true", help="take any --host")
    command.set_defaults(run=run)


def speed(text: str) -> float | None:
    """Read a speed: a number, or ``max``."""
    return None if text == "max" else float(text)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if arguments.list_faults:
        print(fault_list())
        return 0
    exchange = tape_of(arguments) if arguments.tape is not None else exchange_of(arguments)
    exchange.keyring = None if arguments.no_auth else Keyring()
    with told_on_stderr():
        asyncio.run(serve_until_told(exchange, arguments))
    return 0


def exchange_of(arguments: argparse.Namespace) -> ServedExchange:
    """Make the exchange that was asked for."""
    if "speed" in arguments:
        raise UsageError("--speed is of a recording: it goes with --tape")
    given = {name: value for name in ("markets", "rate", "seed") if (value := getattr(arguments, name)) is not None}
    exchange = Exchange(start_ns=time.time_ns(), **given)
    for fault in arguments.fault or ():
        exchange.faults.add(fault)
    exchange.advance(time.time_ns())  # making many markets takes its time, too
    return exchange


def tape_of(arguments: argparse.Namespace) -> ServedExchange:
    """Make the exchange that plays the recording."""
    if other := [f"--{name}" for name in OF_AN_EXCHANGE if getattr(arguments, name) is not None]:
        raise UsageError(f"{', '.join(other)}: of the simulated exchange, and a recording is served instead: leave out one")
    return TapeExchange(arguments.tape, speed=getattr(arguments, "speed", 1), start_ns=time.time_ns())


async def serve_until_told(exchange: ServedExchange, arguments: argparse.Namespace) -> None:
    """Serve until a signal comes, or the exchange fails."""
    from ..sim.server import serve

    with told_to_stop() as stop:
        async with serve(
            exchange, host=arguments.host, port=arguments.port, tls=arguments.tls, signed=not arguments.no_auth,
            key_type=arguments.key_type,
            serve_beyond_this_machine_without_any_warranty=arguments.serve_beyond_this_machine_without_any_warranty,
        ) as served:  # fmt: skip
            ready: dict[str, Any] = {"url": served.url}
            ready |= {"key_id": served.key_id, "private_key_path": served.private_key_path and str(served.private_key_path)}
            if served.certificate_path is not None:
                ready["certificate_path"] = str(served.certificate_path)
            print(json.dumps(ready), flush=True)
            waits = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(served.serve_forever())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()


@contextlib.contextmanager
def told_to_stop() -> Iterator[asyncio.Event]:
    """Give what is set when a signal says to stop."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, lambda *_: loop.call_soon_threadsafe(stop.set)) for each in signals]
    try:
        yield stop
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)


@contextlib.contextmanager
def told_on_stderr() -> Iterator[None]:
    """Let what goes on be told on standard error."""
    log = logging.getLogger("kalshi_book.sim")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    before = log.level
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before)


def fault_list() -> str:
    """Describe every kind of fault, and every option."""
    lines = ["A fault is KIND, or KIND:OPTION=VALUE,OPTION=VALUE. The kinds:", ""]
    for kind, cls in FAULT_KINDS.items():
        lines.append(f"{kind}: {(cls.__doc__ or '').splitlines()[0]}")
        lines += textwrap.wrap(", ".join(options(kind)), 100, initial_indent="    ", subsequent_indent="    ")
    lines += ["", "The options:", ""]
    known = {name: option for kind in FAULT_KINDS for name, option in options(kind).items()}
    lines += [f"{name}: {option.what}" for name, option in known.items()]
    return "\n".join(lines)
