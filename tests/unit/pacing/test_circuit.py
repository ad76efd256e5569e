"""What happens while a vendor answers nothing but errors; times are handed in."""

from freight.pacing import circuit as circuits
from freight.pacing.circuit import Circuit

AT = 1000.0
OPENED_UNTIL = AT + circuits.SHORTEST_OPEN


def fail(circuit: Circuit, times: int, now: float = AT) -> list[bool]:
    return [circuit.failed(now) for _ in range(times)]


def opened() -> Circuit:
    circuit = Circuit()
    assert fail(circuit, circuits.FAILURES_TO_OPEN) == [False] * (circuits.FAILURES_TO_OPEN - 1) + [True]
    return circuit


def test_it_opens_only_after_failures_in_a_row():
    circuit = Circuit()
    for _ in range(10):
        fail(circuit, circuits.FAILURES_TO_OPEN - 1)
        circuit.succeeded()
    assert circuit.admits(AT)
    assert circuit.wait(AT) == 0


def test_an_open_circuit_lets_one_trial_through_at_a_time():
    circuit = opened()
    assert circuit.wait(AT + 1) == circuits.SHORTEST_OPEN - 1
    assert not circuit.admits(OPENED_UNTIL - 1)
    assert circuit.wait(OPENED_UNTIL) == 0
    assert [circuit.admits(OPENED_UNTIL) for _ in range(3)] == [True, False, False]
    assert circuit.is_trying
    assert circuit.wait(OPENED_UNTIL) == circuits.POLL
    circuit.succeeded()
    assert all(circuit.admits(OPENED_UNTIL) for _ in range(3))


def test_each_trial_that_fails_doubles_the_wait_up_to_three_quarters_of_a_minute_however_long_the_outage_lasts():
    circuit = opened()
    now, waits = AT, []
    for _ in range(800):
        waits.append(circuit.open_for)
        now += circuit.open_for
        assert circuit.admits(now)
        assert circuit.failed(now)
    assert waits[:5] == [10, 20, 40, 45, 45]
    assert max(waits) == 45
    assert now - AT > 8 * 3600
    circuit.succeeded()
    assert circuit.admits(now)


def test_requests_that_were_on_their_way_do_not_lengthen_it():
    circuit = opened()
    fail(circuit, 60)
    assert circuit.open_for == circuits.SHORTEST_OPEN


def test_a_trial_whose_outcome_is_never_reported_is_followed_by_another():
    circuit = opened()
    assert circuit.admits(OPENED_UNTIL)
    assert circuit.admits(OPENED_UNTIL + circuits.TRIAL_TIMEOUT)


def test_single_requests_that_always_fail_do_not_keep_it_opening_for_ever():
    circuit = Circuit()
    now, needed = AT, []
    for _ in range(6):
        failures = 0
        while not circuit.open_for:
            circuit.failed(now)
            failures += 1
        needed.append(failures)
        # One of them is the trial, and fails too; then another request is answered.
        now += circuit.open_for
        assert circuit.admits(now)
        circuit.failed(now)
        now += circuit.open_for
        assert circuit.admits(now)
        circuit.succeeded()
    assert needed == [8, 16, 32, 64, 64, 64]


def test_it_opens_quickly_again_after_a_real_outage_and_after_a_quiet_time():
    circuit = opened()
    now = AT
    for _ in range(circuits.CONFIRMED_BY):
        now += circuit.open_for
        assert circuit.admits(now)
        assert circuit.failed(now)
    circuit.succeeded()
    assert fail(circuit, circuits.FAILURES_TO_OPEN, now)[-1]

    blip = opened()
    blip.succeeded()
    assert not fail(blip, circuits.FAILURES_TO_OPEN)[-1]
    blip.succeeded()
    assert fail(blip, circuits.FAILURES_TO_OPEN, AT + circuits.REMEMBERED_SECONDS + 1)[-1]
