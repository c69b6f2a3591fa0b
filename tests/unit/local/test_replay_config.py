from pathlib import Path

import pytest

from cardwatch_local.errors import StackError
from cardwatch_local.traffic.replaying import Wanted, replay_config


@pytest.mark.parametrize("speed", ["max", "1.5x", "100x"])
def test_a_file_is_not_moved_to_now_and_then_made_to_overtake_the_clock(speed: str) -> None:
    wanted = Wanted(file=Path("a.csv"), mapping="sparkov", speed=speed, shift_to="now")
    with pytest.raises(StackError, match=rf"--speed {speed}.*allowed: a speed up to 1x"):
        replay_config(wanted)


def test_a_file_that_is_moved_to_now_keeps_pace_with_the_clock() -> None:
    wanted = Wanted(file=Path("a.csv"), mapping="sparkov", speed="1x", shift_to="now")
    assert replay_config(wanted).speed == 1
