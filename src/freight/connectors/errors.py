"""Everything that can go wrong with a vendor. A class's first docstring line is its default message.

ConnectorError
├── CredentialsRefused     401: the key is wrong, revoked or inactive
├── PermissionMissing      403: the key may not do this
├── Unavailable            no usable answer after all repetitions: worth trying again later
├── MustWait               nothing may be sent before `until`, which is too long to be waited for within a step
├── QuotaExhausted         the account's long-term quota is used up until `resets_at`
├── PlanLimitReached       the account's plan holds no more: somebody has to change it before anything can go on
├── QueryTooComplex        a query that alone exceeds a limit, however often it is repeated: ask for less at once
├── Rejected               the vendor refused this one request for what it says
│   ├── RejectedBySource   it was the source that refused, not the target
│   │   ├── CursorRefused  the cursor of a page is not valid any more: read from the start
│   │   └── FileIncomplete what was delivered of a file is not the file that the source lists
│   ├── NotFound           404, an id that the vendor does not know, or a record merged into another
│   └── UniquenessConflict another record holds one of the values
├── InDoubt                a request that may not be repeated blindly was sent, and its effect is unknown
└── UnexpectedAnswer       the vendor answered something that its documentation does not know
    └── PagingLoops        the pages of a collection have no end
"""

from datetime import datetime
from inspect import cleandoc


class ConnectorError(Exception):
    """The vendor could not be used."""

    code = "vendor_error"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or cleandoc(self.__doc__ or "").splitlines()[0])


class CredentialsRefused(ConnectorError):
    """The vendor refused the API key: check that it is complete, active and meant for this vendor."""

    code = "credentials_refused"


class PermissionMissing(ConnectorError):
    """The API key lacks a permission that this needs: grant it at the vendor and try again."""

    code = "permission_missing"


class Unavailable(ConnectorError):
    """The vendor did not give a usable answer, also when asked again: try again later."""

    code = "vendor_unavailable"


class MustWait(ConnectorError):
    """The vendor cannot be asked before a later time."""

    code = "vendor_unavailable"

    def __init__(self, message: str | None = None, *, until: datetime, code: str | None = None) -> None:
        super().__init__(message)
        self.until = until
        """When to try again (aware). It is a wait and no failure: it counts as no attempt."""
        self.code = code or self.code


class QuotaExhausted(ConnectorError):
    """The account's quota of API calls is used up."""

    code = "quota_exhausted"

    def __init__(self, message: str | None = None, *, resets_at: datetime) -> None:
        super().__init__(message)
        self.resets_at = resets_at


class PlanLimitReached(ConnectorError):
    """The account's plan allows no more: upgrade it or make room at the vendor, then resume the job."""

    code = "plan_limit_reached"


class QueryTooComplex(ConnectorError):
    """The vendor refuses a query as too complex, also when it asks for a single record."""

    code = "query_too_complex"


class Rejected(ConnectorError):
    """The vendor refused the request."""

    code = "rejected_by_target"

    def __init__(
        self,
        message: str | None = None,
        *,
        status: int | None = None,
        vendor_code: str | None = None,
        attribute: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status of the refusal; None if nothing was sent."""
        self.vendor_code = vendor_code
        self.attribute = attribute
        """The slug of the attribute that the vendor complained about, where it said so."""


class RejectedBySource(Rejected):
    """The source refused to give this."""

    code = "rejected_by_source"


class CursorRefused(RejectedBySource):
    """The source does not accept the cursor of a page any more: read from the start."""

    code = "cursor_refused"


class FileIncomplete(RejectedBySource):
    """What the source delivered of a file is not the file that it lists."""

    code = "file_incomplete"


class NotFound(Rejected):
    """The vendor knows no such record, or it has been merged into another."""

    code = "not_found"


class UniquenessConflict(Rejected):
    """Another record of the target holds one of the values that may stand only once."""

    code = "uniqueness_conflict"


class InDoubt(ConnectorError):
    """The connection failed after the request was sent; whether the vendor carried it out is unknown."""

    code = "in_doubt"


class UnexpectedAnswer(ConnectorError):
    """The vendor answered in a form that Freight does not know."""

    code = "unexpected_answer"


class PagingLoops(UnexpectedAnswer):
    """The vendor's pages go round in circles: try again later, and report it to the vendor if it happens again."""

    code = "paging_loops"
