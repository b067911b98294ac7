"""A real HTTP server on loopback that speaks as much of the Hugging Face hub's protocol as reading data sets and
downloading models takes."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

COMMIT = hashlib.sha1(b"the only commit").hexdigest()
Files = Mapping[str, bytes]


class HubServer(ThreadingHTTPServer):
    """`repositories` are data sets and models by `owner/name`, each its files by path; all are at one commit.

    `requests` are those that came in. A `status` other than 0 answers every request; one below 0 closes
    each connection without an answer. A name in `refused` is answered
    with that status and X-Error-Code.
    """

    daemon_threads = True

    def __init__(self, repositories: Mapping[str, Files]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories = repositories
        self.requests: list[str] = []
        self.status = 0
        self.refused: dict[str, tuple[int, str]] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone away is no news."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def do_GET(self) -> None:
        path = unquote(self.path.partition("?")[0])
        self.server.requests.append(f"{self.command} {path}")
        if self.server.status < 0:
            self.close_connection = True
            return
        if self.server.status:
            self._send(self.server.status, b"", {})
            return
        api = path.startswith("/api/")
        inside = path.removeprefix("/api").removeprefix("/datasets").removeprefix("/models").removeprefix("/")
        parts = inside.split("/")
        files = self.server.repositories.get("/".join(parts[:2]))
        if "/".join(parts[:2]) in self.server.refused:
            status, code = self.server.refused["/".join(parts[:2])]
            self._send(status, b"", {"X-Error-Code": code, "X-Error-Message": code})
        elif files is None:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif api:
            self._api(files, "/".join(parts[:2]), parts[2:])
        else:
            self._file(files, "/".join(parts[4:]))

    do_HEAD = do_GET

    def _file(self, files: Files, name: str) -> None:
        """`OWNER/NAME/resolve/REVISION/FILE`, the whole or the range that is asked for."""
        if name not in files:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
            return
        data = files[name]
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{digest(data)}"', "Accept-Ranges": "bytes"}
        wanted = self.headers.get("range")
        if wanted is None:
            self._send(200, data, headers)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        end = min(int(last or len(data) - 1), len(data) - 1)
        headers["Content-Range"] = f"bytes {first}-{end}/{len(data)}"
        self._send(206, data[int(first) : end + 1], headers)

    def _api(self, files: Files, name: str, rest: list[str]) -> None:
        """`OWNER/NAME/` and then `revision/REVISION` or `tree/REVISION/FOLDER`."""
        if rest[:1] == ["tree"]:
            found: Any = list(tree(files, "/".join(rest[2:]), "recursive=true" in self.path.lower()))
        else:
            siblings = [{"rfilename": path} for path in files]
            found = {"_id": "0", "id": name, "sha": COMMIT, "private": False, "tags": [], "siblings": siblings}
        self._send(200, json.dumps(found).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Requests are kept in `server.requests` instead."""


def digest(data: bytes) -> str:
    """What git calls a file with these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def tree(files: Files, folder: str, recursive: bool) -> Iterator[dict[str, Any]]:
    """The entries of a folder, as the hub lists them: each folder in front of what is in it."""
    start, folders = f"{folder}/" if folder else "", set()
    for path in sorted(files):
        if not path.startswith(start):
            continue
        inside = path[len(start) :].split("/")
        for depth in range(1, len(inside)):
            above = start + "/".join(inside[:depth])
            if above not in folders and (recursive or depth == 1):
                folders.add(above)
                yield {"type": "directory", "oid": digest(above.encode()), "size": 0, "path": above}
        if recursive or len(inside) == 1:
            yield {"type": "file", "oid": digest(files[path]), "size": len(files[path]), "path": path}


@contextmanager
def hub_server(repositories: Mapping[str, Files]) -> Iterator[HubServer]:
    server = HubServer(repositories)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
