"""Counting events in a sliding window of event time."""

from bisect import bisect_right

from cardwatch_job.detectors.history import MAX_WINDOW_ENTRIES


def count_within(times: tuple[int, ...], now_ms: int, window_s: float) -> int:
    """Count the times in `(now - window, now]`; `times` is sorted, in milliseconds."""
    oldest_ms = now_ms - int(window_s * 1000)
    return bisect_right(times, now_ms) - bisect_right(times, oldest_ms)


def remember(times: tuple[int, ...], now_ms: int, window_s: float) -> tuple[int, ...]:
    """Insert `now_ms` in order and leave out what no later transaction can count any more."""
    place = bisect_right(times, now_ms)
    times = (*times[:place], now_ms, *times[place:])
    oldest_ms = times[-1] - int(window_s * 1000)
    expired = max(bisect_right(times, oldest_ms), len(times) - MAX_WINDOW_ENTRIES)
    return times[expired:]
