"""What graded code cannot do, tried by graded code: reach a server, write, start processes, outlive its time."""

from __future__ import annotations

import os
import platform
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from openrft_graders.sandbox import client
from openrft_graders.sandbox.client import Limits, Reply, SandboxPool

from openrft import UsageError

pytestmark = pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="the sandbox is made of Linux's filter for system calls",
)
POOL = SandboxPool(Limits(seconds=5.0, memory=512 << 20), size=1)


def run(body: str, sample: Any = None, item: Any = None, pool: SandboxPool = POOL) -> Reply:
    """The reply to a grade function with this body."""
    lines = "\n".join("    " + line for line in body.splitlines())
    return pool.grade(f"def grade(sample, item):\n{lines}", [(sample or {}, item or {})])[0]


def test_it_grades() -> None:
    reply = run("return len(sample['output_text']) / item['n']", {"output_text": "four"}, {"n": 8})
    assert reply == Reply(0.5)
    assert run("import numpy as np\nreturn np.float32(0.25)").value == 0.25
    assert run("return True").value == 1.0


def test_openais_example_of_a_python_grader() -> None:
    source = (
        "from rapidfuzz import fuzz, utils\n"
        "def grade(sample, item):\n"
        "    text, reference = sample['output_text'], item['reference_answer']\n"
        "    return fuzz.WRatio(text, reference, processor=utils.default_process) / 100.0\n"
    )
    case = ({"output_text": "fuzzy wuzzy was a bear"}, {"reference_answer": "fuzzy wuzzy had no hair"})
    # 34 of 45 characters lie in common blocks: 2 * 17 / (22 + 23).
    assert POOL.grade(source, [case])[0].value == pytest.approx(34 / 45)


def test_it_reaches_no_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        met: list[Any] = []
        threading.Thread(target=lambda: met.append(server.accept()), daemon=True).start()
        reply = run(f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)\nreturn 1")
        assert reply.error == "raised"
        assert "PermissionError" in reply.words
        assert not met
        socket.create_connection(("127.0.0.1", port), 2).close()  # the server was there


@pytest.mark.parametrize(
    "body",
    [
        "open(item['new'], 'w').write('x')",
        "open(item['old'], 'a').write('x')",
        "open(item['old'], 'r+').write('x')",
        "os.open(item['old'], os.O_RDONLY | os.O_TRUNC)",
        "os.unlink(item['old'])",
        "os.rename(item['old'], item['new'])",
        "os.mkdir(item['new'])",
        "os.symlink(item['old'], item['new'])",
        "os.link(item['old'], item['new'])",
        "os.chmod(item['old'], 0)",
        "os.truncate(item['old'], 0)",
        "os.utime(item['old'], (0, 0))",
        "os.mkfifo(item['new'])",
        "import fcntl, struct; fcntl.ioctl(os.open(item['old'], 0), 0x40086602, struct.pack('l', 0x80))",
        "os.memfd_create('x')",
        "import tempfile; tempfile.TemporaryFile()",
    ],
)
def test_it_writes_no_file(body: str, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("kept")
    before = old.stat()
    reply = run(f"import os\n{body}\nreturn 1", item={"old": str(old), "new": str(tmp_path / "new")})
    assert reply.error == "raised", reply
    assert os.listdir(tmp_path) == ["old"]
    assert old.read_text() == "kept"
    assert (old.stat().st_mode, old.stat().st_mtime) == (before.st_mode, before.st_mtime)


@pytest.mark.parametrize(
    "body",
    [
        "while True: os.fork()",
        "import subprocess; subprocess.run(['true'])",
        "os.system('true') and 1 / 0",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "import multiprocessing; multiprocessing.Pool(2)",
        "import threading\nwhile True: threading.Thread(target=threading.Event().wait).start()",
        "os.kill(os.getppid(), 9)",
        "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
        "import resource; resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))",
    ],
)
def test_it_starts_and_touches_no_process(body: str) -> None:
    assert run(f"import os\n{body}\nreturn 1").error in ("raised", "died")
    assert run("return 1").value == 1  # the worker lives


def test_it_does_not_inherit_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    pool = SandboxPool(Limits(seconds=5.0), size=1)
    assert run("import os\nreturn 'OPENAI_API_KEY' in os.environ", pool=pool).value == 0.0


def test_memory_is_limited() -> None:
    small = SandboxPool(Limits(seconds=10.0, memory=64 << 20), size=1)
    assert "MemoryError" in run("return len(bytearray(200 << 20)) and 1", pool=small).words
    assert run("return len(bytearray(8 << 20)) and 1", pool=small).value == 1


def test_time_is_limited_and_nothing_is_left() -> None:
    quick = SandboxPool(Limits(seconds=0.5), size=1)
    assert run("return 1", pool=quick).value == 1
    began = time.monotonic()
    threads = (
        "import threading\nwhile True:\n    try:\n        threading.Thread(target=threading.Event().wait).start()\n"
    )
    threads += "    except (RuntimeError, MemoryError): pass"  # it never ends by itself
    assert run(threads, pool=quick).error in ("timeout", "died", "raised")
    reply = run("while True:\n    try:\n        while True: pass\n    except BaseException: pass", pool=quick)
    assert reply == Reply(None, "timeout", "it took longer than 0.5 seconds")
    assert run("import time\ntime.sleep(60)", pool=quick).error == "timeout"
    assert time.monotonic() - began < 10
    assert list_children(quick) == []


def list_children(pool: SandboxPool) -> list[str]:
    worker = pool._idle.queue[-1]._process.pid
    return Path(f"/proc/{worker}/task/{worker}/children").read_text().split()


def test_a_call_leaves_nothing_to_the_next_one() -> None:
    source = "import json\nseen = []\ndef grade(sample, item):\n    seen.append(1)\n"
    source += "    old = getattr(json, 'x', 0)\n    json.x = 5\n    return len(seen) + old"
    assert [reply.value for reply in POOL.grade(source, [({}, {})] * 3)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ("return sample['output_json']['x']", "raised", "KeyError: 'output_json' (line 2)"),
        ("return 'high'", "value", "grade gave 'high', which is no number"),
        ("return None", "value", "grade gave None, which is no number"),
        ("return float('nan')", "value", "grade gave nan"),
        ("return 10 ** 400", "raised", "OverflowError: int too large to convert to float"),
        ("import sys\nsys.exit(3)", "raised", "SystemExit: 3 (line 3)"),
        ("import os\nos._exit(3)", "died", "its process ended with status 3 and without a score"),
        ("import ctypes\nctypes.string_at(0)", "died", "its process ended with signal SIGSEGV and without a score"),
        ("print('noise'); return grade", "value", None),
    ],
)
def test_what_is_no_score_says_why(body: str, error: str, words: str | None) -> None:
    reply = run(body)
    assert reply.value is None
    assert reply.error == error
    assert words is None or reply.words == words


