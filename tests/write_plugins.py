"""Write a plugin package of each kind into a folder, as `openrft plugins new` does, for the type checks."""

from __future__ import annotations

import sys
from pathlib import Path

from openrft.scaffold.write import KINDS, write_plugin


def main(folder: Path) -> None:
    """One folder for each kind."""
    for kind in KINDS:
        write_plugin(f"my-{kind}", kind, folder / kind)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
