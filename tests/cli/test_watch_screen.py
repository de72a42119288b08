"""Keys in, pictures out: the screen without a terminal, by Textual's pilot."""

import asyncio

import pytest

import kalshi_book as kb
from frames import A, B, delta, snapshot
from kalshi_book.cli.watch.picture import help_lines, picture
from kalshi_book.cli.watch.screen import Screen
from kalshi_book.cli.watch.sights import Memory, Sight
from kalshi_book.cli.watch.sources import TapeSource

NOW = 1_793_000_010_000_000_000


class Books:
    """A source that moves when a test wants it to."""

    def __init__(self, *frames):
        self.feed, self.now_ns = kb.Feed(), NOW
        self.receive(*frames)

    def receive(self, *frames):
        for each in frames:
            self.feed.receive(each)

    @property
    def market_tickers(self):
        return list(self.feed.books)

    def sight(self, ticker):
        tickers = self.market_tickers
        place = tickers.index(ticker) + 1, len(tickers)
        return Memory().sight(Sight(ticker, self.feed.books[ticker], "test", place, self.now_ns, proven_ns=self.now_ns))


def shown(screen):
    """What stands on the screen, line by line, as it was composed for a terminal."""
    strips = screen.screen._compositor.render_strips()
    return [strip.text.rstrip() for strip in strips]


async def see(screen, pilot, expected):
    """Wait until the screen was composed anew; it is to show these lines."""
    for _ in range(3_000):  # half a minute at least, for machines that are slow
        await pilot.pause()
        if shown(screen) == expected:
            return
        await pilot.pause(0.01)
    assert shown(screen) == expected


def drawn(source, ticker=A, **more):
    return [line.plain.rstrip() for line in picture(source.sight(ticker), **more)]


def play(scenario, source, *, size=(80, 24), is_over=lambda: False):
    async def main():
        screen = Screen(source, is_over)
        async with screen.run_test(size=size) as pilot:
            await scenario(screen, pilot)
        return screen.return_value

    return asyncio.run(main())


@pytest.fixture
def books():
    return Books(snapshot(seq=1), snapshot(B, seq=2, yes=[("0.0100", "1.00")]))


def test_the_picture_is_what_stands_on_the_screen(books):
    async def scenario(screen, pilot):
        await see(screen, pilot, drawn(books))

    play(scenario, books)


def test_a_screen_of_another_size_is_filled(books):
    async def scenario(screen, pilot):
        await see(screen, pilot, drawn(books, width=120, height=40))
        await pilot.resize_terminal(60, 20)
        await see(screen, pilot, drawn(books, width=60, height=20))

    play(scenario, books, size=(120, 40))


@pytest.mark.parametrize(
    ("keys", "ticker"),
    [("n", B), ("right", B), ("tab", B), ("n n", A), ("p", B), ("left", B), ("shift+tab", B), ("n p", A)],
)
def test_keys_switch_the_market(books, keys, ticker):
    async def scenario(screen, pilot):
        await pilot.press(*keys.split())
        await see(screen, pilot, drawn(books, ticker))

    play(scenario, books)


@pytest.mark.parametrize("key", ["f", "y"])
def test_a_key_flips_the_outcome(books, key):
    async def scenario(screen, pilot):
        await pilot.press(key)
        await see(screen, pilot, drawn(books, outcome_side="no"))
        await pilot.press(key)
        await see(screen, pilot, drawn(books))

    play(scenario, books)


def test_space_freezes_the_picture_while_the_book_goes_on(books):
    async def scenario(screen, pilot):
        before, frozen = drawn(books), Books(snapshot(seq=1), snapshot(B, seq=2))
        await pilot.press("space")
        books.receive(delta(seq=3, change="100.00"))
        books.now_ns += 3_000_000_000
        screen.draw()
        await pilot.pause()
        words = " FROZEN 3.0 s ago, space goes on. Then: LIVE, proven 0.0 s ago, market state not told"
        await see(screen, pilot, [before[0], f"{words[:79]}…", *before[2:]])
        await pilot.press("f")
        await see(screen, pilot, [before[0].replace("YES", "NO "), f"{words[:79]}…", *drawn(frozen, outcome_side="no")[2:]])
        await pilot.press("f", "space")
        await see(screen, pilot, drawn(books))
        assert drawn(books) != before

    play(scenario, books)


def test_another_market_is_not_frozen(books):
    async def scenario(screen, pilot):
        await pilot.press("space", "n")
        await see(screen, pilot, drawn(books, B))

    play(scenario, books)


def test_help_comes_and_goes(books):
    async def scenario(screen, pilot):
        await pilot.press("question_mark")
        await see(screen, pilot, [line.plain.rstrip() for line in help_lines()])
        await pilot.press("h")
        await see(screen, pilot, drawn(books))

    play(scenario, books)


def test_it_is_drawn_again_by_itself(books):
    async def scenario(screen, pilot):
        books.receive(delta(seq=9))
        await see(screen, pilot, drawn(books))
        assert "STALE" in shown(screen)[1]

    play(scenario, books)


@pytest.mark.parametrize(("key", "code"), [("q", 0), ("ctrl+c", 130), ("ctrl+q", 130)])
def test_keys_leave(books, key, code):
    async def scenario(screen, pilot):
        await pilot.press(key)

    assert play(scenario, books) == code


def test_it_ends_with_its_source(books):
    async def scenario(screen, pilot):
        await pilot.pause()

    assert play(scenario, books, is_over=lambda: True) == 0


def test_without_a_market_nothing_can_be_done_but_to_wait_for_one():
    source = Books()

    async def scenario(screen, pilot):
        await pilot.press("n", "space", "f", "f", "plus")
        await see(screen, pilot, [" no market yet", *[""] * 23])
        source.receive(snapshot())
        screen.draw()
        await see(screen, pilot, drawn(source))

    play(scenario, source)


def test_a_recording_pauses_and_changes_its_speed(tmp_path):
    path = tmp_path / "tape.ndjson"
    path.write_bytes(b"\n".join([snapshot(seq=1), delta(seq=900_000)]))
    source = TapeSource(path)
    source.advance(0)

    async def scenario(screen, pilot):
        for key, note in (("plus", "2 x"), ("equals_sign", "4 x"), ("minus", "2 x"), ("space", "paused"), ("space", "2 x")):
            await pilot.press(key)
            assert source.sight(A).note == f"07:33:20 UTC, {note}"
            await see(screen, pilot, drawn(source))

    play(scenario, source)


def test_the_clients_tasks_run_as_they_do_without_a_screen(books):
    async def scenario(screen, pilot):
        assert asyncio.get_running_loop().get_task_factory() is None

    play(scenario, books)
