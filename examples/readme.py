"""The Python of README.md: a bank and its customer in one process."""

import otls

# The trusted third party certifies the key of whoever proves to have it.
ttp = otls.Authority.create(otls.PrivateKey.generate("ecdsa"), otls.DistinguishedName(common_name="TTP"))
trust = otls.TrustStore(ttp.certificate)


def enrol(name: str, profile: str) -> otls.Identity:
    key = otls.PrivateKey.generate("ecdsa")
    request = otls.CertificateRequest.create(
        key, otls.DistinguishedName(common_name=name), names=["localhost"]
    )
    return otls.Identity(ttp.issue(request, profile), key)


def bank(stream: otls.Stream) -> None:
    template = "The OTP for transferring {amount} to {payee} is {code}."
    amount, payee = otls.Amount(10_000_000, "INR"), "your friend's account"
    payment = otls.Transaction("transfer", template, amount=amount, payee=payee)
    ledger = otls.Ledger()
    customer = stream.peer.subject.common_name if stream.peer else ""
    otp = ledger.issue(customer, payment.context)
    stream.send_message(otls.Envelope.for_transaction(otp, payment))
    match stream.receive_message():
        case otls.Answer(id=id, code=otls.Code() as code, receipt=otls.Receipt() as receipt):
            print(receipt.verify(trust).subject.common_name, receipt.decision, payment.amount)
            verdict = ledger.verify(id, customer, payment.context, code, receipt=receipt)
            stream.send_message(otls.VerdictNotice(id, verdict))


# The bank serves each customer in a thread of its own; a program that does nothing else calls otls.serve.
server = otls.Server(bank, ("127.0.0.1", 0), otls.ServerConfig(enrol("bank", "server"), trust=trust))
with server:
    config = otls.ClientConfig(trust, identity=enrol("asha", "client"))
    with otls.connect(server.address, config, server_name="localhost") as stream:
        match stream.receive_message():
            case otls.Envelope() as envelope:
                print(envelope.expose_text())
                stream.approve(envelope)
        match stream.receive_message():
            case otls.VerdictNotice(verdict=verdict):
                print(verdict.kind)
