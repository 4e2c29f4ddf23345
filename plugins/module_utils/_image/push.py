# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pushes an image: finds out what is missing, in the cheapest order, sends just that, and sets the tags last.

The order is the point. A tag that already names the image costs one question. A manifest that is already there needs no
blob looked at. Tags that may not be moved are found before the first byte. Nothing names the image before all of it is there.
"""

from __future__ import annotations

import concurrent.futures
import typing as t
from dataclasses import dataclass, field

from .client import Clock, Registry
from .compress import Codec, Compressor, checked, choose_codec, hardly_shrinks
from .content import BytesContent, Content, digest_of
from .draft import PLAIN_LAYER, Draft, DraftLayer, diff_ids_in
from .errors import ImageError, ImmutableTagError, SourceError
from .manifest import Descriptor, Image, Manifest
from .progress import Meter, megabytes, seconds
from .stream_upload import StreamUpload
from .upload import BlobUpload, Outcome

_T = t.TypeVar("_T")

# Real seconds between two looks at the workers, to show how far they are and to notice Ctrl-C.
_LOOK = 0.25
# Other images of the repository that are asked for their layers, until one has some: signatures have none.
_MOST_OTHERS = 3
# Workers that begin by looking for blobs, while the others send the largest.
_LOOKERS = 2

Known = dict[str, Descriptor]
"""Layers as they are or will be in the repository, by their uncompressed digests."""


class Source(t.Protocol):
    """Where the blobs of an image come from."""

    @property
    def name(self) -> str: ...

    def blob(self, digest: str) -> Content | None: ...


class Deferred(t.Protocol):
    """An image that is known before it can be pushed: making it ready costs more than finding out that it is there."""

    @property
    def identities(self) -> frozenset[str]:
        """Digests of which the image's manifest or configuration has one."""

    def load(self) -> Image | Draft: ...


@dataclass(frozen=True)
class PushOptions:
    tags: tuple[str, ...]
    jobs: int = 6
    """Blobs sent at the same time."""
    mount_from: tuple[str, ...] = ()
    """Repositories of the same registry that may hold some of the blobs."""
    immutable: t.Callable[[str], bool] = lambda tag: False
    """Whether a tag, once set, may not be moved to another image."""
    how_to_move: t.Callable[[str], str] = lambda tag: ""
    """What would let such a tag be moved, as the end of a sentence that begins with `or`."""
    skip_immutable: bool = False
    """Leave such a tag alone instead of failing."""
    resume: bool = True
    """Ask the registry after a broken upload what it kept. Off where the answer cannot be trusted."""
    dry_run: bool = False
    codec: Codec = field(default_factory=lambda: choose_codec("auto"))
    """How the layers of a draft are compressed."""
    compress_all: bool = False
    """Compress also those that hardly shrink, which else are sent as they are."""
    expected_digest: str = ""
    """What the image has to be: its manifest's digest, or its ID (that of its configuration). Anything goes when empty."""
    others: t.Callable[[], t.Sequence[Manifest]] = tuple
    """What else the repository holds, the newest first. Asked only for an image that has no digest yet and that no tag names."""
    named: t.Mapping[str, Manifest | None] = field(default_factory=dict)
    """What tags and digests stand for, None for nothing, as far as it is known: the registry is not asked for those."""


@dataclass
class TagResult:
    changed: bool
    digest: str
    """What the tag names after the push."""
    previous_digest: str | None
    skipped: bool = False


@dataclass
class PushResult:
    digest: str
    """Empty for as long as the layers have yet to be compressed, which a dry run does not do."""
    tags: dict[str, TagResult] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """By blob digest. In a dry run, `pushed` means that it would be."""
    sizes: dict[str, int] = field(default_factory=dict)
    manifests_pushed: int = 0

    @property
    def changed(self) -> bool:
        sent = any(outcome != "exists" for outcome in self.outcomes.values())
        return sent or self.manifests_pushed > 0 or any(tag.changed for tag in self.tags.values())

    def bytes_of(self, *outcomes: Outcome) -> int:
        return sum(self.sizes[digest] for digest, outcome in self.outcomes.items() if outcome in outcomes)


