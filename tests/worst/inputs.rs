//! The worst inputs of each entry, found by looking for what is quadratic, what is allocated for one octet, and
//! what is verified.

use otls::cms;
use otls::crypto::SystemRandom;
use otls::pki::{Certificate, Identity, KeyType};

use super::chains::{self, Chain, STRANGERS, key, own, repeated};
use super::der::*;
use super::entries::{NOW, World, entry};
use super::talks;

pub struct Input {
    pub entry: usize,
    pub what: String,
    pub octets: Vec<u8>,
}

pub fn all(world: &World) -> Vec<Input> {
    let mut inputs = Vec::new();
    let mut add = |name: &str, what: &str, octets: Vec<u8>| {
        assert!(octets.len() <= STRANGERS, "{name}, {what}: {} octets", octets.len());
        inputs.push(Input { entry: entry(name), what: what.to_owned(), octets });
    };
    for chain in chains::all(&world.root) {
        let whole = chain.ders.concat();
        for name in ["chain", "server, a client's certificates", "client, a server's certificates"] {
            add(name, chain.name, whole.clone());
        }
        let longest = chain.ders.iter().max_by_key(|der| der.len()).unwrap();
        add("certificate", chain.name, longest.clone());
        add("certificate, as text", chain.name, longest.clone());
        if let Some(signed) = cms_of(&chain) {
            add("CMS, signed", chain.name, signed);
        }
    }
    pem(&mut add);
    hellos(&mut add);
    requests(&mut add);
    lists(&mut add);
    keys(&mut add);
    otp(&mut add);
    talks::inputs(world, &mut add);
    inputs
}

type Add<'a> = &'a mut dyn FnMut(&str, &str, Vec<u8>);

fn cms_of(chain: &Chain) -> Option<Vec<u8>> {
    let certificates: otls::Result<Vec<_>> = chain.ders.iter().map(|der| Certificate::load(der)).collect();
    let identity = Identity::new(otls::pki::Chain::new(certificates.ok()?).ok()?, own()).ok()?;
    cms::sign(b"x", &identity, NOW, &SystemRandom).ok().filter(|signed| signed.len() <= STRANGERS)
}

fn fill(what: &[u8]) -> Vec<u8> {
    what.repeat(STRANGERS / what.len())
}

fn pem(add: Add<'_>) {
    for (what, octets) in [
        ("blocks without an end", fill(b"-----BEGIN A-----\n")),
        ("blocks of another label", fill(b"-----BEGIN A-----\n-----END A-----\n")),
        ("empty certificates", fill(b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")),
        ("dashes", fill(b"-----")),
        (
            "headers",
            [
                b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n".to_vec(),
                b"a:\n".repeat(21_000),
                b"-----END RSA PRIVATE KEY-----\n".to_vec(),
            ]
            .concat(),
        ),
        (
            "one long line",
            [
                b"-----BEGIN CERTIFICATE-----\n".to_vec(),
                b"MIIB".repeat(16_000),
                b"\n-----END CERTIFICATE-----\n".to_vec(),
            ]
            .concat(),
        ),
        ("nested sequences", nested(0x30)),
        ("nested sets", nested(0x31)),
    ] {
        for name in [
            "certificate",
            "private key",
            "public key",
            "certificate request",
            "revocation list",
            "evidence",
            "CMS, signed",
            "CMS, encrypted",
        ] {
            add(name, what, octets.clone());
        }
    }
}

/// SEQUENCE in SEQUENCE, and so on.
fn nested(tag: u8) -> Vec<u8> {
    let mut der = Vec::new();
    for depth in (0..16_000_u32).rev() {
        let inner = 4 * (15_999 - depth);
        let [_, _, high, low] = inner.to_be_bytes();
        der.push([tag, 0x82, high, low]);
    }
    der.reverse();
    der.concat()
}

/// Handshake messages in records.
fn records(message_type: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[message_type], &len[1..], body].concat();
    let record = |piece: &[u8]| {
        let len = u16::try_from(piece.len()).unwrap().to_be_bytes();
        [&[22, 3, 3], len.as_slice(), piece].concat()
    };
    message.chunks(1 << 14).flat_map(record).collect()
}

fn vector(width: usize, content: &[u8]) -> Vec<u8> {
    let len = content.len().to_be_bytes();
    [&len[len.len() - width..], content].concat()
}

fn tls_extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [kind.to_be_bytes().to_vec(), vector(2, body)].concat()
}

