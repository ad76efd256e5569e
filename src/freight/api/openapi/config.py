"""The API's description: OpenAPI at `/schema`, and documentation pages below it."""

import asyncio
import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
from litestar import MediaType, Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import (
    JsonRenderPlugin,
    RedocRenderPlugin,
    ScalarRenderPlugin,
    SwaggerRenderPlugin,
    YamlRenderPlugin,
)
from litestar.openapi.spec import Components, SecurityScheme, Server, Tag
from litestar.params import FromPath
from litestar.response import File, Redirect

from freight import __version__
from freight.api.http.auth import HEADER
from freight.api.http.rate_limits import NOT_BY_ADDRESS
from freight.api.openapi.schema_patches import Description
from freight.connectors import registry

FROM_TO = (
    f"from {' or '.join(registry.SPECS[system].label for system in registry.SOURCES)} "
    f"to {' or '.join(registry.SPECS[system].label for system in registry.TARGETS)}"
)

DESCRIPTION = f"""Freight moves a firm's CRM workspace {FROM_TO}. Create a job, follow it until it has
ended, and read its report, which accounts for all data, and its log, which names each value that could not be migrated.
A job of the mode `dry_run` writes nothing, and its report says what a full run would do.

Every error has the same form: `error` (a stable code), `message`, `details`, `request_id` and `timestamp`."""

PATH = "/schema"
ASSETS = "/schema-assets"
ASSET_TYPES = {
    "swagger_bundle.js": "text/javascript",
    "swagger_preset.js": "text/javascript",
    "swagger_style.css": "text/css",
    "redoc.js": "text/javascript",
    "scalar.js": "text/javascript",
}
"""Files of the package `offapi`, which must not be imported: it would read all of them."""


class _Redoc(RedocRenderPlugin):
    """Litestar's page is for Redoc 2; version 3 is a module that looks for its own element."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return _page(
            openapi_schema,
            f"""<redoc spec-url="{self.get_openapi_json_route(request)}"></redoc>
    <script type="module" src="{self.js_url}"></script>""",
            style=str(self.style),
        )


class _Yaml(YamlRenderPlugin):
    """Litestar's plugin, but rendering the document only once: it takes most of a second."""

    _rendered: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        if self._rendered is None:
            self._rendered = super().render(request, openapi_schema)
        return self._rendered


class _Scalar(ScalarRenderPlugin):
    """Litestar's page loads scripts and styles from other hosts, on a page where people enter their keys."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return _page(
            openapi_schema,
            f"""<script id="api-reference" data-url="{self.get_openapi_json_route(request)}"></script>
    <script src="{self.js_url}"></script>""",
        )


def _page(openapi_schema: dict[str, Any], body: str, *, style: str = "") -> bytes:
    return f"""<!DOCTYPE html>
<html>
  <head>
    <title>{openapi_schema["info"]["title"]}</title>
    <meta charset="utf-8"/>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    {style}
  </head>
  <body>
    {body}
  </body>
