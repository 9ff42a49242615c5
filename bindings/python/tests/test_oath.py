"""One-time passwords from a shared secret, and their agreement with other implementations."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import shutil
import string
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import oath  # type: ignore[import-untyped]
import pyotp
import pytest

import otls

SECRET = b"12345678901234567890"
BASE32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
NOW = datetime(2027, 1, 15, 8, tzinfo=UTC)
ALGORITHMS = ("SHA1", "SHA256", "SHA512")

#: Parameter sets for each comparison, from a fixed seed, so that a failure comes back.
ROUNDS = 250


def chance(name: str) -> random.Random:
    """The draws of one test."""
    return random.Random(f"otls {name}")


def drawn_secret(chance: random.Random) -> bytes:
    """A secret of a length that all accept, some longer than a block of the hash."""
    return chance.randbytes(chance.choice((16, 20, 32, 64, 65, 100, 128)))


def base32(secret: bytes) -> str:
    return base64.b32encode(secret).decode().rstrip("=")


def oathtool(*arguments: str) -> str:
    """What Debian's ``oathtool`` says; the secret goes to its standard input."""
    if shutil.which("oathtool") is None:
        pytest.skip("oathtool is not installed: run scripts/deps.sh")
    *arguments_before, secret = arguments
    run = subprocess.run(
        ["oathtool", *arguments_before, "-"], input=secret, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def test_hotp_agrees_with_oathtool_pyotp_and_oath() -> None:
    draws = chance("hotp")
    for _ in range(ROUNDS):
        secret, digits = drawn_secret(draws), draws.randint(6, 8)
        counter = draws.choice((draws.getrandbits(8), draws.getrandbits(31), draws.getrandbits(63)))
        code = otls.Hotp(secret, digits=digits).code(counter).expose()
        assert code == oathtool("--hotp", f"--digits={digits}", f"--counter={counter}", secret.hex())
        assert code == pyotp.HOTP(base32(secret), digits=digits).at(counter)
        format_name = f"dec{digits}"
        assert code == oath.hotp(secret.hex(), counter, format=format_name)
        assert otls.Hotp(base32(secret), digits=digits).verify(code, counter) == counter + 1


def test_totp_agrees_with_oathtool_pyotp_and_oath() -> None:
    draws = chance("totp")
    for _ in range(ROUNDS):
        secret, digits = drawn_secret(draws), draws.randint(6, 8)
        algorithm, period = draws.choice(ALGORITHMS), draws.choice((1, 15, 30, 60, 90, 3600, 86400))
        # Beyond 2038, and 32 bits, too.
        now = draws.choice((draws.randrange(2**31), draws.randrange(2**31, 2**33)))
        totp = otls.Totp(secret, algorithm=algorithm, digits=digits, period=period)
        code = totp.code(now).expose()
        assert code == oathtool(
            f"--totp={algorithm}",
            f"--digits={digits}",
            f"--time-step-size={period}s",
            f"--now=@{now}",
            secret.hex(),
        )
        named = getattr(hashlib, algorithm.lower())
        assert code == oath.totp(secret.hex(), format=f"dec{digits}", period=period, t=now, hash=named)
        # pyotp has no longer steps; what differs there is no more than a division.
        period = draws.randint(1, 120)
        totp = otls.Totp(secret, algorithm=algorithm, digits=digits, period=period)
        peer = pyotp.TOTP(base32(secret), digits=digits, digest=named, interval=period)
        code = totp.code(now).expose()
        assert code == peer.at(datetime.fromtimestamp(now, UTC))
        assert totp.verify(code, otls.TotpState(), now=now) is not None


def test_ocra_agrees_with_oath() -> None:
    draws = chance("ocra")
    alphabets = {"N": string.digits, "A": string.digits + string.ascii_letters, "H": "0123456789abcdefABCDEF"}
    for _ in range(ROUNDS):
        kind, most = draws.choice("NAH"), draws.randint(4, 64)
        second = draws.random() < 0.3
        length = draws.randint(1, most)
        if kind == "H":
            # The peer takes whole octets alone.
            length += length % 2 if length < most else -(length % 2)
        challenges = ["".join(draws.choices(alphabets[kind], k=length)) for _ in range(1 + second)]
        parts = [f"Q{kind}{most:02}"]
        ours: dict[str, Any] = {}
        theirs: dict[str, Any] = {}
        if draws.random() < 0.5:
            parts.insert(0, "C")
            ours["counter"] = theirs["C"] = draws.choice((0, draws.getrandbits(16), draws.getrandbits(64)))
        if draws.random() < 0.5:
            parts.append("P" + draws.choice(ALGORITHMS))
            ours["pin"] = theirs["P"] = "".join(draws.choices(string.digits, k=4))
        if draws.random() < 0.5:
            size = draws.choice((64, 128, 256, 512))
            parts.append(f"S{size:03}")
            ours["session"] = theirs["S"] = draws.randbytes(size)
        if draws.random() < 0.5:
            steps = {"1S": 1, "20S": 20, "59S": 59, "1M": 60, "59M": 3540, "1H": 3600, "48H": 172_800}
            size_of_step = draws.choice(sorted(steps))
            parts.append(f"T{size_of_step}")
            ours["now"] = draws.randrange(2**33)
            # The peer fails on a time that it is to divide.
            theirs["T_precomputed"] = ours["now"] // steps[size_of_step]
        digits = draws.randint(4, 10)
        suite = f"OCRA-1:HOTP-{draws.choice(ALGORITHMS)}-{digits}:{'-'.join(parts)}"
        secret = drawn_secret(draws)
        if second:
            ours["second_challenge"] = challenges[1]
            theirs["Qsc"] = "".join(challenges)
        code = otls.Ocra(secret, suite).response(challenges[0], **ours).expose()
        peer = oath.str2ocrasuite(suite)
        assert code == peer(secret, Q=challenges[0], **theirs), (suite, challenges)


def test_uris_agree_with_pyotp() -> None:
    draws = chance("uri")
    letters = string.ascii_letters + string.digits + " @.-_&=?/%+#é€आ"
    for _ in range(ROUNDS):
        secret, digits = drawn_secret(draws), draws.randint(6, 8)
        issuer, account = ("x" + "".join(draws.choices(letters, k=draws.randint(0, 20))) for _ in range(2))
        algorithm, period = draws.choice(ALGORITHMS), draws.randint(1, 120)
        named = getattr(hashlib, algorithm.lower())
        if draws.random() < 0.5:
            totp = otls.Totp(secret, algorithm=algorithm, digits=digits, period=period)
            theirs: pyotp.TOTP | pyotp.HOTP = pyotp.TOTP(
                base32(secret), digits=digits, digest=named, interval=period, issuer=issuer, name=account
            )
            ours = otls.OtpAuth(totp, issuer, account)
        else:
            counter = draws.getrandbits(40)
            theirs = pyotp.HOTP(
                base32(secret), digits=digits, initial_count=counter, issuer=issuer, name=account
            )
            ours = otls.OtpAuth(otls.Hotp(secret, digits=digits), issuer, account, counter=counter)
        read = otls.OtpAuth.parse(theirs.provisioning_uri())
        heard = pyotp.parse_uri(ours.uri())
        assert isinstance(heard, type(theirs))
        assert read.uri() == ours.uri()
        assert (heard.issuer, heard.name, heard.secret) == (issuer, account, base32(secret))
        assert heard.provisioning_uri() == theirs.provisioning_uri()


def test_a_code_from_the_time_is_accepted_once_within_its_window() -> None:
    totp = otls.Totp(SECRET)
    assert (totp.algorithm, totp.digits, totp.period) == ("SHA1", 6, 30)
    state = otls.TotpState()
    code = totp.code(NOW)
    for late, accepted in ((-60, False), (-30, True), (0, True), (30, True), (60, False)):
        verdict = totp.verify(code, state, now=NOW + timedelta(seconds=late))
        assert (verdict is not None) == accepted, late
    used = totp.verify(code, state, now=NOW + timedelta(seconds=30))
    assert used == otls.TotpState(int(NOW.timestamp()) // 30 + 1, -1)
    assert totp.verify(code, used, now=NOW) is None
    assert totp.verify(code.expose(), state, past=0, future=0, now=NOW) is not None
    with pytest.raises(otls.OtpNotACode):
        totp.verify("abc", state, now=NOW)
    assert hash(used) == hash(otls.TotpState(used.next_step, used.drift))
    assert used != state


def test_the_clock_is_the_default() -> None:
    totp = otls.Totp.generate(algorithm="sha-512", digits=8, period=60)
    assert totp.verify(totp.code(), otls.TotpState()) is not None
    ocra = otls.Ocra(SECRET, "OCRA-1:HOTP-SHA1-6:QN08-T1H")
    assert ocra.verify(ocra.response("12345678", now=datetime.now(UTC)), "12345678")


def test_a_counter_is_never_accepted_again_and_resynchronises() -> None:
    hotp = otls.Hotp.generate(digits=8)
    assert hotp.digits == 8
    assert hotp.verify(hotp.code(5), 0) == 6
    assert hotp.verify(hotp.code(5), 6) is None
    assert hotp.verify(hotp.code(5), 0, look_ahead=4) is None
    assert hotp.verify(hotp.code(500), 0) is None
    assert hotp.resynchronise(hotp.code(500), hotp.code(501), 0) == 502
    assert hotp.resynchronise(hotp.code(501), hotp.code(500), 0) is None


def test_a_code_is_taken_as_it_is_typed_and_what_cannot_be_one_is_an_error() -> None:
    hotp, totp = otls.Hotp(SECRET), otls.Totp(SECRET)
    ocra = otls.Ocra(SECRET, "OCRA-1:HOTP-SHA1-6:QN08")
    for typed in (
        "287 082",
        " 287-082\n",
        "287\u00a0\u2014\u00a0082",
        "\uff12\uff18\uff17\uff10\uff18\uff12",
    ):
        assert hotp.verify(typed, 0) == 2
    assert hotp.resynchronise("287 082", "359-152", 0) == 3
    code = totp.code(NOW).expose()
    assert totp.verify(f"{code[:3]} {code[3:]}", otls.TotpState(), now=NOW) is not None
    assert ocra.verify("237 653", "00000000")
    for typed in ("", "28708", "2870820", "28708o", "\u0968\u096e\u096d\u0966\u096e\u0968"):
        refusals: list[Callable[[str], object]] = [
            lambda typed: hotp.verify(typed, 0),
            lambda typed: hotp.resynchronise("287082", typed, 0),
            lambda typed: totp.verify(typed, otls.TotpState()),
            lambda typed: ocra.verify(typed, "00000000"),
        ]
        for refusal in refusals:
            with pytest.raises(otls.OtpNotACode, match="not a code: one has 6 digits") as caught:
                refusal(typed)
            assert (caught.value.code, caught.value.code_name) == (115, "OTP_NOT_A_CODE")
            assert "no attempt counts" in caught.value.hint


def test_ocra_takes_what_its_suite_names() -> None:
    ocra = otls.Ocra(SECRET, "OCRA-1:HOTP-SHA1-6:QN08")
    assert ocra.suite == "OCRA-1:HOTP-SHA1-6:QN08"
    assert ocra.response("00000000").expose() == "237653"
    assert ocra.verify("237653", "00000000")
    assert not ocra.verify("237654", "00000000")
    with_pin = otls.Ocra((SECRET * 2)[:32], "OCRA-1:HOTP-SHA256-8:QN08-PSHA1")
    assert with_pin.response("00000000", pin="1234").expose() == "83238735"
    hashed = bytes.fromhex("7110eda4d09e062aa5e4a390b0a572ac0d2c0220")
    assert with_pin.verify("83238735", "00000000", pin_hash=hashed)
    with pytest.raises(otls.ApiMisuse):
        with_pin.response("00000000", pin="1234", pin_hash=hashed)
    whole = otls.Ocra(SECRET, "OCRA-1:HOTP-SHA256-0:QA08")
    assert re.fullmatch("[0-9a-f]{64}", whole.response("abc").expose())
    refusals: list[Callable[[], object]] = [
        lambda: ocra.response("A"),
        lambda: ocra.response("1", counter=1),
        lambda: ocra.response("1", now=NOW),
        lambda: with_pin.response("1"),
        lambda: otls.Ocra(SECRET, "OCRA-1:HOTP-MD5-6:QN08"),
    ]
    for refusal in refusals:
        with pytest.raises(otls.OtpSuiteError) as caught:
            refusal()
        assert caught.value.code_name == "OTP_SUITE"
        assert "RFC 6287" in caught.value.hint


def test_what_cannot_be_used_is_refused() -> None:
    for secret in (b"short", "GEZDGNBV", "not base32!", b"x" * 129):
        for make in (otls.Totp, otls.Hotp, lambda secret: otls.Ocra(secret, "OCRA-1:HOTP-SHA1-6:QN08")):
            with pytest.raises(otls.OtpSecretError):
                make(secret)
    misuses: list[Callable[[], object]] = [
        lambda: otls.Totp(SECRET, digits=9),
        lambda: otls.Totp(SECRET, period=0),
        lambda: otls.Totp(SECRET, algorithm="MD5"),
        lambda: otls.Totp.generate(algorithm="SHA384"),
        lambda: otls.Hotp(SECRET, digits=5),
        lambda: otls.Hotp.generate(digits=5),
        lambda: otls.Hotp(SECRET).verify("123456", 0, look_ahead=101),
        lambda: otls.Totp(SECRET).verify("123456", otls.TotpState(), past=11),
        lambda: otls.OtpAuth(otls.Totp(SECRET), "Bank", "asha", counter=1),
        lambda: otls.OtpAuth(otls.Totp(SECRET), "", "asha"),
        lambda: otls.OtpAuth(otls.Hotp(SECRET), "Bank", "a:b"),
    ]
    for misuse in misuses:
        with pytest.raises(otls.ApiMisuse):
            misuse()
    for uri in ("", "otpauth://totp/a", f"otpauth://totp/a?secret={BASE32}&x=1", b"\xff"):
        with pytest.raises(otls.OtpUriError):
            otls.OtpAuth.parse(uri)
    with pytest.raises(otls.OtpSecretError):
        otls.OtpAuth.parse("otpauth://totp/a?secret=GEZDGNBV")


def test_a_uri_says_what_went_into_it() -> None:
    made = otls.OtpAuth(otls.Totp(SECRET), "Example Bank", "asha")
    read = otls.OtpAuth.parse(made.uri().encode())
    assert (read.issuer, read.account) == ("Example Bank", "asha")
    assert read.totp is not None
    assert (read.hotp, read.counter) == (None, None)
    assert read.totp.code(59).expose() == "287082"
    read = otls.OtpAuth.parse(otls.OtpAuth(otls.Hotp(BASE32), "Bank", "asha", counter=3).uri())
    assert read.hotp is not None
    assert (read.totp, read.counter) == (None, 3)
    assert read.hotp.code(0).expose() == "755224"
    assert otls.OtpAuth.parse(f"otpauth://totp/asha?secret={BASE32}").issuer is None


def test_nothing_shows_its_secret() -> None:
    hotp, totp = otls.Hotp(SECRET), otls.Totp(SECRET)
    ocra = otls.Ocra(SECRET, "OCRA-1:HOTP-SHA1-6:QN08")
    for thing in (hotp, totp, ocra, otls.OtpAuth(totp, "Bank", "asha"), hotp.code(0), ocra.response("0")):
        shown = f"{thing!r} {thing!s}"
        assert not any(secret in shown for secret in (BASE32, "12345678", "755224", "237653"))


def graymap(text: str, *, dark: set[str], scale: int = 4) -> bytes:
    """The image that a terminal shows of a QR code in half blocks, where the blocks in ``dark`` are drawn
    dark: a portable graymap."""
    rows: list[str] = []
    for line in text.splitlines():
        for half in ("▀█", "▄█"):
            drawn = ["drawn" if block in half else "ground" for block in line]
            rows += ["".join(("\0" if name in dark else "\xff") * scale for name in drawn)] * scale
    header = f"P5 {len(rows[0])} {len(rows)} 255\n"
    return header.encode() + "".join(rows).encode("latin-1")


def scanned(text: str, folder: Path, *, dark: set[str]) -> str | None:
    if shutil.which("zbarimg") is None:
        pytest.skip("zbarimg is not installed: run scripts/deps.sh")
    image = folder / "qr.pgm"
    image.write_bytes(graymap(text, dark=dark))
    run = subprocess.run(
        ["zbarimg", "--quiet", "--raw", "--nodbus", str(image)], capture_output=True, check=False
    )
    return run.stdout.decode().strip() if run.returncode == 0 else None


def test_a_scanner_reads_the_uri_from_the_terminal(tmp_path: Path) -> None:
    long_name = quote("Sharma & Söhne Private Bank Limited", safe="")
    uris = [
        f"otpauth://totp/Bank:asha?secret={BASE32}&issuer=Bank&algorithm=SHA1&digits=6&period=30",
        otls.OtpAuth(otls.Totp.generate(algorithm="SHA512"), "Bank", "asha@bank.example").uri(),
        otls.OtpAuth(otls.Hotp.generate(), "Bank", "आशा", counter=2**40).uri(),
        otls.OtpAuth.parse(f"otpauth://totp/{long_name}:{'a' * 128}?secret={base32(bytes(128))}").uri(),
    ]
    for uri in uris:
        auth = otls.OtpAuth.parse(uri)
        # Light text on a dark ground: what is drawn is light.
        assert scanned(auth.qr(), tmp_path, dark={"ground"}) == uri
        # Dark text on a light ground.
        assert scanned(auth.qr(invert=True), tmp_path, dark={"drawn"}) == uri
    flawed = auth.qr().replace("█", " ", len(auth.qr()) // 2)
    assert scanned(flawed, tmp_path, dark={"ground"}) is None, "the scanner would read anything"


@pytest.mark.parametrize(
    "given",
    [
        f"otpauth://totp/Bank:asha?secret={BASE32}&issuer=Bank&image=x&color=0F4C81&lock=true\n",
        f"\ufeffotpauth://totp/Bank:asha?secret={BASE32}&issuer=Bank&icon=x&codeDisplay=%7B%7D\r\n",
        f"  apple-otpauth://totp/Bank:asha?secret={BASE32}&issuer=Bank&tags=a&tags=b \n".encode(),
        f"otpauth://totp/Bank:asha?secret={BASE32}&issuer=Bank&algorithm=HmacSHA1",
    ],
)
def test_a_uri_is_read_as_apps_files_and_scanners_give_it(given: str | bytes) -> None:
    plain = otls.OtpAuth.parse(f"otpauth://totp/Bank:asha?secret={BASE32}&issuer=Bank")
    assert otls.OtpAuth.parse(given).uri() == plain.uri()


@pytest.mark.parametrize(
    ("uri", "reason", "hint"),
    [
        ("otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8", "export of several accounts", "its own URI"),
        (f"otpauth://totp/a?secret={BASE32}&encoder=steam", '"encoder" asks for other codes', "of their own"),
        (f"otpauth://steam/a?secret={BASE32}", "neither totp nor hotp", "of their own"),
        (f"otpauth://totp/a?secret={BASE32}&offset=1", '"offset" is not known', "leave it out"),
        (f"otpauth://totp/a?secret={BASE32}&algorithm=SHA224", "its algorithm", "take it whole"),
    ],
)
def test_a_uri_that_is_refused_says_why_and_what_to_do(uri: str, reason: str, hint: str) -> None:
    with pytest.raises(otls.OtpUriError, match=reason) as caught:
        otls.OtpAuth.parse(uri)
    assert hint in caught.value.hint
    assert BASE32 not in str(caught.value)
