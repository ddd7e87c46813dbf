"""Install the package of docs/examples into this environment, as one copies it, and see that openrft loads its plugins.

The environment has openrft from wheels (install_wheels.py). Run it outside the checkout.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "docs" / "examples"


def main() -> None:
    """Run `pip install`, then `openrft plugins list --check` with `openrft` of this environment."""
    names = tomllib.loads((GALLERY / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]["openrft"]
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "examples"  # building leaves folders beside the sources
        shutil.copytree(GALLERY, copy, ignore=shutil.ignore_patterns("*.egg-info", "build", "__pycache__"))
        constraints = ["-c", str(ROOT / "constraints.txt")]
        command = [sys.executable, "-m", "pip", "install", "-q", *constraints, f"{copy}[units]"]
        subprocess.run(command, check=True)
    openrft = Path(sys.executable).with_name("openrft")
    command = [str(openrft), "plugins", "list", "--check"]
    shown = subprocess.run(command, cwd=sys.prefix, capture_output=True, text=True).stdout
    lines = {line.split()[0]: line for line in shown.splitlines() if line.strip()}
    loads = ("[ok]", "must be set]")  # the second has an option without a default
    faults = [lines.get(name, f"{name} is not listed") for name in names if not lines.get(name, "").endswith(loads)]
    if faults:
        sys.exit("\n".join(faults))
    print(f"{len(names)} plugins of docs/examples are installed and load: {', '.join(names)}")


if __name__ == "__main__":
    main()
