"""The package as such: names, stubs, exceptions, files."""

from __future__ import annotations

import builtins
import inspect
import os
import pickle
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import otls
from otls import _errors, _otls


def test_the_stub_is_what_the_module_is(tmp_path: Path) -> None:
    allow = tmp_path / "allow"
    # The extension module lists its names; the stub has nothing but them.
    allow.write_text("otls._otls.__all__\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "otls", "--allowlist", str(allow)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stub_says_what_help_says() -> None:
    script = Path(__file__).resolve().parents[3] / "scripts" / "stub.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_name_of_the_extension_module_is_exported_and_documented() -> None:
    exported = set(otls.__all__)
    names = {name for name in dir(_otls) if not name.startswith("_")} - {"ERROR_CODES", "Link"}
    assert names <= exported
    for name in exported:
        thing = getattr(otls, name)
        if not inspect.isclass(thing):
            assert not inspect.isroutine(thing) or inspect.getdoc(thing), name
            continue
        assert inspect.getdoc(thing), name
        for attribute, value in vars(thing).items():
            if not attribute.startswith("_") and (inspect.isroutine(value) or isinstance(value, property)):
                assert inspect.getdoc(value), f"{name}.{attribute}"


def test_each_error_number_has_its_class() -> None:
    # Three numbers are about C's pointers and buffers.
    only_c = {"BUFFER_TOO_SMALL", "NULL_POINTER", "POISONED"}
    mirrored = {kind.default_code for kind in _errors._CLASSES.values()}
    assert mirrored == {code for code in _otls.ERROR_CODES if code[1] not in only_c}
    for number, name in _otls.ERROR_CODES:
        error = _errors.exception_for(number, name, "text", "hint", None, [])
        assert (error.code, error.code_name, error.hint, str(error)) == (number, name, "hint", "text")


def test_no_name_shadows_a_builtin() -> None:
    assert not set(otls.__all__) & set(dir(builtins))


def test_an_exception_survives_pickling() -> None:
    with pytest.raises(otls.BadName) as caught:
        otls.check_name("no spaces")
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is otls.BadName
    assert (str(again), again.code, again.hint) == (str(caught.value), caught.value.code, caught.value.hint)


def test_a_key_is_saved_for_its_owner_alone_and_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    umask = os.umask(0)
    try:
        otls.save_key(path, otls.PrivateKey.generate("ecdsa"))
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        otls.save_key(path, otls.PrivateKey.generate("ecdsa"))
    assert path.read_bytes() == before
    otls.save_key(path, otls.PrivateKey.generate("ecdsa"), overwrite=True)
    assert path.read_bytes() != before
    assert os.listdir(tmp_path) == ["key.pem"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    versions = [letter * 50_000 for letter in (b"a", b"b")]
    otls.write_file(path, versions[0])
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for version in versions:
                otls.write_file(path, version)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert all(path.read_bytes() in versions for _ in range(300))
    finally:
        stop.set()
        writer.join()


def test_one_engine_carries_octets_to_a_connection() -> None:
    """A second loop would have faults of its own."""
    package = Path(otls.__file__).parent
    examples = Path(__file__).resolve().parents[3] / "examples"
    files = [*package.glob("*.py"), *examples.glob("*.py")]
    feeding = re.compile(r"\bconnection\.(feed|feed_end|pending|consume)\b|\bLink\(")
    assert {file.name for file in files if feeding.search(file.read_text("utf-8"))} == {"_carrier.py"}
    assert len(files) > 20
