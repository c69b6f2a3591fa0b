from cardwatch_contracts.detector_config import AmountSpikeConfig, NegativeAmountConfig, Selector
from cardwatch_contracts.field_docs import docs_of


def test_a_field_has_what_stands_below_it_in_one_line() -> None:
    documented = docs_of(AmountSpikeConfig)
    assert documented["factor"] == (
        "Smallest multiple of the card's average that is suspicious. No unit."
    )
    assert documented["mode"].startswith("`Active` raises alerts"), "what it inherits, too"
    assert list(docs_of(NegativeAmountConfig)) == ["mode"]
    assert "\n" not in "".join(docs_of(Selector).values())
