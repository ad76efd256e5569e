"""Unsent: which requests certainly had no effect, so that their records are as if none had been sent for them."""

from freight.connectors.errors import ConnectorError, MustWait
from freight.domain.current_step import Interrupted
from freight.domain.migration.planning.plan import RecordPlan


class NotSent(Interrupted):
    """The request of a record was not sent, because the attempt ends."""


def had_no_effect(plan: RecordPlan, error: ConnectorError | Interrupted) -> bool:
    """Return whether the request of a record, which ended with this error, certainly had no effect.

    A request that can be sent twice is repeated, also after a failure that may have followed its effect; a wait says
    nothing about what happened before it.
    """
    if plan.staged.in_flight is not None:
        return False
    is_waiting = isinstance(error, MustWait) and plan.write == "create" and not plan.draft.unique
    return isinstance(error, NotSent) or is_waiting
