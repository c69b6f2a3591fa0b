"""Judges a hostile stream twice, with and without the screen, and prints what differs.

A program of its own: the screen is there only where the compiled job comes first in the path.
"""

import random
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from struct import pack

import msgspec
from msgspec.structs import replace
from tests.integration.job.feed import Draws
from tests.integration.job.trees_alike import drawn_trees
from tests.unit.job.jvm_side import read_records, read_sums
from tests.unit.model.made import artefact

from cardwatch_contracts.card import Card, card_key, decode_card_profile
from cardwatch_contracts.codec import InvalidRecordError, encode
from cardwatch_contracts.detector_config import (
    Challenger,
    ConfigRecord,
    DetectorConfigSpec,
    Mode,
    Model,
    Selector,
)
from cardwatch_contracts.detector_config import Detectors as Settings
from cardwatch_contracts.topics import CARDS, TRANSACTIONS
from cardwatch_contracts.transaction import Transaction, decode_transaction
from cardwatch_job.batches import read_sections
from cardwatch_job.detectors.history import encode_user
from cardwatch_job.judge import Judge
from cardwatch_job.model.artefact import Calibration, Scale, encode_artefact
from cardwatch_job.model.features import FEATURES
from cardwatch_job.model.in_force import ModelsInForce
from cardwatch_job.model.lessons import Lesson
from cardwatch_job.model.merchants import Merchants
from cardwatch_job.model.packed_trees import pack_trees
from cardwatch_job.model.users import ModelUsers
from cardwatch_job.records import InputRecord, Output, OutputRecord
from cardwatch_job.rules import Rules
from cardwatch_job.tracing import Traces
from cardwatch_job.users import UsersOfBucket, users_of_bucket
from cardwatch_job.windows import PartialSums