class PushFailure(Exception):
    """A push that did not get to its end: why, and what had been done by then."""

    def __init__(self, error: ImageError, result: PushResult) -> None:
        super().__init__(str(error))
        self.error = error
        self.result = result


def _has_plain_layers(manifest: Manifest) -> bool:
    return any(blob.media_type == PLAIN_LAYER for blob in manifest.blobs)


class Push:
    """One image, one repository, one run."""

    def __init__(
        self,
        source: Source,
        image: Image | Deferred,
        registry: Registry,
        options: PushOptions,
        clock: Clock,
        progress: t.Callable[[str], None],
        warn: t.Callable[[str], None],
        live: t.Callable[[str], None] | None = None,
    ) -> None:
        """`progress` shows a line that stays; `live` one that is written anew each time, where somebody looks at a terminal."""
        self._source = source
        self._deferred = None if isinstance(image, Image) else image
        self._image = image if isinstance(image, Image) else Image(Manifest("", "", b""))
        self._registry = registry
        self._options = options
        self._repository = registry.repository
        self._clock = clock
        self._progress = progress
        self._warn = warn
        self._live = live
        self._meter = Meter(clock.monotonic())
        self._pool = concurrent.futures.ThreadPoolExecutor(options.jobs, thread_name_prefix="push")
        self._found = False
        """Whether the image is known to be in the repository."""
        self._made: dict[str, Content] = {}
        self._plain: Known = {}
        """The layers that are sent as they are."""
        self.result = PushResult(self._image.root.digest)

    @property
    def image(self) -> Image:
        """What was pushed, or was there. Known after the push."""
        return self._image

    def run(self) -> PushResult:
        """Raises `PushFailure`. Whatever else leaves, Ctrl-C included, leaves after all workers have stopped."""
        try:
            self._run()
        except BaseException as exc:
            self._registry.cancel()
            if isinstance(exc, ImageError):
                raise PushFailure(exc, self.result) from exc
            raise
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
            if self._live is not None:
                self._live("")
        return self.result

    def _run(self) -> None:
        started = self._clock.monotonic()
        if self._deferred is None:
            current = self._each(self._tag_digest, self._options.tags)
        else:
            found = self._each(self._manifest_of, self._options.tags)
            current = {tag: manifest.digest if manifest else None for tag, manifest in found.items()}
            open_end = self._settle(self._deferred, found)
            if open_end is not None:
                self._foretell(*open_end, current)
                return
        root = self._image.root
        self.result.digest = root.digest
        self._check_expected(root)
        to_set = [tag for tag in self._options.tags if self._wants(tag, current[tag])]
        if current and not to_set and all(digest == root.digest for digest in current.values()):
            self._all_there()
            self._progress(f"{self._repository}: {root.digest[:19]} is already there as {', '.join(self._options.tags)}, nothing uploaded")
            return
        # A draft that was uploaded just now is not looked for: its layers are there in any case.
        if not self.result.outcomes and (self._found or self._has_manifest(root.digest)):
            self._all_there()
            uploaded = False
        else:
            uploaded = True
            self._push_content()
        if not self._options.dry_run:
            self._name(root, to_set, uploaded)
        for tag in to_set:
            self.result.tags[tag] = TagResult(True, root.digest, current[tag])
        self._summary(to_set, uploaded, self._clock.monotonic() - started)

    def _tag_digest(self, tag: str) -> str | None:
        """The digest of what a tag names. None when there is no such tag."""
        named = self._options.named
        if tag not in named:
            return self._registry.tag_digest(tag)
        manifest = named[tag]
        return manifest.digest if manifest else None

    def _has_manifest(self, digest: str) -> bool:
        named = self._options.named
        return named[digest] is not None if digest in named else self._registry.has_manifest(digest)

    def _manifest_of(self, tag: str) -> Manifest | None:
        """What a tag names; only its digest, when that is nothing that could be read here. None when there is no such tag."""
        if tag in self._options.named:
            return self._options.named[tag]
        try:
            return self._registry.manifest_at(tag)
        except SourceError:
            digest = self._registry.tag_digest(tag)
            return Manifest("", digest, b"") if digest else None

    def _check_expected(self, root: Manifest) -> None:
        expected = self._options.expected_digest
        if expected and expected not in (root.digest, root.blobs[0].digest if root.blobs else ""):
            raise ImageError(
                f"expected_digest: {self._source.name} holds {root.digest}, not {expected}.",
                "Nothing was tagged. If the image is the right one, correct expected_digest.",
            )

    def _settle(self, deferred: Deferred, found: t.Mapping[str, Manifest | None]) -> tuple[Draft, Known] | None:
        """Find out what the image becomes: what the repository holds already, or a new one, whose layers are sent.

        In a dry run, a draft with layers that only compressing would tell the digests of is given back, with those that are known.
        """
        there = [manifest for manifest in found.values() if manifest is not None]
        if self._is_one_of(there, deferred):
            return None
        for tag, manifest in found.items():
            if manifest is not None and self._options.immutable(tag) and not self._options.skip_immutable:
                self._immutable(ImmutableTagError("", tag, manifest.digest, f"the image with the ID {min(deferred.identities)}"))
        others = self._options.others()
        if self._is_one_of(others, deferred):
            return None
        image = deferred.load()
        if isinstance(image, Image):
            self._image = image
            return None
        self._plain = self._plain_layers(image)
        known = self._known_layers(image, there, others)
        open_ones = {layer.diff_id for layer in image.layers} - known.keys() - self._plain.keys()
        if self._options.dry_run and open_ones and not self._asks_for_digest(image):
            return image, known
        self._make(image, known)
        return None

    def _is_one_of(self, manifests: t.Sequence[Manifest], deferred: Deferred) -> bool:
        for old in manifests:
            # One that could not be read is nothing that a tag could be set to.
            if not old.content or (self._options.compress_all and _has_plain_layers(old)):
                continue
            if deferred.identities & {old.digest, *(blob.digest for blob in old.blobs[:1])}:
                self._image, self._found = Image(old), True
                return True
        return False

    def _plain_layers(self, draft: Draft) -> Known:
        """Those of the draft's layers that are sent as they are, since they hardly shrink."""
        if self._options.compress_all:
            return {}
        contents = {layer.diff_id: layer.content for layer in draft.layers if layer.content is not None}
        looked = self._each(lambda diff_id: hardly_shrinks(contents[diff_id]), list(contents))
        plain = {diff_id: contents[diff_id] for diff_id, is_plain in looked.items() if is_plain}
        self._made.update(plain)
        return {diff_id: Descriptor(PLAIN_LAYER, diff_id, content.size) for diff_id, content in plain.items()}

    def _asks_for_digest(self, draft: Draft) -> bool:
        """Whether the image is to be held against the digest of a manifest, which its ID is not."""
        return self._options.expected_digest not in ("", draft.config_digest)

    def _make(self, draft: Draft, known: Known) -> None:
        self._made[draft.config_digest] = BytesContent(draft.config, draft.where)
        compressor = Compressor(self._options.codec)
        try:
            root = draft.manifest(self._compress(draft, compressor, known), self._oci(draft))
        finally:
            compressor.close()
        self._image = Image(root)

    def _foretell(self, draft: Draft, known: Known, current: t.Mapping[str, str | None]) -> None:
        """Say what a push would do, all but the digest. A layer that would be compressed counts with the length that it has now."""
        looked = self._each(lambda diff_id: self._look(self._plain[diff_id], {}), [item for item in self._plain if item not in known])
        for layer in draft.layers:
            if layer.diff_id in known:
                self._note(known[layer.diff_id], "exists")
            elif layer.diff_id in looked:
                self._note(self._plain[layer.diff_id], looked[layer.diff_id])
            else:
                self._note(Descriptor("", layer.diff_id, layer.size), "pushed")
        there = self._registry.has_blob(draft.config_digest)
        self._note(Descriptor("", draft.config_digest, len(draft.config)), "exists" if there else "pushed")
        self.result.manifests_pushed = 1
        would = []
        for tag in self._options.tags:
            old = current[tag]
            if old is not None and self._options.immutable(tag):
                self._immutable(ImmutableTagError("", tag, old, f"the image with the ID {draft.config_digest}"))
            else:
                self.result.tags[tag] = TagResult(True, "", old)
                would.append(tag)
        named = f"as {', '.join(would)}" if would else "without a new tag"
        size = megabytes(self.result.bytes_of("pushed"))
        self._progress(
            f"{self._repository}: the image with the ID {draft.config_digest[:19]} would be there {named}, "
            f"under a digest that only compressing tells; {size} to send, before compressing"
        )

    def _known_layers(self, draft: Draft, there: t.Sequence[Manifest], others: t.Sequence[Manifest]) -> Known:
        """Those of the draft's layers that images in the repository have: what need not be compressed and sent again.

        Looked at are the images under the tags, and the newest other one.
        """
        wanted = {layer.diff_id for layer in draft.layers}
        known: Known = {}
        for config, layers in {manifest.blobs[0]: manifest.blobs[1:] for manifest in there if manifest.blobs}.items():
            known.update(self._layers_of(config, layers))
        for manifest in [manifest for manifest in others if manifest.blobs][:_MOST_OTHERS]:
            if found := self._layers_of(manifest.blobs[0], manifest.blobs[1:]):
                known = {**found, **known}
                break
        same = {diff_id: draft.known_layer(layer, self._oci(draft)) for diff_id, layer in known.items() if diff_id in wanted}
        unfit = PLAIN_LAYER if self._options.compress_all else ""
        return {diff_id: layer for diff_id, layer in same.items() if layer is not None and layer.media_type != unfit}

    def _layers_of(self, config: Descriptor, layers: t.Sequence[Descriptor]) -> Known:
        """An image's layers by their uncompressed digests."""
        try:
            diff_ids = diff_ids_in(self._registry.blob_at(config), config.digest)
        except ImageError:
            # An artifact, or something that may not be read: then there is nothing to learn from it.
            return {}
        return dict(zip(diff_ids, layers, strict=True)) if len(diff_ids) == len(layers) else {}

    def _compress(self, draft: Draft, compressor: Compressor, known: Known) -> list[Descriptor]:
        """The layers in order, compressed; sent as well, unless this is a dry run."""
        descriptors: dict[str, Descriptor] = {}
        sending: dict[concurrent.futures.Future[t.Any], DraftLayer] = {}
        bringing: dict[concurrent.futures.Future[t.Any], Descriptor] = {}

        def bring(blob: Descriptor) -> None:
            if not self._options.dry_run:
                bringing[self._pool.submit(self._bring, blob, {})] = blob

        for layer in sorted({layer.diff_id: layer for layer in draft.layers}.values(), key=lambda layer: -layer.size):
            if (same := known.get(layer.diff_id)) is not None:
                descriptors[layer.diff_id] = same
                self._note(same, "exists")
            elif (plain := self._plain.get(layer.diff_id)) is not None:
                descriptors[layer.diff_id] = plain
                bring(plain)
            else:
                self._meter.expect(layer.diff_id, layer.size)
                sending[self._pool.submit(self._stream, draft, layer, compressor)] = layer
        if sending or bringing:
            self._announce(draft, list(sending.values()), list(bringing.values()), compressor)
            # It is known already, and would take three answers' time after the layers.
            bring(Descriptor("", draft.config_digest, len(draft.config)))
        for future in self._ended([*sending, *bringing]):
            if future in bringing:
                self._brought(bringing[future], future.result())
                continue
            descriptor, outcome = future.result()
            diff_id = sending[future].diff_id
            descriptors[diff_id] = descriptor
            self._meter.finished(diff_id)
            if not self._options.dry_run:
                self._note(descriptor, outcome)
        if self._options.dry_run:
            self.result.outcomes.clear()
        return [descriptors[layer.diff_id] for layer in draft.layers]

    def _announce(self, draft: Draft, sending: list[DraftLayer], bringing: list[Descriptor], compressor: Compressor) -> None:
        parts = []
        most = len(draft.layers)
        if sending:
            size = megabytes(sum(layer.size for layer in sending))
            parts.append(f"compressing {len(sending)} of {most} layers, {size}, with {compressor.codec.name}")
        if bringing:
            size = megabytes(sum(blob.size for blob in bringing))
            parts.append(f"leaving {len(bringing)} of {most} layers uncompressed, {size}, as they would hardly shrink")
        self._progress(f"{self._repository}: {'; '.join(parts)}")

    def _oci(self, draft: Draft) -> bool:
        """Whether the manifest is one of OCI."""
        return draft.oci or bool(self._plain) or self._options.codec.suffix != "gzip"

    def _stream(self, draft: Draft, layer: DraftLayer, compressor: Compressor) -> tuple[Descriptor, Outcome]:
        at = self._meter.at(layer.diff_id)

        def make() -> t.Iterator[bytes]:
            return compressor.stream(checked(layer.blocks(), layer.diff_id, layer.where, lambda position: at(min(position, layer.size))))

        upload = StreamUpload(self._registry, make, self._options.resume)
        outcome: Outcome = "pushed"
        if self._options.dry_run:
            upload.measure()
        else:
            outcome = upload.run()
        return Descriptor(draft.layer_type(compressor.codec.suffix, self._oci(draft)), upload.digest, upload.size), outcome

    def _wants(self, tag: str, current: str | None) -> bool:
        """Whether this tag is to be set; notes the result of one that is not. Raises `ImmutableTagError`."""
        wanted = self._image.root.digest
        if current == wanted:
            self.result.tags[tag] = TagResult(False, wanted, current)
            return False
        if current is None or not self._options.immutable(tag):
            return True
        self._immutable(ImmutableTagError("", tag, current, wanted))
        return False

    def _immutable(self, error: ImmutableTagError) -> None:
        text = f"The tag {error.tag} of {self._repository} is immutable and names {error.current}; it cannot be moved to {error.wanted}."
        if not self._options.skip_immutable:
            ways = ["Push under a new tag", "set on_immutable to skip", self._options.how_to_move(error.tag)]
            hint = ", or ".join(way for way in ways if way) + "."
            raise ImmutableTagError(text, error.tag, error.current, error.wanted, hint)
        self._warn(f"{text} It was left as it is; the image is in the repository under its digest.")
        self.result.tags[error.tag] = TagResult(False, error.current or "", error.current, skipped=True)

    def _all_there(self) -> None:
        for blob in self._image.blobs_of([*self._image.children, self._image.root]):
            self._note(blob, "exists")

    def _push_content(self) -> None:
        """Bring all that the root names into the repository."""
        children = self._image.children
        there = self._each(self._has_manifest, [child.digest for child in children])
        missing = [child for child in children if not there[child.digest]]
        present = [child for child in children if there[child.digest]]
        # A manifest that is there was taken with all its blobs; they need no second look.
        known = {blob.digest for child in present for blob in child.blobs}
        for blob in self._image.blobs_of(present):
            self._note(blob, "exists")
        known |= set(self.result.outcomes)
        self._push_blobs([blob for blob in self._image.blobs_of([*missing, self._image.root]) if blob.digest not in known])
        if self._options.dry_run:
            self.result.manifests_pushed = len(missing) + 1
            return
        leaves = {child.digest: child for child in missing if not child.is_index}
        self._each(lambda digest: self._registry.put_manifest(leaves[digest], digest), list(leaves))
        for index in (child for child in missing if child.is_index):
            self._registry.put_manifest(index, index.digest)
        self.result.manifests_pushed = len(missing)

    def _push_blobs(self, blobs: list[Descriptor]) -> None:
        """Look for all blobs and send the missing ones, largest first, all by the same workers.

        How long the largest take is how long the push takes: each of them is sent by the worker that has looked for it, at once.
        Two workers look for the others meanwhile, so that it is soon known how much there is to send. A blob that fails does not
        stop those under way, so that the next run has less to do; it does stop those not begun.
        """
        there: dict[str, bool] = {}
        at_once = max(0, self._options.jobs - _LOOKERS)
        bringing = {self._pool.submit(self._bring, blob, there): blob for blob in blobs[:at_once]}
        looking = {self._pool.submit(self._look, blob, there): blob for blob in blobs[at_once:]}
        failure: ImageError | None = None
        announced = self._options.dry_run
        while looking or bringing:
            for future in self._wait([*looking, *bringing]):
                looked_for = looking.pop(future, None)
                blob = looked_for or bringing[future]
                bringing.pop(future, None)
                if future.cancelled():
                    continue
                try:
                    outcome = future.result()
                except ImageError as exc:
                    if failure is None:
                        failure = exc
                        under_way = sum(1 for other in [*looking, *bringing] if not (other.done() or other.cancel()))
                        if under_way:
                            self._progress(f"{blob.digest[:19]} failed; finishing the {under_way} under way to leave less for the next run")
                    continue
                if looked_for is None or there[blob.digest] or self._options.dry_run:
                    self._brought(blob, outcome)
                elif failure is None:
                    bringing[self._pool.submit(self._send, blob)] = blob
            if not announced and len(there) == len(blobs) and not all(there.values()):
                announced = True
                missing = [blob.size for blob in blobs if not there[blob.digest]]
                self._progress(f"{self._repository}: uploading {len(missing)} of {len(blobs)} blobs, {megabytes(sum(missing))}")
        if failure is not None:
            raise failure

    def _look(self, blob: Descriptor, there: dict[str, bool]) -> Outcome:
        """Whether the blob exists, or else what would have to be done; noted in `there` as well."""
        there[blob.digest] = found = self._registry.has_blob(blob.digest)
        if found:
            self._check_length(blob)
        if not found and not self._options.dry_run:
            self._meter.expect(blob.digest, blob.size)
        return "exists" if found else "pushed"

    def _bring(self, blob: Descriptor, there: dict[str, bool]) -> Outcome:
        """Look for the blob, and send it where it is missing."""
        outcome = self._look(blob, there)
        if outcome == "exists" or self._options.dry_run:
            return outcome
        outcome = self._send(blob)
        if outcome == "mounted":
            self._check_length(blob)
        return outcome

    def _check_length(self, blob: Descriptor) -> None:
        """Raises `SourceError` when a layer that is left as it is has another length in the repository, where it is already.

        Its digest is from the configuration and its length from the archive; that they belong together shows when it is sent, or here.
        """
        if blob.digest not in self._plain:
            return
        content = self._made[blob.digest]
        length = self._registry.blob_length(blob.digest)
        fits = digest_of(content) == blob.digest if length is None else length == blob.size
        if not fits:
            raise SourceError(f"The layer {blob.digest} in {content.where} is damaged: it has another length.", "Export the image again.")

    def _send(self, blob: Descriptor) -> Outcome:
        content = self._made.get(blob.digest) or self._source.blob(blob.digest)
        if content is None:
            raise ImageError(f"{self._source.name} does not hold the blob {blob.digest} any more.")
        upload = BlobUpload(self._registry, blob, content, self._meter.at(blob.digest), self._options.resume)
        return upload.run(self._options.mount_from)

    def _brought(self, blob: Descriptor, outcome: Outcome) -> None:
        self._note(blob, outcome)
        if outcome == "mounted":
            self._meter.forget(blob.digest)
        elif outcome != "exists" and not self._options.dry_run:
            self._meter.finished(blob.digest)

    def _note(self, blob: Descriptor, outcome: Outcome) -> None:
        self.result.outcomes[blob.digest] = outcome
        self.result.sizes[blob.digest] = blob.size

    def _name(self, root: Manifest, tags: list[str], new: bool) -> None:
        """Store the root under its tags, `latest` after all others: who follows it expects the rest to be there."""
        for tag in sorted(tags, key=lambda tag: tag == "latest"):
            try:
                self._registry.put_manifest(root, tag)
                new = False
            except ImmutableTagError as exc:
                # Somebody else set the tag since it was looked at; if to the same image, all is well.
                now = self._registry.tag_digest(tag)
                tags.remove(tag)
                if now == root.digest:
                    self.result.tags[tag] = TagResult(False, root.digest, now)
                    new = False
                else:
                    self._immutable(ImmutableTagError(exc.message, tag, now, root.digest))
        if new:
            self._registry.put_manifest(root, root.digest)
            self.result.manifests_pushed += 1

    def _summary(self, tags: list[str], uploaded: bool, duration: float) -> None:
        result = self.result
        dry = self._options.dry_run
        name = f"{self._repository}: {result.digest[:19]}"
        named = f"as {', '.join(tags)}" if tags else "without a new tag"
        if not uploaded:
            self._progress(f"{name} was there already, {'would be' if dry else 'is now'} there {named}, nothing uploaded")
            return
        sent = "to send" if dry else "sent"
        outcomes: list[str] = list(result.outcomes.values())
        counts = [
            f"{outcomes.count(outcome)} {text}"
            for outcome, text in (("pushed", sent), ("resumed", "resumed"), ("mounted", "mounted"), ("exists", "already there"))
            if outcome in outcomes
        ]
        size = result.bytes_of("pushed", "resumed")
        rate = f" in {seconds(duration)} ({megabytes(size / duration)}/s)" if size and duration > 0 and not dry else ""
        self._progress(f"{name} {'would be' if dry else 'is'} there {named}; {megabytes(size)} {sent}{rate}; blobs: {', '.join(counts)}")

    def _each(self, function: t.Callable[[str], _T], items: t.Sequence[str]) -> dict[str, _T]:
        """The function's result by item, worked out by the workers at the same time. Raises the first failure."""
        futures = {item: self._pool.submit(function, item) for item in items}
        waiting: list[concurrent.futures.Future[t.Any]] = list(futures.values())
        while waiting:
            for future in self._wait(waiting):
                waiting.remove(future)
                future.result()
        return {item: future.result() for item, future in futures.items()}

    def _ended(self, futures: t.Iterable[concurrent.futures.Future[t.Any]]) -> t.Iterator[concurrent.futures.Future[t.Any]]:
        """Each as it ends. After a failure those under way are let finish, those not begun are not, and it is raised at the end."""
        waiting = set(futures)
        failure: ImageError | None = None
        while waiting:
            for future in self._wait(list(waiting)):
                waiting.discard(future)
                if future.cancelled():
                    continue
                error = future.exception()
                if error is None:
                    yield future
                elif not isinstance(error, ImageError):
                    raise error
                elif failure is None:
                    failure = error
                    for other in waiting:
                        other.cancel()
        if failure is not None:
            raise failure

    def _wait(self, futures: t.Sequence[concurrent.futures.Future[t.Any]]) -> set[concurrent.futures.Future[t.Any]]:
        """Those that have ended, none after a quarter of a second; meanwhile the user hears what there is to hear."""
        done, _rest = concurrent.futures.wait(futures, _LOOK, concurrent.futures.FIRST_COMPLETED)
        while not self._registry.notices.empty():
            self._progress(self._registry.notices.get())
        if self._live is not None:
            self._live(self._meter.as_bar(self._clock.monotonic()))
        elif (line := self._meter.line(self._clock.monotonic())) is not None:
            self._progress(line)
        return done
