"""A failure that repeats fills no log."""

import structlog

from freight.trouble import AGAIN_SECONDS, Trouble


def test_a_failure_that_repeats_is_logged_once_a_minute_and_once_when_it_is_over() -> None:
    now = 0.0
    trouble = Trouble("not_looked_at", clock=lambda: now)
    with structlog.testing.capture_logs() as lines:
        trouble.passed()
        for _ in range(1000):
            trouble.failed(ConnectionError("refused"), job="1")
        trouble.passed()
        now += AGAIN_SECONDS
        trouble.failed(ConnectionError("refused"), job="2")
        now += AGAIN_SECONDS
        for _ in range(10):
            trouble.passed()
    told = [(line["log_level"], line["event"], line["failures"]) for line in lines]
    assert told == [
        ("warning", "not_looked_at", 1),
        ("warning", "not_looked_at", 1001),
        ("info", "not_looked_at", 1001),
    ]
    assert lines[0]["reason"] == "ConnectionError: refused"