_TRANSACTIONS = 20_000
_SPELLINGS: tuple[tuple[bytes, bytes], ...] = (
    (b'"latitude":', b'"latitude": '),
    (b",", b", "),
    (b"{", b"{ "),
    (b"}", b" }"),
    (b"}", b"}\n"),
    (b'"city":"Berlin"', '"city":"Zürich"'.encode()),
    (b'"city":"Berlin"', b'"city":"K\\u00f6ln"'),
    (b'"city":"Berlin"', b'"city":"K\xf6ln"'),
    (b'"city":"Berlin"', b'"city":""'),
    (b'"city":"Berlin"', b'"city":"4111 1111 1111 1111"'),
    (b'"city":"Berlin"', b'"city":"4111 1111 1111 1112"'),
    (b'"city":"Berlin"', b'"city":"' + b"x" * 257 + b'"'),
    (b'"merchant_id":"m-1"', b'"merchant_id":"4111111111111111"'),
    (b'"merchant_id":"m-1"', b'"merchant_id":"41111111111111112"'),
    (b'"merchant_id":"m-1"', b'"merchant_id":""'),
    (b'"merchant_id":"m-1"', b'"merchant_id":"' + b"m" * 129 + b'"'),
    (b'"pin_used":true', b'"pin_used":1'),
    (b'"pin_used":true', b'"pin_used":truE'),
    (b'"channel":"chip"', b'"channel":"chips"'),
    (b'"channel":"chip"', b'"channel":"atm"'),
    (b'"currency":"EUR"', b'"currency":"eur"'),
    (b'"currency":"EUR"', b'"currency":"USD"'),
    (b'"country":"DE"', b'"country":"FR"'),
    (b'"country":"DE"', b'"country":"DEU"'),
    (b'"payment_system":"visa"', b'"payment_system":"mir"'),
    (b"}", b',"card_limit_minor":null,"label":null,"traceparent":null}'),
    (b"}", b',"card_limit_minor":9000}'),
    (b"}", b',"card_limit_minor":0}'),
    (b"}", b',"label":"4111111111111111"}'),
    (b"}", b',"label":"amount_spike","traceparent":"00-' + b"a" * 32 + b"-" + b"b" * 16 + b'-01"}'),
    (b"}", b',"traceparent":"00-' + b"a" * 32 + b"-" + b"c" * 16 + b'-01"}'),
    (b"}", b',"traceparent":"00-' + b"a" * 32 + b"-" + b"c" * 16 + b'-00"}'),
    (b"}", b',"traceparent":"4111111111111111"}'),
    (b"}", b',"terminal":"T1","contactless":true,"tip":12,"tax":1.5}'),
    (b"}", b',"terminal":"T1"}'),
    (b"}", b',"terminal":{"id":1}}'),
    (b"}", b',"latitude":1.0}'),
    (b"}", b"},"),
    (b"}", b""),
    (b'"longitude":', b'"longitude":0'),
    (b'"amount_minor":', b'"amount_minor":-'),
    (b'"amount_minor":', b'"amount_minor":0'),
    (b'"amount_minor":', b'"amount_minor":100000000000000'),
    (b'"event_time":', b'"event_time":9'),
    (b'"event_time":1', b'"event_time":2'),
    (b'"user_id":', b'"user_id" :'),
    (b'"user_id":"u', b'"user_id":"\\u0075'),
)
_TRACE = "a" * 32 + "-" + "b" * 16
_TRACEPARENTS = (
    f"00-{_TRACE}-01", f"00-{_TRACE}-00", f"00-{_TRACE}-03", f"00-{_TRACE}-ff", f"00-{_TRACE}-0a",
    f"00-{_TRACE}-0g", f"00-{_TRACE}-01-more", f"01-{_TRACE}-01-more", f"01-{_TRACE}-01more",
    f"ff-{_TRACE}-01", f"00-{_TRACE}", f"00-{_TRACE.upper()}-01", f"00_{_TRACE}-01", "x" * 500,
    "00-" + "0" * 32 + "-" + "b" * 16 + "-01", "00-" + "a" * 32 + "-" + "0" * 16 + "-01",
    "00-" + "ä" * 32 + "-" + "b" * 16 + "-01", f"00-{_TRACE}-01\n", "4111111111111111",
)  # fmt: skip
_DEGREES = (
    "52", "-0", "-0.0", "0.0", "0.5", ".5", "5.", "90", "90.0000001", "-90.00", "1e1", "00.5",
    "52.520006599999994", "0.30000000000000004", "12345678901234567890", "5.25E1",
    "52.1234567890123456789",
)  # fmt: skip


@dataclass
class Side:
    """A judge and what it works on."""

    screened: bool
    users: dict[bytes, UsersOfBucket] = field(default_factory=dict)
    outputs: list[OutputRecord] = field(default_factory=list)
    rules: Rules = field(default_factory=Rules)
    models: ModelsInForce = field(default_factory=ModelsInForce)

    def __post_init__(self) -> None:
        self.judge = Judge(self.rules, traces=Traces(), models=self.models)
        if not self.screened:
            self.judge._screen = None
            self.judge.sums = PartialSums()
            self.judge.merchants = Merchants()
        self.merchants = self.judge.merchants

    def apply(self, record: ConfigRecord) -> None:
        """Put a config in force, with the models that it asks for."""
        self.rules.apply(record)
        self.models.follow(self.rules)
        self.rules.changed()

    def hear(self, lesson: Lesson) -> None:
        """Take in an analyst's word."""
        self.merchants.hear(lesson)
        for users in self.users.values():
            users.habits.hear(lesson)

    def users_of(self, key: bytes | None) -> UsersOfBucket:
        """Return the memories of a record's bucket."""
        bucket = (key or b"").split(b"/")[0]
        if bucket not in self.users:
            # The detectors alone, with the memories they have had before there was a screen.
            self.users[bucket] = users_of_bucket({}) if self.screened else UsersOfBucket({})
            if not self.screened:
                self.users[bucket].habits = ModelUsers()
        return self.users[bucket]

    def state(self) -> object:
        """Return everything that is kept or counted."""
        changed = {key: users.take_changed() for key, users in self.users.items()}
        memories = {
            (key, user_id): (packed, encode_user(users.load(user_id)))
            for key, users in self.users.items()
            for user_id, packed in changed[key].items()
        }
        habits = {key: users.habits.take_changed() for key, users in self.users.items()}
        counts = self.judge.take_counts()  # tells the models what the screen has seen
        seen = [
            (judging.role, judging.seen.scored, judging.seen.findings, judging.seen.risks)
            for models in self.models
            for judging in models.judging
        ]
        progress = self.judge.progress.slowest_ms
        assert self.judge.traces is not None
        return (
            counts,
            habits,
            self.merchants.take_changed(),
            seen,
            sorted(self.judge.traces.take(), key=repr),
            sorted(read_sums(self.judge.sums.take_written()), key=repr),
            memories,
            progress,
        )


