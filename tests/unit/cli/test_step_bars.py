import io

from rich.console import Console
from rich.text import Text

from cardwatch_local.step_bars import StepLines, steps_on


def test_without_a_terminal_each_step_ends_with_a_line() -> None:
    now = iter([0.0, 0.0, 2.5])
    written: list[str] = []
    lines = StepLines(written.append, clock=lambda: next(now))
    lines.started("make the topics", None)
    lines.finished("make the topics")
    assert written == ["make the topics: done in 2.5 s"]


def test_a_long_step_says_how_far_it_is_every_few_seconds() -> None:
    now = iter([0.0, 0.0, 1.0, 6.0, 6.0, 7.0])
    written: list[str] = []
    lines = StepLines(written.append, clock=lambda: next(now))
    lines.started("seed cards", 10_000)
    for done in (10, 2000, 3000):
        lines.advanced("seed cards", done)
    assert written == ["seed cards: 2,000 of 10,000"]


def test_in_a_terminal_each_step_is_a_bar_that_fills() -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=80, height=24)
    with steps_on(console) as steps:
        steps.started("seed cards", 10_000)
        steps.advanced("seed cards", 2_500)
        steps.finished("seed cards")
        steps.started("start the job", None)
        steps.finished("start the job")
    last = Text.from_ansi(shown.getvalue().rpartition("seed cards")[2]).plain
    assert "10,000 of 10,000" in last
