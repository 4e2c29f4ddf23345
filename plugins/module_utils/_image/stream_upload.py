# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends a blob that is made as it is sent, so that its digest and length are known only at its end.

One PATCH carries the stream, as Docker's own push does it; the PUT that closes the session names the digest. So making and
sending overlap even for an image of one layer, and nothing is kept on disk or in memory. What is made has to be the same
each time: after a break it is made again, and only what the registry has not kept is sent.
"""

from __future__ import annotations

import hashlib
import typing as t

from .client import Registry
from .errors import ConnectionBroken
from .transport import Answer, Chunks
from .upload import Outcome, ask_place, can_retry, finish_url, open_session

_NO_LIMIT = 1 << 62


class StreamUpload:
    def __init__(self, registry: Registry, make: t.Callable[[], t.Iterator[bytes]], resume: bool = True) -> None:
        self._registry = registry
        self._make = make
        self._resume = resume
        self._location = ""
        self._offset = 0
        self.digest = ""
        """Known once the stream has been made to its end for the first time."""
        self.size = 0

    def measure(self) -> None:
        """Make the blob to learn its digest and size, and send nothing."""
        found = hashlib.sha256()
        for piece in self._make():
            self._registry.check_cancelled()
            found.update(piece)
            self.size += len(piece)
        self.digest = f"sha256:{found.hexdigest()}"

    def run(self) -> Outcome:
        """Raises `RegistryError`, `ConnectionBroken` when all tries are used up, or what making raises."""
        outcome: Outcome = "pushed"
        failures = 0
        while True:
            if not self._location:
                self._location, self._offset, outcome = open_session(self._registry), 0, "pushed"
            answer, broken = self._try()
            if answer is not None and answer.status in (200, 201, 204):
                return outcome
            failures += 1
            unknown = answer is None or answer.status >= 500
            if unknown and self.digest and self._registry.has_blob(self.digest):
                # All of it had arrived; only the answer got lost.
                return outcome
            if failures >= self._registry.policy.most(answer.status if answer else None) or not can_retry(answer):
                raise broken or self._registry.refusal(answer or Answer(0, {}), "a layer was not taken")
            self._registry.wait_after(failures, answer)
            location, self._location = self._location, ""
            place = ask_place(self._registry, location, answer, self.size or _NO_LIMIT) if self._resume else None
            # A session that took nothing of the last try hangs somewhere: a new one is the way out.
            if place is not None and (place.offset > self._offset or place.offset == self.size):
                self._location, self._offset = place.location, place.offset
                outcome = "resumed"

    def _try(self) -> tuple[Answer | None, ConnectionBroken | None]:
        try:
            if not self.digest or self._offset < self.size:
                answer = self._registry.once("PATCH", self._location, _HEADERS, Chunks(self._rest(self._offset)))
                # 202 by the specification, 201 by ECR.
                if not 200 <= answer.status < 300:
                    return answer, None
                self._offset = self.size
                if "location" in answer.headers:
                    self._location = self._registry.resolve(answer.headers["location"], self._location)
            return self._registry.once("PUT", finish_url(self._location, self.digest)), None
        except ConnectionBroken as exc:
            return None, exc

    def _rest(self, start: int) -> t.Iterator[bytes]:
        """Make the blob and give what of it comes after `start`."""
        found = hashlib.sha256()
        made = 0
        for piece in self._make():
            self._registry.check_cancelled()
            found.update(piece)
            made += len(piece)
            new = piece if made - len(piece) >= start else piece[max(0, len(piece) - (made - start)) :] if made > start else b""
            if new:
                self._registry.counters.add(bytes_sent=len(new))
                yield new
        self.digest, self.size = f"sha256:{found.hexdigest()}", made


_HEADERS = {"Content-Type": "application/octet-stream"}
