import gzip
import math
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cardwatch_contracts.transaction import Transaction, decode_transaction
from cardwatch_generator.mapping_file import parse_mapping
from cardwatch_generator.rejections import SHOWN
from cardwatch_generator.replay import (
    ReplayConfig,
    ReplayReport,
    parse_shift_to,
    parse_speed,
    replay,
)
from cardwatch_generator.tabular import UnreadableFileError

MAPPING = """
fields:
  transaction_id: {row_number: true}
  event_time: {column: at, read: epoch_s}
  user_id: {column: user}
  card_id: {column: user, prefix: card-}
  bank_id: {constant: bank-a}
  payment_system: {column: scheme, lower: true, default: unknown}
  amount_minor: {column: amount, unit: major, scale: 2}
  currency: {column: money, values: {"978": EUR, "840": USD}}
  merchant_id: {column: shop}
  merchant_category: {constant: food}
  country: {constant: DE}
  city: {constant: ""}
  latitude: {constant: 52.5}
  longitude: {constant: 13.4}
  pin_used: {column: pin, "true": [Y], "false": [N]}
  channel: {constant: chip}
  card_limit_minor: {column: limit, unit: minor}
label: {column: fraud, genuine: ["0"]}
"""
HEADER = "at,user,scheme,amount,money,shop,pin,limit,fraud\n"


def row(at: int, *, user: str = "u1", amount: str = "12.50", shop: str = "s1", **cells: str) -> str:
    rest = {"scheme": "VISA", "money": "978", "pin": "Y", "limit": "", "fraud": "0"} | cells
    return (
        f"{at},{user},{rest['scheme']},{amount},{rest['money']},{shop},"
        f"{rest['pin']},{rest['limit']},{rest['fraud']}\n"
    )


class Run:
    """A replay under a clock that only sleeping moves."""

    def __init__(self, folder: Path, text: str | bytes, name: str = "may.csv") -> None:
        self.path = folder / name
        self.path.write_bytes(text.encode() if isinstance(text, str) else text)
        self.now_s = 1000.0
        self.naps: list[float] = []
        self.sent: list[tuple[float, bytes, Transaction]] = []
        self.stop_at_s = math.inf

    def __call__(
        self, *, speed: float = math.inf, shift_to_ms: int | None = None, mapping: str = MAPPING
    ) -> ReplayReport:
        config = ReplayConfig(
            file=self.path, mapping=parse_mapping(mapping), speed=speed, shift_to_ms=shift_to_ms
        )
        return replay(
            config,
            send=lambda key, value, headers: self.sent.append(
                (self.now_s, key, decode_transaction(value))
            ),
            tokenise=None,
            clock=lambda: self.now_s,
            sleep=self.sleep,
            stopped=lambda: self.now_s >= self.stop_at_s,
        )

    def sleep(self, nap_s: float) -> None:
        self.naps.append(nap_s)
        self.now_s += nap_s

    @property
    def transactions(self) -> list[Transaction]:
        return [txn for _, _, txn in self.sent]


def test_a_row_becomes_a_transaction_as_declared(tmp_path: Path) -> None:
    run = Run(tmp_path, HEADER + row(1_700_000_000, limit="50000", fraud="stolen", money="840"))
    report = run()
    assert run.sent == [
        (
            1000.0,
            b"u1",
            Transaction(
                transaction_id="may-1",
                event_time=1_700_000_000_000,
                user_id="u1",
                card_id="card-u1",
                bank_id="bank-a",
                payment_system="visa",
                amount_minor=1250,
                currency="USD",
                merchant_id="s1",
                merchant_category="food",
                country="DE",
                city="",
                latitude=52.5,
                longitude=13.4,
                pin_used=True,
                channel="chip",
                card_limit_minor=50_000,
                label="stolen",
            ),
        )
    ]
    assert (report.rows, report.sent, report.labelled, report.rejections.total) == (1, 1, 1, 0)


