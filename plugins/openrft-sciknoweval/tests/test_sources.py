"""The hub through `datasets`: pinned revisions, a copy in the cache, and no network said at once in one line.

The hub itself is played by a server on this machine that knows the few questions `datasets` asks.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from openrft_sciknoweval import SciKnowEval
from openrft_sciknoweval.sources import REPOSITORY, VERSIONS

from openrft import DataError, DataRequest, UsageError

FAMILY = SciKnowEval().tasks()
V1, V2 = VERSIONS["v1"].revision, VERSIONS["v2"].revision


class PlayedHub(BaseHTTPRequestHandler):
    """Answers for one repository, whose files of a revision lie in a folder of that name."""

    server: Any

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].replace("%2F", "/")
        head, _, rest = path.partition(f"{REPOSITORY}/")
        kind, _, rest = rest.partition("/")
        revision, _, name = rest.partition("/")
        base = self.server.root / revision
        self.server.asked += [revision] if revision else []
        if head == "/datasets/" and kind == "resolve" and (base / name).is_file():
            raw = (base / name).read_bytes()
            self.answer(200, raw, ETag=f'"{hashlib.sha1(raw).hexdigest()}"', **{"X-Repo-Commit": revision})
        elif head == "/api/datasets/" and kind == "revision" and base.is_dir():
            files = [{"rfilename": str(file.relative_to(base))} for file in base.rglob("*") if file.is_file()]
            self.answer(200, json.dumps({"id": REPOSITORY, "sha": revision, "siblings": files}).encode())
        elif head == "/api/datasets/" and kind == "tree" and (base / name).is_dir():
            self.answer(200, json.dumps([self.entry(base, file) for file in (base / name).iterdir()]).encode())
        elif path == "/":
            self.answer(200, b"")
        else:
            self.answer(404, b"{}", **{"X-Error-Code": "EntryNotFound"})

    def entry(self, base: Path, file: Path) -> dict[str, Any]:
        kind = "file" if file.is_file() else "directory"
        oid = hashlib.sha1(file.read_bytes() if file.is_file() else b"").hexdigest()
        return {"type": kind, "oid": oid, "size": file.stat().st_size, "path": str(file.relative_to(base))}

    def answer(self, code: int, body: bytes, **headers: str) -> None:
        self.send_response(code)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    root = tmp_path_factory.mktemp("hub")
    server = ThreadingHTTPServer(("127.0.0.1", 0), PlayedHub)
    server.root, server.asked = root, []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def publish(hub: Any, version: str, rows: dict[str | None, list[Any]]) -> None:
    """Put rows by domain into the version's files, with the card that names them."""
    base = hub.root / VERSIONS[version].revision
    card = ["---", "configs:"]
    for config, domain, file in VERSIONS[version].configs:
        (base / file).parent.mkdir(parents=True, exist_ok=True)
        (base / file).write_text("".join(json.dumps(row) + "\n" for row in rows[domain]))
        card += [f"- config_name: {config}", "  data_files:", "  - split: test", f'    path: "{file}"']
    (base / "README.md").write_text("\n".join([*card, "---", ""]))


