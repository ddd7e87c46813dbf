"""The code behind a result: digests of packages and versions of libraries."""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("torch", "transformers", "peft", "vllm")  # the core's numerical libraries; not all need be installed


@functools.cache
def digest_package(package: str) -> str:
    """Digest of a package's Python files."""
    file = find_package_file(package)
    digest = hashlib.sha256()
    if file:
        single = Path(file).name != "__init__.py"
        for path in [Path(file)] if single else sorted(Path(file).parent.rglob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def installed_versions(names: Iterable[str]) -> dict[str, str]:
    """Versions of the installed distributions among `names`, by name."""
    found = {}
    for name in sorted(set(names)):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def find_package_file(package: str) -> str | None:
    return getattr(import_module(package), "__file__", None)