</html>
""".encode()


INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)


def _protecting(public_url: str | None) -> Callable[[Response[Any]], Awaitable[Response[Any]]]:
    """Return a hook that sets headers by which browsers run nothing else in the pages and show them in no frame."""
    server = f" {httpx.URL(public_url).copy_with(raw_path=b'/')}" if public_url else ""

    async def protect(response: Response[Any]) -> Response[Any]:
        if isinstance(response.content, bytes) and "html" in str(response.media_type):
            hashes = [
                f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"
                for script in INLINE_SCRIPT.findall(response.content)
            ]
            response.headers["Content-Security-Policy"] = (
                f"default-src 'none'; script-src 'self' {' '.join(hashes)}; style-src 'self' 'unsafe-inline'; "
                f"img-src 'self' data:; font-src 'self' data:; connect-src 'self'{server}; worker-src blob:; "
                "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
            )
            response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return protect


class _Preparation:
    """The document and its slow formats, which a thread generates when one of them is first requested."""

    def __init__(self) -> None:
        self._making: asyncio.Task[None] | None = None

    async def before_request(self, request: Request[Any, Any, Any]) -> Redirect | None:
        """Redirect browsers to a page, and wait until the document is ready."""
        if redirect := await _for_browsers(request):
            return redirect
        if self._making is None:
            self._making = asyncio.create_task(asyncio.to_thread(self._make, request))
        await asyncio.shield(self._making)
        return None

    def _make(self, request: Request[Any, Any, Any]) -> None:
        document = request.app.openapi_schema.to_schema()
        config = request.app.openapi_config
        for plugin in config.render_plugins if config else ():
            if isinstance(plugin, _Yaml):
                # Litestar has copied the plugins.
                plugin.render(request, document)


async def _for_browsers(request: Request[Any, Any, Any]) -> Redirect | None:
    """Return a redirect to the documentation page for browsers; programs get the document at `/schema`."""
    if "path" in request.path_params:
        # Litestar would answer this with an HTML page of its own.
        raise NotFoundException
    if request.url.path.rstrip("/") == PATH and "text/html" in request.headers.get("Accept", ""):
        return Redirect(f"{PATH}/swagger", status_code=303, headers={"Vary": "Accept"})
    return None


def openapi_config(public_url: str | None) -> OpenAPIConfig:
    """Return Litestar's OpenAPI configuration, for clients that reach the API at `public_url`."""
    server = Server(url="/", description="The server of this description.")
    if public_url:
        server = Server(url=public_url.rstrip("/"), description="Freight.")
    return Description(
        title="Freight",
        version=__version__,
        summary=f"Migrate a CRM workspace {FROM_TO}.",
        description=DESCRIPTION,
        servers=[server],
        tags=[
            Tag(name="Jobs", description="Migrations: one job is one run."),
            Tag(name="Records", description="What was read from the source, with outcomes."),
            Tag(name="Logs", description="What happened in a job, row by row."),
            Tag(name="Downloads", description="All records or log rows of a job as one file."),
            Tag(name="Report", description="What happened to a whole workspace, for programs and for people."),
            Tag(name="Statistics", description="Statistics of a job, and of all jobs together."),
            Tag(name="Events", description="The progress of a job, streamed."),
            Tag(name="Keys", description="API keys of the tenant; requires the scope `admin`."),
            Tag(
                name="Webhooks",
                description="URLs that are notified of jobs' events, signed according to standardwebhooks.com; "
                "requires the scope `admin`.",
            ),
            Tag(name="Audit", description="Who changed what, from where."),
            Tag(name="Tenants", description="The firms that use this Freight, for the platform's administrator."),
            Tag(name="Health", description="The state of the service, and metrics. No key is needed."),
        ],
        components=Components(
            security_schemes={
                "ApiKey": SecurityScheme(
                    type="apiKey",
                    name=HEADER,
                    security_scheme_in="header",
                    description="A tenant's key, `frt_live_…`; `freight tenants create` prints it.",
                )
            }
        ),
        render_plugins=[
            JsonRenderPlugin(path=["/", "/openapi.json"], media_type=MediaType.JSON),
            _Yaml(),
            SwaggerRenderPlugin(
                js_url=f"{ASSETS}/swagger_bundle.js",
                css_url=f"{ASSETS}/swagger_style.css",
                standalone_preset_js_url=f"{ASSETS}/swagger_preset.js",
                favicon="",
            ),
            _Redoc(js_url=f"{ASSETS}/redoc.js", favicon="", google_fonts=False),
            _Scalar(js_url=f"{ASSETS}/scalar.js", favicon=""),
        ],
        openapi_router=Router(
            PATH,
            route_handlers=[],
            include_in_schema=False,
            before_request=_Preparation().before_request,
            after_request=_protecting(public_url),
        ),
    )


@get(f"{ASSETS}/{{name:str}}", include_in_schema=False, opt={NOT_BY_ADDRESS: True}, sync_to_thread=False)
def asset(name: FromPath[str]) -> File:
    """Return a file of the pages, so that they work without the internet."""
    spec = find_spec("offapi")
    if name not in ASSET_TYPES or spec is None or spec.origin is None:
        raise NotFoundException
    return File(Path(spec.origin).with_name(name), media_type=ASSET_TYPES[name], content_disposition_type="inline")


@get("/api/docs", include_in_schema=False)
async def docs() -> Redirect:
    """Redirect to the interactive documentation."""
    return Redirect(f"{PATH}/swagger")


@get("/api/redoc", include_in_schema=False)
async def redoc() -> Redirect:
    """Redirect to the reference documentation."""
    return Redirect(f"{PATH}/redoc")


@get("/api/openapi.json", include_in_schema=False)
async def openapi_json() -> Redirect:
    """Redirect to the document."""
    return Redirect(f"{PATH}/openapi.json")