def transactions(draw: random.Random) -> Iterator[InputRecord]:
    """Yield a stream of which a third is written in other ways than ours, or wrongly."""
    draws = Draws()
    earlier: list[bytes] = []
    for offset in range(_TRANSACTIONS):
        txn = draws.draw()
        if draw.random() < 0.01:
            yield _card(draw, txn)
        if draw.random() < 0.002:
            yield replace(
                _card(draw, txn),
                key=draw.choice((f"{txn.user_id}/{txn.card_id}".encode(), txn.user_id.encode())),
                value=None,
            )
        value = _spelled(draw, txn)
        if earlier and draw.random() < 0.02:
            value = draw.choice(earlier)
        earlier = [*earlier[-30:], value]
        yield InputRecord(
            topic=TRANSACTIONS.name,
            key=b"somebody-else" if draw.random() < 0.01 else txn.user_id.encode(),
            value=value if draw.random() < 0.999 else None,
            partition=offset % 3,
            offset=offset,
            timestamp_ms=txn.event_time + draw.choice((5, 5, 5, -299_999, -300_001)),
            traceparent=draw.choice(_TRACEPARENTS) if offset % 2 else None,
        )


def _card(draw: random.Random, txn: Transaction) -> InputRecord:
    """Issue the transaction's card with another limit, or with none."""
    card = Card(
        card_id=txn.card_id,
        user_id=txn.user_id,
        bank_id=txn.bank_id,
        payment_system=txn.payment_system,
        currency=txn.currency,
        card_limit_minor=draw.choice((None, 5_000, 9_950, 20_000)),
    )
    return InputRecord(
        topic=CARDS.name,
        key=card_key(card),
        value=encode(card),
        partition=0,
        offset=0,
        timestamp_ms=txn.event_time,
    )


def _spelled(draw: random.Random, txn: Transaction) -> bytes:
    """Write a transaction as we do, or as somebody else might, or with a broken byte."""
    if draw.random() < 0.05:
        txn = replace(txn, amount_minor=draw.choice((10_000, 9_000, 8_999, 1_000_000, 1_000_001)))
    if draw.random() < 0.02:
        txn = replace(txn, reply_to="gateway-1")
    value = encode(txn)
    if draw.random() < 0.05:
        fields = list(msgspec.json.decode(value).items())
        draw.shuffle(fields)
        value = msgspec.json.encode(dict(fields))
    if draw.random() < 0.05:
        place = rb'("(?:latitude|longitude)":)-?[0-9.]+'
        value = re.sub(place, rb"\g<1>" + draw.choice(_DEGREES).encode(), value, count=1)
    if draw.random() < 0.2:
        old, new = draw.choice(_SPELLINGS)
        value = new.join(value.rsplit(old, 1)) if old == b"}" else value.replace(old, new)
    if draw.random() < 0.05:
        at = draw.randrange(len(value))
        value = value[:at] + bytes([draw.randrange(256)]) + value[at + draw.choice((0, 1)) :]
    return value


