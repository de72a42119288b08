"""F16: a change is own where client_order_id is a text, even an empty one; null and absent are not."""

import pytest

from frames import ABSENT, ERAS, A, delta, receive_all, snapshot


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(("sent", "own"), [("mm-17", True), ("", True), ("ß", True), (None, False), (ABSENT, False)])
def test_a_text_marks_the_change_as_own(kb, feed, era, sent, own):
    feed.receive(snapshot(era=era))
    update = feed.receive(delta(era=era, client_order_id=sent))
    assert update.effect is kb.Effect.APPLIED
    assert (update.own, update.client_order_id) == (own, sent if own else None)


@pytest.mark.parametrize("odd", [7, 7.5, True, ["mm"], {"a": 1}])
def test_a_client_order_id_of_another_type_is_read_as_absent(feed, odd):
    feed.receive(snapshot())
    update = feed.receive(delta(client_order_id=odd))
    assert (update.effect.value, update.own, update.message.msg.client_order_id) == ("applied", False, None)


@pytest.mark.parametrize(("sent", "found"), [(3, 3), (0, 0), (None, None), (ABSENT, None), ("3", None), (2**80, None)])
def test_the_subaccount_of_an_own_change_is_told(feed, sent, found):
    feed.receive(snapshot())
    assert feed.receive(delta(client_order_id="mm-17", subaccount=sent)).subaccount == found


def test_a_change_of_somebody_else_has_no_subaccount(feed):
    feed.receive(snapshot())
    update = feed.receive(delta(subaccount=3))
    assert (update.own, update.subaccount) == (False, None)
    assert update.message.msg.subaccount == 3


def test_an_own_change_that_is_not_applied_is_own_all_the_same(feed):
    feed.receive(snapshot())
    for sent, effect in ((delta(seq=5, client_order_id="mm-1"), "gap"), (delta(seq=6, client_order_id="mm-1"), "ignored")):
        update = feed.receive(sent)
        assert (update.effect.value, update.own, update.client_order_id) == (effect, True, "mm-1")


def test_an_own_contradiction_is_own(feed):
    feed.receive(snapshot())
    update = feed.receive(delta(change="-900.00", client_order_id="mm-1"))
    assert (update.effect.value, update.own) == ("staled", True)


def test_nothing_else_is_own(feed):
    for sent in (snapshot(client_order_id="mm-1"), b"junk"):
        update = feed.receive(sent)
        assert (update.own, update.client_order_id, update.subaccount) == (False, None, None)


def test_the_mark_changes_no_book(kb):
    plain, marked = kb.Feed(), kb.Feed()
    receive_all(plain, snapshot(), delta())
    receive_all(marked, snapshot(), delta(client_order_id="mm-17", subaccount=1))
    assert plain.books[A].checksum() == marked.books[A].checksum()