def test_only_declared_empty_cells_have_a_meaning(tmp_path: Path) -> None:
    run = Run(tmp_path, HEADER + row(1, scheme="", limit="") + row(2, shop="") + row(3, fraud=""))
    report = run()
    (txn,) = run.transactions
    assert (txn.payment_system, txn.card_limit_minor) == ("unknown", None)
    assert [str(rejection) for rejection in report.rejections.shown] == [
        "line 3: merchant_id from column `shop`: empty; allowed: a value in every row, "
        "or `default` in the mapping",
        "line 4: label from column `fraud`: empty; allowed: the cells under `genuine`, "
        "or a scenario",
    ]


def test_lines_are_physical_lines_whatever_is_quoted_or_blank(tmp_path: Path) -> None:
    text = (
        HEADER
        + row(1, shop='"two\nlines"')  # lines 2 and 3
        + row(2, amount="x")  # line 4
        + "\n\r\n"  # lines 5 and 6
        + row(3, shop='"three\r\nwhole\nlines"', amount="y")  # lines 7 to 9
        + row(4, pin="?")  # line 10
        + row(5)
    )
    run = Run(tmp_path, text)
    report = run()
    assert [rejection.line for rejection in report.rejections.shown] == [4, 7, 10]
    assert [txn.transaction_id for txn in run.transactions] == ["may-1", "may-5"]
    assert run.transactions[0].merchant_id == "two\nlines"


def test_rows_that_are_no_rows_are_counted_in_their_place(tmp_path: Path) -> None:
    text = (
        HEADER
        + row(1)
        + "1,2,3\n"
        + row(2, shop='a "quoted" shop')  # quotation marks in the middle are as they are
        + row(3, shop='"shop"s')
        + row(4, amount="?")
        + row(5, shop='"never closed')
    )
    run = Run(tmp_path, text.encode() + b"")
    report = run()
    assert [(r.line, r.field) for r in report.rejections.shown] == [
        (3, ""),
        (5, ""),
        (6, "amount_minor"),
        (7, ""),
    ]
    assert "3 cells; allowed: 9 as in the header" in str(report.rejections.shown[0])
    assert "a quotation mark is missing" in str(report.rejections.shown[1])
    assert [txn.transaction_id for txn in run.transactions] == ["may-1", "may-3"]
    assert report.rows == 6


def test_rejected_rows_are_all_counted_and_the_first_kept(tmp_path: Path) -> None:
    bad = [row(i, amount="x") for i in range(30)] + [row(i, money="1") for i in range(7)]
    report = Run(tmp_path, HEADER + "".join(bad))()
    assert report.rejections.total == 37
    assert len(report.rejections.shown) == SHOWN
    assert report.rejections.by_reason == {
        "amount_minor from column `amount`: not a number; "
        "allowed: plain decimal digits such as -12.34": 30,
        "currency from column `money`: not among the mapping's values; allowed: `978`, `840`": 7,
    }


def test_what_the_contract_forbids_is_rejected_by_line(tmp_path: Path) -> None:
    rows = [row(4_102_444_800), row(1, user="x" * 129), row(2, limit="0")]
    report = Run(tmp_path, HEADER + "".join(rows))()
    assert [str(rejection).partition(":")[0] for rejection in report.rejections.shown] == [
        "line 2",
        "line 3",
        "line 4",
    ]
    assert {rejection.field for rejection in report.rejections.shown} == {
        "event_time",
        "user_id",
        "card_limit_minor",
    }


