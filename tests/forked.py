"""Processes of the command line that need not import torch again.

Importing torch and transformers takes longer than most of what the tests run. One process imports them and forks for
each command. The fork has its own folder, environment, standard streams and exit code, like a process that was started
anew. Only what is read when a module is imported (HF_ENDPOINT, the hash seed) is the first process's.

    python tests/forked.py MODULE...    reads one request a line, as JSON, and prints each one's exit code
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MODULES = (  # slow ones of what commands import. None starts a thread, which a fork would lack (lancedb does)
    "torch",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.llama.modeling_llama",
    "transformers.generation.utils",
    "peft",
    "pandas",
    "scipy.stats",
    "statsmodels.stats.proportion",
    "lance_namespace",
    "openrft.pipeline",
    "openrft.policies.hf",
    "openrft.policies.chat_template",
    "openrft_icl",
    "openrft_pocket.tasks",
    "openrft_prm",
    "openrft_rl.update",
    "openrft_sft.training",  # trl
)


class ForkServer:
    """Runs commands in forks of one process. Not safe in threads: one command at a time."""

    def __init__(self, more: dict[str, str], modules: Sequence[str] = MODULES) -> None:
        """`more`: variables beside those of this process. `modules`: what the first process imports."""
        self.more, self.modules = more, modules
        self.process: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """That of a command which begins now."""
        return {**os.environ, **self.more}

    def run(
        self,
        arguments: list[str],
        cwd: Path,
        *,
        stdin: str = "",
        umask: int = -1,
        timeout: float = 240,
        ranks: int = 1,
    ) -> subprocess.CompletedProcess[str]:
        """Run `python ARGUMENTS`, where the arguments begin with -m MODULE or -c CODE.

        `ranks`: how many times at once, with the variables that torchrun sets. The exit code is then the largest.
        Raises subprocess.TimeoutExpired.
        """
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "stdin").write_text(stdin)
            request = {
                "arguments": arguments,
                "cwd": str(cwd),
                "streams": name,
                "umask": umask,
                "envs": [{**self.environment, **rank} for rank in name_ranks(ranks)],
            }
            process = self._start()
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            if not select.select([process.stdout], [], [], timeout)[0]:
                self.stop()
                raise subprocess.TimeoutExpired(arguments, timeout)
            code = int(process.stdout.readline())
            out, errors = ((folder / stream).read_text() for stream in ("stdout", "stderr"))
        return subprocess.CompletedProcess(arguments, code, out, errors)

    def stop(self) -> None:
        """End the process and its forks."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()
            self.process = None

    def _start(self) -> subprocess.Popen[str]:
        if not self.process:
            self.process = subprocess.Popen(
                [sys.executable, __file__, *self.modules],
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            assert self.process.stdout
            assert self.process.stdout.readline() == "ready\n", "the first process did not start"
        return self.process


def name_ranks(count: int) -> list[dict[str, str]]:
    """The variables that torchrun sets for each of `count` processes on this machine; none for a single one. Several
    see no GPU: each would need its own."""
    if count == 1:
        return [{}]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": str(count)}
        meeting["CUDA_VISIBLE_DEVICES"] = "-1"
    return [{**meeting, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]


def preload(modules: Sequence[str]) -> None:
    """Import what forks need, and digest its source, which every run does. Computes nothing else."""
    from openrft.runtime import code_digest

    for module in modules:
        importlib.import_module(module)
        if module.startswith("openrft_"):
            code_digest.digest_package(module.partition(".")[0])
    threads = [Path(f"/proc/self/task/{task}/comm").read_text().strip() for task in os.listdir("/proc/self/task")]
    assert len(threads) - threads.count("jemalloc_bg_thd") == 1, threads  # jemalloc sees to its own
    gc.freeze()


def serve() -> dict[str, Any]:
    """Fork for each request. Returns it in the fork, and never in the first process."""
    preload(sys.argv[1:])
    print("ready", flush=True)
    for line in sys.stdin:
        request: dict[str, Any] = json.loads(line)
        children = []
        for env in request["envs"]:
            children.append(os.fork())
            if not children[-1]:
                return {**request, "env": env}
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        print(max(codes, key=abs), flush=True)
    sys.exit()


def become(request: dict[str, Any]) -> None:
    """Take the folder, environment and standard streams that the request names."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    if request["umask"] >= 0:
        os.umask(request["umask"])
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        file = os.open(f"{request['streams']}/{name}", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)


def run(arguments: list[str]) -> None:
    """What `python ARGUMENTS` does."""
    import runpy

    option, program, *rest = arguments
    if option == "-m":
        sys.argv = [program, *rest]
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    else:
        sys.argv = ["-c", *rest]
        exec(compile(program, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    asked = serve()
    become(asked)
    sys.path[0] = ""
    run(asked["arguments"])
