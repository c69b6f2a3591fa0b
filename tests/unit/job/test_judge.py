from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.transactions import NOON_MS, encoded_transaction

from cardwatch_contracts.alert import decode_alert
from cardwatch_contracts.card import Card, card_key, decode_card_profile
from cardwatch_contracts.codec import encode
from cardwatch_contracts.dead_letter import decode_dead_letter
from cardwatch_contracts.detector_config import (
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    VeryHighValueConfig,
)
from cardwatch_contracts.topics import (
    ALERTS,
    CARD_PROFILES,
    CARDS,
    DEAD_LETTERS,
    REKEYED,
    VERDICTS,
)
from cardwatch_contracts.verdict import Verdict, decode_verdict
from cardwatch_job.judge import COUNTERS, MAX_AHEAD_MS, Judge
from cardwatch_job.outputs import PROFILE_EVERY
from cardwatch_job.records import InputRecord, OutputRecord
from cardwatch_job.reference import UsersInMemory
from cardwatch_job.rules import MIN_MEMORY_D, Rules

_TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_DAY_S = 86_400


class Court:
    """A judge and what it remembers."""

    def __init__(self, *configs: ConfigRecord) -> None:
        self.users = UsersInMemory()
        self.judge = Judge(Rules(configs))

    def hear(self, value: bytes | None, **changes: Any) -> list[OutputRecord]:
        record = InputRecord(
            topic="transactions",
            key=b"user-1",
            value=value,
            partition=3,
            offset=7,
            timestamp_ms=NOON_MS + 10_000 * _DAY_S * 1000,
        )
        return list(self.judge.process(replace(record, **changes), self.users))

    def topics(self, value: bytes | None, **changes: Any) -> list[str]:
        return [output.topic for output in self.hear(value, **changes)]


def test_an_alert_names_its_config_generation_and_trace() -> None:
    config = ConfigRecord(
        name="strict",
        generation=4,
        created_at=0,
        spec=DetectorConfigSpec(
            detectors=Detectors(very_high_value=VeryHighValueConfig(max_amount_minor=100))
        ),
    )
    alert_record, _profile = Court(config).hear(encoded_transaction(), traceparent=_TRACEPARENT)
    alert = decode_alert(alert_record.value)
    assert alert_record.topic == ALERTS.name
    assert alert_record.key == b"user-1"
    assert alert_record.traceparent == _TRACEPARENT
    assert (alert.config, alert.generation, alert.mode) == ("strict", 4, "active")
    assert alert.trace_id == "0af7651916cd43dd8448eb211c80319c"


def test_the_header_wins_over_the_field_and_the_field_over_nothing() -> None:
    other = _TRACEPARENT.replace("0af7", "1af7")
    value = encoded_transaction(amount_minor=-1, traceparent=other)
    assert Court().hear(value, traceparent=_TRACEPARENT)[0].traceparent == _TRACEPARENT
    assert Court().hear(value)[0].traceparent == other


def test_a_shadow_finding_is_marked_and_so_is_an_alert_of_nothing_else() -> None:
    settings = Detectors(very_high_value=VeryHighValueConfig(mode="Shadow", max_amount_minor=100))
    config = ConfigRecord(
        name="trial", generation=1, created_at=0, spec=DetectorConfigSpec(detectors=settings)
    )
    court = Court(config)
    trial = decode_alert(court.hear(encoded_transaction())[0].value)
    assert [finding.mode for finding in trial.findings] == ["shadow"]
    assert trial.mode == "shadow"
    both = encoded_transaction(transaction_id="t-2", amount_minor=10**9, card_limit_minor=5)
    mixed = decode_alert(court.hear(both)[0].value)
    assert {finding.mode for finding in mixed.findings} == {"active", "shadow"}
    assert mixed.mode == "active"


