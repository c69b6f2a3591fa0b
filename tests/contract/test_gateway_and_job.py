from cardwatch_gateway.validation import MAX_AHEAD_MS
from cardwatch_job.judge import MAX_AHEAD_MS as JOB_S_MAX_AHEAD_MS


def test_the_gateway_refuses_what_the_job_would_set_aside_as_from_the_future() -> None:
    assert MAX_AHEAD_MS == JOB_S_MAX_AHEAD_MS
