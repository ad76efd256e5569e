"""Keep the pacers of a process, one for each account at a vendor.

A new pacer would begin slowly and know nothing of an open circuit. So those in use are kept, and the `MAX_UNUSED`
others that were used last.
"""

from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakValueDictionary

from freight.pacing.pacer import Pacer

MAX_UNUSED = 500


class Pacers:
    """Pacers by account."""

    def __init__(self, max_unused: int = MAX_UNUSED) -> None:
        self._max = max_unused
        self._recent: OrderedDict[str, Pacer] = OrderedDict()
        self._all: WeakValueDictionary[str, Pacer] = WeakValueDictionary()

    def get(self, account: str, make: Callable[[], Pacer]) -> Pacer:
        """Return the pacer of this account, made if there is none."""
        pacer = self._all.get(account)
        if pacer is None:
            pacer = self._all[account] = make()
        self._recent[account] = pacer
        self._recent.move_to_end(account)
        if len(self._recent) > self._max:
            self._recent.popitem(last=False)
        return pacer

    def __len__(self) -> int:
        return len(self._all)
