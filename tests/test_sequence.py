"""The judge of sequence numbers: one pure function."""

import pytest

from implementations import part

LAST = b'{"seq":7}'


@pytest.fixture
def state(kb):
    made = part(kb, "_backend").SidState(1)
    made.last_seq, made.last_frame = 7, LAST
    return made


def judge(kb, state, seq, frame=b"other"):
    effect, skipped = part(kb, "sequence").judge(state, seq, frame)
    assert (state.last_seq, state.last_frame) in ((7, LAST), (7, None), (None, None))
    return None if effect is None else effect.value, skipped


@pytest.mark.parametrize(
    ("seq", "verdict"),
    [
        (8, (None, 0)),
        (9, ("gap", 1)),
        (2**63 - 1, ("gap", 2**63 - 9)),
        (7, ("backwards", 0)),
        (6, ("backwards", 0)),
        (0, ("backwards", 0)),
    ],
)
def test_the_next_number_a_gap_and_a_restart(kb, state, seq, verdict):
    assert judge(kb, state, seq) == verdict


@pytest.mark.parametrize("frame", [LAST, LAST + b"\n", LAST.decode(), LAST.decode() + "\r\n"])
def test_the_same_number_with_the_same_content_is_a_duplicate(kb, state, frame):
    assert judge(kb, state, 7, frame) == ("duplicate", 0)


def test_the_same_number_is_a_restart_where_the_last_frame_is_not_known(kb, state):
    state.last_frame = None
    assert judge(kb, state, 7, LAST) == ("backwards", 0)


@pytest.mark.parametrize("seq", [0, 1, 99])
def test_the_first_number_is_the_base(kb, seq):
    assert judge(kb, part(kb, "_backend").SidState(1), seq) == (None, 0)


def test_a_text_that_cannot_be_encoded_is_compared_all_the_same(kb, state):
    state.last_frame = "\ud800"
    assert judge_text(kb, state, "\ud800\n") == "duplicate"
    assert judge_text(kb, state, "\ud801") == "backwards"


def judge_text(kb, state, frame):
    return part(kb, "sequence").judge(state, 7, frame)[0].value


def test_the_state_of_a_sid_is_typed(kb):
    SidState = part(kb, "_backend").SidState
    state = SidState(2, use_yes_price=True)
    assert (state.sid, state.last_seq, state.last_frame, state.use_yes_price, state.is_dead) == (
        2, None, None, True, False
    )  # fmt: skip
    with pytest.raises(AttributeError):
        state.sid = 3
    for wrong in ("2", 2.0, None):
        with pytest.raises(TypeError, match=rf"^sid must be int, not {type(wrong).__name__}$"):
            SidState(wrong)
    with pytest.raises(TypeError, match=r"^last_seq must be int, not str$"):
        state.last_seq = "5"
    with pytest.raises(kb.UsageError, match=r"^last_seq must fit 64 bits$"):
        state.last_seq = 2**63
    assert state.last_seq is None
