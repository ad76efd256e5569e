"""How long a failed batch waits."""

from hypothesis import given
from hypothesis import strategies as st

from freight.domain.jobs.retry import RetryPolicy

policies = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 100),
    backoff=st.sampled_from(["exponential", "linear", "fixed"]),
    initial_delay=st.floats(0, 86_400),
    max_delay=st.floats(0, 86_400),
    jitter=st.booleans(),
)


@given(policies, st.integers(1, 100))
def test_a_delay_is_never_longer_than_the_longest(policy: RetryPolicy, attempt: int) -> None:
    assert 0 <= policy.delay(attempt) <= policy.max_delay


def test_delays_grow_as_the_policy_says() -> None:
    def delays(backoff: str) -> list[float]:
        policy = RetryPolicy(backoff=backoff, initial_delay=2, max_delay=10, jitter=False)
        return [policy.delay(attempt) for attempt in range(1, 5)]

    assert delays("exponential") == [2, 4, 8, 10]
    assert delays("linear") == [2, 4, 6, 8]
    assert delays("fixed") == [2, 2, 2, 2]