def show(name: str, data: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own, whose hub and caches are the test's."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "OPENRFT_"))}
    return subprocess.run(
        [sys.executable, "-m", "openrft", "tasks", "show", f"sciknoweval/{name}", "--data", data, "--json"],
        env={**environment, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1", **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_both_versions_are_read_at_their_revisions_and_once(hub: Any, choice: Any, other: Any, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{hub.server_port}"
    calculation = {"level": "L3", "task": "sci_calculate", "subtask": "MMLU", "source": None}
    odd = [choice(90, type=["mcq-4-choices"]), other("true_or_false", "Is it\teaten? \times \x08", "No")]
    publish(hub, "v2", {None: [*(choice(number) for number in range(8)), *odd, choice(91, answerKey="E")]})
    by_domain = {name: [choice(n, domain=name) for n in range(6)] for name in ("Biology", "Physics", "Material")}
    by_domain["Material"] = [choice(n, domain="Materials") for n in range(6)]
    publish(hub, "v1", {**by_domain, "Chemistry": [choice(n, details=calculation) for n in range(6)]})

    refused = show("L3", "hub", tmp_path, HF_ENDPOINT=address)
    assert refused.returncode == 2
    assert "hicai-zju/SciKnowEval (v2), row 11: answerKey 'E'" in refused.stderr
    assert set(hub.asked) == {V2}
    hub.asked.clear()
    first = show("L3/chemical_calculation", "hub:v1", tmp_path, HF_ENDPOINT=address)
    assert first.returncode == 0, first.stderr
    card = json.loads(first.stdout)
    assert (card["rows"], card["notes"]["revision"], card["notes"]["source"]) == (6, V1, "hub:v1")
    assert set(hub.asked) == {V1}
    hub.asked.clear()
    again = show("L3/chemical_calculation", "hub:v1", tmp_path, HF_HUB_OFFLINE="1")
    assert json.loads(again.stdout)["notes"] == card["notes"]
    assert hub.asked == []


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty caches."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "datasets")
    return tmp_path / "hub"


def refuse(*args: object, **more: object) -> None:
    raise AssertionError("the network was asked")


def test_cached_file_is_read_without_network(
    caches: Path, choice: Any, other: Any, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And `datasets` hands on what the file says: types that differ from row to row, control characters, gaps."""
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    snapshot = f"hub/datasets--hicai-zju--SciKnowEval/snapshots/{V2}/data/v2/sciknoweval_test_v2.jsonl"
    gaps = {key: value for key, value in choice(8).items() if key != "prompt"}
    odd = [gaps, choice(9, type=["mcq-4-choices"]), other("true_or_false", "Is it\teaten? \times \x08", "No")]
    folder = write(snapshot, [*(choice(number) for number in range(8)), *odd])
    task = FAMILY.load("sciknoweval/L3", DataRequest())
    plain = FAMILY.load("sciknoweval/L3", DataRequest(data=str(folder / snapshot)))
    assert len(task.train) + len(task.test) == 11
    assert (task.notes["source"], task.notes["revision"]) == ("hub:v2", V2)
    assert task.notes["fingerprint"] == plain.notes["fingerprint"]
    assert task.notes["defects_kept"] == {"eaten_backslash": 1, "control_character": 1}


def test_no_network_is_said_at_once(caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **more: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    begin = time.monotonic()
    with pytest.raises(DataError, match="hub cannot be reached") as refusal:
        FAMILY.load("sciknoweval/L3", DataRequest())
    assert time.monotonic() - begin < 6
    assert "--data DIR" in refusal.value.advice
    assert "OPENRFT_SCIKNOWEVAL_DATA" in refusal.value.advice


def test_hub_switched_off(tmp_path: Path) -> None:
    done = show("L3", "hub:v1", tmp_path, HF_HUB_OFFLINE="1")
    assert done.returncode == 2
    assert "HF_HUB_OFFLINE" in done.stderr
    assert "--data DIR" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_cache_of_another_revision_is_not_taken(caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, `datasets` offers what it has, whichever revision that is."""

    class Other:
        cache_files = ({"filename": "/cache/v2/0.0.0/0123456789/x.arrow"},)

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.load_dataset", lambda *args, **more: Other())
    with pytest.raises(DataError, match="not of revision 92ef969a"):
        FAMILY.load("sciknoweval/L3", DataRequest())


def test_names_of_other_sources_are_explained() -> None:
    with pytest.raises(DataError, match="not on the hub") as refusal:
        FAMILY.load("sciknoweval/openrft/T3", DataRequest())
    assert "sciknoweval/L3/chemical_calculation with --data hub:v1" in refusal.value.advice
    with pytest.raises(DataError, match=r"not in V2.*hub:v1"):
        FAMILY.load("sciknoweval/L3/material_calculation", DataRequest())
    with pytest.raises(UsageError, match="hub:v2, hub:v1"):
        FAMILY.load("sciknoweval/L3", DataRequest(data="hub:v9"))
    absent = {info.name for info in FAMILY.names() if info.absent}
    assert {"sciknoweval/openrft/T1", "sciknoweval/L3/material_calculation", "sciknoweval/file"} <= absent
    assert "sciknoweval/L3/material_calculation" not in {i.name for i in FAMILY.names("hub:v1") if i.absent}
