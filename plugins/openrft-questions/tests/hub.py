"""A hub of data sets on this machine, as `huggingface_hub` asks one: enough of its API to find and fetch files."""

from __future__ import annotations

import hashlib
import json
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def serve_hub(repository: str, files: Mapping[str, bytes], revisions: tuple[str, ...] = ("main",)) -> Iterator[str]:
    """Serve one repository at the address that is given."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            asked = self.rfile.read(length).decode()
            paths = (
                json.loads(asked)["paths"] if asked.startswith("{") else urllib.parse.parse_qs(asked).get("paths", [])
            )
            found = [_entry(path) for path in paths if path in files]
            found += [{"type": "directory", "oid": "0" * 40, "path": p, "size": 0} for p in paths if _is_folder(p)]
            self._send(200, json.dumps(found).encode())

        def _answer(self, body: bool) -> None:
            path = urllib.parse.unquote(urllib.parse.urlparse(self.path).path)
            api, resolve = f"/api/datasets/{repository}", f"/datasets/{repository}/resolve/"
            if path.startswith(resolve):
                revision, _, name = path.removeprefix(resolve).partition("/")
                if revision in (*revisions, COMMIT) and name in files:
                    self._send(200, files[name] if body else b"", len(files[name]), _digest(files[name]))
                else:
                    self._send(404, b"", code="EntryNotFound")
            elif path.startswith(f"{api}/tree/"):
                folder = path.removeprefix(f"{api}/tree/").partition("/")[2]
                names = [name for name in files if name.startswith(folder)]
                self._send(200, json.dumps([_entry(name) for name in names]).encode())
            elif path == api or path.removeprefix(f"{api}/revision/") in (*revisions, COMMIT):
                self._send(200, json.dumps(_about()).encode())
            elif path.startswith(f"{api}/revision/"):
                self._send(404, b"{}", code="RevisionNotFound")
            else:
                self._send(404, b"{}", code="RepoNotFound")

        def _send(self, status: int, content: bytes, length: int | None = None, tag: str = "x", code: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content) if length is None else length))
            self.send_header("ETag", f'"{tag}"')
            self.send_header("X-Repo-Commit", COMMIT)
            if code:
                self.send_header("X-Error-Code", code)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            asked.append(f"{self.command} {self.path}")

    def _entry(name: str) -> dict[str, Any]:
        return {"type": "file", "oid": _digest(files[name])[:40], "size": len(files[name]), "path": name}

    def _is_folder(name: str) -> bool:
        return any(file.startswith(f"{name}/") for file in files)

    def _about() -> dict[str, Any]:
        siblings = [{"rfilename": name} for name in files]
        return {"id": repository, "sha": COMMIT, "private": False, "tags": [], "siblings": siblings, "downloads": 0}

    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
