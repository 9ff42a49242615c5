//! What a file holds counts, or the file is refused: no loader takes the first of two things and drops the other.

use crate::support::*;
use otls::pki::{
    Certificate, CertificateRequest, Crl, Encoding, Identity, KeyEncryption, KeyFormat, PrivateKey,
    PublicKey, Validity,
};

fn key_pem(key: &PrivateKey) -> Vec<u8> {
    key.to_pem(None, &RANDOM).unwrap().expose().to_vec()
}

fn pem_of(certificate: &Certificate) -> Vec<u8> {
    certificate.to_pem().into_bytes()
}

/// The texts of all loaders that refuse the data; nothing for those that load it.
fn refusals(data: &[u8]) -> Vec<Option<String>> {
    vec![
        Certificate::load(data).err().map(|error| error.to_string()),
        Certificate::load_chain(data).err().map(|error| error.to_string()),
        Certificate::load_authorities(data).err().map(|error| error.to_string()),
        Crl::load(data).err().map(|error| error.to_string()),
        Crl::load_all(data).err().map(|error| error.to_string()),
        CertificateRequest::load(data).err().map(|error| error.to_string()),
        PrivateKey::load(data, None).err().map(|error| error.to_string()),
        PublicKey::load(data).err().map(|error| error.to_string()),
        Identity::load(data, None).err().map(|error| error.to_string()),
    ]
}

#[test]
fn no_loader_takes_one_thing_of_two_kinds() {
    let key = ec_key();
    let things: Vec<(&str, Vec<u8>)> = vec![
        ("a certificate", pem_of(CA.certificate())),
        (
            "a revocation list",
            CA.issue_crl(&[], 1, Validity::new(NOW, DAY), &RANDOM).unwrap().to_pem().into_bytes(),
        ),
        ("a certificate request", request(&key, "alice", &[]).to_pem().into_bytes()),
        ("a private key", key_pem(&key)),
        ("a public key", key.public_key().to_pem().into_bytes()),
        ("own trust settings", CA.certificate().to_pem().replace("CERT", "TRUSTED CERT").into_bytes()),
        (
            "parameters for Diffie-Hellman",
            b"-----BEGIN DH PARAMETERS-----\nMAA=\n-----END DH PARAMETERS-----\n".to_vec(),
        ),
    ];
    for (one, first) in &things {
        for (other, second) in &things {
            if one == other {
                continue;
            }
            let both = [first.as_slice(), b"A remark.\n", second].concat();
            for (index, refusal) in refusals(&both).into_iter().enumerate() {
                let text = refusal.unwrap_or_else(|| panic!("loader {index} loads {one} and {other}"));
                // An identity has two parts and may have a word about one of them alone.
                let names_both = text.contains(one) && text.contains(other);
                assert!(names_both || index == 8, "loader {index}, {one} and {other}: {text}");
            }
        }
    }
}

#[test]
fn no_loader_of_one_thing_takes_the_first_of_two() {
    let (one, two) = (ec_key(), ec_key());
    let certificates = [pem_of(CA.certificate()), pem_of(OTHER_CA.certificate())].concat();
    let error = Certificate::load(&certificates).err().unwrap().to_string();
    assert!(error.contains("2 certificates") && error.contains("load_chain"), "{error}");
    assert_eq!(Certificate::load_chain(&certificates).unwrap().len(), 2);

    let keys = [key_pem(&one), key_pem(&two)].concat();
    let error = PrivateKey::load(&keys, None).err().unwrap().to_string();
    assert!(error.contains("2 private keys"), "{error}");
    let certificate = client_of(&one);
    let identity = [keys, pem_of(&certificate)].concat();
    assert!(Identity::load(&identity, None).err().unwrap().to_string().contains("2 private keys"));

    let public = [one.public_key().to_pem(), two.public_key().to_pem()].concat();
    assert!(PublicKey::load(public.as_bytes()).err().unwrap().to_string().contains("2 public keys"));
    let requests = [request(&one, "a", &[]).to_pem(), request(&two, "b", &[]).to_pem()].concat();
    let error = CertificateRequest::load(requests.as_bytes()).err().unwrap().to_string();
    assert!(error.contains("2 certificate requests"), "{error}");
}

fn client_of(key: &PrivateKey) -> Certificate {
    CA.issue(&request(key, "alice", &[]), otls::pki::Profile::Client, Validity::new(NOW, DAY), &RANDOM)
        .unwrap()
}

#[test]
fn an_identity_is_loaded_from_a_file_with_key_and_chain_in_any_order() {
    let key = ec_key();
    let certificate = client_of(&key);
    let (leaf, root) = (pem_of(&certificate), pem_of(CA.certificate()));
    let encrypted = key.to_pem(Some(b"secret"), &RANDOM).unwrap();
    let sec1 = key.export(KeyFormat::Sec1, Encoding::Pem, KeyEncryption::Plain, &RANDOM).unwrap();
    let parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    let sec1 = [parameters.as_slice(), sec1.expose()].concat();
    for (key, password) in
        [(key_pem(&key), None), (encrypted.expose().to_vec(), Some(b"secret".as_slice())), (sec1, None)]
    {
        for file in [
            [&key, &leaf, &root].map(Vec::as_slice).concat(),
            [&leaf, &key, &root].map(Vec::as_slice).concat(),
        ] {
            let identity = Identity::load(&file, password).unwrap();
            assert_eq!(identity.chain()[..], [certificate.clone(), CA.certificate().clone()]);
        }
        assert!(Identity::load(&key, password).is_err() && Identity::load(&leaf, password).is_err());
        assert!(Identity::load(&[key, root.clone()].concat(), password).is_err());
    }
}