def test_a_card_number_is_rejected_by_line_and_never_shown(tmp_path: Path) -> None:
    rows = [
        row(1, user="4111 1111 1111 1111"),
        row(2, shop="4111111111111111"),
        row(3, shop="Bakery 4111-1111-1111-1111"),
        row(4, scheme="4111111111111111"),
        row(5, fraud="4111111111111111"),
        row(6, money="4111111111111111"),
        row(7, amount="4111111111111111"),
        row(4111111111111111),
        row(8, pin="4111111111111111"),
        row(9, limit="378282246310005"),
    ]
    run = Run(tmp_path, HEADER + "".join(rows))
    report = run()
    assert run.sent == []
    assert [rejection.line for rejection in report.rejections.shown] == list(range(2, 12))
    assert "1111" not in repr(report)
    assert "1111" not in "".join(map(str, report.rejections.shown))
    assert "378282" not in repr(report)


def test_bytes_that_are_not_utf8_cost_only_their_row(tmp_path: Path) -> None:
    text = (HEADER + row(1, shop="caf\x00") + row(2)).encode().replace(b"\x00", b"\xe9")
    run = Run(tmp_path, text)
    report = run()
    assert [rejection.line for rejection in report.rejections.shown] == [2]
    assert "not UTF-8" in report.rejections.shown[0].reason
    assert run.transactions[0].event_time == 2000


