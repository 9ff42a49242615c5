"""How long a sealed message takes in Python: prints the median in microseconds. Run by `make bench`."""

from __future__ import annotations

import statistics
import time

import otls

MESSAGES = 2000


def identity(authority: otls.Authority, name: str, profile: str) -> otls.Identity:
    key = otls.PrivateKey.generate("ecdsa")
    request = otls.CertificateRequest.create(key, otls.DistinguishedName(common_name=name), names=[name])
    return otls.Identity(authority.issue(request, profile), key)


def transfer(source: otls.Connection, target: otls.Connection) -> bool:
    data = source.pending()
    source.consume(len(data))
    while data:
        data = data[target.feed(data) :]
    return bool(source.pending())


def main() -> None:
    key = otls.PrivateKey.generate("ecdsa")
    authority = otls.Authority.create(key, otls.DistinguishedName(common_name="Bench Root"))
    trust = otls.TrustStore(authority.certificate)
    server = otls.Connection.server(
        otls.ServerConfig(identity(authority, "bank.example", "server"), trust=trust)
    )
    config = otls.ClientConfig(trust, identity=identity(authority, "customer.example", "client"))
    client = otls.Connection.client(config, "bank.example")
    while client.pending() or server.pending():
        transfer(client, server)
        transfer(server, client)
    bank, customer = otls.Channel(server), otls.Channel(client, accept_free_text=True)
    payment = otls.Context({"amount": "10000000", "payee": "friend"})
    ledger = otls.Ledger(issues=MESSAGES)
    times = []
    for _ in range(MESSAGES):
        issued = ledger.issue("asha", payment)
        start = time.perf_counter()
        envelope = otls.Envelope(
            id=issued.id, text="Your code", code=issued.code, context=payment, expires_at=issued.expires_at
        )
        bank.send(envelope)
        transfer(server, client)
        received = customer.receive()
        times.append(time.perf_counter() - start)
        if not isinstance(received, otls.Envelope):
            raise SystemExit("no message came")
    print(f"{statistics.median(times) * 1e6:.1f}")


if __name__ == "__main__":
    main()