def test_a_duplicate_is_counted_and_changes_nothing() -> None:
    court = Court()
    suspicious = encoded_transaction(amount_minor=-1)
    assert court.topics(suspicious) == [ALERTS.name, CARD_PROFILES.name]
    assert court.topics(suspicious) == []
    assert court.judge.take_counts().duplicates == 1
    assert court.users.load("user-1").card("card-1").transactions == 1
    assert court.judge.take_counts().duplicates == 0


def test_a_late_transaction_is_judged_and_counted() -> None:
    court = Court()
    court.hear(encoded_transaction(transaction_id="t-1"))
    court.hear(encoded_transaction(transaction_id="t-2", after_s=-60, amount_minor=-1))
    counts = court.judge.take_counts()
    assert (counts.judged, counts.late) == (2, 1)


def test_a_transaction_from_the_future_is_set_aside_and_moves_no_time() -> None:
    court = Court()
    value = encoded_transaction(after_s=(MAX_AHEAD_MS + 1) / 1000)
    (letter,) = court.hear(value, timestamp_ms=NOON_MS)
    assert letter.topic == DEAD_LETTERS.name
    assert "5 min after arrival" in decode_dead_letter(letter.value).reason
    court.hear(encoded_transaction(transaction_id="t-2"), timestamp_ms=NOON_MS)
    assert court.judge.take_counts().late == 0


def test_a_transaction_under_another_key_is_sent_again_and_judged_there() -> None:
    court = Court()
    value = encoded_transaction(amount_minor=-1)
    (again,) = court.hear(value, key=b"user-2", traceparent=_TRACEPARENT)
    assert (again.topic, again.key, again.value) == (REKEYED.name, b"user-1", value)
    assert again.traceparent == _TRACEPARENT
    assert court.judge.counts.rekeyed == 1
    assert court.topics(value, topic=REKEYED.name)[0] == ALERTS.name


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b"\xff", b"null"])
def test_what_cannot_be_read_is_set_aside_with_its_place(value: bytes | None) -> None:
    court = Court()
    (letter,) = court.hear(value)
    read = decode_dead_letter(letter.value)
    assert (read.topic, read.partition, read.offset) == ("transactions", 3, 7)
    assert read.reason
    assert court.judge.counts.dead_letters == 1


def test_a_card_that_was_silent_beyond_all_memory_counts_as_new() -> None:
    court = Court()
    for number in range(6):
        court.hear(encoded_transaction(transaction_id=f"t-{number}", after_s=number * 60))
    back = encoded_transaction(transaction_id="back", after_s=(MIN_MEMORY_D + 1) * _DAY_S)
    assert court.topics(back) == [CARD_PROFILES.name]
    assert court.users.load("user-1").card("card-1").transactions == 1


def test_a_card_that_was_silent_for_long_is_dormant() -> None:
    court = Court()
    court.hear(encoded_transaction(transaction_id="t-1"))
    back = encoded_transaction(transaction_id="back", after_s=(MIN_MEMORY_D - 1) * _DAY_S)
    alert = decode_alert(court.hear(back)[0].value)
    assert [finding.detector for finding in alert.findings] == ["dormant_card"]


def test_a_card_brings_its_limit_and_a_profile() -> None:
    court = Court()
    card = Card(
        card_id="card-1",
        user_id="user-1",
        bank_id="bank-a",
        payment_system="visa",
        currency="EUR",
        card_limit_minor=1_000,
    )
    (profile,) = court.hear(encode(card), topic=CARDS.name, key=card_key(card))
    assert decode_card_profile(profile.value).card_limit_minor == 1_000
    alert = decode_alert(court.hear(encoded_transaction(amount_minor=1_001))[0].value)
    assert [finding.detector for finding in alert.findings] == ["limit_exceeded"]


def test_a_tombstone_withdraws_a_card_and_one_of_a_user_all_that_is_known() -> None:
    court = Court()
    for number, card_id in enumerate(("card-1", "card-2", "card-3")):
        court.hear(encoded_transaction(transaction_id=f"t-{number}", card_id=card_id))
    assert court.hear(None, topic=CARDS.name, key=b"user-1/card-1") == []
    user = court.users.load("user-1")
    assert list(user.cards) == ["card-2", "card-3"]
    assert court.hear(encoded_transaction(transaction_id="t-1", card_id="card-2")) == []  # twice

    assert court.hear(None, topic=CARDS.name, key=b"user-1") == []
    user = court.users.load("user-1")
    assert (user.cards, user.recent_ids, user.recent_times) == ({}, [], [])
    assert court.judge.counts.dead_letters == 0


