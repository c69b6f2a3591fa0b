import math
from typing import Any

import pytest
from tests.unit.job.jvm_side import read_pairs, read_results, write_section
from tests.unit.model.made import artefact
from tests.unit.transactions import NOON_MS, encoded_transaction

from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import (
    Challenger,
    ConfigAck,
    ConfigRecord,
    DetectorConfigSpec,
    Model,
    decode_config_ack,
)
from cardwatch_contracts.feedback import Feedback
from cardwatch_contracts.topics import (
    ALERTS,
    CONFIG_ACKS,
    DETECTOR_CONFIGS,
    FEEDBACK,
    MODELS,
    USER_HABITS,
)
from cardwatch_job.model.artefact import Artefact, Budget, Combination, encode_artefact
from cardwatch_job.model.in_force import MAX_UNUSED
from cardwatch_job.scoring import ScoreUsers

_JULY = artefact(name="july")
_BETTER = artefact(name="july", threshold=0.1)
_AUGUST = artefact(name="august")
_DAY_MS = 86_400_000


class Subtask:
    """A subtask and what Flink keeps for it."""

    def __init__(self, before: "Subtask | None" = None) -> None:
        self.learned: dict[bytes, bytes] = {} if before is None else dict(before.learned)
        configs = [] if before is None else [value for _, value in before._configs()]
        flat = [part for pair in self.learned.items() for part in pair]
        self._scorer = ScoreUsers(
            configs, flat, subtask=0, parallelism=1, run="a", out_of_orderness_ms=0
        )
        self._number = 0
        self._known = False
        self.habits: dict[str, bytes] = {} if before is None else before._kept()

    def tell(self, topic: str, key: str, value: bytes | None) -> list[ConfigAck]:
        """Tell something, keep what is to be kept, and return the acknowledgements."""
        answer = read_results(self._scorer.tell(topic, key.encode(), value))
        for name, kept in read_pairs(self._scorer.take_learned()):
            assert name is not None
            if kept is None:
                self.learned.pop(name, None)
            else:
                self.learned[name] = kept
        return _acks(answer.records)

    def publish(self, model: Artefact, document: bytes | None = None) -> list[ConfigAck]:
        """Publish a model."""
        document = encode_artefact(model) if document is None else document
        return self.tell(MODELS.name, f"{model.name}/{model.hash}", document)

    def apply(self, generation: int, model: Model | None) -> ConfigAck:
        """Put a config in force; return the acknowledgement."""
        record = ConfigRecord(
            name="all", generation=generation, created_at=0, spec=DetectorConfigSpec(model=model)
        )
        (ack,) = self.tell(DETECTOR_CONFIGS.name, "all", encode(record))
        return ack

    def first_words(self) -> list[ConfigAck]:
        """Return what it acknowledges by itself, once it has started."""
        return _acks(read_results(self._scorer.add_up()).records)

    def judge(self, **changes: Any) -> Alert | None:
        """Judge a transaction an hour after the one before."""
        self._number += 1
        at_ms = NOON_MS + self._number * 3_600_000
        changes = {"transaction_id": f"t{self._number}", "event_time": at_ms, **changes}
        value = encoded_transaction(**changes)
        records = [(b"user-1", value, changes["event_time"])]
        section = write_section(7, records, None if self._known else {}, self.habits)
        self._known = True
        judged = read_results(self._scorer.judge(section)).records
        alerts = [decode_alert(value) for topic, _, value in judged if topic == ALERTS.name]
        return alerts[0] if alerts else None

    def _configs(self) -> list[tuple[bytes | None, bytes]]:
        return [(key, value or b"") for key, value in read_pairs(self._scorer.configs())]

    def _kept(self) -> dict[str, bytes]:
        habits = read_results(self._scorer.prepare_checkpoint()).habits.get(7, {})
        return {user: memory for user, memory in habits.items() if memory is not None}


def _acks(records: list[tuple[str, bytes, bytes]]) -> list[ConfigAck]:
    return [decode_config_ack(value) for topic, _, value in records if topic == CONFIG_ACKS.name]


def _of(alert: Alert | None) -> dict[str, str | None]:
    return {} if alert is None else {each.detector: each.model for each in alert.findings}


def test_a_config_with_a_model_is_acknowledged_with_its_hash_and_judges_with_it() -> None:
    subtask = Subtask()
    assert subtask.publish(_JULY) == []
    ack = subtask.apply(1, Model(name="july"))
    assert (ack.generation, ack.model, ack.challenger, ack.refused) == (1, _JULY.hash, "", "")
    assert subtask.judge(amount_minor=5_000) is None  # 50: the trees say -1.5
    alert = subtask.judge(amount_minor=15_000, event_time=NOON_MS + 9 * 3_600_000)
    assert alert is None  # 150: they say 0.5, which is a risk of 0.2


