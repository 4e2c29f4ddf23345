# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the secrets that services read when they start. A value is compared, written when it differs, and shown nowhere."""

from __future__ import annotations

import re
import typing as t

from .._aws import secretsmanager, ssm, sts
from .._platform import secrets
from .._platform.tags import mapping, missing, pairs, texts
from .._verb import Context, Verb, VerbFailure
from ._shared import plain

ARGUMENT_SPEC: dict[str, t.Any] = {
    "secrets": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "no_log": False,
        "options": {
            "name": {"type": "str", "required": True},
            "store": {"type": "str", "choices": ["ssm", "secretsmanager"], "default": "ssm"},
            "value": {"type": "str", "no_log": True},
            "values": {"type": "dict", "no_log": True},
            "generate": {
                "type": "dict",
                "options": {
                    "length": {"type": "int", "default": 32},
                    "alphabet": {"type": "str", "choices": sorted(secrets.ALPHABETS), "default": "letters_and_digits"},
                    "key": {"type": "str", "no_log": False},
                },
            },
            "rotate": {"type": "bool", "default": False},
            "description": {"type": "str"},
            "kms_key": {"type": "str", "no_log": False},
            "tags": {"type": "dict"},
        },
    },
    "tags": {"type": "dict", "default": {}},
}

Data = dict[str, t.Any]
# PutParameter: a standard parameter holds 4 KiB; CreateSecret: SecretString holds 64 KiB.
_BYTES = {"ssm": 4096, "secretsmanager": 65536}
_NAMES = {"ssm": re.compile(r"/?[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+)*"), "secretsmanager": re.compile(r"[a-zA-Z0-9/_+=.@-]{1,512}")}


class _Store(t.Protocol):
    """Where secrets are kept. `read` answers `value`, `arn`, `changed_at` and `tags` of those that exist, by name."""

    def read(self, entries: list[Data]) -> dict[str, Data]: ...
    def create(self, entry: Data, value: str, tags: dict[str, str]) -> None: ...
    def replace(self, entry: Data, has: Data, value: str) -> None: ...
    def tag(self, has: Data, tags: dict[str, str]) -> None: ...


def run(params: Data, context: Context) -> Data:
    entries = params["secrets"]
    for number, entry in enumerate(entries):
        _check(f"secrets[{number}]", entry)
    names = [(entry["store"], entry["name"]) for entry in entries]
    twice = [name for store, name in names if names.count((store, name)) > 1]
    if twice:
        raise VerbFailure(f"secrets: {twice[0]} is there twice. Name each secret once.")
    shown: dict[str, Data] = {}
    for kind, make in (("ssm", _Parameters), ("secretsmanager", _Secrets)):
        ours = [entry for entry in entries if entry["store"] == kind]
        if ours:
            shown |= _keep(make(context), kind, ours, params["tags"], context)
    ordered = [shown[f"{entry['store']} {entry['name']}"] for entry in entries]
    changes = [f"{each['name']}: {each['change']}" for each in ordered if each["change"]]
    result: Data = {"changed": bool(changes), "changes": changes, "secrets": ordered}
    if context.diff_mode:
        result["diff"] = {
            "before": {each["name"]: "a value" for each in ordered if each["change"] != "created"},
            "after": {each["name"]: {"value changed": "another value"}.get(each["change"], "a value") for each in ordered},
        }
    return result


def _check(where: str, entry: Data) -> None:
    name, store, generate = entry["name"], entry["store"], entry["generate"]
    if not _NAMES[store].fullmatch(name):
        raise VerbFailure(f"{where}.name: {name} is no name in {store}. Use letters, digits and . - _, with / between parts.")
    given = [option for option in ("value", "values") if entry[option] is not None]
    if len(given) == 2 or not (given or generate) or (given == ["value"] and generate):
        raise VerbFailure(
            f"{where}: {name} has {' and '.join(given) or 'no value'}. Give value, values or generate, or values with generate."
        )
    if generate and bool(generate["key"]) != (given == ["values"]):
        raise VerbFailure(f"{where}.generate.key: it names the member of values of {name} that is generated. Give both, or neither.")
    if generate and not 8 <= generate["length"] <= 4096:
        raise VerbFailure(f"{where}.generate.length: {generate['length']} characters. Use 8 to 4096.")
    if entry["rotate"] and not generate:
        raise VerbFailure(f"{where}.rotate: the value of {name} is given, not generated. Rotate it by giving another one.")
    if entry["value"] == "":
        raise VerbFailure(f"{where}.value: the value of {name} is empty. See that the variable it comes from is set.")
    size = len((secrets.wanted(entry, None) or "").encode())
    if size > _BYTES[store]:
        more = " Keep it in secretsmanager, which takes 65536." if store == "ssm" else ""
        raise VerbFailure(f"{where}: the value of {name} has {size} bytes, and {store} takes {_BYTES[store]}.{more}")


