"""moto, in this process: one WSGI application for every AWS API, and all about how it is set up, warmed up and emptied."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

# moto reads these when its packages are imported, so they are set before the first of them is.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

from moto.backends import SERVICE_NAMES, get_backend
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.model_instances import reset_model_data
from moto.iam.models import get_account_id_from
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from local_aws.control_plane import managed_policies

WARM_SERVICES: tuple[SERVICE_NAMES, ...] = (
    "ec2",
    "iam",
    "sts",
    "ecs",
    "elbv2",
    "ecr",
    "autoscaling",
    "applicationautoscaling",
    "cloudwatch",
    "logs",
    "ssm",
    "secretsmanager",
)
"""What provisioning and deploying an ECS service talks to: imported before a client asks for them."""


@dataclass(frozen=True)
class HttpAnswer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Moto:
    """Answers HTTP requests as moto's own server would, one at a time: moto's state is not safe for threads."""

    _kept: ClassVar = False
    """One of this process has put what it loaded away from the collector of garbage."""

    def __init__(self) -> None:
        managed_policies.read_once()
        self._application = DomainDispatcherApplication(create_backend_app)
        self.lock = threading.RLock()
        """Held while moto works. Whoever reads moto's backends over more than one step holds it too."""
        self._loaded = False
        self._patches: list[Callable[[], None]] = []

    def when_loaded(self, patch: Callable[[], None]) -> None:
        """Have a correction of moto's classes made after they are imported and before the first request."""
        self._patches.append(patch)

    def request(self, environ: Mapping[str, Any], body: bytes) -> HttpAnswer:
        """One HTTP request, given as a WSGI environment and its body. Raises what moto raises, `NotImplementedError` among it."""
        self.load()
        environ = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        answer: list[tuple[str, list[tuple[str, str]]]] = []
        written = io.BytesIO()

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            answer.append((status, headers))
            return written.write

        with self.lock:
            chunks = self._application(environ, start_response)
            try:
                for chunk in chunks:
                    written.write(chunk)
            finally:
                close = getattr(chunks, "close", None)
                if close is not None:
                    close()
        status, headers = answer[-1]
        return HttpAnswer(int(status.split(" ", 1)[0]), list(headers), written.getvalue())

    def account_of(self, access_key: str) -> str:
        """The account an access key belongs to; 123456789012 for every key that moto's IAM does not know."""
        with self.lock:
            return str(get_account_id_from(access_key))

    def load(self) -> None:
        """Import what a deployment uses, once: a second of work, done while the first client is still on its way."""
        if self._loaded:
            return
        with self.lock:
            if self._loaded:
                return
            with contextlib.nullcontext() if Moto._kept else _kept_for_good():
                for service in WARM_SERVICES:
                    get_backend(service)
                    self._application.app_instances[service] = create_backend_app(service)
                for patch in self._patches:
                    patch()
                # Every request asks whose key it has: that reads IAM's policies.
                get_account_id_from("")
            self._loaded = Moto._kept = True

    def reset(self) -> None:
        """Back to an empty account.

        moto's own reset makes every backend anew before it throws it away, which for EC2's thousands of images takes a second. Here
        a backend is only asked to reset itself when it has more to end than its memory (jobs, containers).
        """
        with self.lock:
            in_use: list[Any] = vars(BackendDict)["_instances"]
            for service in in_use:
                for regions in list(service.values()):
                    for backend in list(regions.values()):
                        if type(backend).reset is not BaseBackend.reset:
                            backend.reset()
                service.clear()
            in_use.clear()
            reset_model_data()


@contextlib.contextmanager
def _kept_for_good() -> Iterator[None]:
    """For what lives as long as the process, in hundreds of thousands of objects: the collector of garbage does not look at them,
    neither while they are made, which takes it a third of the time, nor ever after. Once in a process: what is garbage at the end
    of this is never found either."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()