def configs(draw: random.Random, start_ms: int, end_ms: int) -> Iterator[ConfigRecord]:
    """Yield configs that select different transactions and begin at different times.

    All are known after half of the stream; those of the last generations begin after that.
    """
    texts = (
        '{"amountSpike":{"factor":1.5,"minTransactions":1},"manyNoPin":{"minTransactions":1}}',
        '{"rapidTransactions":{"mode":"Off"},"pinAvoidance":{"mode":"Off"}}',
        '{"unusualLocation":{"mode":"Active","minDistanceKm":100,"minTransactions":2}}',
        '{"impossibleTravel":{"maxSpeedKmh":50,"minDistanceKm":1},"dormantCard":{"mode":"Shadow"}}',
        '{"negativeAmount":{"mode":"Off"},"multiCardDistance":{"mode":"Off"},'
        '"limitExceeded":{"mode":"Off"},"amountSpike":{"mode":"Off"}}',
    )
    selectors = (
        Selector(),
        Selector(currencies=("USD",)),
        Selector(countries=("FR",)),
        Selector(payment_systems=("mir",)),
    )
    for generation in range(1, 11):
        text = draw.choice(texts)
        begins = None
        if generation > 5:
            begins = end_ms - (end_ms - start_ms) * (11 - generation) // 12
        for name, selector in enumerate(selectors):
            spec = DetectorConfigSpec(
                selector=selector,
                effective_from=begins,
                detectors=msgspec.json.decode(text, type=Settings),
                model=_model(draw),
            )
            yield ConfigRecord(name=f"c{name}", generation=generation, created_at=name, spec=spec)


def _model(draw: random.Random) -> Model | None:
    """Ask for none, one or two of the models; thresholds that some payments reach."""
    if draw.random() < 0.3:
        return None
    names = draw.sample(("a", "b", "c"), 2)
    challenger = Challenger(name=names[1], threshold=draw.choice((0.5, 0.9)))
    modes: tuple[Mode, ...] = ("Active", "Shadow", "Off")
    return Model(
        name=names[0],
        threshold=draw.choice((0.4, 0.8, 1.0)),
        mode=draw.choice(modes),
        challenger=challenger if draw.random() < 0.5 else None,
    )


def documents(draw: random.Random) -> Iterator[tuple[bytes, bytes]]:
    """Yield two models with which thresholds are reached now and then; a third is asked for too."""
    for name in ("a", "b"):
        trees = drawn_trees(draw, features=len(FEATURES), trees=20, spread=20.0)
        model = artefact(
            name=name,
            features=FEATURES,
            scales=(Scale(mean=0.0, deviation=1.0),) * len(FEATURES),
            trees=pack_trees(trees),
            calibration=Calibration(
                source="ranks", raw=(-9.0, -3.0, 0.0, 1.5, 9.0), risk=(0.0, 0.1, 0.3, 0.5, 1.0)
            ),
        )
        yield f"{name}/{model.hash}".encode(), encode_artefact(model)


def _lesson(draw: random.Random, value: bytes) -> Lesson | None:
    """Say something of a payment, if that is what it is."""
    try:
        txn = decode_transaction(value)
    except InvalidRecordError:
        return None
    return Lesson(
        txn.user_id,
        txn.transaction_id,
        txn.merchant_id,
        txn.event_time,
        draw.random() < 0.5,
        draw.random() < 0.3,
        txn.event_time + draw.randrange(10**9),
    )


def as_batch(records: list[InputRecord]) -> bytes:
    """Write records as `BatchRecords.java` does."""
    topic = records[0].topic.encode()
    columns = [
        [record.key for record in records],
        [record.traceparent.encode() if record.traceparent else None for record in records],
        [record.value for record in records],
    ]
    joined = [b"".join(part or b"" for part in column) for column in columns]
    data = pack(">iiii", 0, -1, len(records), len(topic)) + topic
    data += pack(">iii", *map(len, joined))
    for record, *parts in zip(records, *columns, strict=True):
        lengths = [-1 if part is None else len(part) for part in parts]
        data += pack(">qqi", record.timestamp_ms, record.offset, record.partition)
        data += pack(">iii", *lengths)
    return data + b"".join(joined)


