"""Run the commands of docs/your-questions.md and write what they print below them.

Run it from the repository's root: `python docs/make_screens.py`. Each block that begins with ```console has a
command behind `$`. The commands run in the order of the page, in one temporary folder that holds docs/examples/*.csv.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "your-questions.md"
BLOCK = re.compile(r"```console\n\$ (.*)\n(?:.*\n)*?```\n")


def run_command(command: str, folder: str) -> str:
    """What a command prints to a terminal of 118 columns, without its progress. Raises if it fails."""
    environment = {**os.environ, "COLUMNS": "118", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, stdout=subprocess.PIPE, check=True, text=True
    )
    return "\n".join(line.rstrip() for line in done.stdout.replace(folder, ".").strip().splitlines())


def main() -> None:
    """Write the page anew."""
    with tempfile.TemporaryDirectory() as folder:
        for table in ROOT.glob("docs/examples/*.csv"):
            shutil.copy(table, folder)
        page = BLOCK.sub(
            lambda found: f"```console\n$ {found[1]}\n{run_command(found[1], folder)}\n```\n", PAGE.read_text("utf-8")
        )
    PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
