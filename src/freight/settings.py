"""All settings, read from the environment (`FREIGHT_…`) and from a `.env` file."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import dotenv
import msgspec
import platformdirs
from msgspec import Meta

PREFIX = "FREIGHT_"


class SettingsError(Exception):
    """A setting has an unusable value; the message names the variable and its valid values."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings. Each field is the variable `FREIGHT_` followed by its name in capitals."""

    home: Annotated[str, Meta(description="Folder for the embedded servers' data and the generated secret.")] = (
        platformdirs.user_data_dir("freight")
    )
    database_url: Annotated[
        str | None,
        Meta(
            description="PostgreSQL to use, `postgresql://user:password@host/database`; without it an embedded one is"
            " started."
        ),
    ] = None
    redis_url: Annotated[
        str | None, Meta(description="Redis to use, `redis://host:6379/0`; without it an embedded one is started.")
    ] = None
    secret_keys: Annotated[
        str | None,
        Meta(
            description="Secrets that protect stored credentials and API keys, newest first, separated by commas; "
            "each from `freight generate-secret`. Required with `FREIGHT_DATABASE_URL`, otherwise "
            "generated in the home folder."
        ),
    ] = None
    host: Annotated[str, Meta(description="Address on which the API listens.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port on which the API listens; 0 selects a free one.")] = (
        8000
    )
    environment: Annotated[
        Literal["live", "test", "dev"], Meta(description="Kind of deployment; new API keys begin with `frt_` and this.")
    ] = "live"
    vendor_hosts: Annotated[
        str,
        Meta(
            description="Additional `host` or `host:port` values, separated by commas, that a job's `base_url` may "
            "name in addition to the vendors' own, also over plain HTTP: `127.0.0.1:9101` for a sandbox."
        ),
    ] = ""
    webhook_hosts: Annotated[
        str,
        Meta(
            description="`host` or `host:port` values, separated by commas, to which webhooks may be sent although "
            "their address is private, also over plain HTTP."
        ),
    ] = ""
    affinity_requests_per_minute: Annotated[
        int, Meta(ge=0, description="Requests a minute sent to one Affinity account; 0 sends them unpaced.")
    ] = 900
    attio_reads_per_second: Annotated[
        int, Meta(ge=0, description="Reads a second sent to one Attio workspace; 0 sends them unpaced.")
    ] = 100
    attio_writes_per_second: Annotated[
        int, Meta(ge=0, description="Writes a second sent to one Attio workspace; 0 sends them unpaced.")
    ] = 25
    in_doubt_seconds: Annotated[
        float,
        Meta(
            ge=0,
            description="Seconds for which Freight looks for a record whose creation the target did not confirm, "
            "before it sends it again.",
        ),
    ] = 60
    requests_per_minute: Annotated[
        int, Meta(ge=0, description="Requests that a tenant may make in a minute; 0 for no limit.")
    ] = 100
    requests_per_hour: Annotated[
        int, Meta(ge=0, description="Requests that a tenant may make in an hour; 0 for no limit.")
    ] = 1000
    creations_per_minute: Annotated[
        int, Meta(ge=0, description="Jobs that a tenant may create in a minute; 0 for no limit.")
    ] = 10
    creations_per_hour: Annotated[
        int, Meta(ge=0, description="Jobs that a tenant may create in an hour; 0 for no limit.")
    ] = 100
    keyless_requests_per_minute: Annotated[
        int,
        Meta(ge=0, description="Requests that one address may make in a minute without a valid key; 0 for no limit."),
    ] = 20
    trusted_proxies: Annotated[
        str,
        Meta(
            description="Addresses or networks, separated by commas, whose X-Forwarded-For and X-Forwarded-Proto "
            "headers are trusted, such as a load balancer's."
        ),
    ] = "127.0.0.1"
    public_url: Annotated[
        str | None,
        Meta(
            description="URL at which clients reach the API, `https://freight.example.com`, for the OpenAPI "
            "description."
        ),
    ] = None
    allowed_hosts: Annotated[
        str,
        Meta(
            description="Host names, separated by commas, at which clients may reach the API, `*.example.com` for all"
            " subdomains; empty for any."
        ),
    ] = ""
    cors_origins: Annotated[
        str,
        Meta(
            description="Origins, separated by commas, whose pages may use the API from a browser, "
            "`https://app.example.com`; empty for none."
        ),
    ] = ""
    largest_body: Annotated[int, Meta(ge=10_000, description="Maximum bytes of a request body.")] = 1_000_000
    database_pool_size: Annotated[int, Meta(ge=2, le=1000, description="Database connections of one process.")] = 10
    worker_concurrency: Annotated[
        int, Meta(ge=1, le=1000, description="Batches and streams that one worker handles concurrently.")
    ] = 8
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Lowest level that is logged.")
    ] = "info"
    log_format: Annotated[
        Literal["auto", "console", "json"],
        Meta(
            description="Log format, for people or for programs; `auto` is `console` on a terminal and `json` "
            "elsewhere."
        ),
    ] = "auto"

    def __repr__(self) -> str:
        shown = ", ".join(f"{variable}={value!r}" for variable, value, _ in describe(self))
        return f"Settings({shown})"

    @property
    def home_path(self) -> Path:
        """The home folder as an absolute path."""
        return Path(self.home).expanduser().absolute()

    @property
    def extra_vendor_hosts(self) -> frozenset[str]:
        """`vendor_hosts` as a set."""
        return frozenset(_parts(self.vendor_hosts.casefold()))

    @property
    def extra_webhook_hosts(self) -> frozenset[str]:
        """`webhook_hosts` as a set."""
        return frozenset(_parts(self.webhook_hosts.casefold()))

    @property
    def hosts(self) -> tuple[str, ...]:
        """`allowed_hosts` as a tuple."""
        return tuple(_parts(self.allowed_hosts.casefold()))

    @property
    def origins(self) -> tuple[str, ...]:
        """`cors_origins` as a tuple."""
        return tuple(_parts(self.cors_origins))

    @property
    def secrets(self) -> tuple[str, ...]:
        """`secret_keys` as a tuple, newest first."""
        return tuple(_parts(self.secret_keys or ""))


