"""The process in which `openrft plugins check` runs its checks: it reads a request, and writes a line when each check
begins and ends."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from openrft.errors import UsageError
from openrft.tasks.task import DataRequest
from openrft.testing.conformance.kit import list_checks, run_check
from openrft.testing.conformance.other_process import OtherProcess, take_output
from openrft.testing.conformance.subject import Subject


def main() -> None:
    """Check the plugins of the request, one after another."""
    answers = take_output()

    def say(**message: Any) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    asked = json.loads(sys.stdin.readline())
    say(ready=True)
    request, other_process = DataRequest(**asked["request"]), OtherProcess()
    for name in asked["names"]:
        try:
            options = asked["options"].get(name)
            subject = Subject(name, options, asked["task"], request, asked["policy"], other_process)
            say(plugin=name, begins="declaration")
            for check in list_checks(subject):
                say(plugin=name, begins=check)
                say(plugin=name, result=asdict(run_check(subject, check)))
        except UsageError as fault:  # its options must be given, or are refused
            say(plugin=name, refused=[fault.message, fault.advice])
        say(plugin=name, done=True)
    other_process.close()


if __name__ == "__main__":
    main()
