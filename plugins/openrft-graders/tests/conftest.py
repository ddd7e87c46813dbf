"""An OpenAI-compatible server on this machine whose replies come from a function, for tests of model graders."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Reply = Callable[[dict[str, Any]], str | int | dict[str, Any]]  # a request -> an answer, an error's status or its body


@pytest.fixture
def serve() -> Any:
    """The context manager `serve_replies`."""
    return serve_replies


@dataclass(frozen=True)
class Shown:
    """What a rubric's judge is shown, as it reads it."""

    answer: str
    criteria: tuple[str, ...]  # in the order shown


class RuleJudge:
    """A judge that finds `says WORD` true where the answer has the word."""

    @staticmethod
    def read(request: dict[str, Any]) -> Shown:
        """The answer and the criteria in a request. The code of the marks is taken from the end of the prompt."""
        text = request["messages"][-1]["content"]
        code = re.findall(r"between the marks with the code (\w+)", text)[-1]
        _, begin, rest = text.partition(f"=== answer {code} ===\n")
        answer, end, behind = rest.partition(f"\n=== end of answer {code} ===")
        assert begin
        assert end
        return Shown(answer, tuple(re.findall(r"^\d+\. (.*)$", behind, re.MULTILINE)))

    @classmethod
    def reply(cls, request: dict[str, Any]) -> str:
        shown = cls.read(request)
        says = [criterion.removeprefix("says ") in shown.answer for criterion in shown.criteria]
        return json.dumps({str(i): yes for i, yes in enumerate(says, 1)})


@pytest.fixture
def judge() -> type[RuleJudge]:
    """A judge with known behaviour, whose `reply` answers a request."""
    return RuleJudge


@contextmanager
def serve_replies(reply: Reply) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of the server as a policy, and the requests that it got."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(request)
            found = reply(request)
            if isinstance(found, str):
                message = {"role": "assistant", "content": found}
                choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
                body: dict[str, Any] = {"id": "x", "object": "chat.completion", "created": 0, "model": "m"}
                status, body = 200, {**body, "choices": choices}
            elif isinstance(found, int):
                status, body = found, {"error": {"message": "out of order", "code": str(found)}}
            else:
                status, body = 400, {"error": found}
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"openai:http://127.0.0.1:{server.server_port}/v1#judge", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
