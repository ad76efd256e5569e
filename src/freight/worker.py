"""`arq freight.worker`: a worker with the settings of the environment.

arq takes its settings from the attributes of this module, so they are worked out when it is imported. Its command has
no way of naming another class of worker, so the one that it uses is replaced here.
"""

import gc
from typing import Any

import arq.worker

from freight import deployment, settings, tasks
from freight.worker_loop import Worker


def _attributes() -> dict[str, Any]:
    try:
        chosen = settings.load()
        return tasks.arq_settings(chosen, deployment.redis_url(chosen))
    except settings.SettingsError as error:
        raise SystemExit(str(error)) from error


globals().update(_attributes())
arq.worker.Worker = Worker  # type: ignore[misc]
# What has been imported stays: without this, each full collection looks through it for a tenth of a second, and no
# request leaves on time meanwhile.
gc.freeze()