def load(environ: Mapping[str, str] | None = None, dotenv_path: Path | None = None) -> Settings:
    """Read the settings. The environment overrides the `.env` file (by default the one in the working folder).

    Raise `SettingsError` for an unknown `FREIGHT_…` variable or an invalid value.
    """
    file = dotenv.dotenv_values(dotenv_path or Path(".env"), interpolate=False)
    given = {**{name: value for name, value in file.items() if value is not None}, **(environ or os.environ)}
    values = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in given.items()
        if name.startswith(PREFIX) and value != "" and name not in NOT_SETTINGS
    }
    known = {field.name for field in msgspec.structs.fields(Settings)}
    for name in values:
        if name not in known:
            raise SettingsError(
                f"{PREFIX}{name.upper()} is not a setting of Freight. `freight settings` lists all settings."
            )
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(_sentence(str(error))) from None


def describe(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield each setting as (variable, current value with secrets hidden, description)."""
    hints = get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        yield (
            PREFIX + field.name.upper(),
            _shown(field.name, getattr(settings, field.name)),
            _description(hints[field.name]),
        )


NOT_SETTINGS = frozenset({"FREIGHT_SHARED", "FREIGHT_PYTHON"})
"""Variables of the development scripts, which share the prefix."""


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _description(hint: Any) -> str:
    return next(meta.description for meta in hint.__metadata__ if isinstance(meta, Meta) and meta.description)


def _shown(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "secret_keys":
        return "(hidden)"
    # The password is between the first colon after the scheme and the last @ of the authority.
    text = re.sub(r"(://[^:@]*):.*@", r"\1:(hidden)@", str(value))
    return re.sub(r"([?&])([^=&#]+)=([^&#]*)", _without_secret, text) if name in WITH_QUERY else text


WITH_QUERY = ("database_url", "redis_url")

HARMLESS = frozenset(
    {"application_name", "database", "db", "dbname", "host", "port", "sslmode", "ssl_cert_reqs", "user"}
)
"""Options in the query of a URL that are safe to show. The query can contain a password under several names."""


def _without_secret(option: re.Match[str]) -> str:
    mark, option_name, value = option.groups()
    return f"{mark}{option_name}={value if option_name in HARMLESS else '(hidden)'}"


def _sentence(message: str) -> str:
    reason, _, path = message.partition(" - at `$.")
    variable = PREFIX + path.rstrip("`").upper()
    return f"{variable}: {reason[0].lower()}{reason[1:]}. `freight settings --help` describes each setting."
