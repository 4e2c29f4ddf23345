"""What moto reads when it is loaded is put away from the collector of garbage, and nothing that comes later is."""

from __future__ import annotations

import gc

from local_aws.control_plane.moto_in_process import Moto


def test_only_what_the_first_of_a_process_has_loaded_is_kept_for_good() -> None:
    Moto().load()
    kept = gc.get_freeze_count()
    assert kept > 100_000
    assert gc.isenabled()
    Moto().load()
    assert gc.get_freeze_count() <= kept
    assert gc.isenabled()
