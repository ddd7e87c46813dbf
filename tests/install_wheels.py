"""Build wheels of the core and every plugin, and install them into this environment: what a user gets from an index."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Run `pip wheel`, then `pip install` of the wheels under the tested versions."""
    packages = [ROOT, *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip"]
        subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", folder, *map(str, packages)], check=True)
        for package in packages:  # setuptools builds in the tree, and a stale copy would be searched by linters
            shutil.rmtree(package / "build", ignore_errors=True)
        wheels = sorted(Path(folder).glob("*.whl"))
        assert len(wheels) == len(packages), wheels
        constraints = ["-c", str(ROOT / "constraints.txt")]
        subprocess.run([*pip, "install", "-q", *constraints, *map(str, wheels)], check=True)
    inside = subprocess.run(
        [sys.executable, "-c", "import openrft; print(openrft.__file__)"],
        cwd=Path(sys.prefix),  # outside the checkout, whose folder `openrft` would be imported instead
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert inside.startswith(sys.prefix), f"openrft was imported from {inside}, not from the wheel"


if __name__ == "__main__":
    main()