fn hellos(add: Add<'_>) {
    let needed = || {
        [
            tls_extension(43, &vector(1, b"\x03\x04")),
            tls_extension(10, &vector(2, b"\x00\x1D")),
            tls_extension(13, &vector(2, b"\x04\x03")),
            tls_extension(51, &vector(2, &[b"\x00\x1D".to_vec(), vector(2, &[9; 32])].concat())),
            tls_extension(45, &vector(1, b"\x01")),
        ]
    };
    let hello = |suites: &[u8], more: &[Vec<u8>], without: &[u16]| {
        let needed =
            needed().into_iter().filter(|one| !without.contains(&u16::from_be_bytes([one[0], one[1]])));
        let extensions = needed.chain(more.iter().cloned()).collect::<Vec<_>>().concat();
        let body = [
            b"\x03\x03".to_vec(),
            vec![7; 32],
            vector(1, b""),
            vector(2, suites),
            vector(1, b"\0"),
            vector(2, &extensions),
        ];
        records(1, &body.concat())
    };
    let suites = b"\x13\x01";
    let room = 60_000;
    let unknown = |count: u32| -> Vec<Vec<u8>> {
        (0..count).map(|kind| tls_extension(u16::try_from(20_000 + kind).unwrap(), b"")).collect()
    };
    let distinct =
        |from: u16, count: u16| -> Vec<u8> { (from..from + count).flat_map(u16::to_be_bytes).collect() };
    let psk = |identity: &[u8], count: usize| {
        let identities = [vector(2, identity), vec![0; 4]].concat().repeat(count);
        let binders = vector(1, &[1; 32]).repeat(count);
        tls_extension(41, &[vector(2, &identities), vector(2, &binders)].concat())
    };
    let shares = |count: u16| -> Vec<u8> {
        (0x2000..0x2000 + count)
            .flat_map(|group: u16| [group.to_be_bytes().to_vec(), vector(2, b"x")].concat())
            .collect()
    };
    for (what, octets) in [
        ("nothing special", hello(suites, &[], &[])),
        (
            "authorities",
            hello(suites, &[tls_extension(47, &vector(2, &vector(2, b"0\0").repeat(room / 4)))], &[]),
        ),
        (
            "protocols",
            hello(suites, &[tls_extension(16, &vector(2, &vector(1, b"h").repeat(room / 2)))], &[]),
        ),
        ("suites", hello(&[distinct(0x2000, 29_000), suites.to_vec()].concat(), &[], &[])),
        (
            "schemes",
            hello(
                suites,
                &[tls_extension(13, &vector(2, &[distinct(0x2000, 29_000), b"\x04\x03".to_vec()].concat()))],
                &[13],
            ),
        ),
        (
            "groups",
            hello(
                suites,
                &[tls_extension(10, &vector(2, &[distinct(0x2000, 29_000), b"\0\x1D".to_vec()].concat()))],
                &[10],
            ),
        ),
        (
            "shares",
            hello(
                suites,
                &[
                    tls_extension(10, &vector(2, &[distinct(0x2000, 7_000), b"\0\x1D".to_vec()].concat())),
                    tls_extension(
                        51,
                        &vector(2, &[shares(7_000), b"\x00\x1D".to_vec(), vector(2, &[9; 32])].concat()),
                    ),
                ],
                &[10, 51],
            ),
        ),
        ("extensions", hello(suites, &unknown(15_000), &[])),
        ("many small tickets", hello(suites, &[psk(b"t", 1_400)], &[])),
        ("large tickets", hello(suites, &[psk(&[7; 7_000], 8)], &[])),
    ] {
        add("server, octets", what, octets);
    }
    for (what, octets) in [
        ("empty data records", fill(b"\x17\x03\x03\0\0")),
        ("change_cipher_spec", fill(b"\x14\x03\x03\0\x01\x01")),
        ("warnings", fill(b"\x15\x03\x03\0\x02\x01\x5A")),
        ("empty handshake records", fill(b"\x16\x03\x03\0\0")),
        (
            "a message in pieces of one octet",
            records(1, &[0; 10_000]).iter().skip(5).flat_map(|octet| [22, 3, 3, 0, 1, *octet]).collect(),
        ),
    ] {
        add("server, octets", what, octets.clone());
        add("client, octets", what, octets);
    }
    let server_hello = |more: &[Vec<u8>]| {
        let extensions = [
            tls_extension(43, b"\x03\x04"),
            tls_extension(51, &[b"\x00\x1D".to_vec(), vector(2, &[9; 32])].concat()),
        ];
        let extensions = extensions.into_iter().chain(more.iter().cloned()).collect::<Vec<_>>().concat();
        let body = [
            b"\x03\x03".to_vec(),
            vec![7; 32],
            vector(1, b""),
            suites.to_vec(),
            b"\0".to_vec(),
            vector(2, &extensions),
        ];
        records(2, &body.concat())
    };
    add("client, octets", "a ServerHello", server_hello(&[]));
    add("client, octets", "extensions", server_hello(&unknown(15_000)));
}

