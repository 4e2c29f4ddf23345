# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns what botocore raises into one clear sentence for the user."""

from __future__ import annotations

import contextlib
import typing as t

from .._verb import VerbFailure

try:
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError
except ImportError:
    # Without botocore nothing below can be raised; the connection says so when the first client is asked for.
    class BotoCoreError(Exception):  # type: ignore[no-redef]
        pass

    class ClientError(Exception):  # type: ignore[no-redef]
        pass

    class NoCredentialsError(Exception):  # type: ignore[no-redef]
        pass

    class ParamValidationError(Exception):  # type: ignore[no-redef]
        pass


def error_code(error: Exception) -> str:
    """The AWS error code of a `ClientError`, for example `ServiceNotFoundException`; empty for anything else."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def error_message(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Message", "") or error)


_PASSING_CODES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
        "PriorRequestNotComplete",
        "ServerException",
        "InternalFailure",
        "InternalError",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "RequestTimeout",
    }
)


def is_passing(error: Exception) -> bool:
    """Whether the same call may well succeed later: throttling, trouble inside AWS, or a connection that was cut."""
    if isinstance(error, ClientError):
        return error_code(error) in _PASSING_CODES
    return type(error).__name__ in (
        "EndpointConnectionError",
        "ConnectionClosedError",
        "ReadTimeoutError",
        "ConnectTimeoutError",
        "ConnectionError",
    )


def is_throttling(error: Exception) -> bool:
    code = error_code(error)
    return "Throttl" in code or code in ("RequestLimitExceeded", "TooManyRequestsException", "SlowDown")


@contextlib.contextmanager
def aws_failures(params: t.Mapping[str, t.Any]) -> t.Iterator[None]:
    """Raise `VerbFailure` in place of any botocore error that leaves the block. `params` are the options of the task."""
    try:
        yield
    except NoCredentialsError as exc:
        raise VerbFailure(
            "No AWS credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or run under a role.",
            error_code="NoCredentials",
        ) from exc
    except ClientError as exc:
        if error_code(exc) == "ClusterNotFoundException" and params.get("cluster"):
            # AWS says "Cluster not found." and no more.
            where = f"region {params['region']}" if params.get("region") else "the region that is set"
            raise VerbFailure(
                f"cluster: there is no cluster {params['cluster']} in {where} of this account. "
                "Check its name, the region and the credentials.",
                error_code=error_code(exc),
            ) from exc
        operation = getattr(exc, "operation_name", "the call")
        raise VerbFailure(f"AWS refused {operation}: {error_code(exc)}: {error_message(exc)}", error_code=error_code(exc)) from exc
    except ParamValidationError as exc:
        # botocore looks at a request before it is sent: AWS has heard nothing of it.
        raise VerbFailure(f"The request is not what AWS takes, and was not sent: {exc}", error_code=type(exc).__name__) from exc
    except BotoCoreError as exc:
        raise VerbFailure(f"AWS could not be reached: {exc}", error_code=type(exc).__name__) from exc
