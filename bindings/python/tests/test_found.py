"""What a file is that no loader takes is said, and what makes of it what is taken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from jwcrypto.jwk import JWK  # type: ignore[import-untyped]

import otls

FORMATS = Path(__file__).parents[3] / "docs" / "formats.md"


@pytest.mark.parametrize("kind", [{"kty": "RSA", "size": 2048}, {"kty": "EC", "crv": "P-384"}])
def test_a_json_web_key_becomes_one_that_loads(tmp_path: Path, kind: dict[str, str | int]) -> None:
    key = JWK.generate(**kind)
    (tmp_path / "FILE").write_text(key.export_private())
    with pytest.raises(otls.KeyNotFound, match="a JSON Web Key") as refused:
        otls.load_key((tmp_path / "FILE").read_bytes())
    command = refused.value.hint.partition(": ")[2]
    assert f"| a JSON Web Key | `{command}` |" in FORMATS.read_text(encoding="utf-8")
    subprocess.run(["sh", "-ec", command.replace("python3", sys.executable)], cwd=tmp_path, check=True)
    loaded = otls.load_key((tmp_path / "NEW").read_bytes())
    assert loaded.public_key.to_pem() == key.export_to_pem()


@pytest.mark.parametrize("half", ["private", "public"])
def test_an_openssh_key_of_ed25519_becomes_one_that_loads(tmp_path: Path, half: str) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "FILE"], check=True)
    if half == "public":
        (tmp_path / "FILE.pub").rename(tmp_path / "FILE")
    loader = otls.load_key if half == "private" else otls.PublicKey.load
    with pytest.raises(otls.KeyNotFound, match="of Ed25519") as refused:
        loader((tmp_path / "FILE").read_bytes())
    command = refused.value.hint.partition(": ")[2]
    assert f"| an OpenSSH {half} key of Ed25519 | `{command}` |" in FORMATS.read_text(encoding="utf-8")
    subprocess.run(["sh", "-ec", command.replace("python3", sys.executable)], cwd=tmp_path, check=True)
    loaded = loader((tmp_path / "NEW").read_bytes())
    assert loaded.kind == "ed25519"
    assert half == "public" or (tmp_path / "NEW").stat().st_mode & 0o777 == 0o600


def test_every_loader_says_what_a_file_is() -> None:
    loaders = (otls.Certificate.load, otls.CertificateRequest.load, otls.Crl.load, otls.PublicKey.load)
    for loader in loaders:
        with pytest.raises(otls.Error, match="the name of a file") as refused:
            loader(b"/etc/ssl/certs/bank.pem")
        assert refused.value.hint == "read the file, and pass what is in it"
