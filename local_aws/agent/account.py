"""What the agent reads and writes in the account: SSM parameters, Secrets Manager secrets, S3 objects and CloudWatch Logs, in moto."""

from __future__ import annotations

import threading
import uuid
from contextlib import AbstractContextManager
from typing import Any

from moto.backends import get_backend
from moto.core.exceptions import JsonRESTError

from local_aws.interfaces import AwsError


class Account:
    """One account in one region. `lock` is held while moto works: its state is not safe for threads."""

    def __init__(self, account: str, region: str, lock: AbstractContextManager[Any] | None = None) -> None:
        self.account = account
        self.region = region
        self._lock = lock or threading.RLock()

    def _backend(self, service: str, region: str | None = None) -> Any:
        backends: Any = get_backend(service)  # type: ignore[call-overload]  # typed for literal names only
        return backends[self.account][region or self.region]

    def parameters(self, names: list[str], region: str) -> dict[str, str]:
        """Values, decrypted, of those SSM parameters that exist."""
        with self._lock:
            found = self._backend("ssm", region).get_parameters(names)
            return {name: str(parameter.response_object(True, region)["Value"]) for name, parameter in found.items()}

    def secret(self, secret_id: str, version_id: str, version_stage: str, region: str) -> str:
        """A secret's string. Raises AwsError as GetSecretValue does."""
        with self._lock:
            try:
                answer = self._backend("secretsmanager", region).get_secret_value(secret_id, version_id or None, version_stage or None)
            except JsonRESTError as error:
                raise AwsError(error.error_type, error.message) from error
            except KeyError as error:  # moto 5.2.5 looks a secret up without checking it when a stage is asked for
                raise AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.") from error
        if "SecretString" not in answer:
            raise AwsError("InvalidParameterException", "the secret has no string value")
        return str(answer["SecretString"])

    def object(self, bucket: str, key: str) -> bytes | None:
        """An S3 object's content; None when bucket or key is missing."""
        with self._lock:
            backend = get_backend("s3")[self.account]["aws"]
            if bucket not in backend.buckets:
                return None
            found = backend.get_object(bucket, key)
            return None if found is None else bytes(found.value)

    def has_log_group(self, name: str, region: str) -> bool:
        with self._lock:
            return name in self._backend("logs", region).groups

    def create_log_group(self, name: str, region: str) -> None:
        with self._lock:
            backend = self._backend("logs", region)
            if name not in backend.groups:
                backend.create_log_group(name, {})

    def create_log_stream(self, group: str, stream: str, region: str) -> None:
        with self._lock:
            self._backend("logs", region).ensure_log_stream(group, stream)

    def put_log_events(self, group: str, stream: str, region: str, events: list[dict[str, Any]]) -> None:
        """Raises AwsError (ResourceNotFoundException) when group or stream is gone."""
        with self._lock:
            try:
                self._backend("logs", region).put_log_events(group, stream, events)
            except JsonRESTError as error:
                raise AwsError(error.error_type, error.message) from error


def sdk_error(service: str, operation: str, error: AwsError, status: int = 400) -> str:
    """An API error as the AWS SDK for Go, in which agent and Docker are written, puts it."""
    return (
        f"operation error {service}: {operation}, https response error StatusCode: {status}, RequestID: {uuid.uuid4()}, "
        f"api error {error.code}: {error.message}"
    )
