"""Real servers for the stores, each for one test, in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from programs import free_ports

PATIENCE = 60.0


@contextmanager
def redis_server(folder: Path, *settings: str, keep: bool = True) -> Iterator[str]:
    """A Redis server that keeps what it is told, unless ``settings`` say otherwise; its address."""
    (port,) = free_ports(1)
    persistence = ["--appendonly", "yes", "--appendfsync", "always"] if keep else ["--appendonly", "no"]
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", ""]
    with _running([*command, *persistence, *settings], folder, port):
        yield f"redis://127.0.0.1:{port}"


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """A PostgreSQL server; the address of its database."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = [*(str(one / "initdb") for one in reversed(programs)), shutil.which("initdb")]
    initdb = next(path for path in found if path)
    (port,) = free_ports(1)
    data = folder / "data"
    data.mkdir(mode=0o700)
    # It does not run as root, and has to reach its folder.
    owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    if os.geteuid() == 0:
        os.chown(data, owner.pw_uid, owner.pw_gid)
        for parent in folder.parents:
            if parent.stat().st_uid == 0 and parent != Path("/") and parent.stat().st_mode & 0o001 == 0:
                parent.chmod(parent.stat().st_mode | 0o011)
        folder.chmod(0o711)
    flags = ["--username=bank", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
    subprocess.run(
        [initdb, *flags, "-D", data],
        check=True,
        capture_output=True,
        user=owner.pw_uid,
        group=owner.pw_gid,
        cwd="/",
    )
    settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300"]
    options = [part for setting in settings for part in ("-c", setting)]
    command = [str(Path(initdb).with_name("postgres")), "-D", str(data), "-p", str(port), *options]
    with _running(command, folder, port, user=owner.pw_uid, group=owner.pw_gid):
        ready = [str(Path(initdb).with_name("pg_isready")), "-q", "-h", "127.0.0.1", "-p", str(port)]
        _wait(lambda: subprocess.run(ready, check=False).returncode == 0)
        yield f"postgresql://bank@127.0.0.1:{port}/postgres"


@contextmanager
def _running(
    command: list[str], folder: Path, port: int, *, user: int | None = None, group: int | None = None
) -> Iterator[None]:
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, user=user, group=group, cwd="/"
        )
    try:
        _wait(lambda: _answers(port))
        yield
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _wait(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < end, "the server does not start"
        time.sleep(0.02)
