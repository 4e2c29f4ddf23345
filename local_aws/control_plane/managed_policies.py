"""AWS's own IAM policies, read once.

moto reads its 1400 policies anew for every account and after every reset, which takes a second each time.
"""

from __future__ import annotations

import copy
from typing import Any

from moto.iam.models import IAMBackend
from moto.settings import load_iam_aws_managed_policies

_READ: dict[str, list[Any]] = {}
"""By partition, as moto made them and as nobody has touched them since."""
_OF_MOTO = IAMBackend._init_aws_policies  # noqa: SLF001 - moto has no other place to say it


def read_once() -> None:
    """Have every account of moto's IAM begin with copies of the policies that the first one has read."""
    setattr(IAMBackend, _OF_MOTO.__name__, _copies)


def _copies(backend: IAMBackend) -> list[Any]:
    if not load_iam_aws_managed_policies():
        return []
    if backend.partition not in _READ:
        _READ[backend.partition] = _OF_MOTO(backend)
    return [_copy(policy, backend.account_id) for policy in _READ[backend.partition]]


def _copy(policy: Any, account: str) -> Any:
    copied = copy.copy(policy)
    copied.account_id = account
    # What calls change in place: versions (CreatePolicyVersion, SetDefaultPolicyVersion) and tags (TagPolicy).
    copied.versions = [copy.copy(version) for version in policy.versions]
    copied.tags = dict(policy.tags)
    return copied
