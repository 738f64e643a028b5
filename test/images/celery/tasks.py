"""A Celery application as small as one can be: a task to call, and one that beat calls every five seconds."""

import os

import redis
from celery import Celery

broker = os.environ["CELERY_BROKER_URL"]

app = Celery("portiere_test", broker=broker, backend=os.environ.get("CELERY_RESULT_BACKEND", broker))
app.conf.timezone = "UTC"
app.conf.beat_schedule = {"tick": {"task": "tasks.tick", "schedule": 5.0}}


@app.task
def echo(text):
    """Gives back what it got."""
    return text


@app.task(ignore_result=True)
def tick():
    """Counts in Redis how often beat has asked."""
    with redis.Redis.from_url(broker) as client:
        client.incr("portiere:ticks")
