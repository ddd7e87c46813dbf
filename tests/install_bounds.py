"""Install the core and every plugin with the lowest or the newest releases that their requirements allow.

    python tests/install_bounds.py lowest|newest

Into this interpreter's environment, with uv. torch is the release that CI has at both ends: others are gigabytes, or
have no build for CPUs. Fails where a lower bound is below what can be installed with the others.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
OWN_EXTRAS = {"openrft": "[gguf,openai,serve,units]", "openrft-graders": "[nltk]"}  # of requirements.txt; units: tests
TOOLS = ("hypothesis>=6.170", "pytest>=8.4", "setuptools>=77")
RESOLUTIONS = {"lowest": "lowest-direct", "newest": "highest"}


def list_folders() -> list[Path]:
    """Of the core and of every plugin."""
    return [ROOT, *sorted((ROOT / "plugins").glob("openrft-*"))]


def read_requirements() -> Iterator[Requirement]:
    """What the packages require, with their extras of requirements.txt."""
    for folder in list_folders():
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        extras = re.findall(r"\w+", OWN_EXTRAS.get(project["name"], ""))
        for part in (project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)):
            yield from map(Requirement, part)


def find_faults() -> Iterator[str]:
    """Lower bounds that are not what is installed now."""
    for requirement in read_requirements():
        if requirement.name == "torch" or requirement.name.startswith("openrft"):
            continue
        bounds = [Version(one.version) for one in requirement.specifier if one.operator == ">="]
        found = Version(version(requirement.name))
        if bounds != [found]:
            yield f"{requirement}: the lowest release that fits the other requirements is {found}"


def install_torch() -> str:
    """Install CI's torch with pip, as CI does. Its version, with which build it is: uv would prefer another."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "-c", str(ROOT / "constraints.txt"), "torch"]
    subprocess.run(command, check=True)
    return version("torch")


def main() -> None:
    end = sys.argv[1]
    # uv has names of its own for what pip is told.
    known = {"UV_FIND_LINKS": "PIP_FIND_LINKS", "UV_INDEX_URL": "PIP_INDEX_URL", "SSL_CERT_FILE": "PIP_CERT"}
    told = {ours: os.environ[theirs] for ours, theirs in known.items() if theirs in os.environ}
    packages = [f"{folder}{OWN_EXTRAS.get(_name(folder), '')}" for folder in list_folders()]
    with tempfile.TemporaryDirectory() as name:
        constraints = Path(name) / "torch.txt"
        constraints.write_text(f"torch=={install_torch()}\n", "utf-8")
        command = [sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable, "-q"]
        command += ["--resolution", RESOLUTIONS[end], "-c", str(constraints), *TOOLS]
        command += [word for package in packages for word in ("-e", package)]
        subprocess.run(command, check=True, env={**os.environ, **told})
    if end == "lowest" and (faults := list(find_faults())):
        sys.exit("\n".join([*faults, "Write it as the lower bound."]))


def _name(folder: Path) -> str:
    return "openrft" if folder == ROOT else folder.name


if __name__ == "__main__":
    main()
