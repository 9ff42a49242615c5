"""The end of a program whose threads are not joined: it ends as it was asked to, and at once."""

from __future__ import annotations

import subprocess
import sys
import time

HEAD = """
import os, sys, threading, time, otls
ca = otls.Authority.create(otls.PrivateKey.generate("ecdsa"), otls.DistinguishedName(common_name="TTP"))
trust = otls.TrustStore(ca.certificate)

def enrol(name, profile):
    key = otls.PrivateKey.generate("ecdsa")
    subject = otls.DistinguishedName(common_name=name)
    request = otls.CertificateRequest.create(key, subject, names=["localhost"])
    return otls.Identity(ca.issue(request, profile), key)

bank = otls.ServerConfig(enrol("bank", "server"), trust=trust)
customer = otls.ClientConfig(trust, identity=enrol("asha", "client"))

def serve(listener):
    stream = listener.accept()
    while True:
        stream.send(b"x" * 1000)
        stream.recv()

def use(address):
    stream = otls.connect(address, customer, server_name="localhost")
    while True:
        stream.recv()
        stream.send(b"y" * 1000)

def start():
    listener = otls.listen(("127.0.0.1", 0), bank)
    for run, argument in ((serve, listener), (use, listener.address)):
        threading.Thread(target=run, args=(argument,), daemon=True).start()
"""


def ends(program: str) -> float:
    """Runs a program, which has to end with 0 and without a word; how long it took."""
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", HEAD + program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return time.monotonic() - begin


def test_threads_that_send_and_receive_do_not_abort_the_end() -> None:
    for _ in range(12):
        assert ends("start()\nstart()\ntime.sleep(0.3)\n") < 10


def test_threads_that_compute_are_left_behind() -> None:
    loop = "while True: otls.PrivateKey.generate('rsa', bits=3072)"
    program = f"threading.Thread(target=lambda: exec({loop!r}), daemon=True).start()\ntime.sleep(0.2)\n"
    for _ in range(3):
        # A second for a call that takes longer.
        assert ends(program) < 10


def test_the_library_works_to_the_last() -> None:
    program = """
import atexit
class Last:
    def __del__(self):
        assert otls.PrivateKey.generate("ecdsa").bits == 256
atexit.register(lambda: otls.PrivateKey.generate("ecdsa"))
last = Last()
start()
time.sleep(0.2)
"""
    ends(program)


def test_a_child_that_was_forked_while_others_worked_ends_at_once() -> None:
    program = """
start()
time.sleep(0.2)
for _ in range(5):
    child = os.fork()
    if child == 0:
        begin = time.monotonic()
        import atexit
        atexit._run_exitfuncs()
        os._exit(int(time.monotonic() - begin > 0.5))
    assert os.waitpid(child, 0)[1] == 0
"""
    ends(program)
