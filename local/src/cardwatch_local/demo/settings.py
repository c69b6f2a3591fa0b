"""What can be set for the demo."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from cardwatch_generator.banks import BANK_A, BANK_B
from cardwatch_generator.settings import GeneratorSettings
from cardwatch_local.errors import StackError

STACK_NAME: Final = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSettings:
    """The demo's stream, its length and its report.

    Raises:
        StackError: A value is not allowed; the text names it and what is allowed.
    """

    duration_s: float | None = None
    """Length of the live phase, seconds; None: until Ctrl-C."""
    report: Path | None = None
    """File for the report; None: it is only shown."""
    cards: int = 10_000
    """Cards of both banks."""
    seed: int = 1
    """Seeds the cards, their habits and the fraud."""
    rate_a: float = BANK_A.tps
    """Transactions a second of bank A."""
    rate_b: float = BANK_B.tps
    """Transactions a second of bank B."""
    anomaly_share: float = 0.02
    """Share of the live transactions that scenarios inject."""

    def __post_init__(self) -> None:
        """Refuse what cannot be, before anything is started."""
        if self.duration_s is not None and not 1 <= self.duration_s <= 7 * 86_400:
            raise StackError(f"--duration is {self.duration_s:g} s: allowed is 1 s to 7 days")
        if self.report is not None and not self.report.parent.is_dir():
            raise StackError(f"--report {self.report}: the folder {self.report.parent} is missing")
        self.generator()

    def generator(self) -> GeneratorSettings:
        """Return the generator's settings: two banks, in real time, until it is stopped."""
        try:
            return GeneratorSettings(
                seed=self.seed,
                cards=self.cards,
                anomaly_share=self.anomaly_share,
                banks=(
                    msgspec.structs.replace(BANK_A, tps=self.rate_a),
                    msgspec.structs.replace(BANK_B, tps=self.rate_b),
                ),
            )
        except ValueError as error:
            raise StackError(str(error)) from None
