"""The connectors that the examples of the documentation use: the first source and the first target."""

from freight.connectors import registry

SOURCE = registry.SPECS[next(iter(registry.SOURCES))]
TARGET = registry.SPECS[next(iter(registry.TARGETS))]

SOURCE_KEY = f"YOUR_{SOURCE.label.upper()}_API_KEY"
TARGET_KEY = f"YOUR_{TARGET.label.upper()}_ACCESS_TOKEN"

JOB_NAME = f"The move to {TARGET.label}"
