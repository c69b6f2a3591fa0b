"""What must be true of every detector, found by the registry: a new one is checked unasked."""

import math
import pickle
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.detectors.past import Past, detector_of
from tests.unit.detectors.stories import DAY_S, STORIES, Story
from tests.unit.transactions import make_transaction

from cardwatch_contracts.alert import Finding
from cardwatch_contracts.detector_config import ON_BY_DEFAULT, Detectors
from cardwatch_contracts.transaction import Transaction
from cardwatch_job.detectors import DETECTORS, build_detectors
from cardwatch_job.detectors.history import (
    MAX_CARDS,
    MAX_WINDOW_ENTRIES,
    UserState,
    decode_user,
    encode_user,
)

_NAMES = [detector.name for detector in DETECTORS]
_ALL = tuple(map(detector_of, _NAMES))
_UNITS = {"minor", "s", "d", "km", "km/h", "transactions"}

every_detector = pytest.mark.parametrize("name", _NAMES)


def _past(name: str) -> tuple[Past, Story]:
    story = STORIES[name]
    return Past(detector_of(name), transactions=story.past), story


def _finding(name: str) -> Finding:
    past, story = _past(name)
    finding = past.score(story.suspicious)
    assert finding is not None
    return finding


@st.composite
def transactions(draw: st.DrawFn) -> Transaction:
    """Transactions near every detector's threshold, of few cards and places, some late."""
    return make_transaction(
        card_id=draw(st.sampled_from(["card-1", "card-2", "card-3"])),
        after_s=draw(st.sampled_from([0, 9.999, 10, 300, 600, 4003, 4004, 90 * DAY_S]))
        + draw(st.integers(-20, 20)),
        amount_minor=draw(st.sampled_from([-1, 0, 1, 8_999, 9_000, 9_999, 10_000, 10**6, 10**15])),
        latitude=draw(st.sampled_from([-90.0, 0.0, 52.5, 90.0])),
        longitude=draw(st.sampled_from([-180.0, 0.0, 9.0, 180.0])),
        pin_used=draw(st.booleans()),
        card_limit_minor=draw(st.none() | st.sampled_from([1, 10_000])),
    )


streams = st.lists(transactions(), max_size=30)


def test_every_detector_has_a_story_here_and_settings_of_its_name() -> None:
    assert sorted(STORIES) == sorted(_NAMES)
    assert sorted(Detectors.__struct_fields__) == sorted(_NAMES)


@every_detector
def test_it_finds_what_is_suspicious(name: str) -> None:
    finding = _finding(name)

    assert finding.detector == name
    assert finding.mode == "active"
    assert math.isfinite(finding.observed)
    assert math.isfinite(finding.threshold)


@every_detector
def test_its_finding_says_why_and_what_would_have_raised_none(name: str) -> None:
    finding = _finding(name)

    assert finding.unit in _UNITS
    assert len(finding.reason.split()) >= 4
    assert finding.counterfactual.startswith("no finding ")


@every_detector
def test_its_counterfactual_raises_no_finding(name: str) -> None:
    past, story = _past(name)

    assert past.score(story.harmless) is None


@every_detector
def test_a_plain_transaction_of_a_new_card_raises_no_finding(name: str) -> None:
    assert Past(detector_of(name)).judge(make_transaction()) == ()


@every_detector
def test_a_plain_transaction_that_arrives_late_raises_no_finding(name: str) -> None:
    past, story = _past(name)
    past.judge(story.suspicious)

    assert past.judge(make_transaction(after_s=-3600)) == ()


@given(stream=streams, txn=transactions())
def test_scoring_changes_nothing(stream: list[Transaction], txn: Transaction) -> None:
    past = Past(*_ALL, transactions=stream)
    history = past.history(txn)
    before = encode_user(past.user)

    for detector in _ALL:
        first, second = detector.score(txn, history), detector.score(txn, history)

        assert encode_user(past.user) == before, detector.name
        assert first == second, detector.name


@given(stream=streams)
def test_the_same_stream_has_the_same_findings_with_its_memory_packed_in_between(
    stream: list[Transaction],
) -> None:
    whole, packed = Past(*_ALL), Past(*_ALL)

    for txn in stream:
        packed.user = decode_user(encode_user(packed.user))
        assert packed.judge(txn) == whole.judge(txn)

    assert packed.user == whole.user


@given(stream=streams)
def test_the_label_is_never_read(stream: list[Transaction]) -> None:
    plain, labelled = Past(*_ALL), Past(*_ALL)

    for txn in stream:
        assert plain.judge(txn) == labelled.judge(replace(txn, label="amount_spike"))


@every_detector
def test_it_survives_pickling(name: str) -> None:
    past, story = _past(name)
    before = past.score(story.suspicious)

    past.detectors = pickle.loads(pickle.dumps(past.detectors))

    assert past.score(story.suspicious) == before is not None


@every_detector
def test_in_shadow_mode_its_findings_say_so(name: str) -> None:
    story = STORIES[name]

    finding = Past(detector_of(name, mode="Shadow"), transactions=story.past).score(
        story.suspicious
    )

    assert finding is not None
    assert finding.mode == "shadow"


@every_detector
def test_it_does_not_look_when_it_is_off(name: str) -> None:
    settings: dict[str, Any] = {each: {"mode": "Active"} for each in _NAMES}
    settings[name] = {"mode": "Off"}
    detectors = build_detectors(msgspec.convert(_camel(settings), Detectors))

    assert [detector.name for detector in detectors] == [each for each in _NAMES if each != name]


def test_by_default_those_look_that_the_contract_says() -> None:
    assert [detector.name for detector in build_detectors(Detectors())] == list(ON_BY_DEFAULT)


def _camel(settings: dict[str, Any]) -> dict[str, Any]:
    names = {field.name: field.encode_name for field in msgspec.structs.fields(Detectors)}
    return {names[name]: value for name, value in settings.items()}


def test_memory_stays_bounded() -> None:
    chance = random.Random(7)
    past = Past(*_ALL)

    for place in range(10_000):
        past.judge(
            make_transaction(
                card_id=f"card-{chance.randrange(100)}",
                after_s=place * chance.random(),
                amount_minor=chance.choice([-1, 1, 9_500, 10**15]),
                pin_used=chance.random() < 0.5,
            )
        )

    assert len(past.user.cards) == MAX_CARDS
    for card in past.user.cards.values():
        assert len(card.near_limit_times) <= MAX_WINDOW_ENTRIES
        assert len(card.no_pin_times) <= MAX_WINDOW_ENTRIES
    # At most 9 bytes a number in MessagePack: two windows and a dozen fields, and the card's id.
    assert len(encode_user(past.user)) < MAX_CARDS * (9 * (2 * MAX_WINDOW_ENTRIES + 12) + 20)


def test_a_user_without_a_memory_starts_with_an_empty_one() -> None:
    assert decode_user(None) == UserState()