def test_a_finding_of_a_model_says_the_risk_the_threshold_the_reasons_and_the_hash() -> None:
    subtask = Subtask()
    subtask.publish(_JULY)
    subtask.apply(1, Model(name="july", threshold=0.2))
    alert = subtask.judge(amount_minor=15_000)
    assert alert is not None
    (finding,) = alert.findings
    assert (finding.detector, finding.unit, finding.mode) == ("model", "risk", "active")
    assert (finding.observed, finding.threshold, finding.model) == (0.2, 0.2, _JULY.hash)
    assert finding.reason == "risk 0.200: 150.00 EUR, of a user whose usual amount is not known"
    assert finding.counterfactual == "no finding below a risk of 0.200"
    assert alert.risk is not None
    assert alert.amount_deviations == 0.0  # nothing is usual yet


def test_a_budget_of_alerts_chooses_the_threshold() -> None:
    budgets = (
        Budget(alerts_per_thousand_cards=1.0, threshold=0.9),
        Budget(alerts_per_thousand_cards=10.0, threshold=0.1),
    )
    model = artefact(name="july", budgets=budgets)
    subtask = Subtask()
    subtask.publish(model)
    subtask.apply(1, Model(name="july", alerts_per_thousand_cards=1.0))
    assert subtask.judge(amount_minor=15_000) is None
    subtask.apply(2, Model(name="july", alerts_per_thousand_cards=10.0))
    alert = subtask.judge(amount_minor=15_000)
    assert alert is not None
    assert alert.findings[0].threshold == pytest.approx(0.1)


def test_an_alert_says_the_risk_by_model_and_rules_together() -> None:
    weights = {"very_high_value": 2.0, "rapid_transactions": 0.5}
    combination = Combination(bias=0.0, model=1.0, detectors=weights)
    model = artefact(name="july", combination=combination)
    subtask = Subtask()
    subtask.publish(model)
    subtask.apply(1, Model(name="july", threshold=0.2))
    alone = subtask.judge(amount_minor=15_000)
    both = subtask.judge(amount_minor=1_500_000)
    assert alone is not None
    assert both is not None
    assert alone.risk == pytest.approx(0.2)
    assert both.risk == pytest.approx(1 / (1 + math.exp(-(math.log(0.25) + 2.0))))


def test_a_newer_version_is_put_in_force_at_once_and_acknowledged_anew() -> None:
    subtask = Subtask()
    subtask.publish(_JULY)
    subtask.apply(1, Model(name="july"))
    (ack,) = subtask.publish(_BETTER)
    assert (ack.generation, ack.model, ack.refused) == (1, _BETTER.hash, "")
    assert _of(subtask.judge(amount_minor=15_000)) == {"model": _BETTER.hash}


def test_a_config_that_names_a_hash_stays_with_it() -> None:
    subtask = Subtask()
    subtask.publish(_JULY)
    assert subtask.apply(1, Model(name="july", hash=_JULY.hash)).model == _JULY.hash
    assert subtask.publish(_BETTER) == []
    ack = subtask.apply(2, Model(name="july", hash=_BETTER.hash))
    assert (ack.generation, ack.model) == (2, _BETTER.hash)
    back = subtask.apply(3, Model(name="july", hash=_JULY.hash))
    assert (back.generation, back.model, back.refused) == (3, _JULY.hash, "")


def test_a_model_that_is_not_there_is_refused_and_put_in_force_when_it_comes() -> None:
    subtask = Subtask()
    ack = subtask.apply(1, Model(name="july"))
    assert ack.model == ""
    assert ack.refused == "no model july is published; rules alone judge"
    assert subtask.judge(amount_minor=15_000) is None
    (later,) = subtask.publish(_BETTER)
    assert (later.generation, later.model, later.refused) == (1, _BETTER.hash, "")


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"{}", "no model: "),
        (b"not JSON", "no model: not JSON"),
        (encode_artefact(_BETTER).replace(b'"base":-0.5', b'"base":-0.6'), "broken: its content"),
        (encode_artefact(_AUGUST), "mismatching: published as july/"),
        (encode_artefact(_BETTER)[:-40], "no model: not JSON"),
    ],
)
def test_a_broken_or_mismatching_artefact_is_refused_and_the_last_good_one_stays(
    document: bytes, why: str
) -> None:
    subtask = Subtask()
    subtask.publish(_JULY)
    subtask.apply(1, Model(name="july", threshold=0.2))
    (ack,) = subtask.publish(_BETTER, document)
    assert ack.model == _JULY.hash
    assert f"the newest version of model july is {why}" in ack.refused
    assert ack.refused.endswith(f"{_JULY.hash[:12]} stays in force")
    assert _of(subtask.judge(amount_minor=15_000)) == {"model": _JULY.hash}
    pinned = subtask.apply(2, Model(name="july", hash=_BETTER.hash, threshold=0.2))
    assert (pinned.generation, pinned.model) == (2, _JULY.hash)
    assert f"version {_BETTER.hash[:12]} of model july is {why}" in pinned.refused
    (again,) = Subtask(subtask).first_words()
    assert (again.model, again.refused) == (pinned.model, pinned.refused)
    (good,) = subtask.publish(_BETTER)
    assert (good.model, good.refused) == (_BETTER.hash, "")


