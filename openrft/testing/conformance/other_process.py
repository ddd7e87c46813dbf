"""A process that builds plugins from plain data, as the workers of a bench do, and calls their hooks.

`OtherProcess` is the calling side. `main` runs in the other process: it reads one request per line and
answers with a line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from threading import Timer
from typing import Any, TextIO

from openrft.errors import PluginError
from openrft.plugins.registry import find_plugin
from openrft.tasks.task import DataRequest

SECONDS = 300.0  # until an answer counts as missing


class OtherProcess:
    """A process that starts at the first request and is kept for later ones. Its hash seed differs from
    this process's, so sets of texts have another order there."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def ask(
        self,
        name: str,
        options: Mapping[str, Any],
        hooks: Sequence[str],
        task: str | None = None,
        request: DataRequest | None = None,
    ) -> dict[str, Any]:
        """By hook, what the plugin's hooks return there on toy data, and of `task` the digest. Raises PluginError if a
        hook raises there, or if the process ends."""
        rows = asdict(request or DataRequest())
        try:
            asked = json.dumps(
                {"name": name, "options": dict(options), "hooks": list(hooks), "task": task, "request": rows}
            )
        except TypeError as fault:
            raise PluginError(
                f"{find_plugin(name)} has options that are no plain data: {fault}.", "Give texts, numbers and lists."
            ) from fault
        if self._process is None or self._process.poll() is not None:
            self._process = self._start()
        pipes = self._process
        assert pipes.stdin is not None
        assert pipes.stdout is not None
        timer = Timer(SECONDS, pipes.kill)
        timer.start()
        try:
            pipes.stdin.write(f"{asked}\n")
            pipes.stdin.flush()
            answer = pipes.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            timer.cancel()
        if not answer:
            code = pipes.wait()
            raise PluginError(f"{find_plugin(name)}: the other process ended without an answer (exit code {code}).")
        found = json.loads(answer)
        if "fault" in found:
            raise PluginError(*found["fault"])
        results: dict[str, Any] = found["results"]
        return results

    def _start(self) -> subprocess.Popen[str]:
        seed = "1" if os.environ.get("PYTHONHASHSEED") == "2" else "2"
        paths = os.pathsep.join(filter(None, sys.path))
        return subprocess.Popen(
            [sys.executable, "-m", "openrft.testing.conformance.other_process"],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
            self._process = None


# -- in the other process ---------------------------------------------------------------------------------------------


def take_output() -> TextIO:
    """Standard output for answers alone: what plugins print goes to standard error from now on."""
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return own


def main() -> None:
    """Answer requests until there are no more."""
    from openrft.errors import OpenRFTError
    from openrft.plugins.manager import PluginSet
    from openrft.plugins.task_registry import load_task
    from openrft.testing.batches import make_batch
    from openrft.testing.families import digest_task
    from openrft.testing.hook_calls import call_hook
    from openrft.testing.plain import to_plain
    from openrft.testing.toys import toy_task

    answers = take_output()
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            plugins, batch = PluginSet([asked["name"]], {asked["name"]: asked["options"]}), make_batch(toy_task())
            results = {hook: to_plain(call_hook(plugins, hook, batch)) for hook in asked["hooks"]}
            if asked["task"] is not None:
                rows = DataRequest(**asked["request"])
                results["tasks"] = digest_task(load_task(asked["task"], rows))
            answers.write(json.dumps({"results": results}) + "\n")
        except OpenRFTError as fault:
            answers.write(json.dumps({"fault": [fault.message, fault.advice]}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
