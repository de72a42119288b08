"""F21: digests are on the NO scale, a STALE book writes no quote line, and its last known levels count at the end.

The digests themselves are recomputed by hand in tests/tape/test_digest.py.
"""

from frames import A, delta, snapshot
from implementations import part


def digest_of(kb, frames, **options):
    feed, digest = kb.Feed(**options), part(kb, "tape.digest").Digest()
    for line in frames:
        digest.add(feed.receive(line))
    return digest.result()


def test_levels_of_the_yes_scale_are_digested_on_the_no_scale(kb):
    on_the_no_scale = [snapshot(no=[("0.5500", "40.00")]), delta(side="no", price="0.5600", change="1.00")]
    on_the_yes_scale = [snapshot(no=[("0.4500", "40.00")]), delta(side="no", price="0.4400", change="1.00")]
    assert digest_of(kb, on_the_no_scale) == digest_of(kb, on_the_yes_scale, use_yes_price=True)


def test_a_stale_book_writes_no_quote_line(kb):
    live = digest_of(kb, [snapshot(seq=1)])
    stale = digest_of(kb, [snapshot(seq=1), delta(seq=3, price="0.4300", change="1.00")])
    assert (stale["quotes"], stale["quotes_sha256"]) == (live["quotes"], live["quotes_sha256"]) == (1, live["quotes_sha256"])


def test_the_last_known_levels_of_a_stale_book_are_digested(kb):
    live = digest_of(kb, [snapshot(seq=1)])
    stale = digest_of(kb, [snapshot(seq=1), delta(seq=3, price="0.4300", change="1.00")])
    assert stale["books_sha256"] == live["books_sha256"]


def test_a_book_that_left_the_feed_is_digested_with_its_last_known_levels(kb):
    feed, digest = kb.Feed(), part(kb, "tape.digest").Digest()
    digest.add(feed.receive(snapshot(seq=1)))
    before = digest.result()["books_sha256"]
    digest.add(feed.receive(b'{"type":"unsubscribed","id":2,"sid":1,"seq":2}'))
    assert A not in feed.books
    assert digest.result()["books_sha256"] == before
