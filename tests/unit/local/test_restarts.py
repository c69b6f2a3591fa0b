from cardwatch_local.restarts import RestartPolicy


def die_and_wait(policy: RestartPolicy, now_s: float) -> float:
    """Return the pause after a death at `now_s`, to a quarter of a second."""
    for quarter in range(400):
        if policy.is_due(now_s + quarter / 4):
            return quarter / 4
    raise AssertionError("never due")


def test_the_pause_doubles_up_to_half_a_minute() -> None:
    policy, now_s, pauses = RestartPolicy(), 1000.0, []
    for _ in range(8):
        policy.started(now_s)
        pause_s = die_and_wait(policy, now_s)
        pauses.append(pause_s)
        now_s += pause_s
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_after_eight_deaths_in_a_row_it_gives_up() -> None:
    policy, now_s = RestartPolicy(), 1000.0
    for _ in range(8):
        policy.started(now_s)
        now_s += die_and_wait(policy, now_s)
    assert not policy.has_given_up
    policy.started(now_s)
    assert not policy.is_due(now_s)
    assert policy.has_given_up
    assert not policy.is_due(now_s + 1e9)


def test_a_minute_without_death_starts_afresh() -> None:
    policy = RestartPolicy()
    policy.started(0)
    die_and_wait(policy, 1)
    policy.started(10)
    assert die_and_wait(policy, 70) == 1
    policy.started(100)
    assert die_and_wait(policy, 159.75) == 2
