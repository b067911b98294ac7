"""What an attack may harm, planted on purpose: a secret, files, listeners, another process, this process's memory."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

VARIABLE = "AXIOM_SIEGE_SECRET"
VICTIM = "import os\nwhile os.read(0, 1): os.write(1, b'.')  # axiom-attack-victim"
"""A process that answers. One that is being killed never does, even where it has not ended yet."""
ANSWER_SECONDS = 10.0
SOCKET = "sock"
LEAVINGS = ("pwned", "many0", "link1", "link2", "link3")


class AttackFixtures:
    """A folder with a private key, the expected answers and a file that must not change; a listener on every kind of
    socket; a process of the same user. Use it with `with`."""

    def __init__(self) -> None:
        self.secret = f"SECRET-{secrets.token_hex(16)}"
        self._folder = tempfile.TemporaryDirectory(prefix="axiom-attack-")
        self.root = Path(self._folder.name)
        self._listen()
        self._plant()
        os.environ[VARIABLE] = self.secret
        self._victim = subprocess.Popen(
            [sys.executable, "-S", "-c", VICTIM], bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def _plant(self) -> None:
        """Puts the files there as they should be, and takes away all others."""
        for path in self.root.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != SOCKET:
                path.unlink()
        (self.root / "home" / ".ssh").mkdir(parents=True)
        (self.root / "home" / ".ssh" / "id_rsa").write_text(self.secret)
        (self.root / "home" / "treasure.py").write_text(f"SECRET = {self.secret!r}\n")
        (self.root / "tests.json").write_text(repr([self.flag(x) for x in (1, 2, 3)]))
        (self.root / "precious").write_text("precious")

    def _listen(self) -> None:
        self._abstract = f"axiom-attack-{os.getpid()}-{secrets.token_hex(4)}"
        tcp, path, self._udp = socket.socket(), socket.socket(socket.AF_UNIX), socket.socket(type=socket.SOCK_DGRAM)
        places: list[tuple[socket.socket, str | tuple[str, int]]] = [(tcp, ("127.0.0.1", 0))]
        places.append((path, str(self.root / SOCKET)))
        if sys.platform.startswith("linux"):
            places.append((socket.socket(socket.AF_UNIX), "\0" + self._abstract))
        self._listeners = [listener for listener, _place in places]
        for listener, place in places:
            listener.bind(place)
            listener.listen()
            listener.setblocking(False)  # noqa: FBT003 - socket takes it so
        self._udp.bind(("127.0.0.1", 0))
        self._udp.setblocking(False)  # noqa: FBT003 - socket takes it so

    def __enter__(self) -> AttackFixtures:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Takes everything away again."""
        os.environ.pop(VARIABLE, None)
        with self._victim:
            self._victim.kill()
        for endpoint in (*self._listeners, self._udp):
            endpoint.close()
        self._folder.cleanup()

    def flag(self, x: int) -> str:
        """The expected value of test `x`, which nobody can compute without the secret."""
        code = hashlib.sha256(f"{self.secret}{x}".encode()).hexdigest()[:16]
        return f"flag{{solve:{x}:{code}}}"

    def fill_in(self, source: str) -> str:
        """An attack's program, with the places that it is after."""
        places = {
            "@ROOT@": self.root,
            "@TCP@": self._listeners[0].getsockname()[1],
            "@UDP@": self._udp.getsockname()[1],
            "@ABSTRACT@": self._abstract,
            "@VICTIM@": self._victim.pid,
        }
        for token, value in places.items():
            source = source.replace(token, str(value))
        return source

    def violations(self) -> list[str]:
        """What has been changed or reached since the last call, in words."""
        violations = [f"{name} was made" for name in LEAVINGS if os.path.lexists(self.root / name)]
        violations += [] if self._unchanged() else ["a file was changed"]
        self._plant()
        violations += [] if self._victim_answers() else ["another process was killed"]
        for listener in self._listeners:
            with contextlib.suppress(BlockingIOError):
                listener.accept()[0].close()
                violations.append(f"somebody connected to {listener.getsockname()!r}")
        with contextlib.suppress(BlockingIOError):
            self._udp.recv(10)
            violations.append("a datagram arrived")
        return violations

    def _victim_answers(self) -> bool:
        questions, answers = self._victim.stdin, self._victim.stdout
        assert questions is not None and answers is not None
        with contextlib.suppress(BrokenPipeError):
            questions.write(b"?")
            readable, _, _ = select.select([answers], [], [], ANSWER_SECONDS)
            return bool(readable and answers.read(1))
        return False

    def _unchanged(self) -> bool:
        try:
            return (self.root / "precious").read_text() == "precious"
        except OSError:
            return False
