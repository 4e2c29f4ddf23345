"""What an instance's user data tells the ECS agent. Pure."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_CLUSTER = re.compile(r"""ECS_CLUSTER=\\?["']?([A-Za-z0-9_-]+)""")
_RESERVED_MEMORY = re.compile(r"""ECS_RESERVED_MEMORY=\\?["']?(\d+)""")
_ATTRIBUTES = re.compile(r"""ECS_INSTANCE_ATTRIBUTES=[\\"']*(?=\{)""")
_BOTTLEROCKET_CLUSTER = re.compile(r"""^\s*\[settings\.ecs\]\s*$[^\[]*?^\s*cluster\s*=\s*["']([A-Za-z0-9_-]+)["']""", re.MULTILINE)


@dataclass(frozen=True)
class AgentSettings:
    cluster: str
    reserved_memory_mib: int = 0
    """ECS_RESERVED_MEMORY: kept from what is registered."""
    attributes: Mapping[str, str] = field(default_factory=dict)


def decode(encoded: str | None) -> str:
    """The text of base64 user data, gzip (which cloud-init reads too) undone; empty where there is none or it is no text."""
    if not encoded:
        return ""
    try:
        raw = base64.b64decode(encoded, validate=True)
        if raw.startswith(b"\x1f\x8b"):
            raw = gzip.decompress(raw)
        return raw.decode()
    except (binascii.Error, ValueError, OSError):
        return ""


def agent_settings(text: str) -> AgentSettings | None:
    """The agent's settings in a shell script, cloud-config, MIME multi-part or Bottlerocket TOML; None when no cluster is named.

    Where a setting is written more than once the last one counts, as in the agent's configuration file.
    """
    clusters = _CLUSTER.findall(text) or _BOTTLEROCKET_CLUSTER.findall(text)
    if not clusters:
        return None
    reserved = _RESERVED_MEMORY.findall(text)
    return AgentSettings(clusters[-1], int(reserved[-1]) if reserved else 0, _attributes(text))


def _attributes(text: str) -> dict[str, str]:
    # A script that echoes the setting in double quotes escapes the quotes of the JSON.
    plain = text.replace('\\"', '"')
    for found in reversed(list(_ATTRIBUTES.finditer(plain))):
        try:
            value, _ = json.JSONDecoder().raw_decode(plain, found.end())
        except ValueError:
            continue
        return {str(key): str(item) for key, item in value.items()}
    return {}
