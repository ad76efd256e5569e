"""Errors that a caller can cause. A class's `code` is stable; the message says what to do."""

from uuid import UUID


class DomainError(Exception):
    """The request cannot be carried out."""

    code = "domain_error"

    @property
    def message(self) -> str:
        """The sentence for the caller."""
        return str(self.args[0])


class NotFound(DomainError):
    """The resource does not exist, or belongs to another tenant."""

    code = "not_found"


class InvalidRequest(DomainError):
    """A part of the request is invalid; `field` is its path."""

    code = "validation_error"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class CredentialsRefused(DomainError):
    """A vendor refuses the key given for it."""

    code = "credentials_refused"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class VendorUnreachable(DomainError):
    """A vendor that had to be asked could not be reached."""

    code = "vendor_unreachable"


class StateConflict(DomainError):
    """The request conflicts with the resource's current state."""

    code = "state_conflict"


class LiveJobExists(StateConflict):
    """Another job over the same two workspaces has not ended yet."""

    code = "live_job_exists"

    def __init__(self, job_id: UUID) -> None:
        super().__init__(
            f"Job {job_id} over the same two workspaces has not ended. Wait for it to end or cancel it before another "
            "runs."
        )
        self.job_id = job_id


class RequestInProgress(StateConflict):
    """The first request with this idempotency key has not been answered yet."""

    code = "request_in_progress"


class IdempotencyKeyReused(InvalidRequest):
    """The idempotency key was used for another request."""

    code = "idempotency_key_reused"


class TenantExists(StateConflict):
    """The name is taken."""

    code = "tenant_exists"


class TenantBusy(StateConflict):
    """The tenant's jobs still run."""

    code = "tenant_busy"


class KeyRefused(DomainError):
    """The request has no valid API key."""

    code = "unauthorized"


class LastAdminKey(StateConflict):
    """The tenant would be left without a key that can manage its keys."""

    code = "last_admin_key"


class Forbidden(DomainError):
    """The key is valid, but lacks the scope."""

    code = "forbidden"


class ScopesExceeded(Forbidden):
    """A key cannot grant scopes that it does not have."""

    code = "scopes_exceeded"


class TenantSuspended(Forbidden):
    """The tenant's keys are valid, but the tenant is suspended."""

    code = "tenant_suspended"
