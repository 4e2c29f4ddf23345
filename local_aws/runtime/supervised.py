"""How the programs of `inside/` are started: with Python's isolated mode and no site packages, for the sake of their start time."""

from __future__ import annotations

from pathlib import Path

_PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])


def boot(module: str) -> list[str]:
    """The arguments for the Python interpreter that run `local_aws.runtime.inside.<module>`; its own arguments follow."""
    code = f"import sys; sys.path.insert(0, sys.argv.pop(1)); from local_aws.runtime.inside.{module} import main; main()"
    return ["-I", "-S", "-c", code, _PACKAGE_ROOT]
