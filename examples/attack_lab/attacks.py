"""All attacks, in the order in which they are shown."""

from __future__ import annotations

from . import on_codes, on_secrets, on_the_handshake, on_the_wire, with_certificates
from .verdict import Attack

MAC = ("bad_record_mac",)

NOBODY = Attack(
    "nobody",
    "Nobody attacks: the relay passes everything on.",
    on_the_wire.control_original,
    on_the_wire.control_otls,
    ("accepted",),
    "the code was right, in time, and came for the first time",
    "Without this row the others would prove nothing: a connection that never works withstands every "
    "attack. In both designs the message arrives through the same relay that attacks below.",
    "RFC 8446 §2",
)

WIRE = (
    Attack(
        "flip",
        "Bits of the message are flipped: 1,00,000 becomes 9,99,999, and the code 111111.",
        on_the_wire.flip_original,
        on_the_wire.flip_otls,
        MAC,
        "each record is authenticated",
        "A cipher hides what a message says and does not keep it from being changed: where a bit of the "
        "ciphertext is flipped, a bit of the text flips. An authenticated cipher adds a tag that only "
        "somebody with the key can make, and shows nothing of a record whose tag is wrong.",
        "RFC 8446 §5.2",
    ),
    Attack(
        "replay",
        "A message is sent a second time.",
        on_the_wire.replay_original,
        on_the_wire.replay_otls,
        MAC,
        "the record's number is part of its nonce",
        "A copy of a good message is a good message, unless each one counts. Both sides count records, and "
        "the number goes into the encryption, so that a copy in another place does not open.",
        "RFC 8446 §5.3",
    ),
    Attack(
        "drop",
        "The first of two messages is left out.",
        on_the_wire.drop_original,
        on_the_wire.drop_otls,
        MAC,
        "the record's number is part of its nonce",
        "Nobody misses what was never announced. With numbered records the next one is the wrong one, and "
        "the connection ends before its content is shown.",
        "RFC 8446 §5.3",
    ),
    Attack(
        "reorder",
        "Two messages change places.",
        on_the_wire.reorder_original,
        on_the_wire.reorder_otls,
        MAC,
        "the record's number is part of its nonce",
        "What was first a yes and then a no can be made a no and then a yes. A record opens only in the "
        "place in which it was sealed.",
        "RFC 8446 §5.3",
    ),
    Attack(
        "truncate",
        "The connection is cut in the middle of a message.",
        on_the_wire.truncate_original,
        on_the_wire.truncate_otls,
        ("truncated",),
        "a record is whole or it is nothing",
        "Half of a message may say something else than all of it. A record has its length in front and its "
        "tag at the end, and without the tag nothing of it is shown.",
        "RFC 8446 §5.2",
    ),
    Attack(
        "cut",
        "The connection is cut between two messages.",
        on_the_wire.cut_original,
        on_the_wire.cut_otls,
        ("truncated",),
        "an end without close_notify is an error",
        "The end of a TCP connection is not signed by anybody: whoever stands in the middle can make one. "
        "TLS has an end of its own, close_notify, and whoever does not get it is told that something may be "
        "missing.",
        "RFC 8446 §6.1",
    ),
    Attack(
        "split",
        "The network delivers a message in pieces.",
        on_the_wire.split_original,
        on_the_wire.split_otls,
        ("accepted",),
        "records have a length; how they arrive does not matter",
        "TCP carries octets and not messages: what was sent at once may come in two pieces, and what was "
        "sent twice in one. A protocol has to say itself where a message ends, and then it works over any "
        "network.",
        "RFC 8446 §5.1",
    ),
    Attack(
        "padding",
        "The padding behind the text is changed.",
        on_the_wire.pad_original,
        on_the_wire.pad_otls,
        MAC,
        "the tag is checked before the padding is looked at",
        "A block cipher fills the last block up, and what it was filled up with has to be checked and taken "
        "away. Whoever answers differently to a wrong padding than to a wrong tag tells the attacker about "
        "the text, one octet after the other; here both have one answer.",
        "RFC 7366 §1",
    ),
    Attack(
        "inject",
        "The connection is hijacked: a yes that the customer never gave goes to the bank.",
        on_the_wire.inject_original,
        on_the_wire.inject_otls,
        MAC,
        "each record is authenticated, in both directions",
        "A connection of TCP belongs to whoever can put octets into it. Only somebody with the keys of this "
        "connection can make a record that the bank opens, and the answer in it is signed besides.",
        "RFC 8446 §5.2",
    ),
)