def _keep(store: _Store, kind: str, entries: list[Data], common: Data, context: Context) -> dict[str, Data]:
    found = store.read(entries)
    changed: dict[str, str] = {}
    for entry in entries:
        name, has = entry["name"], found.get(entry["name"])
        tags = texts({**common, **(entry["tags"] or {})})
        value = secrets.wanted(entry, has["value"] if has else None)
        if has is None:
            changed[name] = "created"
            if not context.check_mode:
                store.create(entry, t.cast("str", value), tags)
            continue
        lacking = missing(has["tags"], tags)
        if value is not None:
            changed[name] = "value changed"
            if not context.check_mode:
                store.replace(entry, has, value)
        elif lacking:
            changed[name] = "tags changed"
        if lacking and not context.check_mode:
            store.tag(has, lacking)
    if not context.check_mode and set(changed.values()) - {"tags changed"}:
        # AWS's own time of the change is what the start of tasks is compared with.
        found = store.read([{**entry, "tags": None} for entry in entries])
    return {
        f"{kind} {entry['name']}": _shown(entry, found.get(entry["name"]), changed.get(entry["name"], ""), context) for entry in entries
    }


def _shown(entry: Data, has: Data | None, change: str, context: Context) -> Data:
    pending = context.check_mode and change in ("created", "value changed")
    return {
        "name": entry["name"],
        "store": entry["store"],
        "arn": has["arn"] if has else _arn(entry, context),
        "change": change,
        "changed_at": plain(has["changed_at"]) if has and not pending else None,
    }


def _arn(entry: Data, context: Context) -> str:
    """The ARN of what check mode has not created. The end that Secrets Manager makes up is anything, in the language of policies."""
    caller = sts.identity(context.client("sts"))
    where = f"{caller.region}:{caller.account}"
    if entry["store"] == "ssm":
        return f"arn:{caller.partition}:ssm:{where}:parameter/{entry['name'].lstrip('/')}"
    return f"arn:{caller.partition}:secretsmanager:{where}:secret:{entry['name']}-??????"


class _Parameters:
    """SSM Parameter Store: SecureStrings."""

    def __init__(self, context: Context) -> None:
        self._client = context.client("ssm")

    def read(self, entries: list[Data]) -> dict[str, Data]:
        # What is only to be there is not decrypted.
        given = [entry["name"] for entry in entries if not entry["generate"] or entry["values"] is not None]
        generated = [entry["name"] for entry in entries if entry["name"] not in given]
        found = ssm.parameters(self._client, given, decrypt=True) | ssm.parameters(self._client, generated, decrypt=False)
        for name, parameter in found.items():
            if parameter["Type"] != "SecureString":
                raise VerbFailure(
                    f"secrets: the parameter {name} is a {parameter['Type']}, which is not encrypted, and its type cannot be changed. "
                    "Delete it and run this again, or use another name."
                )
        return {
            entry["name"]: {
                "name": entry["name"],
                "value": found[entry["name"]]["Value"],
                "arn": found[entry["name"]]["ARN"],
                "changed_at": found[entry["name"]]["LastModifiedDate"],
                "tags": mapping(ssm.list_tags(self._client, entry["name"])),
            }
            for entry in entries
            if entry["name"] in found
        }

    def create(self, entry: Data, value: str, tags: dict[str, str]) -> None:
        ssm.put_secret(self._client, entry["name"], value, Tags=pairs(tags), **_settings(entry, "KeyId"))

    def replace(self, entry: Data, has: Data, value: str) -> None:
        ssm.put_secret(self._client, has["name"], value, **_settings(entry, "KeyId"))

    def tag(self, has: Data, tags: dict[str, str]) -> None:
        ssm.add_tags(self._client, has["name"], pairs(tags))


class _Secrets:
    """Secrets Manager."""

    def __init__(self, context: Context) -> None:
        self._client = context.client("secretsmanager")

    def read(self, entries: list[Data]) -> dict[str, Data]:
        found: dict[str, Data] = {}
        for entry in entries:
            described = secretsmanager.describe_secret(self._client, entry["name"])
            if described is None:
                continue
            version = secretsmanager.get_secret_value(self._client, described["ARN"])
            found[entry["name"]] = {
                "name": entry["name"],
                # None without any value yet; a binary one is a value too, and no text equals it.
                "value": version.get("SecretString", "") if version else None,
                "arn": described["ARN"],
                # The time of the value. LastChangedDate is also that of a new tag.
                "changed_at": version["CreatedDate"] if version else described["CreatedDate"],
                "tags": mapping(described.get("Tags", [])),
            }
        return found

    def create(self, entry: Data, value: str, tags: dict[str, str]) -> None:
        settings = _settings(entry, "KmsKeyId")
        secretsmanager.create_secret(self._client, entry["name"], value, **({"Tags": pairs(tags)} if tags else {}), **settings)

    def replace(self, entry: Data, has: Data, value: str) -> None:
        secretsmanager.put_secret_value(self._client, has["arn"], value)

    def tag(self, has: Data, tags: dict[str, str]) -> None:
        secretsmanager.tag_secret(self._client, has["arn"], pairs(tags))


def _settings(entry: Data, key: str) -> Data:
    settings = {"Description": entry["description"], key: entry["kms_key"]}
    return {member: value for member, value in settings.items() if value}


VERB = Verb(name="ecs_secrets", argument_spec=ARGUMENT_SPEC, run=run, shows_no_secret=True)