def test_a_byte_order_mark_and_gzip_make_no_difference(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbf" + (HEADER + row(1) + row(2)).encode()
    run = Run(tmp_path, gzip.compress(text), name="May.CSV.gz")
    run()
    assert [txn.transaction_id for txn in run.transactions] == ["May-1", "May-2"]


def test_another_delimiter_is_declared(tmp_path: Path) -> None:
    run = Run(tmp_path, (HEADER + row(1)).replace(",", ";"))
    assert run(mapping='delimiter: ";"\n' + MAPPING).sent == 1


def test_many_rows_keep_their_order_across_batches(tmp_path: Path) -> None:
    run = Run(
        tmp_path, HEADER + "".join(row(i, amount="x" if i % 5 == 0 else "1") for i in range(9000))
    )
    report = run()
    assert [txn.event_time for txn in run.transactions] == [i * 1000 for i in range(9000) if i % 5]
    assert run.transactions[-1].transaction_id == "may-9000"
    assert report.rejections.total == 1800


def test_transactions_are_sent_at_their_time(tmp_path: Path) -> None:
    run = Run(tmp_path, HEADER + row(100) + row(150) + row(150) + row(300))
    report = run(speed=100.0)
    assert [at for at, _, _ in run.sent] == pytest.approx([1000.0, 1000.5, 1000.5, 1002.0])
    assert max(run.naps) <= 0.2
    assert report.lag_s == pytest.approx(0.0, abs=1e-6)


def test_a_replay_at_full_speed_never_sleeps(tmp_path: Path) -> None:
    run = Run(tmp_path, HEADER + row(100) + row(100_000))
    run(speed=math.inf)
    assert run.naps == []


def test_a_replay_that_cannot_keep_up_says_by_how_much(tmp_path: Path) -> None:
    run = Run(tmp_path, HEADER + row(0) + row(1) + row(2))
    config = ReplayConfig(file=run.path, mapping=parse_mapping(MAPPING), speed=1.0)
    report = replay(
        config,
        send=lambda key, value, headers: run.sleep(3.0),
        tokenise=None,
        clock=lambda: run.now_s,
        sleep=run.sleep,
    )
    assert report.lag_s == pytest.approx(4.0)


def test_a_stop_is_noticed_in_the_middle_of_a_long_wait(tmp_path: Path) -> None:
    run = Run(tmp_path, HEADER + row(0) + row(100_000))
    run.stop_at_s = 1001.0
    assert run(speed=1.0).sent == 1
    assert run.now_s == pytest.approx(1001.0, abs=0.2)


def test_rows_out_of_order_stay_where_they_are_and_are_counted(tmp_path: Path) -> None:
    run = Run(tmp_path, HEADER + row(100) + row(90) + row(101) + row(95))
    report = run(speed=1.0)
    assert [txn.event_time // 1000 for txn in run.transactions] == [100, 90, 101, 95]
    assert [at for at, _, _ in run.sent] == pytest.approx([1000.0, 1000.0, 1001.0, 1001.0])
    assert report.out_of_order == 2


def test_a_shift_moves_all_times_by_one_constant(tmp_path: Path) -> None:
    run = Run(tmp_path, HEADER + row(0, amount="x") + row(100) + row(90) + row(103))
    report = run(shift_to_ms=1_800_000_000_000)
    start = 1_800_000_000_000
    assert [txn.event_time for txn in run.transactions] == [start, start - 10_000, start + 3_000]
    assert report.shift_ms == start - 100_000


def test_a_time_that_is_shifted_out_of_range_is_rejected(tmp_path: Path) -> None:
    run = Run(tmp_path, HEADER + row(100) + row(90))
    report = run(shift_to_ms=5_000)
    assert [txn.event_time for txn in run.transactions] == [5_000]
    assert str(report.rejections.shown[0]).startswith("line 3: event_time: shifted out of")


def test_a_column_that_the_file_does_not_have_is_named_with_those_it_has(tmp_path: Path) -> None:
    run = Run(tmp_path, HEADER.replace("amount", "amt") + row(1))
    with pytest.raises(UnreadableFileError) as error:
        run()
    assert "amount_minor: the file has no column `amount`; its columns are `at`, `user`" in str(
        error.value
    )


def test_a_column_that_comes_twice_is_an_error(tmp_path: Path) -> None:
    run = Run(tmp_path, HEADER.replace("scheme", "amount") + row(1))
    with pytest.raises(UnreadableFileError, match="amount_minor: the file has 2 columns named"):
        run(mapping=MAPPING.replace("column: scheme", "column: shop"))


def test_a_file_without_header_does_not_show_its_first_row_s_card_number(tmp_path: Path) -> None:
    run = Run(tmp_path, row(1, user="4111111111111111"))
    with pytest.raises(UnreadableFileError) as error:
        run()
    assert "1111" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.xlsx", b"", r"allowed: \.csv, \.csv\.gz, \.parquet"),
        ("a.csv", b"", "empty; allowed: a header line"),
        ("a.csv", b'"a', "line 1: not readable as a CSV header"),
        ("a.csv.gz", b"no gzip", "line 1: the file is damaged or cut off"),
        ("a.csv.gz", gzip.compress(HEADER.encode() * 99)[:-9], "damaged or cut off"),
        ("a.csv", b"a" * 1_048_577, "line 1: longer than 1,048,576 characters"),
        ("a.parquet", b"PAR1 no parquet PAR1", "not a Parquet file, or cut off"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    with pytest.raises(UnreadableFileError, match=words):
        Run(tmp_path, content, name=name)()


def test_a_file_that_is_missing_says_so(tmp_path: Path) -> None:
    run = Run(tmp_path, HEADER)
    run.path.unlink()
    with pytest.raises(UnreadableFileError, match="cannot be opened: No such file"):
        run()


@pytest.mark.parametrize(
    ("text", "speed"), [("1x", 1.0), ("100x", 100.0), ("0.5x", 0.5), ("max", math.inf)]
)
def test_speeds_are_read(text: str, speed: float) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["", "x", "0x", "-1x", "100", "1e3x", "fast", "nanx", "infx"])
def test_a_speed_that_is_none_says_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="`1x` or `100x`, and `max`"):
        parse_speed(text)


def test_a_shift_is_now_or_a_time_with_an_offset() -> None:
    assert parse_shift_to("now", now_ms=lambda: 7) == 7
    expected = round(datetime(2026, 11, 21, 10, tzinfo=UTC).timestamp() * 1000)
    assert parse_shift_to("2026-11-21T11:00:00+01:00", now_ms=lambda: 7) == expected
    for text in ("2026-11-21T11:00:00", "tomorrow", ""):
        with pytest.raises(ValueError, match="`now` and an ISO 8601 time with offset"):
            parse_shift_to(text, now_ms=lambda: 7)
