import csv
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cardwatch_contracts.codec import encode
from cardwatch_contracts.privacy import passes_luhn
from cardwatch_contracts.transaction import Transaction
from cardwatch_generator.mapping_file import load_mapping
from cardwatch_generator.replay import ReplayConfig, ReplayReport, read_transactions, replay
from cardwatch_generator.tokens import Tokeniser

ROWS = 300
COLUMNS = (
    "trans_date_trans_time,cc_num,merchant,category,amt,first,last,gender,street,city,state,zip,"
    "lat,long,city_pop,job,dob,trans_num,unix_time,merch_lat,merch_long,is_fraud"
).split(",")
CATEGORIES = ("grocery_pos", "shopping_net", "travel", "gas_transport", "misc_net")
START_S = 1_325_376_000


def card_number(rng: random.Random, digits: int) -> str:
    stem = "4" + "".join(rng.choices("0123456789", k=digits - 2))
    return next(stem + check for check in "0123456789" if passes_luhn(stem + check))


def sparkov_rows(seed: int) -> Iterator[dict[str, object]]:
    rng = random.Random(seed)
    cards = [card_number(rng, digits) for digits in (13, 16, 16, 16, 19)]
    for i in range(ROWS):
        unix_time = START_S + 60 * i
        yield {
            "trans_date_trans_time": f"{datetime.fromtimestamp(unix_time, UTC):%Y-%m-%d %H:%M:%S}",
            "cc_num": rng.choice(cards),
            "merchant": rng.choice(["Rippin, Kub and Mann", 'The "Best"\nBakery', "Cole-O'Hara"]),
            "category": rng.choice(CATEGORIES),
            "amt": f"{rng.uniform(1, 900):.2f}",
            "first": "Jennifer",
            "last": "Banks",
            "gender": "F",
            "street": "561 Perry Cove",
            "city": "Moravian Falls",
            "state": "NC",
            "zip": "28654",
            "lat": "36.0788",
            "long": "-81.1781",
            "city_pop": "3495",
            "job": "Psychologist, counselling",
            "dob": "1988-03-09",
            "trans_num": f"{rng.getrandbits(128):032x}",
            "unix_time": unix_time,
            "merch_lat": f"{36 + rng.uniform(-1, 1):.6f}",
            "merch_long": f"{-82 + rng.uniform(-1, 1):.6f}",
            "is_fraud": int(i % 50 == 0),
        }


@pytest.fixture
def sparkov_file(tmp_path: Path) -> Path:
    path = tmp_path / "sparkov.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(sparkov_rows(seed=1))
    return path


def read(path: Path) -> tuple[list[Transaction], ReplayReport]:
    report = ReplayReport()
    config = ReplayConfig(file=path, mapping=load_mapping("sparkov"))
    tokenise = Tokeniser(b"a key for tests only")
    return list(read_transactions(config, report, tokenise=tokenise)), report


def test_every_row_of_a_sparkov_file_becomes_a_transaction(sparkov_file: Path) -> None:
    transactions, report = read(sparkov_file)
    assert (len(transactions), report.rejections.total) == (ROWS, 0)
    for txn, row in zip(transactions, sparkov_rows(seed=1), strict=True):
        assert txn.transaction_id == row["trans_num"]
        assert txn.event_time == int(str(row["unix_time"])) * 1000
        assert f"{txn.amount_minor / 100:.2f}" == row["amt"]
        assert (txn.merchant_id, txn.merchant_category) == (row["merchant"], row["category"])
        assert txn.channel == ("online" if str(row["category"]).endswith("_net") else "chip")
        assert f"{txn.latitude:.6f}" == row["merch_lat"]
        assert f"{txn.longitude:.6f}" == row["merch_long"]
        assert txn.label == ("fraud" if row["is_fraud"] else None)


def test_each_card_of_a_sparkov_file_has_one_token(sparkov_file: Path) -> None:
    transactions, _ = read(sparkov_file)
    tokens: dict[object, set[str]] = {}
    for txn, row in zip(transactions, sparkov_rows(seed=1), strict=True):
        tokens.setdefault(row["cc_num"], set()).add(txn.card_id)
        assert txn.user_id == f"user-{txn.card_id}"
    assert all(len(of_card) == 1 for of_card in tokens.values())
    assert len(set.union(*tokens.values())) == len(tokens)


def test_no_card_number_of_a_sparkov_file_leaves_in_any_form(sparkov_file: Path) -> None:
    # One broken row for each column, so that errors are searched too.
    rows = list(sparkov_rows(seed=1))
    with sparkov_file.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        for column in COLUMNS:
            writer.writerow(rows[0] | {column: rows[0]["cc_num"]})
            writer.writerow(rows[0] | {column: ""})
            writer.writerow(rows[0] | {column: f"x {rows[0]['cc_num']} y"})
    transactions, report = read(sparkov_file)
    left = b"".join(map(encode, transactions)).decode() + repr(report)
    left += "".join(map(str, report.rejections.shown))
    assert report.rejections.total > len(load_mapping("sparkov").columns)
    for number in {str(row["cc_num"]) for row in rows}:
        assert number not in left


def test_a_sparkov_file_is_not_replayed_without_a_token_key(sparkov_file: Path) -> None:
    config = ReplayConfig(file=sparkov_file, mapping=load_mapping("sparkov"))
    with pytest.raises(ValueError, match="a token key is needed"):
        replay(
            config,
            send=lambda key, value, headers: pytest.fail("sent without tokens"),
            tokenise=None,
            clock=lambda: 0.0,
            sleep=lambda nap_s: None,
        )
