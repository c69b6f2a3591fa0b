"""What is remembered in a kept savepoint, told so that each thing remembered is asked for later.

Users have a past after which one transaction is suspicious and another is just not; a new user
makes the suspicious one too, and nothing must be found of it. All times are fixed.
"""

from collections.abc import Iterable
from typing import Final
from zlib import crc32

from msgspec.structs import replace
from tests.integration.job.kept_savepoints import KeptRecord, KeptStory, Step, Verdict
from tests.integration.job.savepoint_pasts import PASTS, of_user, pasts, presents, profile
from tests.unit.transactions import NOON_MS, make_transaction

from cardwatch_contracts.card import Card, card_key
from cardwatch_contracts.codec import encode
from cardwatch_contracts.detector_config import (
    DEFAULT_CONFIG,
    ON_BY_DEFAULT,
    ConfigRecord,
    DetectorConfigSpec,
    Detectors,
    Selector,
    VeryHighValueConfig,
)
from cardwatch_contracts.topics import (
    CARDS,
    DETECTOR_CONFIGS,
    TRANSACTIONS,
    Topic,
)
from cardwatch_contracts.transaction import Transaction

_WAIT_S: Final = 20
"""For how long of event time a transaction waits for earlier ones; for as long on the clock where
nothing else comes."""
_VERY_HIGH: Final = 2_000_000
_LIMIT: Final = 50_000
_CHANGE_S: Final = 3600.0
"""When the second generation of the config begins."""
_LATEST_S: Final = 7200.0
"""Later than all else before the savepoint. What waits must be the newest of its bucket."""
_CURRENCY: Final = "CHF"


def tell() -> KeptStory:
    """Return the whole story."""
    held = _txn("held", "waiting", after_s=_LATEST_S, amount_minor=_VERY_HIGH)
    known = [*pasts(), _judged_before(), _in_francs("francs-1")]
    first = [_in_francs("francs-2"), _txn("before-held", "waiting", after_s=_LATEST_S - 5)]
    # Were it not remembered, this would be judged in its place, and nothing be found of its amount.
    again = replace(held, amount_minor=2_500)
    then = [*presents(), *_over_the_limit(), *_under_the_config()]
    return KeptStory(
        arguments=("--out-of-orderness-ms", str(_WAIT_S * 1000)),
        before=(
            Step((*_configs(), _card(), *_records(known)), len(known)),
            Step(_records([held]), 0),
        ),
        after=(
            Step(_records([*first, again]), len(first) + 1),
            Step(_records([*then, _judged_before()]), len(then)),
        ),
        waiting=encode(held).decode(),
        detectors=ON_BY_DEFAULT,
        configs={"strict": (3, 4)},
        alerts=_alerts(),
        profile=profile(),
        window_currency=_CURRENCY,
        window_count=2,
    )


def _alerts() -> dict[str, Verdict]:
    name, generation = DEFAULT_CONFIG.name, DEFAULT_CONFIG.generation
    return {
        **{f"{past}-known": Verdict(name, generation, (past,)) for past in PASTS},
        "limit-known": Verdict(name, generation, ("limit_exceeded",)),
        # Five seconds after a transaction that came later than it.
        "held": Verdict(name, generation, ("rapid_transactions", "very_high_value")),
        "above-100": Verdict("strict", 3, ("very_high_value",)),
        "above-200": Verdict("strict", 4, ("very_high_value",)),
    }


def _txn(
    transaction_id: str,
    user_id: str,
    *,
    after_s: float = 0.0,
    amount_minor: int = 2_500,
    currency: str = "EUR",
    bank_id: str = "bank-a",
) -> Transaction:
    plain = make_transaction(
        after_s=after_s, amount_minor=amount_minor, currency=currency, bank_id=bank_id
    )
    return of_user(plain, transaction_id, user_id)


def _judged_before() -> Transaction:
    return _txn("judged-before", "repeats", amount_minor=_VERY_HIGH)


def _in_francs(transaction_id: str) -> Transaction:
    """Return one of a window that is among the newest before the savepoint, and so still open."""
    return _txn(transaction_id, transaction_id, after_s=_LATEST_S - 300, currency=_CURRENCY)


def _card() -> KeptRecord:
    card = Card(
        card_id="known-limit-card-1",
        user_id="known-limit",
        bank_id="bank-a",
        payment_system="visa",
        currency="EUR",
        card_limit_minor=_LIMIT,
    )
    return _record(CARDS, card_key(card), encode(card))


def _over_the_limit() -> list[Transaction]:
    return [
        _txn(f"limit-{whose}", f"{whose}-limit", amount_minor=_LIMIT + 1)
        for whose in ("known", "new")
    ]


def _configs() -> list[KeptRecord]:
    """Return two generations: above 100 is very high, and an hour later above 200."""
    return [_config(3, 100, None), _config(4, 200, NOON_MS + round(_CHANGE_S * 1000))]


def _config(generation: int, max_amount_minor: int, effective_from: int | None) -> KeptRecord:
    record = ConfigRecord(
        name="strict",
        generation=generation,
        created_at=1,
        spec=DetectorConfigSpec(
            selector=Selector(bank_ids=("bank-b",)),
            effective_from=effective_from,
            detectors=Detectors(
                very_high_value=VeryHighValueConfig(max_amount_minor=max_amount_minor)
            ),
        ),
    )
    return _record(DETECTOR_CONFIGS, record.name.encode(), encode(record))


def _under_the_config() -> list[Transaction]:
    return [
        _txn(name, "of-bank-b", after_s=after_s, amount_minor=amount, bank_id="bank-b")
        for name, after_s, amount in (
            ("above-100", _CHANGE_S - 60, 101),
            ("below-200", _CHANGE_S, 200),
            ("above-200", _CHANGE_S + 60, 201),
        )
    ]


def _records(transactions: Iterable[Transaction]) -> tuple[KeptRecord, ...]:
    return tuple(_record(TRANSACTIONS, txn.user_id.encode(), encode(txn)) for txn in transactions)


def _record(topic: Topic, key: bytes, value: bytes) -> KeptRecord:
    partition = crc32(key) % topic.partitions
    return KeptRecord(topic.name, partition, key.decode(), value.decode())