CERTIFICATES = (
    Attack(
        "swap",
        "The attacker shows her own certificate, of the same authority.",
        with_certificates.swap_original,
        with_certificates.swap_otls,
        ("bad_certificate",),
        "the certificate has to be for the name that was wanted",
        "An authority certifies many people, and the attacker may be one of them. That a certificate is "
        "genuine says nothing before its name is compared with the name of the one that was wanted.",
        "RFC 9525 §6",
    ),
    Attack(
        "stolen-certificate",
        "The attacker shows the bank's certificate, and has not got its key.",
        on_the_handshake.stolen_original,
        on_the_handshake.stolen_otls,
        ("decrypt_error",),
        "CertificateVerify: the peer signs the handshake with the key of its certificate",
        "A certificate is public; everybody who has ever talked to the bank has a copy. What proves who is "
        "there is a signature of this very connection, which only the private key can make.",
        "RFC 8446 §4.4.3",
    ),
    Attack(
        "other-ca",
        "The certificate is signed by an authority of the same name with another key.",
        with_certificates.other_ca_original,
        with_certificates.other_ca_otls,
        ("bad_certificate",),
        "the signature is verified with the key of the authority that is trusted",
        "Anybody can call an authority by any name and sign with it. Trust is in a key and not in a name, "
        "and the bank demands as much of its customers as they do of it.",
        "RFC 5280 §6.1.3",
    ),
    Attack(
        "self-issued",
        "The certificate is signed with another one that is no authority's (CA:FALSE).",
        with_certificates.self_issued_original,
        with_certificates.self_issued_otls,
        ("certificate_unknown",),
        "basicConstraints: only an authority may have issued a certificate",
        "A chain of good signatures is not enough: a shop's certificate can sign too. What may issue others "
        "says so in itself, and the authority above has signed that.",
        "RFC 5280 §4.2.1.9",
    ),
    Attack(
        "expired",
        "The certificate is over; its key was found later.",
        with_certificates.expired_original,
        with_certificates.expired_otls,
        ("certificate_expired",),
        "notAfter: a certificate is good until then and no longer",
        "Keys get lost, and the sooner a certificate ends, the less a lost one is worth. The days that are "
        "left have to be compared and not printed: here they were less than none.",
        "RFC 5280 §4.1.2.5",
    ),
    Attack(
        "path",
        "The peer says where its certificate is: a path, to the customer's own.",
        with_certificates.path_original,
        with_certificates.path_otls,
        ("unsupported_certificate",),
        "a certificate comes in the handshake, and one for customers is not a bank's",
        "What the other side names is the other side's choice, and a path is a file of one's own that "
        "happens to be genuine. In TLS certificates come over the wire, no path is ever read, and a "
        "certificate says for which of the two roles it is.",
        "RFC 8446 §4.4.2, RFC 5280 §4.2.1.12",
    ),
    Attack(
        "no-certificate",
        "Somebody without a key passes for the customer.",
        with_certificates.no_certificate_original,
        with_certificates.no_certificate_otls,
        ("certificate_required",),
        "the bank demands a certificate and the proof of its key",
        "Most servers ask for nothing and find out by a password who is there. This bank asks each customer "
        "for a certificate and a signature, before it issues a code.",
        "RFC 8446 §4.4.2.4",
    ),
    Attack(
        "root",
        "The authority's own certificate comes from the man in the middle.",
        with_certificates.root_original,
        with_certificates.root_otls,
        ("unknown_ca",),
        "the authority is known by its fingerprint, from elsewhere",
        "Whoever gives you the certificate that you trust from then on can pass for everybody. It has to "
        "come by another way, or at least its fingerprint: 64 digits that can be read out on the telephone.",
        "RFC 7030 §4.1.1",
    ),
    Attack(
        "ttp-key",
        "The certificates are for the TTP's key; a request is altered on its way.",
        with_certificates.key_original,
        with_certificates.key_otls,
        ("enrolment_status",),
        "a request is signed with the key that it is for",
        "A certificate says whose a key is; if it has the TTP's key in it, it says nothing. The request is "
        "signed with the key that is to be certified, which proves that the one who asks has it, and that "
        "nobody has altered it.",
        "RFC 2986 §3, RFC 7030 §3.4",
    ),
    Attack(
        "name",
        "The attacker asks the TTP for a certificate in the bank's name.",
        with_certificates.name_original,
        with_certificates.name_otls,
        ("enrolment_status",),
        "a name belongs to the key that had it first, until it is revoked",
        "An authority that signs whatever it is asked makes everybody everybody. This one keeps a register, "
        "and beyond one's own machine it wants a token that was handed out for that name.",
        "RFC 7030 §3.7",
    ),
    Attack(
        "ttp-ends",
        "The attacker takes the two certificates after which the TTP ends.",
        with_certificates.ends_original,
        with_certificates.ends_otls,
        ("issued",),
        "each client is served in a thread of its own, and none of them ends the TTP",
        "A service that can be used up is taken away from everybody by one who uses it up. This one goes on "
        "after any number of certificates, and after clients that talk nonsense.",
        "RFC 7030 §4.2",
    ),
)

