"""The application under the name that a stack uses where CELERY_APP is not set."""

from tasks import app

__all__ = ["app"]
