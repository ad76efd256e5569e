"""Errors of vendors. The first line of a class's docstring is its default message.

ConnectorError
├── CredentialsRefused     401: the key is wrong, revoked or inactive
├── PermissionMissing      403: the key lacks a permission
├── Unavailable            no usable answer after all retries: try again later
├── MustWait               nothing may be sent before `until`, too long to wait for within a step
├── QuotaExhausted         the account's long-term quota is used up until `resets_at`
├── PlanLimitReached       the account's plan is full: change it before the job continues
├── QueryTooComplex        a query that alone exceeds a limit, however often it is repeated: ask for less
├── Rejected               the vendor refused this request because of its contents
│   ├── RejectedBySource   the source refused it, not the target
│   │   ├── CursorRefused  the cursor of a page is no longer valid: read from the start
│   │   └── FileIncomplete the delivered file differs from the source's listing
│   ├── NotFound           404, an unknown id, or a record merged into another
│   └── UniquenessConflict another record holds one of the values
├── InDoubt                a request that is not idempotent was sent, and its effect is unknown
└── UnexpectedAnswer       the vendor answered something undocumented
└── PagingLoops        the pages of a collection repeat or never end
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
    """The vendor gave no usable answer, even after retries: try again later."""

    code = "vendor_unavailable"


class MustWait(ConnectorError):
    """The vendor accepts no requests until a later time."""

    code = "vendor_unavailable"

    def __init__(self, message: str | None = None, *, until: datetime, code: str | None = None) -> None:
        super().__init__(message)
        self.until = until
        """When to try again (aware). This is a wait and not a failure, so it does not count as an attempt."""
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
    """The vendor refuses a query as too complex, even for a single record."""

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
        """The slug of the attribute that the vendor named, if it did."""


class RejectedBySource(Rejected):
    """The source refused this request."""

    code = "rejected_by_source"


class CursorRefused(RejectedBySource):
    """The source no longer accepts the cursor of a page: read from the start."""

    code = "cursor_refused"


class FileIncomplete(RejectedBySource):
    """The source delivered a file that differs from its listing."""

    code = "file_incomplete"


class NotFound(Rejected):
    """The vendor knows no such record, or it has been merged into another."""

    code = "not_found"


class UniquenessConflict(Rejected):
    """Another record of the target already holds one of the unique values."""

    code = "uniqueness_conflict"


class InDoubt(ConnectorError):
    """The connection failed after the request was sent; its effect is unknown."""

    code = "in_doubt"


class UnexpectedAnswer(ConnectorError):
    """The vendor answered in a form that Freight does not know."""

    code = "unexpected_answer"


class PagingLoops(UnexpectedAnswer):
    """The vendor's pages repeat in a loop: try again later, and report it to the vendor if it happens again."""

    code = "paging_loops"