def test_the_last_good_model_outlives_a_restart() -> None:
    before = Subtask()
    before.publish(_JULY)
    before.apply(1, Model(name="july", hash=_JULY.hash, threshold=0.2))
    before.apply(2, Model(name="july", hash=_BETTER.hash, threshold=0.2))
    after = Subtask(before)
    (ack,) = after.first_words()
    assert (ack.generation, ack.model) == (2, _JULY.hash)
    assert ack.refused.startswith(f"version {_BETTER.hash[:12]} of model july is not published")
    assert _of(after.judge(amount_minor=15_000)) == {"model": _JULY.hash}


def test_which_version_is_the_newest_outlives_a_restart() -> None:
    before = Subtask()
    before.publish(_JULY)
    before.publish(_BETTER)
    after = Subtask(before)
    assert after.apply(1, Model(name="july")).model == _BETTER.hash


def test_a_challenger_finds_in_the_shadow_whatever_the_mode_of_the_model() -> None:
    subtask = Subtask()
    subtask.publish(_JULY)
    subtask.publish(_AUGUST)
    wanted = Model(name="july", threshold=0.9, challenger=Challenger(name="august", threshold=0.1))
    ack = subtask.apply(1, wanted)
    assert (ack.model, ack.challenger) == (_JULY.hash, _AUGUST.hash)
    alert = subtask.judge(amount_minor=15_000)
    assert alert is not None
    assert [(each.detector, each.mode) for each in alert.findings] == [("challenger", "shadow")]
    assert alert.mode == "shadow"


def test_a_model_in_the_shadow_raises_no_alert_and_one_that_is_off_does_not_look() -> None:
    subtask = Subtask()
    subtask.publish(_JULY)
    subtask.apply(1, Model(name="july", threshold=0.1, mode="Shadow"))
    alert = subtask.judge(amount_minor=15_000)
    assert alert is not None
    assert alert.mode == "shadow"
    ack = subtask.apply(2, Model(name="july", threshold=0.1, mode="Off"))
    assert (ack.model, ack.refused) == ("", "")
    assert subtask.judge(amount_minor=15_000) is None


def test_a_model_that_a_config_no_longer_asks_for_is_forgotten_among_the_unused() -> None:
    subtask = Subtask()
    subtask.publish(_JULY)
    subtask.apply(1, Model(name="july"))
    others = [artefact(name=f"other-{number}") for number in range(MAX_UNUSED)]
    for other in others:
        subtask.publish(other)
    assert subtask.apply(2, None).model == ""  # nine are unused now: the oldest goes
    ack = subtask.apply(3, Model(name="july"))
    assert ack.refused == "no model july is published; rules alone judge"
    assert subtask.apply(4, Model(name=others[0].name)).model == others[0].hash
    assert len(subtask.learned) == MAX_UNUSED + 1  # the versions, and which is in force


@pytest.mark.parametrize("key", ["", "july", "july/", "a/b/c", f"July/{_JULY.hash}"])
def test_a_model_under_a_key_that_is_no_name_and_hash_is_passed_over(
    key: str, caplog: pytest.LogCaptureFixture
) -> None:
    subtask = Subtask()
    assert subtask.tell(MODELS.name, key, encode_artefact(_JULY)) == []
    assert subtask.learned == {}
    assert f"a model under key '{key}' is passed over" in caplog.text


def test_a_version_that_is_withdrawn_stays_where_it_is_in_use() -> None:
    subtask = Subtask()
    subtask.publish(_JULY)
    subtask.apply(1, Model(name="july", threshold=0.2))
    assert subtask.tell(MODELS.name, f"july/{_JULY.hash}", None) == []
    assert _of(subtask.judge(amount_minor=15_000)) == {"model": _JULY.hash}
    subtask.publish(_BETTER)
    assert subtask.apply(2, Model(name="july", hash=_BETTER.hash)).model == _BETTER.hash
    subtask.tell(MODELS.name, f"july/{_JULY.hash}", None)
    ack = subtask.apply(3, Model(name="july", hash=_JULY.hash))
    assert (ack.model, ack.refused != "") == (_BETTER.hash, True)


