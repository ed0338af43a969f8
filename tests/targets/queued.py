"""A Celery application whose queue and results are folders below the current one."""

import os

import celery
import served

for name in ("queue", "done", "results"):
    os.makedirs(name, exist_ok=True)
application = celery.Celery("queued", broker="filesystem://", backend="file://" + os.path.abspath("results"))
application.conf.broker_transport_options = {
    "data_folder_in": "queue",
    "data_folder_out": "queue",
    "processed_folder": "done",
}
application.conf.worker_prefetch_multiplier = 1


@application.task
def task():
    """Give process and result."""
    return served.task()
