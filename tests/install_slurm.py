"""Install Slurm from the system's packages, if it is missing and this user may."""

from __future__ import annotations

import os
import shutil
import subprocess


def main() -> None:
    """Run apt-get where it exists and this user is root. Elsewhere the tests of Slurm say what is missing."""
    if shutil.which("slurmctld") and shutil.which("munged"):
        return
    if not shutil.which("apt-get") or os.geteuid():
        print("Slurm is not installed, and this user cannot install it with apt-get.")
        return
    subprocess.run(["apt-get", "update", "-q"], check=True)
    subprocess.run(["apt-get", "install", "-q", "-y", "--no-install-recommends", "slurm-wlm", "munge"], check=True)


if __name__ == "__main__":
    main()