def main(seed: int) -> None:
    """Compare three sides: without the screen, with it record by record, with it in batches."""
    draw = random.Random(seed)
    stream = list(transactions(draw))
    times = [record.timestamp_ms for record in stream]
    records = list(configs(draw, min(times), max(times)))
    sides = [Side(screened=False), Side(screened=True), Side(screened=True)]
    plain, single, batched = sides
    if single.judge._screen is None:
        sys.exit("there is no screen: the job is not compiled")
    for key, document in documents(draw):
        for side in sides:
            side.models.publish(key, document)
    settled = alerts = scored = 0
    at_once = 50
    for start in range(0, len(stream), at_once):
        part = stream[start : start + at_once]
        lesson = _lesson(draw, draw.choice(part).value or b"")
        for side in sides:
            if start % 250 == 0 and start // 250 < len(records):
                side.apply(records[start // 250])
            if lesson is not None:
                side.hear(lesson)
        for side in (plain, single):
            side.outputs = [
                output for one in part for output in side.judge.process(one, side.users_of(one.key))
            ]
        batched.outputs = _in_batches(batched, part)
        expected = plain.outputs
        if single.outputs != expected:
            _fail(part, expected, single.outputs)
        if batched.outputs != list(_by_key(expected)):
            _fail(part, list(_by_key(expected)), batched.outputs)
        alerts += sum(output.topic == "alerts" for output in expected)
        scored += sum(b'"unit":"risk"' in output.value for output in expected)
        if start % 1_000 == 0:
            settled += _compare(sides)
    settled += _compare(sides)
    print(settled, alerts, scored)


def _in_batches(side: Side, part: list[InputRecord]) -> list[OutputRecord]:
    """Judge records in batches; return what they led to by topic and key."""
    runs = list(_runs(part))
    sections = read_sections(b"".join(as_batch(run) for run in runs))
    users = [side.users_of(run[0].key) for run in runs]
    records = [section.records for section in sections]
    outputs = side.judge.process_all(list(zip(records, users, strict=True)))
    return list(_by_key(_unpacked(outputs)))


def _compare(sides: list[Side]) -> int:
    screen = sides[1].judge._screen
    settled = screen.settled if screen else 0
    states = [side.state() for side in sides]
    if not states[0] == states[1] == states[2]:
        sys.exit(f"state differs:\n{states[0]}\n{states[1]}\n{states[2]}"[:20_000])
    return settled


def _unpacked(outputs: Iterable[Output]) -> Iterator[OutputRecord]:
    """Yield records, those too that the screen has written, with their values in our spelling."""
    for output in outputs:
        if isinstance(output, OutputRecord):
            yield output
        else:
            for topic, key, value, traceparent in read_records(output.count, output.data):
                profile = decode_card_profile(value)
                yield OutputRecord(
                    topic=topic, key=key, value=encode(profile), traceparent=traceparent
                )


def _by_key(outputs: Iterable[OutputRecord]) -> Iterator[OutputRecord]:
    """Sort by topic and key, in which order a piece is judged; those of one key stay in theirs."""
    yield from sorted(outputs, key=lambda output: (output.topic, output.key))


def _runs(records: Iterable[InputRecord]) -> Iterator[list[InputRecord]]:
    """Group neighbours of one key and topic: they are of one bucket."""
    run: list[InputRecord] = []
    for record in records:
        if run and (run[0].key, run[0].topic) != (record.key, record.topic):
            yield run
            run = []
        run.append(record)
    yield run


def _fail(part: list[InputRecord], expected: list[OutputRecord], found: list[OutputRecord]) -> None:
    values = "\n".join(str(record.value) for record in part)
    sys.exit(f"outputs differ:\n{expected}\n{found}\nof\n{values}"[:40_000])


if __name__ == "__main__":
    main(int(sys.argv[1]))
