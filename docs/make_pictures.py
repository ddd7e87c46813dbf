"""Make the pictures of the documents: screenshots of report.html, written from a committed report, in Chromium.

Run it from the repository's root: `python docs/make_pictures.py`. It needs Chromium and no network.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
LARGEST = 200_000  # bytes
# name of the picture: the report behind it, and the width and height of the window in pixels
SCREENS = {"report.png": ("benchmarks/results/pocket-default-three-seeds", 1020, 860)}


def write_page(report: Path, folder: Path) -> Path:
    """Copy a report's folder and write its page there with `openrft report --html`. Returns the page's file."""
    copy = shutil.copytree(report, folder / report.name)
    subprocess.run(["openrft", "report", str(copy), "--html"], check=True)
    return copy / "report.html"


def take_screenshot(page: Path, picture: Path, width: int, height: int) -> None:
    """Show a page in a window of that size (pixels) and write what is seen as PNG."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("Chromium is not installed: run `python tests/install_chromium.py` as root.")
    options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
    size = f"--window-size={width},{height}"
    subprocess.run([chromium, *options, size, f"--screenshot={picture}", page.as_uri()], check=True)
    if picture.stat().st_size > LARGEST:
        raise SystemExit(f"{picture} has {picture.stat().st_size} bytes; at most {LARGEST} are allowed.")


def main() -> None:
    """Write every picture anew."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, (report, width, height) in SCREENS.items():
            take_screenshot(write_page(ROOT / report, Path(folder)), PICTURES / name, width, height)


if __name__ == "__main__":
    main()
