"""An OpenAI-compatible server on this machine whose replies come from a function, for tests of model graders."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Reply = Callable[[dict[str, Any]], str | int | dict[str, Any]]  # a request -> an answer, an error's status or its body


@pytest.fixture
def serve() -> Any:
    """The context manager `serve_replies`."""
    return serve_replies


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
