"""What a caller can do wrong. A class's `code` is stable; the message says what to do."""

from uuid import UUID


class DomainError(Exception):
    """The request cannot be carried out."""

    code = "domain_error"

    @property
    def message(self) -> str:
        """The sentence for the person who asked."""
        return str(self.args[0])


class NotFound(DomainError):
    """There is no such thing, or it is another tenant's."""

    code = "not_found"


class InvalidRequest(DomainError):
    """Something in the request does not fit; `field` names it by its path."""

    code = "validation_error"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class CredentialsRefused(DomainError):
    """A vendor refuses the key that was given for it."""

    code = "credentials_refused"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class VendorUnreachable(DomainError):
    """A vendor that had to be asked could not be."""

    code = "vendor_unreachable"


class StateConflict(DomainError):
    """What was asked for does not go together with the state that things are in."""

    code = "state_conflict"


class LiveJobExists(StateConflict):
    """Another job over the same two workspaces has not ended yet."""

    code = "live_job_exists"

    def __init__(self, job_id: UUID) -> None:
        super().__init__(
            f"Job {job_id} over the same two workspaces has not ended. Wait for its end, or cancel it, before another "
            "runs."
        )
        self.job_id = job_id


class RequestInProgress(StateConflict):
    """The first request with this idempotency key has not been answered yet."""

    code = "request_in_progress"


class IdempotencyKeyReused(InvalidRequest):
    """The idempotency key belongs to another request."""

    code = "idempotency_key_reused"


class TenantExists(StateConflict):
    """The name is taken."""

    code = "tenant_exists"


class TenantBusy(StateConflict):
    """The tenant's jobs still run."""

    code = "tenant_busy"


class KeyRefused(DomainError):
    """No usable API key came with the request."""

    code = "unauthorized"


class LastAdminKey(StateConflict):
    """Nobody could manage the tenant's keys any more."""

    code = "last_admin_key"


class Forbidden(DomainError):
    """The key is good, but not for this."""

    code = "forbidden"


class ScopesExceeded(Forbidden):
    """A key cannot give what it may not do itself."""

    code = "scopes_exceeded"


class TenantSuspended(Forbidden):
    """The tenant's keys are good, but may do nothing at present."""

    code = "tenant_suspended"
