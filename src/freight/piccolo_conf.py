"""Piccolo's configuration for Freight's own processes, which configure the engine themselves."""

from piccolo.conf.apps import AppRegistry

from freight.database import DB as DB

APP_REGISTRY = AppRegistry(apps=["freight.piccolo_app"])
