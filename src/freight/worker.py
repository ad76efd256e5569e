"""`arq freight.worker`: a worker with the settings of the environment.

arq takes its settings from the attributes of this module, so they are computed on import. Its command cannot name
another class of worker, so the one that it uses is replaced here.
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
# Imported objects stay: without this, each full garbage collection checks them for 0.1 s and delays every request
# meanwhile.
gc.freeze()
