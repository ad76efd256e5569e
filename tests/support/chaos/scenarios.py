"""The scenarios: what kinds of trouble there are, and how a seed draws each."""

import signal
from random import Random
from typing import Any

from support.chaos.schedule import SPAN, Act, Scenario
from support.chaos.vendors import Vendor, VendorFault

WORKERS = ("worker-0", "worker-1")
ALL = ("api", *WORKERS)
WHOLE_RUN = 3600.0
PAST_LEASE = (33.0, 45.0)
HOUR = 3600
LOOP = 120.0
"""Seconds within which a job has to leave pages that go round."""

Given = tuple[Vendor, VendorFault]


def kill_a_worker(random: Random) -> list[Act]:
    return [
        Act(_when(random), "kill", {"who": [random.choice(WORKERS)], "seconds": _from(random, 0.5, 6)})
        for _ in range(3)
    ]


def kill_all(random: Random) -> list[Act]:
    return [Act(_when(random), "kill", {"who": ALL, "seconds": _from(random, 0.5, 10)})]


def kill_the_api(random: Random) -> list[Act]:
    # The first one meets the request that creates the job.
    times = (round(random.uniform(0, 0.6), 2), _when(random))
    return [Act(at, "kill", {"who": ["api"], "seconds": _from(random, 0.5, 3)}) for at in times]


def stop_a_worker(random: Random) -> list[Act]:
    return [
        Act(_when(random), "stop", {"who": [random.choice(ALL)], "seconds": _from(random, 0.1, 3)}) for _ in range(3)
    ]


def freeze_a_worker(random: Random) -> list[Act]:
    return [_freeze(random, [random.choice(WORKERS)], *PAST_LEASE)]


def freeze_a_moment(random: Random) -> list[Act]:
    return [_freeze(random, [random.choice(WORKERS)], 3, 20)]


def freeze_all(random: Random) -> list[Act]:
    return [_freeze(random, ALL, *PAST_LEASE)]


def redis_emptied(random: Random) -> list[Act]:
    return [Act(_when(random), "empty_redis") for _ in range(4)]


def redis_restarted(random: Random) -> list[Act]:
    return [Act(_when(random), "restart_redis", {"seconds": _from(random, 0.1, 15)})]


def redis_frozen(random: Random) -> list[Act]:
    return [Act(_when(random), "freeze_redis", {"seconds": _from(random, 2, 25)})]


def redis_refuses(random: Random) -> list[Act]:
    reason = random.choice(("read_only", "out_of_memory", "no_replicas"))
    return [Act(_when(random), "write_protect_redis", {"reason": reason, "seconds": _from(random, 4, 15)})]


def stop_without_redis(random: Random) -> list[Act]:
    return [Act(_when(random), "stop_without_redis", {"who": ALL, "seconds": _from(random, 0.5, 5)})]


def postgres_restarted(random: Random) -> list[Act]:
    number = random.choice((signal.SIGKILL, signal.SIGINT, signal.SIGQUIT))
    return [Act(_when(random), "restart_postgres", {"number": int(number)})]


def postgres_frozen(random: Random) -> list[Act]:
    return [Act(_when(random), "freeze_postgres", {"seconds": _from(random, 3, 40)})]


def postgres_fails_over(random: Random) -> list[Act]:
    return [Act(_when(random), "fail_over_postgres", {"seconds": _from(random, 2, 10)})]


def postgres_drops_connections(random: Random) -> list[Act]:
    return [Act(_when(random), "drop_connections") for _ in range(5)]


def clocks_jump(random: Random) -> list[Act]:
    ahead = random.choice((-24 * HOUR, -HOUR, -600, 600, HOUR, 24 * HOUR))
    chosen = random.sample(range(len(WORKERS)), random.randint(1, len(WORKERS)))
    return [Act(round(random.uniform(0, SPAN), 2), "move_clocks", {"workers": chosen, "ahead": ahead})]


def paused_and_resumed(random: Random) -> list[Act]:
    return [Act(2 + 8 * number, "pause", {"seconds": _from(random, 0.1, 5)}) for number in range(3)]


def cancelled(random: Random) -> list[Act]:
    return [Act(_when(random), "cancel_and_begin_again") for _ in range(2)]


def refused_and_retried(random: Random) -> list[Act]:
    path = random.choice(("/v2/objects/people", "/v2/objects/companies", "/v2/notes", "/v2/tasks"))
    refused = {"kind": "forbidden", "path_prefix": path, "probability": 0.3, "times": random.randint(1, 10)}
    return [_faults(0, WHOLE_RUN, ("attio", refused))]


