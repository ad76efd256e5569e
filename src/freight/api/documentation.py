"""The API's description: OpenAPI at `/schema`, and pages for people below it."""

from typing import Any

from litestar import MediaType, Request, Router, get
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, RedocRenderPlugin, SwaggerRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Server, Tag
from litestar.response import Redirect

from freight import __version__
from freight.api.access import HEADER

DESCRIPTION = """Freight moves a firm's CRM workspace from Affinity to Attio. Create a job, look at it until it has
ended, and read in its log what became of whatever could not be carried over.

Every error is answered in one form: `error` (a stable code), `message`, `details`, `request_id` and `timestamp`."""

PATH = "/schema"


async def _for_browsers(request: Request[Any, Any, Any]) -> Redirect | None:
    """Programs are answered the document at `/schema`, browsers are led to its page."""
    if "path" in request.path_params:
        # Litestar would answer this with an HTML page of its own.
        raise NotFoundException
    if request.url.path.rstrip("/") == PATH and "text/html" in request.headers.get("Accept", ""):
        return Redirect(f"{PATH}/swagger", status_code=303, headers={"Vary": "Accept"})
    return None


def openapi_config() -> OpenAPIConfig:
    """How Litestar describes the API."""
    return OpenAPIConfig(
        title="Freight",
        version=__version__,
        summary="Moves a CRM workspace from Affinity to Attio.",
        description=DESCRIPTION,
        servers=[Server(url="/", description="The server that this description comes from.")],
        tags=[
            Tag(name="Jobs", description="Migrations: one job is one run."),
            Tag(name="Health", description="Whether Freight can do its work. No key is needed."),
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
            YamlRenderPlugin(),
            SwaggerRenderPlugin(favicon=""),
            RedocRenderPlugin(favicon="", google_fonts=False),
        ],
        openapi_router=Router(PATH, route_handlers=[], include_in_schema=False, before_request=_for_browsers),
    )


@get("/api/docs", include_in_schema=False)
async def docs() -> Redirect:
    """The page to try things on."""
    return Redirect(f"{PATH}/swagger")


@get("/api/redoc", include_in_schema=False)
async def redoc() -> Redirect:
    """The page to read."""
    return Redirect(f"{PATH}/redoc")


@get("/api/openapi.json", include_in_schema=False)
async def openapi_json() -> Redirect:
    """The document."""
    return Redirect(f"{PATH}/openapi.json")
