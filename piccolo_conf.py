"""Where Piccolo's own commands find the database: `piccolo migrations forwards freight`."""

from freight import database, piccolo_engine, settings
from freight.piccolo_conf import APP_REGISTRY as APP_REGISTRY
from freight.piccolo_conf import DB as DB

url = settings.load().database_url
if url is None:
    raise SystemExit(
        "FREIGHT_DATABASE_URL is not set: name the database to migrate, postgresql://user:password@host/name."
    )
database.configure(url)
piccolo_engine.allow_migrations()
