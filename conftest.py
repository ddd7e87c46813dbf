"""Shared by all tests: one thread (many small tests side by side), a tiny checkpoint, really installed plugins."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.device import device as device
from tests.forked import ForkServer

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # for deterministic kernels: read when a GPU is first used
with contextlib.suppress(ModuleNotFoundError):  # in environments whose tests draw nothing
    import hypothesis

    hypothesis.settings.register_profile("patient", deadline=None)  # a busy machine is no failure
    hypothesis.settings.load_profile("patient")
HERE = Path(__file__).parent
EXAMPLES = HERE / "docs" / "examples"
LONG = (  # files that take longest are begun first: else one of them runs last, with the other processor idle
    "test_cli.py", "test_export.py", "test_executors.py", "test_end_to_end.py", "test_kill_and_resume.py",
    "test_memory.py", "test_real_data.py", "test_predict.py", "test_write.py", "test_trl_grpo.py",
    "test_micro_batches.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real checkpoint of random weights."""
    from openrft.testing import write_tiny_checkpoint

    return write_tiny_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def third_party(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that finds the toy and the broken plugins, installed by pip in a folder apart."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # of all workers: the first one installs
    target = folder / "site"
    with FileLock(folder / "site.lock"):
        if not target.exists():
            sources = [
                shutil.copytree(HERE / "tests" / "third_party" / name, folder / "source" / name)
                for name in ("toy", "broken")
            ]
            command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
            subprocess.run([*command, "--target", str(target), *map(str, sources)], check=True)
    return {**os.environ, "PYTHONPATH": str(target), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def fork_server(third_party: dict[str, str]) -> Iterator[ForkServer]:
    """Runs commands in processes that need not import torch again, third-party plugins installed."""
    server = ForkServer({name: third_party[name] for name in ("PYTHONPATH", "OMP_NUM_THREADS")})
    yield server
    server.stop()


@pytest.fixture
def run_python(third_party: dict[str, str]):
    """Run code in a process of its own, third-party plugins installed."""

    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code], env=third_party, capture_output=True, text=True, timeout=120
        )

    return run


@pytest.fixture
def run_openrft(fork_server: ForkServer, tmp_path: Path):
    """Run the command line in a process of its own, third-party plugins installed.

    `anew`: in one that is started from nothing, so that its hash seed is another one, too. `ranks`: in several at once
    that work on one job, as torchrun starts them.
    """

    def run(
        *arguments: str, timeout: float = 240, stdin: str = "", anew: bool = False, ranks: int = 1
    ) -> subprocess.CompletedProcess[str]:
        if not anew:
            return fork_server.run(["-m", "openrft", *arguments], tmp_path, timeout=timeout, stdin=stdin, ranks=ranks)
        return subprocess.run(
            [sys.executable, "-m", "openrft", *arguments],
            cwd=tmp_path,
            env=fork_server.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    return run


@pytest.fixture
def example_plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The classes that the examples' entry points name count as installed plugins. Gives the entry points."""
    from openrft.testing import use_plugins

    monkeypatch.syspath_prepend(str(EXAMPLES))
    project = tomllib.loads((EXAMPLES / "pyproject.toml").read_text("utf-8"))["project"]
    entries: dict[str, str] = project["entry-points"]["openrft"]
    parts = {name: entry.split(":") for name, entry in entries.items()}
    with use_plugins({name: getattr(__import__(module), kind) for name, (module, kind) in parts.items()}):
        yield entries
    for module, _ in parts.values():
        sys.modules.pop(module)