def test_rules_and_a_model_find_together_and_the_models_finding_is_last() -> None:
    subtask = Subtask()
    subtask.publish(_JULY)
    subtask.apply(1, Model(name="july", threshold=0.2))
    alert = subtask.judge(amount_minor=1_500_000)
    assert alert is not None
    assert [each.detector for each in alert.findings] == ["very_high_value", "model"]


def _feedback(number: int, label: str, **changes: Any) -> bytes:
    plain: dict[str, Any] = {
        "feedback_id": f"f{number}",
        "alert_id": f"a{number}",
        "transaction_id": f"t{number}",
        "user_id": "user-1",
        "card_id": "card-1",
        "bank_id": "bank-1",
        "merchant_id": "merchant-1",
        "label": label,
        "given_by": "somebody",
        "given_at": NOON_MS + _DAY_MS,
        "event_time": NOON_MS + number * 3_600_000,
        "amount_deviations": 0.0,
    }
    return encode(Feedback(**(plain | changes)))


def test_feedback_on_a_merchant_changes_the_next_score_and_outlives_a_restart() -> None:
    before = Subtask()
    before.publish(_JULY)
    before.apply(1, Model(name="july", threshold=0.0))

    def risk(subtask: Subtask) -> float:
        alert = subtask.judge(amount_minor=15_000, merchant_id="merchant-1")
        assert alert is not None
        return alert.findings[-1].observed

    assert risk(before) == pytest.approx(0.2)
    before.tell(FEEDBACK.name, "t1", _feedback(1, "fraudulent"))
    assert risk(before) == 1.0  # 3 + 2 - 0.5 is the highest score
    assert risk(Subtask(before)) == 1.0
    before.tell(FEEDBACK.name, "t1", _feedback(1, "genuine", given_at=NOON_MS + 2 * _DAY_MS))
    assert risk(before) == pytest.approx(0.2)


def test_feedback_that_breaks_its_contract_or_says_no_time_changes_nothing() -> None:
    subtask = Subtask()
    subtask.tell(FEEDBACK.name, "t1", b"{}")
    subtask.tell(FEEDBACK.name, "t1", None)
    subtask.tell(FEEDBACK.name, "t1", _feedback(1, "fraudulent", event_time=None))
    subtask.tell(FEEDBACK.name, "t1", _feedback(1, "unsure"))
    assert subtask.learned == {}


def test_habits_are_kept_with_a_checkpoint_and_only_with_a_model() -> None:
    without = Subtask()
    without.judge()
    assert Subtask(without).habits == {}
    subtask = Subtask()
    subtask.publish(_JULY)
    subtask.apply(1, Model(name="july"))
    for _ in range(5):
        subtask.judge(amount_minor=5_000)
    after = Subtask(subtask)
    assert list(after.habits) == ["user-1"]
    after.first_words()
    after.apply(2, Model(name="july", threshold=0.2))
    alert = after.judge(amount_minor=15_000, event_time=NOON_MS + 20 * 3_600_000)
    assert alert is not None
    assert "3.0 times the user's usual 50.00 EUR" in alert.findings[0].reason
    assert alert.amount_deviations is not None
    assert alert.amount_deviations > 2.5


def test_a_payment_that_alerted_teaches_no_habit_until_it_is_said_to_be_genuine() -> None:
    subtask = Subtask()
    subtask.publish(_JULY)
    subtask.apply(1, Model(name="july", threshold=0.2))
    for _ in range(5):
        subtask.judge(amount_minor=5_000)
    first, second = (subtask.judge(amount_minor=15_000) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.amount_deviations == second.amount_deviations
    subtask.tell(FEEDBACK.name, "t6", _feedback(6, "genuine"))
    third = subtask.judge(amount_minor=15_000)
    assert third is not None
    assert third.amount_deviations is not None
    assert first.amount_deviations is not None
    assert third.amount_deviations < first.amount_deviations


def test_broken_habits_become_a_dead_letter_and_change_nothing() -> None:
    subtask = Subtask()
    section = write_section(7, [(b"user-1", b"broken", NOON_MS)], {}, topic=USER_HABITS.name)
    answer = read_results(subtask._scorer.judge(section))
    assert answer.counts == {"dead_letters": 1}
    assert answer.habits == {}