#[test]
fn parameters_beside_a_key_are_those_of_its_curve() {
    let key = ec_key();
    let sec1 = key.export(KeyFormat::Sec1, Encoding::Pem, KeyEncryption::Plain, &RANDOM).unwrap();
    let beside = |base64: &str| {
        let block = format!("-----BEGIN EC PARAMETERS-----\n{base64}\n-----END EC PARAMETERS-----\n");
        [block.as_bytes(), sec1.expose()].concat()
    };
    assert_eq!(PrivateKey::load(&beside("BggqhkjOPQMBBw=="), None).unwrap().public_key(), key.public_key());
    // P-384's, and two of them.
    let error = PrivateKey::load(&beside("BgUrgQQAIg=="), None).err().unwrap().to_string();
    assert!(error.contains("another curve"), "{error}");
    let twice = [
        b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n".to_vec(),
        beside("BggqhkjOPQMBBw=="),
    ]
    .concat();
    assert!(PrivateKey::load(&twice, None).is_err());
    let with_pkcs8 = [&beside("BggqhkjOPQMBBw==")[..80], &key_pem(&key)].concat();
    assert!(PrivateKey::load(&with_pkcs8, None).is_err());
}

#[test]
fn what_stands_around_pem_is_text() {
    let pem = CA.certificate().to_pem();
    let der = CA.certificate().to_der();
    for text in
        ["", "\n\n", "# Private CA\r\n", "Subject: CN=M\u{fc}ller\n\tIssuer: x\n", "\u{feff}", "====\n"]
    {
        assert!(Certificate::load(format!("{text}{pem}{text}").as_bytes()).is_ok(), "{text:?}");
    }
    // What OpenSSL and Mozilla write around theirs.
    let around = format!(
        "{0}\nPrivate CA\n{0}\n 0 s:CN=x\n   i:CN=x\n{pem}---\nServer certificate\nsubject=CN=x\n---\nEND\n",
        "=".repeat(70)
    );
    assert!(Certificate::load(around.as_bytes()).is_ok());
    for (before, behind) in [
        (der, b"".as_slice()),
        (b"", der),
        (b"\0", b""),
        (b"----BEGIN CERTIFICATE-----\nAAAA\n", b""),
        (b"", b"-----END CERTIFICATE-----\n"),
        (b"# begin certificate\n", b""),
        (b"", b"MIIBszCCAVqgAwIBAgIQZxGhYJkq0VfM0m1O3b1kWjAKBggqhkjOPQQDAjAVMRMw\n"),
    ] {
        let data = [before, pem.as_bytes(), behind].concat();
        assert!(Certificate::load_chain(&data).is_err(), "{before:02x?} {behind:02x?}");
    }
    for octets in [&[0][..], &[0xFF], b"\n", &[0x30, 0], pem.as_bytes()] {
        let data = [der, octets].concat();
        assert!(refusals(&data).iter().all(Option::is_some), "{octets:02x?}");
    }
}

#[test]
fn authorities_with_other_keys_are_left_out_by_name_and_nothing_else_is() {
    let Some(openssl) = openssl() else { return };
    openssl.ok("req -x509 -newkey ed448 -nodes -keyout ed.key -subj /CN=Ed -out ed.pem");
    openssl.ok("req -x509 -newkey rsa:1024 -nodes -keyout small.key -subj /CN=Small -out small.pem");
    let (ed, small) = (openssl.read("ed.pem"), openssl.read("small.pem"));
    let (one, two) = (pem_of(CA.certificate()), pem_of(OTHER_CA.certificate()));
    let bundle = [one.as_slice(), &ed, &small, &two].concat();
    let (authorities, left_out) = Certificate::load_authorities(&bundle).unwrap();
    assert_eq!(authorities, [CA.certificate().clone(), OTHER_CA.certificate().clone()]);
    assert!(left_out[0].contains("CN=Ed") && left_out[1].contains("CN=Small"), "{left_out:?}");
    assert_eq!(left_out.len(), 2);
    // A chain has no link that may be missing, and a bundle of nothing is none.
    assert!(Certificate::load_chain(&bundle).is_err());
    assert!(Certificate::load_authorities(&[ed, small].concat()).is_err());
    // Damage is not another kind of key.
    let damaged = String::from_utf8(two).unwrap().replacen("MII", "MIJ", 1);
    assert!(Certificate::load_authorities(&[one.as_slice(), damaged.as_bytes()].concat()).is_err());
    let list = CA.issue_crl(&[], 1, Validity::new(NOW, DAY), &RANDOM).unwrap();
    assert!(Certificate::load_authorities(&[one.as_slice(), list.to_pem().as_bytes()].concat()).is_err());
}

#[test]
fn a_pkcs7_bundle_with_lists_or_content_is_refused() {
    let Some(openssl) = openssl() else { return };
    let key = ec_key();
    openssl.write("leaf.pem", client_of(&key).to_pem());
    openssl.write("key.pem", key_pem(&key));
    openssl.write("list.pem", CA.issue_crl(&[], 1, Validity::new(NOW, DAY), &RANDOM).unwrap().to_pem());
    openssl.write("text", "hello");
    openssl.ok("crl2pkcs7 -in list.pem -certfile leaf.pem -out list.p7");
    openssl.ok("cms -sign -in text -nodetach -signer leaf.pem -inkey key.pem -outform PEM -out content.p7");
    openssl.ok("crl2pkcs7 -nocrl -certfile leaf.pem -out good.p7");
    let error = |file| Certificate::load_chain(&openssl.read(file)).err().unwrap().to_string();
    assert!(error("list.p7").contains("revocation lists"), "{}", error("list.p7"));
    assert!(error("content.p7").contains("PKCS#7"), "{}", error("content.p7"));
    assert!(Certificate::load(&openssl.read("good.p7")).is_ok());
}