HANDSHAKE = (
    Attack(
        "downgrade",
        "The stronger ciphers are taken out of what the customer offers, or the bank's choice is changed.",
        on_the_handshake.downgrade_original,
        on_the_handshake.downgrade_otls,
        MAC,
        "the keys come from the whole handshake, and Finished confirms it",
        "The choice has to be made before there is a key, so anybody can change it on the way. Afterwards "
        "both sides compute their keys from all that was said: if they have not heard the same, nothing "
        "opens.",
        "RFC 8446 §4.1.3, §4.4.1, §4.4.4",
    ),
    Attack(
        "transcript",
        "An octet of the handshake is changed, in each record and in many places.",
        on_the_handshake.transcript_original,
        on_the_handshake.transcript_otls,
        MAC,
        "the keys come from the hash of all handshake messages",
        "What is not checked can be changed, even where it seems to do no harm. TLS 1.3 hashes every octet "
        "of the handshake into its keys, its signatures and its Finished messages.",
        "RFC 8446 §4.4.1, §7.1",
    ),
    Attack(
        "session",
        "Yesterday's connection again: all that the customer sent, and a stolen session ticket.",
        on_the_handshake.session_original,
        on_the_handshake.session_otls,
        ("decrypt_error",),
        "the binder: a ticket is of use only with the session's secret",
        "A recording proves nothing if both sides put something new into each connection and the keys "
        "depend on it. A ticket goes over the wire in the clear, and is of no use without the secret that "
        "it stands for.",
        "RFC 8446 §4.2.11.2, §7.1",
    ),
)

SECRETS = (
    Attack(
        "stolen-keys",
        "Recorded today, and both private keys stolen from the disks later.",
        on_secrets.later_original,
        on_secrets.later_otls,
        ("InvalidTag",),
        "forward secrecy: the keys come from an ephemeral exchange and are forgotten",
        "If the key that identifies the bank also opens its traffic, one theft opens all the years before "
        "it. Here it signs and nothing else; what opens a connection is made for it and wiped after it.",
        "RFC 8446 §1.2, appendix E.1",
    ),
    Attack(
        "guesses",
        "A listener tries the 512 keys that the original can have.",
        on_secrets.guesses_original,
        on_secrets.guesses_otls,
        ("InvalidTag",),
        "traffic keys come from HKDF, and each of the 2^128 is as likely as the other",
        "A key is as long as it is hard to guess, and 16 characters of which 12 are always the same are "
        "short. Octets stay octets in TLS: no text of a program's is ever a key.",
        "RFC 8446 §7.1, §7.3",
    ),
    Attack(
        "capture",
        "A listener opens a capture of the connection with Wireshark.",
        on_secrets.capture_original,
        on_secrets.capture_otls,
        ("only with the key log",),
        "only the owner can have the keys written to a key log",
        "On a shared network everybody can keep everything. To look into one's own connection one asks for "
        "a key log, which is off unless asked for, in the program and in the call.",
        "RFC 8446 §1, RFC 9850",
    ),
    Attack(
        "printed",
        "Somebody reads the terminals and the logs.",
        on_secrets.printed_original,
        on_secrets.printed_otls,
        ("no secret shown",),
        "secrets have no text: a code prints as dots, a key as its kind",
        "What was printed to see whether it works is in a log for ever. Types that do not show what is in "
        "them cannot be printed by mistake.",
        "RFC 8446 appendix E.1, RFC 9850",
    ),
)

CODES = (
    Attack(
        "wrong-code",
        "Four wrong codes, and then the right one.",
        on_codes.wrong_original,
        on_codes.wrong_otls,
        ("locked",),
        "the ledger counts, and locks a code after three wrong ones",
        "Six digits are a million guesses, which is nothing for a program that may go on. A code that is "
        "compared, and locked after three tries, is guessed three times in a million.",
        "NIST SP 800-63B-4 §3.2.2",
    ),
    Attack(
        "other-payment",
        "The code of one payment is given for another.",
        on_codes.payment_original,
        on_codes.payment_otls,
        ("wrong",),
        "a code is for one amount and one payee",
        "Somebody who gives a code for the electricity bill must not have approved a transfer to a stranger "
        "with it. Amount and payee go into what the ledger keeps of a code, and into what the customer "
        "signs.",
        "PSD2 RTS Art. 5",
    ),
    Attack(
        "twice",
        "An answer is given a second time, for the next payment.",
        on_codes.twice_original,
        on_codes.twice_otls,
        ("used",),
        "a code is accepted once",
        "One-time is a promise that somebody has to keep, and it is not the customer. The ledger marks a "
        "code as used in the same step in which it accepts it, so that of two at the same time one is "
        "refused.",
        "NIST SP 800-63B-4 §3.1.3",
    ),
)

ATTACKS = (NOBODY, *WIRE, *CERTIFICATES, *HANDSHAKE, *SECRETS, *CODES)
