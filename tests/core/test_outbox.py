"""What becomes of a delivery after a try."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.core.outbox import MAY_FOLLOW, disables, lease_until, rests_until, retried, verdict, worth_telling
from feedbot.core.schedule import DAY, LONGEST_WAIT
from feedbot.errors import DeliveryError
from feedbot.model import DeliveryState
from tests.support.build import NOW, at


def test_every_state_says_what_may_follow_and_nothing_follows_an_end() -> None:
    assert MAY_FOLLOW.keys() == set(DeliveryState)
    assert [s for s in DeliveryState if not MAY_FOLLOW[s]] == [DeliveryState.SENT, DeliveryState.DROPPED]


def test_a_failed_try_is_followed_by_another() -> None:
    decided = verdict(1, DeliveryError("no answer", "is it up?"), NOW, 0.5)
    assert (decided.state, decided.not_before) == (DeliveryState.PENDING, at(seconds=5))
    assert decided.error == "no answer (is it up?)"


@pytest.mark.parametrize(
    ("attempts", "error", "dead"),
    [
        (1, DeliveryError("410", permanent=True), True),
        (2, DeliveryError("400", refused=True), False),
        (3, DeliveryError("400", refused=True), True),
        (9, DeliveryError("500"), False),
        (10, DeliveryError("500"), True),
    ],
)
def test_a_delivery_dies_when_trying_is_of_no_use(attempts: int, error: DeliveryError, dead: bool) -> None:
    assert (verdict(attempts, error, NOW, 0.5).state is DeliveryState.DEAD) is dead


def test_a_receivers_wish_for_a_later_try_is_kept_to_up_to_a_day() -> None:
    assert verdict(1, DeliveryError("429", not_before=at(hours=3)), NOW, 0.5).not_before == at(hours=3)
    assert verdict(1, DeliveryError("429", not_before=at(days=300)), NOW, 0.5).not_before == NOW + DAY
    assert verdict(1, DeliveryError("429", not_before=at(days=-1)), NOW, 0.5).not_before == at(seconds=5)


def test_a_receiver_that_asks_for_it_rests_but_not_where_it_speaks_of_one_delivery() -> None:
    assert rests_until(DeliveryError("429", sink_down=True, not_before=at(hours=3)), NOW) == at(hours=3)
    assert rests_until(DeliveryError("503", sink_down=True, not_before=at(days=300)), NOW) == NOW + DAY
    assert rests_until(DeliveryError("500", not_before=at(hours=3)), NOW) == NOW
    assert rests_until(DeliveryError("down", sink_down=True), NOW) == NOW


@given(
    st.integers(1, 20),
    st.floats(0, 1, exclude_max=True),
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(-(10**6), 10**7),
)
def test_after_any_failure_a_delivery_is_dead_or_due_within_bounds(
    attempts: int, chance: float, permanent: bool, refused: bool, wish: int | None
) -> None:
    wanted = None if wish is None else at(seconds=wish)
    error = DeliveryError("x", permanent=permanent, refused=refused, not_before=wanted)
    decided = verdict(attempts, error, NOW, chance)
    assert decided.state in MAY_FOLLOW[DeliveryState.SENDING] - {DeliveryState.SENT}
    assert NOW <= decided.not_before <= NOW + LONGEST_WAIT


def test_a_claimed_delivery_is_its_claimers_for_longer_than_a_sink_may_take() -> None:
    assert lease_until(NOW) > at(seconds=60)


def test_a_receiver_that_wants_no_more_of_anything_has_its_deliveries_held() -> None:
    gone = DeliveryError("410", permanent=True, sink_down=True)
    assert disables(gone)
    assert not disables(DeliveryError("550", permanent=True))
    assert verdict(1, gone, NOW, 0.5).state is DeliveryState.HELD


def test_another_try_waits_for_the_end_of_the_quiet_hours() -> None:
    decided = verdict(1, DeliveryError("500"), NOW, 0.5)
    assert retried("11:00-13:00", decided, UTC).not_before == at(hours=1)
    assert retried("", decided, UTC) == decided


def test_a_failing_sink_is_worth_telling_once_after_a_day() -> None:
    assert not worth_telling(None, False, NOW)
    assert not worth_telling(at(hours=-23), False, NOW)
    assert worth_telling(at(hours=-24), False, NOW)
    assert not worth_telling(at(hours=-24), True, NOW)
