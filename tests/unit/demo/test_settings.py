from pathlib import Path

import pytest

from cardwatch_local.demo.settings import DemoSettings
from cardwatch_local.errors import StackError


def test_the_defaults_are_two_banks_in_real_time() -> None:
    generator = DemoSettings().generator()
    assert [(bank.id, bank.tps) for bank in generator.banks] == [("A", 50.0), ("B", 30.0)]
    assert generator.cards == 10_000
    assert generator.pace == "real"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"duration_s": 0.5}, "--duration is 0.5 s: allowed is 1 s to 7 days"),
        ({"report": Path("/no/such/folder/x.json")}, "--report /no/such/folder/x.json"),
        ({"rate_a": 0.0}, "bank A: tps 0"),
        ({"cards": 1}, "cards 1: bank"),
        ({"anomaly_share": 0.9}, "anomaly_share 0.9: allowed is 0 to 0.5"),
    ],
)
def test_a_bad_value_is_named_before_anything_starts(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(StackError, match=named):
        DemoSettings(**wrong)  # type: ignore[arg-type] # wrong on purpose
