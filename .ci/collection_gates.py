"""Runs the gates that want the collection as it ships, in a tree `ansible_collections/steadystate/ecs` of real folders.

`ansible-test` refuses a linked folder, lists files through git, and must not see what is not part of the built collection.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import yaml
from ansible_test._internal.python_requirements import collect_bootstrap

ROOT = Path(__file__).resolve().parent.parent
TREE = ROOT / "build" / "gates" / "ansible_collections" / "steadystate" / "ecs"
# Not part of the built collection, but of how it is tested: without the first, ansible-test checks its own output too.
WANTED = {".gitignore", "tests/config.yml"}
# ansible-test fetches this script from a host that is not always reachable. The standard library's ensurepip does the same
# work; it has to run in a process of its own because it points pip away from the machine's pip configuration.
GET_PIP = """\
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"])
subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", "pip=={version}"])
"""


def lay_out() -> None:
    """Copy what the built collection holds, and its unit tests' settings, and make it a git checkout."""
    shutil.rmtree(TREE, ignore_errors=True)
    ignored = set(yaml.safe_load((ROOT / "galaxy.yml").read_text())["build_ignore"])
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in filter(None, listing.stdout.split("\0")):
        source, target = ROOT / name, TREE / name
        if not source.is_file() or (name.split("/")[0] in ignored and name not in WANTED):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    git = ["git", "-C", str(TREE), "-c", "user.name=gates", "-c", "user.email=gates@localhost"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "the collection as it ships"], check=True)


def real_interpreters() -> str:
    """A PATH with the real Python's own folder first: ansible-test clears the environment that version managers' shims need."""
    return os.pathsep.join([str(Path(sys.executable).parent), str(Path(sys.executable).resolve().parent), "/usr/bin", "/bin"])


def sanity() -> int:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"

    # What ansible-test reads of its own description of a Python.
    interpreter = SimpleNamespace(version=version, path=sys.executable)
    pip_version = collect_bootstrap(interpreter)[0].pip_version
    cache = Path.home() / ".ansible" / "test" / "cache" / f"get_pip_{pip_version.replace('.', '_')}.py"
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(GET_PIP.format(version=pip_version))
    environment = {**os.environ, "PATH": real_interpreters()}
    environment.pop("ANSIBLE_COLLECTIONS_PATH", None)
    # Unset, not False: with PYTHONDONTWRITEBYTECODE every one of some thousand small processes compiles the world again.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [str(Path(sys.executable).parent / "ansible-test"), "sanity", "--venv", "--python", version, "--color", "no"]
    return subprocess.run(command, cwd=TREE, env=environment, check=False).returncode


def docs() -> int:
    command = [
        str(Path(sys.executable).parent / "antsibull-docs"),
        "lint-collection-docs",
        "--plugin-docs",
        "--validate-collection-refs=self",
        ".",
    ]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(TREE.parents[2])}
    return subprocess.run(command, cwd=TREE, env=environment, check=False).returncode


GATES = {"sanity": sanity, "docs": docs}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in GATES:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(GATES)}")
    lay_out()
    sys.exit(GATES[sys.argv[1]]())
