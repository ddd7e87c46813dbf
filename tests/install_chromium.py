"""Install Chromium and its driver from the system's packages, if they are missing and this user may."""

from __future__ import annotations

import os
import shutil
import subprocess


def main() -> None:
    """Run apt-get where it exists and this user is root. Elsewhere the tests of the browser say what is missing."""
    if shutil.which("chromium") and shutil.which("chromedriver"):
        return
    if not shutil.which("apt-get") or os.geteuid():
        print("Chromium is not installed, and this user cannot install it with apt-get.")
        return
    subprocess.run(["apt-get", "update", "-q"], check=True)
    subprocess.run(
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium", "chromium-driver"], check=True
    )


if __name__ == "__main__":
    main()
