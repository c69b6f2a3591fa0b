import io

import pytest
from rich.console import Console
from tests.unit.cli.samples import a_finding, a_snapshot, an_alert

from cardwatch_contracts.detector_config import ON_BY_DEFAULT
from cardwatch_local.demo.panels import bar
from cardwatch_local.demo.snapshot import Snapshot
from cardwatch_local.demo.view import LiveView, clock, status_line


def screen(snapshot: Snapshot, width: int, height: int) -> list[str]:
    console = Console(
        record=True, width=width, height=height, force_terminal=True, file=io.StringIO()
    )
    console.print(LiveView(snapshot), height=height, end="")
    return console.export_text().rstrip("\n").split("\n")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (120, 40), (200, 60)])
def test_the_view_fills_the_screen_and_no_more(width: int, height: int) -> None:
    lines = screen(a_snapshot(), width, height)
    assert len(lines) == height
    assert max(map(len, lines)) <= width


def test_everything_that_counts_is_on_80_by_24() -> None:
    text = "\n".join(screen(a_snapshot(), 80, 24))
    for detector in ON_BY_DEFAULT:
        assert detector in text
    assert "unusual_location" not in text, "it is off, and takes no line"
    for word in ("79.8", "4,812", "80.2", "4,730", "2.1", "121", "38 ms", "71 ms", "12.3 s"):
        assert word in text
    for word in ("kafka", "valkey", "jobmanager", "taskmanager-1", "archiver", "00:18 left"):
        assert word in text
    assert text.count("11:47:15") == 8, "as many alerts as there are lines for"


def test_a_detector_that_is_off_by_default_is_listed_once_it_finds_something() -> None:
    text = "\n".join(screen(a_snapshot(by_detector={"unusual_location": 17}), 80, 24))
    (line,) = (line for line in text.split("\n") if "unusual_location" in line)
    assert " 17 " in line


def test_an_alert_shows_time_user_amount_city_and_reason() -> None:
    line = next(line for line in screen(a_snapshot(), 120, 40) if "11:47:15" in line)
    for word in ("1042", "1,234.50 EUR", "Berlin", "15.4 times the card's average"):
        assert word in line


def test_every_finding_of_an_alert_has_a_line_of_its_own() -> None:
    both = an_alert(1, a_finding(), a_finding("very_high_value", reason="over 1,000.00 EUR"))
    lines = screen(a_snapshot(recent=(both,)), 100, 30)
    assert sum("11:47:15" in line for line in lines) == 1
    assert any("over 1,000.00 EUR" in line and "11:47:15" not in line for line in lines)


def test_a_part_that_is_down_stands_out() -> None:
    text = "\n".join(screen(a_snapshot(parts={"kafka": True, "valkey": False}), 80, 24))
    assert "● kafka" in text
    assert "✗ valkey" in text
    assert "DOWN: valkey" in status_line(a_snapshot(parts={"kafka": True, "valkey": False}))


def test_trouble_is_said_on_the_last_line() -> None:
    assert "no answer" in screen(a_snapshot(trouble="Kafka: no answer"), 80, 24)[-1]


def test_before_the_first_alert_the_view_says_so() -> None:
    empty = a_snapshot(recent=(), by_detector={}, duration_s=None)
    text = "\n".join(screen(empty, 80, 24))
    assert "none yet" in text
    assert "running 00:42" in text


def test_hostile_names_do_not_reach_the_terminal() -> None:
    hostile = an_alert(1, city="\x1b[2J\u202eX", user_id="[red]1")
    text = "\n".join(screen(a_snapshot(recent=(hostile,)), 80, 24))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]1" in text, "shown as it is, not read as markup"


def test_the_status_line_has_the_same_figures() -> None:
    line = status_line(a_snapshot())
    assert line == (
        "00:42  sent 4,812 (79.8/s)  judged 4,730 (80.2/s)  alerts 121  p50 38 ms  p99 71 ms"
    )


def test_bars_are_drawn_to_an_eighth() -> None:
    assert bar(1.0, 4) == "████"
    assert bar(0.0, 4) == ""
    assert bar(0.001, 4) == "▏", "a share above 0 is never empty"
    assert bar(0.625, 1) == "▋"


def test_time_spans_are_written_as_clocks() -> None:
    assert [clock(5), clock(125), clock(3725)] == ["00:05", "02:05", "1:02:05"]


def test_every_server_of_a_whole_stack_is_shown() -> None:
    names = [f"server-{number}" for number in range(9)]
    text = "\n".join(screen(a_snapshot(parts=dict.fromkeys(names, True)), 80, 24))
    assert all(name in text for name in names)


def test_the_last_line_says_where_the_same_is_seen_in_a_browser() -> None:
    shown = screen(a_snapshot(visualizer_url="http://127.0.0.1:40325"), 100, 30)
    assert shown[-1].startswith(" http://127.0.0.1:40325 in a browser · Ctrl-C")
