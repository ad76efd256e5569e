"""`arq freight.worker`: a worker with the settings of the environment.

arq takes its settings from the attributes of this module, so they are worked out when it is imported.
"""

from typing import Any

from freight import deployment, settings, tasks


def _attributes() -> dict[str, Any]:
    try:
        chosen = settings.load()
        return tasks.arq_settings(chosen, deployment.redis_url(chosen))
    except settings.SettingsError as error:
        raise SystemExit(str(error)) from error


globals().update(_attributes())