def test_several_at_a_time_come_back_in_order() -> None:
    pool = SandboxPool(Limits(seconds=10.0), size=3)
    cases = [({}, {"n": n}) for n in range(12)]
    source = "import time\ndef grade(sample, item):\n    time.sleep(0.01 * (item['n'] % 3))\n    return item['n']"
    assert [reply.value for reply in pool.grade(source, cases)] == list(range(12))


def test_a_lost_worker_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = SandboxPool(Limits(seconds=5.0), size=1)
    assert run("return 1", pool=pool).value == 1
    pool._idle.queue[-1]._process.kill()
    pool._idle.queue[-1]._process.wait()
    assert run("return 1", pool=pool).error == "died"
    assert run("return 1", pool=pool).value == 1


def test_a_call_ends_with_its_worker() -> None:
    pool = SandboxPool(Limits(seconds=60.0), size=1)
    assert run("return 1", pool=pool).value == 1
    worker = pool._idle.queue[-1]._process
    call = threading.Thread(target=run, args=("while True: pass", None, None, pool))
    call.start()
    deadline = time.monotonic() + 5
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children")
    while not children.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    child = int(children.read_text())
    time.sleep(0.3)  # until it is isolated
    worker.kill()
    call.join()
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)


def test_the_worker_ends_with_the_pool() -> None:
    pool = SandboxPool(Limits(seconds=5.0), size=1)
    assert run("return 1", pool=pool).value == 1
    worker = pool._idle.queue[-1]._process
    assert worker.poll() is None
    del pool
    assert worker.poll() is not None


def test_a_system_that_cannot_isolate_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.platform, "system", lambda: "Plan9")
    with pytest.raises(UsageError, match="cannot isolate the code of a python grader: it is not Linux"):
        SandboxPool(Limits()).check()
    SandboxPool(Limits(isolated=False)).check()  # the user insists


def test_without_the_sandbox_the_time_limit_still_ends_everything(tmp_path: Path) -> None:
    pool = SandboxPool(Limits(seconds=1.0, isolated=False), size=1)
    pool.check()
    body = "import os, time\nchild = os.fork()\nif child == 0: time.sleep(60)\nos.mkfifo(item['path'] + str(child))"
    reply = run(body + "\ntime.sleep(60)", item={"path": str(tmp_path / "child")}, pool=pool)
    assert reply.error == "timeout"
    child = int(os.listdir(tmp_path)[0].removeprefix("child"))
    deadline = time.monotonic() + 5
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(child)


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
