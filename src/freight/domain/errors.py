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
            f"Job {job_id} over the same two workspaces has not ended. Wait for its end before creating another."
        )
        self.job_id = job_id


class TenantExists(StateConflict):
    """The name is taken."""

    code = "tenant_exists"


class KeyRefused(DomainError):
    """No usable API key came with the request."""

    code = "unauthorized"