def test_profiles_are_published_often_at_first_then_with_every_tenth() -> None:
    court = Court()
    published = [
        number
        for number in range(1, 41)
        if CARD_PROFILES.name
        in court.topics(encoded_transaction(transaction_id=f"t-{number}", after_s=number * 3600))
    ]
    assert published == [*range(1, PROFILE_EVERY + 1), 20, 30, 40]


def test_alerts_are_counted_by_detector_and_by_whether_they_are_to_be_acted_on() -> None:
    config = ConfigRecord(
        name="trial",
        generation=1,
        created_at=0,
        spec=DetectorConfigSpec(
            detectors=Detectors(
                very_high_value=VeryHighValueConfig(max_amount_minor=100, mode="Shadow")
            )
        ),
    )
    court = Court(config)
    court.hear(encoded_transaction(transaction_id="one", amount_minor=500))
    assert counted(court) == {
        "judged": 1,
        "shadow_alerts": 1,
        "shadow_findings;detector=very_high_value": 1,
    }
    court.hear(encoded_transaction(transaction_id="two", amount_minor=-500))
    assert counted(court) == {
        "judged": 1,
        "alerts": 1,
        "findings;detector=negative_amount": 1,
        "findings;detector=rapid_transactions": 1,
    }


def test_who_waits_is_told_by_name_what_was_decided_and_by_which_thresholds() -> None:
    court = Court()
    clear = court.hear(encoded_transaction(reply_to="gateway-1"), traceparent=_TRACEPARENT)
    (told,) = (output for output in clear if output.topic == VERDICTS.name)
    assert told.key == b"gateway-1"
    assert decode_verdict(told.value) == Verdict(
        transaction_id="txn-1",
        decision="clear",
        config="built-in",
        generation=0,
        trace_id="0af7651916cd43dd8448eb211c80319c",
    )
    suspicious = encoded_transaction(transaction_id="t-2", amount_minor=-1, reply_to="gateway-1")
    alert_record, verdict_record, *_ = court.hear(suspicious)
    alert, verdict = decode_alert(alert_record.value), decode_verdict(verdict_record.value)
    assert (verdict.decision, verdict.alert_id) == ("alert", alert.alert_id)
    assert verdict.findings == alert.findings
    assert verdict.trace_id == alert.trace_id
    assert alert.transaction.reply_to is None  # that concerns nobody else


def test_a_detector_on_trial_does_not_change_the_verdict() -> None:
    settings = Detectors(very_high_value=VeryHighValueConfig(mode="Shadow", max_amount_minor=100))
    config = ConfigRecord(
        name="trial", generation=3, created_at=0, spec=DetectorConfigSpec(detectors=settings)
    )
    outputs = Court(config).hear(encoded_transaction(reply_to="gateway-1"))
    (told,) = (output for output in outputs if output.topic == VERDICTS.name)
    verdict = decode_verdict(told.value)
    assert (verdict.decision, verdict.config, verdict.generation) == ("clear", "trial", 3)
    assert [finding.mode for finding in verdict.findings] == ["shadow"]


def test_nobody_else_is_told() -> None:
    court = Court()
    assert VERDICTS.name not in court.topics(encoded_transaction(amount_minor=-1))
    again = encoded_transaction(amount_minor=-1, reply_to="gateway-1")
    assert court.topics(again) == []  # judged already: whoever waits for it asks in vain


def counted(court: Court) -> dict[str, int]:
    """Return what has been counted since the last call, less what is 0."""
    counts = zip(COUNTERS, court.judge.take_counts().as_tuple(), strict=True)
    return {name: count for name, count in counts if count}
