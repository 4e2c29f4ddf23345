# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is attached to an image: signatures, SBOMs and attestations, as OCI 1.1 referrers or under the tags of cosign."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from .choose import choose
from .client import Registry
from .errors import ImageError, SourceError
from .layout import Layout
from .manifest import OCI_INDEX, OCI_MANIFEST, Descriptor, Image, parse_descriptor
from .remote import RemoteSource

_COSIGN = (".sig", ".att", ".sbom")
# No image has so many attachments; a registry that lists more is lying, or in a circle.
_MOST = 1000


@dataclass(frozen=True)
class Referrer:
    """An attachment: what is pushed, and the tag that its makers find it by, empty when it is found by its subject."""

    image: Image
    kind: str
    """Its artifact type, or what cosign's tag ends with."""
    subject: str
    tag: str = ""


def find_referrers(source: t.Any, digests: t.Sequence[str]) -> list[Referrer]:
    """The attachments of these manifests. Raises `ImageError`. A source that knows none, such as an engine, gives none."""
    if isinstance(source, RemoteSource):
        return [found for digest in digests for found in _in_registry(source, digest)]
    if isinstance(source, Layout):
        return _in_layout(source, set(digests))
    return []


def _tag_of(digest: str) -> str:
    return digest.replace(":", "-")


def _in_registry(source: RemoteSource, digest: str) -> t.Iterator[Referrer]:
    for entry in _listed(source.registry, digest):
        yield Referrer(choose(source, [entry]), _kind(source, entry), digest)
    for end in _COSIGN:
        found = source.registry.manifest_at(_tag_of(digest) + end)
        if found is not None:
            entry = Descriptor(found.media_type, found.digest, len(found.content))
            yield Referrer(choose(source, [entry]), end.removeprefix("."), digest, _tag_of(digest) + end)


def _listed(registry: Registry, digest: str) -> list[Descriptor]:
    """By the referrers API, or where there is none, by the tag that stands in for it."""
    answer = registry.call("GET", f"referrers/{digest}", headers={"Accept": OCI_INDEX})
    content = answer.body
    if answer.status in (404, 405, 400):
        fallback = registry.manifest_at(_tag_of(digest))
        if fallback is None or not fallback.is_index:
            return []
        content = fallback.content
    elif answer.status != 200:
        raise registry.refusal(answer, f"what refers to {digest} could not be listed")
    where = f"the list of what refers to {digest}"
    try:
        entries = json.loads(content)["manifests"]
        if not isinstance(entries, list) or len(entries) > _MOST:
            raise SourceError(f"{where} is no list, or has more than {_MOST} entries.")
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise SourceError(f"{where} is damaged: {exc}.") from exc
    return [parse_descriptor(entry, where) for entry in entries]


def _in_layout(layout: Layout, digests: set[str]) -> list[Referrer]:
    found: list[Referrer] = []
    tags = {_tag_of(digest) + end: (digest, end) for digest in digests for end in _COSIGN}
    for entry in layout.entries():
        subject = _subject(layout, entry)
        if subject in digests:
            found.append(Referrer(choose(layout, [entry]), _kind(layout, entry), subject))
        elif entry.ref_name in tags:
            digest, end = tags[entry.ref_name]
            found.append(Referrer(choose(layout, [entry]), end.removeprefix("."), digest, entry.ref_name))
    return found


def _document(source: Layout | RemoteSource, entry: Descriptor) -> dict[str, t.Any]:
    data = json.loads(source.manifest(entry).content)
    return data if isinstance(data, dict) else {}


def _subject(layout: Layout, entry: Descriptor) -> str:
    if entry.media_type != OCI_MANIFEST:
        return ""
    try:
        return str((_document(layout, entry).get("subject") or {}).get("digest") or "")
    except (ImageError, AttributeError):
        # Another entry of the layout that is damaged is nothing to this image.
        return ""


def _kind(source: Layout | RemoteSource, entry: Descriptor) -> str:
    data = _document(source, entry)
    config = data.get("config")
    return str(data.get("artifactType") or (config.get("mediaType") if isinstance(config, dict) else "") or entry.media_type)