def late_errors(random: Random) -> list[Act]:
    late = {"kind": "late_server_error_after_write", "probability": 0.08, "milliseconds": random.randint(500, 9000)}
    return [_faults(0, WHOLE_RUN, ("attio", late))]


def errors_after_the_effect(_: Random) -> list[Act]:
    kinds = ("server_error_after_write", "drop_after_write")
    return [_faults(0, WHOLE_RUN, *(("attio", {"kind": kind, "probability": 0.05}) for kind in kinds))]


def web_pages(random: Random) -> list[Act]:
    kinds = ("html_error", "html_success", "html_forbidden", "wrong_body")
    return [_faults(0, WHOLE_RUN, *_both(random, kinds, 0.1))]


def cut_answers(random: Random) -> list[Act]:
    return [_faults(0, WHOLE_RUN, *_both(random, ("drop_before", "truncated"), 0.1))]


def answers_that_never_end(random: Random) -> list[Act]:
    shown: list[Given] = [
        (vendor, {"kind": kind, "times": 1, "milliseconds": 2000}) for vendor in VENDORS for kind in ("drip", "hang")
    ]
    return [_faults(_when(random), 20, *shown)]


def odd_waits(random: Random) -> list[Act]:
    texts = ("-1", "0", "soon", "1795748498", "Wed, 21 Oct 2015 07:28:00 GMT", "1e999", "nan")
    shown: list[Given] = [
        (vendor, {"kind": "odd_wait", "probability": 0.02, "headers": {"Retry-After": text}})
        for vendor in VENDORS
        for text in texts
    ]
    resets = {"X-Ratelimit-Limit-User-Remaining": "0", "X-Ratelimit-Limit-User-Reset": "1795748498"}
    epoch: Given = ("affinity", {"kind": "odd_wait", "times": 1, "headers": resets})
    random.shuffle(shown)
    return [_faults(0, WHOLE_RUN, epoch, *shown)]


def long_wait(random: Random) -> list[Act]:
    at = random.uniform(0.5, 10)
    vendor = random.choice(VENDORS) if at < 3 else "attio"
    wait = {"kind": "odd_wait", "times": 1, "headers": {"Retry-After": random.choice(("31536000", "7200"))}}
    return [
        _faults(at, 20, (vendor, wait)),
        Act(at + 1, "expect_word_of_waiting", {"seconds": 30}),
        # Workers and Redis remember the wait, each for the other: it would hold for the next job too.
        Act(at + 32, "kill", {"who": ["worker-0", "worker-1"], "seconds": 3}),
        Act(at + 33, "empty_redis"),
        Act(at + 42, "cancel_and_begin_again"),
    ]


def maintenance(random: Random) -> list[Act]:
    closed = random.choice(
        (
            {"kind": "unavailable", "headers": {"Retry-After": "15"}},
            {"kind": "html_error"},
            {"kind": "html_success"},
            {"kind": "drop_before"},
        )
    )
    at = _when(random)
    vendor = "affinity" if at < 4 else "attio"
    return [_faults(at, _from(random, 10, 50), (vendor, closed))]


def expired_cursors(random: Random) -> list[Act]:
    # Slow pages, so that cursors expire while streams are being read, whenever that is.
    slow = _faults(0, 30, ("affinity", {"kind": "latency", "milliseconds": 400}))
    began = _from(random, 2, 4)
    expired: Given = ("affinity", {"kind": "old_cursors_expired"})
    return [slow, *(_faults(began + 1.9 * number, WHOLE_RUN, expired) for number in range(10))]


def looping_cursors(_: Random) -> list[Act]:
    return [_faults(0, LOOP, ("affinity", {"kind": "cursor_loop"})), Act(0, "expect_end", {"seconds": LOOP})]


def bad_downloads(random: Random) -> list[Act]:
    kinds = ("storage_error", "storage_html", "storage_truncated", "storage_redirect")
    shown: list[Given] = [("affinity", {"kind": kind, "probability": 0.1}) for kind in random.sample(kinds, len(kinds))]
    return [_faults(0, WHOLE_RUN, *shown)]


def one_in_ten(random: Random) -> list[Act]:
    return [_faults(0, WHOLE_RUN, *_both(random, ONCE_IN_A_WHILE, 0.1))]


def everything(random: Random) -> list[Act]:
    drawn = [
        kill_a_worker, kill_the_api, stop_a_worker, freeze_a_moment, freeze_a_worker, redis_emptied, redis_restarted,
        redis_refuses, postgres_restarted, postgres_fails_over, postgres_drops_connections, paused_and_resumed,
    ]  # fmt: skip
    chosen = [act for draw in random.sample(drawn, 4) for act in draw(random)[:2]]
    return [_faults(0, WHOLE_RUN, *_both(random, ONCE_IN_A_WHILE, 0.03)), *chosen]


