from cardwatch_operator.alert_rate import AlertRate


class Clock:
    """A clock that goes when it is told to. Seconds."""

    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def test_alerts_are_counted_by_config_in_whole_minutes() -> None:
    clock = Clock()
    rate = AlertRate(clock)
    rate.add("strict")
    clock.now_s += 59.9
    rate.add("strict")
    rate.add("lenient")
    assert rate.of_last_minute() is None

    clock.now_s += 0.1
    rate.add("strict")  # of the next minute

    assert rate.of_last_minute() == {"strict": 2, "lenient": 1}
    clock.now_s += 59.9
    assert rate.of_last_minute() == {"strict": 2, "lenient": 1}
    clock.now_s += 0.1
    assert rate.of_last_minute() == {"strict": 1}


def test_a_minute_without_alerts_has_none() -> None:
    clock = Clock()
    rate = AlertRate(clock)
    rate.add("strict")
    clock.now_s += 150

    assert rate.of_last_minute() == {}

    rate.add("strict")
    clock.now_s += 30
    assert rate.of_last_minute() == {"strict": 1}
