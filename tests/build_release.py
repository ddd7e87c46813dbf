"""Build what a release consists of: wheels and source distributions of the core and every plugin, checked by twine, a
bill of materials (CycloneDX), and the licences of all dependencies."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main(target: Path) -> None:
    """Write all of it into the folder `target`."""
    target.mkdir(parents=True, exist_ok=True)
    packages = [ROOT, *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]
    check_versions(packages)
    for package in packages:
        run("build", "--no-isolation", "--outdir", str(target), str(package))
        shutil.rmtree(package / "build", ignore_errors=True)  # a stale copy in the tree would be searched by linters
    built = sorted(map(str, [*target.glob("*.whl"), *target.glob("*.tar.gz")]))
    assert len(built) == 2 * len(packages), built
    run("twine", "check", "--strict", *built)
    run("cyclonedx_py", "environment", "--output-reproducible", "-o", str(target / "sbom.json"), sys.executable)
    listed = run("piplicenses", "--format=json", "--with-urls")
    licences = sorted(json.loads(listed), key=lambda row: row["Name"].lower())
    assert all(row["License"] not in ("", "UNKNOWN") for row in licences if row["Name"].startswith("openrft"))
    rows = [f"| {row['Name']} | {row['Version']} | {row['License']} |" for row in licences]
    (target / "licences.md").write_text("\n".join(["| package | version | licence |", "|---|---|---|", *rows]) + "\n")


def check_versions(packages: list[Path]) -> None:
    """All packages have the version of the core, and so has CITATION.cff."""
    core = (ROOT / "openrft/version.py").read_text("utf-8")
    cited = next(
        line for line in (ROOT / "CITATION.cff").read_text("utf-8").splitlines() if line.startswith("version:")
    )
    version = cited.partition(":")[2].strip()
    assert f'"{version}"' in core, f"CITATION.cff has {version}, openrft/version.py another"
    for package in packages[1:]:
        own = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]["version"]
        assert own == version, f"{package.name} has {own}, the core {version}"


def run(module: str, *arguments: str) -> str:
    """The output of a Python module's command. A command that fails shows its own words."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{module} {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))