VENDORS: tuple[Vendor, ...] = ("affinity", "attio")

ONCE_IN_A_WHILE = (
    "rate_limit", "server_error", "unavailable", "html_error", "html_success", "html_forbidden", "wrong_body",
    "drop_before", "truncated", "write_conflict", "server_error_after_write", "drop_after_write",
    "late_server_error_after_write",
)  # fmt: skip
"""What any request may meet."""

FURTHER: dict[str, dict[str, Any]] = {
    "late_server_error_after_write": {"milliseconds": 4000},
    "unavailable": {"headers": {"Retry-After": "2"}},
}


def _both(random: Random, kinds: tuple[str, ...], rate: float) -> list[Given]:
    """Faults of these kinds at both vendors, which together strike so many of all requests."""
    shown: list[Given] = [
        (vendor, {"kind": kind, "probability": round(rate / len(kinds), 4), **FURTHER.get(kind, {})})
        for vendor in VENDORS
        for kind in kinds
    ]
    random.shuffle(shown)
    return shown


def _faults(at: float, seconds: float, *shown: Given) -> Act:
    return Act(round(at, 2), "show_faults", {"faults": list(shown), "seconds": seconds})


def _freeze(random: Random, who: list[str] | tuple[str, ...], least: float, most: float) -> Act:
    return Act(_when(random), "freeze", {"who": who, "seconds": _from(random, least, most)})


def _when(random: Random) -> float:
    return _from(random, 1, SPAN)


def _from(random: Random, least: float, most: float) -> float:
    return round(random.uniform(least, most), 2)


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("kill-a-worker", "A worker that is killed is replaced.", kill_a_worker),
        Scenario("kill-all", "All processes are killed at once and start again.", kill_all),
        Scenario("kill-the-api", "The API is killed, also while it creates the job.", kill_the_api),
        Scenario("stop", "SIGTERM is obeyed in time, with status 0.", stop_a_worker),
        Scenario("freeze-a-worker", "A worker that was frozen past its lease sends nothing twice.", freeze_a_worker),
        Scenario("freeze-a-moment", "A worker that was frozen within its lease goes on.", freeze_a_moment),
        Scenario("freeze-all", "The whole machine sleeps.", freeze_all),
        Scenario("redis-emptied", "Redis loses all that it holds.", redis_emptied),
        Scenario("redis-restarted", "Redis is killed and comes back empty.", redis_restarted),
        Scenario("redis-frozen", "Redis answers nothing.", redis_frozen),
        Scenario("redis-refuses", "Redis refuses writes; workers wait and live.", redis_refuses),
        Scenario("stop-without-redis", "SIGTERM is obeyed while there is no Redis.", stop_without_redis),
        Scenario("postgres-restarted", "PostgreSQL crashes, or is stopped and started.", postgres_restarted),
        Scenario("postgres-frozen", "PostgreSQL answers nothing.", postgres_frozen),
        Scenario("postgres-fails-over", "Connections that cannot write are given up.", postgres_fails_over),
        Scenario("postgres-connections", "PostgreSQL ends connections.", postgres_drops_connections),
        Scenario("clocks-jump", "Clocks of workers jump by up to a day.", clocks_jump),
        Scenario("paused", "The job is paused and resumed.", paused_and_resumed),
        Scenario("cancelled", "The job is cancelled, and another one does the rest.", cancelled),
        Scenario("retried", "What the target refused arrives with a retry.", refused_and_retried, needs_person=True),
        Scenario("late-errors", "A 504 whose write takes effect seconds later doubles nothing.", late_errors),
        Scenario("errors-after-effect", "An error that hides an effect doubles nothing.", errors_after_the_effect),
        Scenario("web-pages", "HTML and errors with any status are no answers.", web_pages),
        Scenario("cut-answers", "Connections end before and in the middle of answers.", cut_answers),
        Scenario("endless-answers", "Answers that drip or never come are given up.", answers_that_never_end),
        Scenario("odd-waits", "A wait that makes no sense is not obeyed.", odd_waits),
        Scenario("long-wait", "A job that waits for long says so, and can be cancelled.", long_wait),
        Scenario("maintenance", "A vendor that is unavailable for a while is waited for.", maintenance),
        Scenario("expired-cursors", "A stream whose cursor has expired is read from its start.", expired_cursors),
        Scenario("looping-cursors", "Pages that go round are left.", looping_cursors, needs_person=True),
        Scenario("bad-downloads", "What is not the file is not taken for it.", bad_downloads, needs_person=True),
        Scenario("one-in-ten", "One request in ten fails, and the job completes.", one_in_ten),
        Scenario("everything", "Several kinds of trouble in one run.", everything),
    )
}