/// A request for a certificate; the signature is right only where the key is P-256.
fn csr(spki: &[u8], subject: &[u8], extensions: &[Vec<u8>], rsa: Option<usize>) -> Vec<u8> {
    let wanted =
        seq(&[&oid(b"\x2A\x86\x48\x86\xF7\x0D\x01\x09\x0E"), &tlv(0x31, &tlv(0x30, &extensions.concat()))]);
    let attributes = tlv(0xA0, if extensions.is_empty() { b"" } else { &wanted });
    let info = seq(&[b"\x02\x01\0", subject, spki, &attributes]);
    match rsa {
        Some(len) => {
            let mut signature = vec![0x5A; len + 1];
            (signature[0], signature[1]) = (0, 0);
            seq(&[&info, RSA_SHA256, &tlv(3, &signature)])
        }
        None => {
            let scheme = otls::codepoints::SignatureScheme::ECDSA_SECP256R1_SHA256;
            let signature = own().sign(scheme, &info, &SystemRandom).unwrap();
            seq(&[&info, ECDSA_SHA256, &tlv(3, &[&[0], signature.as_slice()].concat())])
        }
    }
}

fn requests(add: Add<'_>) {
    let spki = own().public_key().to_der().to_vec();
    let subject = common_name("mallory");
    let plain = csr(&spki, &subject, &[], None);
    let rsa = csr(&rsa_spki(8192, u32::MAX), &subject, &[], Some(1024));
    let wrong_curve = {
        let spki = compressed(key(KeyType::EcdsaP384, 4).public_key().to_der());
        let mut wrong = csr(&spki, &subject, &[], None);
        wrong.truncate(wrong.len());
        wrong
    };
    let names = csr(&spki, &subject, &[chains::names(20_000)], None);
    let tiny = |index: u32| extension(&[0x2A, 0x80 | (index >> 7) as u8, (index & 0x7F) as u8], false, b"");
    for (what, octets) in [
        ("P-256", plain.clone()),
        ("RSA-8192", rsa.clone()),
        ("P-384", wrong_curve.clone()),
        ("names", names.clone()),
        ("a hundred names", csr(&spki, &subject, &[chains::names(100)], None)),
        ("extensions", csr(&spki, &subject, &(0..4_000).map(tiny).collect::<Vec<_>>(), None)),
        ("attributes of the subject", csr(&spki, &rdns(&vec![rdn(b"\x2A", 5, b""); 5_000]), &[], None)),
        (
            "one set of attributes",
            csr(
                &spki,
                &tlv(
                    0x30,
                    &tlv(
                        0x31,
                        &(0..5_000_u32)
                            .rev()
                            .flat_map(|index| {
                                seq(&[
                                    &oid(&[0x2A, 0x80 | (index >> 7) as u8, (index & 0x7F) as u8]),
                                    b"\x05\0",
                                ])
                            })
                            .collect::<Vec<_>>(),
                    ),
                ),
                &[],
                None,
            ),
        ),
        ("U+FDFA", csr(&spki, &common_name(&"\u{FDFA}".repeat(20_000)), &[], None)),
    ] {
        add("certificate request", what, octets);
    }
    let base64 = |der: &[u8]| {
        let pem = otls::pki::PublicKey::load(&spki).map(|_| ()).map(|()| der.to_vec()).unwrap();
        encode_base64(&pem)
    };
    let post = |der: &[u8]| {
        let body = base64(der);
        format!("POST /.well-known/est/simpleenroll HTTP/1.1\r\nHost: h\r\nContent-Type: application/pkcs10\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    };
    let get = b"GET /.well-known/est/cacerts HTTP/1.1\r\nHost: h\r\n\r\n";
    let head = |fields: &[u8]| {
        [b"GET / HTTP/1.1\r\nHost: h\r\n".to_vec(), fields.to_vec(), b"\r\n".to_vec()].concat()
    };
    for (what, octets) in [
        ("requests for the authority", fill(get)),
        ("short requests", fill(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")),
        ("requests, P-256", fill(&post(&plain))),
        ("requests, RSA-8192", fill(&post(&rsa))),
        ("requests, P-384", fill(&post(&wrong_curve))),
        ("empty lines", fill(b"\r\n")),
        ("fields", head(&b"a: b\r\n".repeat(10_000))),
        ("folded fields", head(&[b"a: b\r\n".to_vec(), b" c\r\n".repeat(10_000)].concat())),
        ("chunks of one octet", [b"POST /.well-known/est/simpleenroll HTTP/1.1\r\nHost: h\r\nContent-Type: application/pkcs10\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(), b"1\r\nA\r\n".repeat(10_000), b"0\r\n\r\n".to_vec()].concat()),
        ("a trailer", [b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n".to_vec(), b"a:\r\n".repeat(10_000)].concat()),
    ] {
        add("EST server", what, octets);
    }
    let certificates = |ders: &[u8]| {
        let data = oid(b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01");
        let signed = seq(&[b"\x02\x01\x01", b"\x31\0", &seq(&[&data]), &tlv(0xA0, ders), b"\x31\0"]);
        seq(&[&oid(b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02"), &tlv(0xA0, &signed)])
    };
    let reply = |body: &[u8]| {
        let body = encode_base64(body);
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/pkcs7-mime\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    let root = chains::Root::new();
    add("EST client", "certificates", reply(&certificates(&root.der.repeat(45_000 / root.der.len()))));
    add("EST client", "empty certificates", reply(&certificates(&b"\x30\0".repeat(22_000))));
    add("certificate", "PKCS#7", certificates(&root.der.repeat(60_000 / root.der.len())));
    add("certificate", "PKCS#7, empty", certificates(&b"\x30\0".repeat(30_000)));
}

pub fn encode_base64(octets: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in octets.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, octet| bits << 8 | u32::from(*octet)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

fn lists(add: Add<'_>) {
    let by = |issuer: &[u8], entry: &[u8], extensions: &[Vec<u8>]| {
        let time = tlv(0x18, b"20260101000000Z");
        let number = extension(b"\x55\x1D\x14", false, b"\x02\x01\x01");
        let extensions = tlv(0xA0, &tlv(0x30, &[number, extensions.concat()].concat()));
        let entries = if entry.is_empty() { Vec::new() } else { repeated(entry, 62_000 / entry.len()) };
        let tbs = seq(&[
            b"\x02\x01\x01",
            ECDSA_SHA256,
            issuer,
            &time,
            &tlv(0x18, b"20991231235959Z"),
            &entries,
            &extensions,
        ]);
        seq(&[&tbs, ECDSA_SHA256, &tlv(3, &[0; 71])])
    };
    let list = |entry: &[u8], extensions: &[Vec<u8>]| by(&common_name(chains::ROOT), entry, extensions);
    let attributes = rdns(&vec![rdn(b"\x2A", 5, b""); 5_000]);
    let point = tlv(0x30, &tlv(0xA0, &tlv(0xA0, &tlv(0x86, b"a").repeat(20_000))));
    let revoked = |extensions: &[u8]| seq(&[b"\x02\x01\x05", &tlv(0x17, b"260101000000Z"), extensions]);
    let issuer = extension(b"\x55\x1D\x1D", true, &tlv(0x30, &tlv(0xA4, &common_name("x"))));
    let tiny = |index: u32| extension(&[0x2A, 0x80 | (index >> 7) as u8, (index & 0x7F) as u8], false, b"");
    add("revocation list", "attributes of the issuer", by(&attributes, b"", &[]));
    add("revocation list", "U+FDFA", by(&common_name(&"\u{FDFA}".repeat(2_700)), b"", &[]));
    add("revocation list", "names of a point", list(b"", &[extension(b"\x55\x1D\x1C", true, &point)]));
    let of_many = extension(b"\x55\x1D\x1D", true, &tlv(0x30, &tlv(0xA4, &attributes)));
    add("revocation list", "attributes of an entry's issuer", list(&revoked(&seq(&[&of_many])), &[]));
    add("revocation list", "entries", list(&revoked(b""), &[]));
    add("revocation list", "entries of other issuers", list(&revoked(&seq(&[&issuer])), &[]));
    add("revocation list", "extensions", list(b"", &(0..4_000).map(tiny).collect::<Vec<_>>()));
    add(
        "revocation list",
        "extensions of an entry",
        list(&revoked(&tlv(0x30, &(0..4_000).map(tiny).collect::<Vec<_>>().concat())), &[]),
    );
}

fn keys(add: Add<'_>) {
    for kind in [KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::Rsa2048] {
        let key = key(kind, 20);
        let der = key.to_der(None, &SystemRandom).unwrap();
        add("private key", &format!("{kind:?}"), der.expose().to_vec());
        add("public key", &format!("{kind:?}"), key.public_key().to_der().to_vec());
    }
    for (bits, exponent) in [(8192, u32::MAX), (8191, u32::MAX)] {
        add("public key", &format!("RSA-{bits}"), rsa_spki(bits, exponent));
    }
}

fn otp(add: Add<'_>) {
    for (what, octets) in [
        ("zeros", vec![0; STRANGERS]),
        ("ones", vec![1; STRANGERS]),
        ("empty messages", fill(b"\0\0\0\x01\x01")),
        ("text", fill(b"a=b;")),
    ] {
        for name in ["OTP messages", "receipt", "session", "transaction", "CMS, signed"] {
            add(name, what, octets.clone());
        }
    }
    // A context: version, count, and fields of a name and a value.
    for (what, octets) in [
        (
            "percent",
            [
                b"otpauth://totp/".to_vec(),
                b"%41".repeat(21_000),
                b"?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".to_vec(),
            ]
            .concat(),
        ),
        (
            "parameters",
            [b"otpauth://totp/a?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".to_vec(), b"&a=b".repeat(16_000)]
                .concat(),
        ),
        ("secret", [b"otpauth://totp/a?secret=".to_vec(), b"JBSWY3DP".repeat(8_000)].concat()),
        ("equals", [b"otpauth://totp/a?".to_vec(), b"=".repeat(60_000)].concat()),
    ] {
        add("otpauth URI", what, octets);
    }
    add("OCRA suite", "colons", [b"OCRA-1:HOTP-SHA1-6:".to_vec(), b"QN08-".repeat(13_000)].concat());
    add("register", "lines", fill(b"issued\t1\t2\t3\n"));
    add("register", "one line", fill(b"a"));
}
