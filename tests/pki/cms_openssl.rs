//! CMS messages both ways with `openssl cms`, and what is refused of them.

use crate::support::*;
use otls::cms::{self, Verified};
use otls::crypto::Random;
use otls::crypto::hash::HashAlgorithm;
use otls::crypto::sign::KeyAlgorithm;
use otls::error::{Check, CmsError, KeyError, OtpError};
use otls::otp::{CodeRequest, Context, Envelope, Issued, Ledger, Mail, MemoryStore, Transaction};
use otls::pki::{
    CertificateRequest, Identity, KeyType, PeerRole, PrivateKey, Profile, TrustStore, Validity, VerifyOptions,
};
use otls::{Error, ErrorCode, Secret, UnixTime};
use std::time::Duration;

pub(crate) const CONTENT: &[u8] =
    b"The OTP for transferring Rs 1,00,000 to your friend's account is 256345.\r\n\0\xFF";

fn key(kind: &str) -> PrivateKey {
    match kind {
        "rsa" => rsa_key(),
        "p256" => PrivateKey::generate(KeyType::EcdsaP256, &RANDOM).unwrap(),
        _ => PrivateKey::generate(KeyType::EcdsaP384, &RANDOM).unwrap(),
    }
}

fn identity_of(ca: &otls::pki::Authority, key: PrivateKey, common_name: &str, profile: Profile) -> Identity {
    let is_p384 = key.algorithm() == KeyAlgorithm::EcdsaP384;
    let hash = if is_p384 { HashAlgorithm::Sha384 } else { HashAlgorithm::Sha256 };
    let names = [otls::pki::GeneralName::parse("bank.example").unwrap()];
    let names = if profile == Profile::Server { &names[..] } else { &[] };
    let request = CertificateRequest::create(&key, &name(common_name), names, hash, &RANDOM).unwrap();
    Identity::new(ca.issue(&request, profile, Validity::new(NOW, DAY), &RANDOM).unwrap().into(), key).unwrap()
}

pub(crate) fn bank(kind: &str) -> Identity {
    identity_of(&CA, key(kind), "bank", Profile::Server)
}

pub(crate) fn customer(kind: &str) -> Identity {
    identity_of(&CA, key(kind), "asha", Profile::Client)
}

pub(crate) fn everybody() -> TrustStore {
    trust(&[CA.certificate()])
}

fn open(message: &[u8], recipient: &Identity) -> Result<Verified, Error> {
    cms::open(message, recipient, &VerifyOptions::new(&everybody(), &as_server("bank.example"), NOW), &RANDOM)
}

fn seal(signer: &Identity, recipient: &Identity) -> Vec<u8> {
    cms::seal(CONTENT, signer, recipient.certificate(), NOW, &RANDOM).unwrap()
}

/// Puts an identity into files of this name.
pub(crate) fn save(openssl: &OpenSsl, file: &str, identity: &Identity) {
    openssl.write(&format!("{file}.pem"), identity.certificate().to_pem());
    openssl.write(&format!("{file}.key"), identity.key().to_pem(None, &RANDOM).unwrap().expose());
}

pub(crate) fn with_openssl(signer: &Identity, recipient: &Identity) -> Option<OpenSsl> {
    let openssl = openssl()?;
    save(&openssl, "bank", signer);
    save(&openssl, "asha", recipient);
    openssl.write("ca.pem", CA.certificate().to_pem());
    openssl.write("content", CONTENT);
    Some(openssl)
}

const SIGN: &str =
    "cms -sign -binary -nodetach -outform DER -in content -out signed.der -signer bank.pem -inkey bank.key";
const ENCRYPT: &str = "cms -encrypt -binary -outform DER -in signed.der -out sealed.der -recip asha.pem";
pub(crate) const OAEP: &str = "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256";

#[test]
fn openssl_opens_and_verifies_what_we_seal() {
    for signer in ["rsa", "p256", "p384"] {
        for recipient in ["rsa", "p256", "p384"] {
            let (signer, recipient) = (bank(signer), customer(recipient));
            let Some(openssl) = with_openssl(&signer, &recipient) else { return };
            openssl.write("sealed.der", seal(&signer, &recipient));
            openssl.ok(
                "cms -decrypt -inform DER -binary -in sealed.der -recip asha.pem -inkey asha.key -out signed.der",
            );
            let verify = format!("cms -verify -inform DER -binary -attime {} -CAfile ca.pem", NOW.0);
            openssl.ok(&format!("{verify} -purpose any -in signed.der -out opened"));
            assert_eq!(openssl.read("opened"), CONTENT);
            // The same for what is only signed; and the attribute of RFC 5035 is right.
            openssl.write("signed.der", cms::sign(CONTENT, &signer, NOW, &RANDOM).unwrap());
            openssl.ok(&format!("{verify} -purpose any -cades -in signed.der -out opened"));
            assert_eq!(openssl.read("opened"), CONTENT);
        }
    }
}

#[test]
fn what_openssl_signs_and_encrypts_is_opened() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("rsa", "rsa", &["", "-md sha384", "-md sha512", "-cades", "-keyid", "-nosmimecap"]),
        ("rsa", "p256", &["-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:-1"]),
        ("rsa", "p384", &["-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:-1 -md sha384"]),
        ("rsa", "rsa", &["-keyopt rsa_padding_mode:pss", "-keyopt rsa_padding_mode:pss -md sha512"]),
        ("p256", "p256", &["", "-md sha384", "-md sha512", "-cades"]),
        ("p384", "p384", &["", "-md sha384 -cades -certfile ca.pem"]),
    ];
    let ec: &[&str] = &[
        "",
        "-keyopt ecdh_kdf_md:sha256",
        "-keyopt ecdh_kdf_md:sha384",
        "-keyopt ecdh_kdf_md:sha512",
        "-keyid",
    ];
    let rsa: &[&str] = &[OAEP, "-keyid -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256"];
    let mut opened = 0;
    for (signer, recipient_kind, sign_options) in cases {
        let (signer, recipient) = (bank(signer), customer(recipient_kind));
        let Some(openssl) = with_openssl(&signer, &recipient) else { return };
        for sign in *sign_options {
            openssl.ok(&format!("{SIGN} {sign}"));
            let verified = cms::verify(
                &openssl.read("signed.der"),
                &VerifyOptions::new(&everybody(), &as_server("bank.example"), NOW),
            );
            assert_eq!(verified.unwrap_or_else(|e| panic!("{sign}: {e}")).content.expose(), CONTENT);
            for encrypt in if *recipient_kind == "rsa" { rsa } else { ec } {
                for cipher in ["-aes-256-gcm", "-aes-128-gcm", "-aes256", "-aes128"] {
                    openssl.ok(&format!("{ENCRYPT} {encrypt} {cipher}"));
                    let message = openssl.read("sealed.der");
                    let verified = open(&message, &recipient);
                    let verified =
                        verified.unwrap_or_else(|error| panic!("{sign} {encrypt} {cipher}: {error}"));
                    assert_eq!(verified.content.expose(), CONTENT);
                    assert_eq!(verified.signer.certificate(), signer.certificate());
                    assert!(verified.signed_at.is_some());
                    opened += 1;
                }
            }
        }
    }
    assert!(opened >= 100, "{opened}");
}

#[test]
fn one_recipient_of_several_opens_what_openssl_made() {
    let (signer, rsa, ec) = (bank("p256"), customer("rsa"), customer("p256"));
    let Some(openssl) = with_openssl(&signer, &rsa) else { return };
    save(&openssl, "ec", &ec);
    openssl.ok(SIGN);
    for cipher in ["-aes-256-gcm", "-aes256"] {
        openssl.ok(&format!("{ENCRYPT} {OAEP} -recip ec.pem {cipher}"));
        let message = openssl.read("sealed.der");
        assert_eq!(open(&message, &rsa).unwrap().content.expose(), CONTENT);
        assert_eq!(open(&message, &ec).unwrap().content.expose(), CONTENT);
        assert_eq!(open(&message, &customer("p256")).err(), Some(CmsError::NotRecipient.into()));
    }
}

#[test]
fn what_is_not_accepted_of_openssl_is_named() {
    let (signer, recipient, ec) = (bank("rsa"), customer("rsa"), customer("p256"));
    let Some(openssl) = with_openssl(&signer, &recipient) else { return };
    save(&openssl, "ec", &ec);
    let unsupported = |recipient: &Identity| match open(&openssl.read("sealed.der"), recipient).err() {
        Some(Error::Cms(CmsError::Unsupported(what))) => what,
        other => panic!("{other:?}"),
    };
    openssl.ok(SIGN);
    openssl.ok(&format!("{ENCRYPT} -aes-256-gcm"));
    assert!(unsupported(&recipient).starts_with("RSA PKCS#1 v1.5 key transport"));
    openssl.ok(&format!("{ENCRYPT} -keyopt rsa_padding_mode:oaep -aes-256-gcm"));
    assert_eq!(unsupported(&recipient), "RSAES-OAEP with SHA-1");
    openssl.ok(&format!("{ENCRYPT} -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha384 -aes-256-gcm"));
    assert_eq!(unsupported(&recipient), "RSAES-OAEP with another hash than SHA-256");
    openssl.ok(&format!("{ENCRYPT} {OAEP} -aes-192-cbc"));
    assert_eq!(unsupported(&recipient), "the content encryption AES-192-CBC");
    openssl.ok(&format!("{ENCRYPT} {OAEP} -des3"));
    assert_eq!(unsupported(&recipient), "the content encryption triple DES");
    openssl.ok("cms -encrypt -binary -outform DER -in signed.der -out sealed.der -recip ec.pem -aes-192-gcm");
    assert_eq!(unsupported(&ec), "the content encryption AES-192-GCM");
    openssl.write("sealed.der", openssl.read("signed.der"));
    assert_eq!(open(&openssl.read("sealed.der"), &recipient).err(), Some(CmsError::NotEncrypted.into()));

    for (sign, what) in [
        ("-md sha1", "the hash SHA-1"),
        ("-signer asha.pem -inkey asha.key", "SignedData that has not one signer"),
        ("-econtent_type 1.2.3.4", "a signed content of the type 1.2.3.4"),
        ("-noattr", "a signature without signed attributes"),
        ("-nocerts", "SignedData without certificates"),
    ] {
        openssl.ok(&format!("{SIGN} {sign}"));
        let refused =
            cms::verify(&openssl.read("signed.der"), &VerifyOptions::new(&everybody(), &PeerRole::Any, NOW));
        assert_eq!(refused.err(), Some(CmsError::Unsupported(what.to_owned()).into()), "{sign}");
    }
    // Encrypted, but signed by nobody.
    openssl.write("signed.der", CONTENT);
    openssl.ok(&format!("{ENCRYPT} {OAEP} -aes-256-gcm"));
    assert_eq!(open(&openssl.read("sealed.der"), &recipient).err(), Some(CmsError::NotSigned.into()));
    openssl.ok(&format!("{ENCRYPT} {OAEP} -aes256"));
    assert_eq!(open(&openssl.read("sealed.der"), &recipient).err(), Some(Error::DecryptFailed));
    // BER, which -stream makes.
    openssl.ok("cms -encrypt -stream -binary -outform DER -in content -out sealed.der -recip ec.pem -aes256");
    assert_eq!(open(&openssl.read("sealed.der"), &ec).err(), Some(CmsError::Ber.into()));
}

/// Where the encrypted content begins: all before it is structure, named recipients and their keys.
fn content_at(message: &[u8]) -> usize {
    // The GCM parameters: a nonce of 12 octets and the tag's length, then [0].
    let parameters = message.windows(3).rposition(|window| window == [0x02, 0x01, 0x10]).unwrap();
    parameters + 7
}

#[test]
fn of_a_message_in_which_any_bit_is_flipped_nothing_comes_out() {
    for kind in ["rsa", "p256", "p384"] {
        let (signer, recipient) = (bank("p256"), customer(kind));
        let message = seal(&signer, &recipient);
        assert!(open(&message, &recipient).is_ok());
        let header = content_at(&message);
        let mut bits: Vec<usize> = (0..header * 8).collect();
        // 2,000 more of the rest.
        let mut random = [0; 8000];
        RANDOM.fill(&mut random).unwrap();
        for draw in random.chunks(4) {
            let draw = usize::try_from(u32::from_be_bytes(draw.try_into().unwrap())).unwrap();
            bits.push(draw % (message.len() * 8));
        }
        // The tag and all behind it.
        bits.extend((message.len() - 18) * 8..message.len() * 8);
        for bit in bits {
            let mut changed = message.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&changed, &recipient).is_err(), "{kind}: bit {bit} of {header} octets of header");
        }
    }
}

#[test]
fn of_openssls_cbc_in_which_any_bit_is_flipped_nothing_comes_out_but_one_error() {
    let (signer, recipient) = (bank("p256"), customer("p256"));
    let Some(openssl) = with_openssl(&signer, &recipient) else { return };
    openssl.ok(SIGN);
    openssl.ok(&format!("{ENCRYPT} -aes256"));
    let message = openssl.read("sealed.der");
    assert!(open(&message, &recipient).is_ok());
    // The IV, then [0].
    let iv = message.windows(2).rposition(|window| window == [0x04, 0x10]).unwrap();
    for bit in (iv + 2) * 8..message.len() * 8 {
        if (iv + 18..iv + 22).contains(&(bit / 8)) {
            continue;
        }
        let mut changed = message.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        match open(&changed, &recipient) {
            Err(error) => assert_eq!(error, Error::DecryptFailed, "bit {bit}"),
            // What neither the signature nor the certificate covers.
            Ok(_) => panic!("bit {bit} of {}", message.len()),
        }
    }
    // The same for a signer who is not trusted, whatever is wrong with him.
    let nobody = TrustStore::new();
    let refused =
        cms::open(&message, &recipient, &VerifyOptions::new(&nobody, &PeerRole::Any, NOW), &RANDOM).err();
    assert_eq!(refused, Some(Error::DecryptFailed));
}

#[test]
fn a_cut_or_extended_message_is_refused() {
    for kind in ["rsa", "p256"] {
        let (signer, recipient) = (bank("p384"), customer(kind));
        let message = seal(&signer, &recipient);
        let signed = cms::sign(CONTENT, &signer, NOW, &RANDOM).unwrap();
        for cut in 0..message.len() {
            let refused = open(&message[..cut], &recipient).err().unwrap();
            assert_eq!(refused.code(), ErrorCode::CmsMalformed, "{cut}");
        }
        for cut in 0..signed.len() {
            let refused = cms::verify(&signed[..cut], &VerifyOptions::new(&everybody(), &PeerRole::Any, NOW))
                .err()
                .unwrap();
            assert_eq!(refused.code(), ErrorCode::CmsMalformed, "{cut}");
        }
        for octet in [0, 0x30, 0xFF] {
            let refused = open(&[&message[..], &[octet]].concat(), &recipient).err().unwrap();
            assert_eq!(refused.code(), ErrorCode::CmsMalformed);
            let longer = [&signed[..], &[octet]].concat();
            let refused =
                cms::verify(&longer, &VerifyOptions::new(&everybody(), &PeerRole::Any, NOW)).err().unwrap();
            assert_eq!(refused.code(), ErrorCode::CmsMalformed);
        }
    }
}

#[test]
fn wrong_recipient_signer_and_trust_are_refused_each_by_name() {
    let (signer, recipient, other) = (bank("p256"), customer("rsa"), customer("rsa"));
    let message = seal(&signer, &recipient);
    assert_eq!(open(&message, &other).err(), Some(CmsError::NotRecipient.into()));
    let refused = |trust: &TrustStore, role: &PeerRole, now: UnixTime| match cms::open(
        &message,
        &recipient,
        &VerifyOptions::new(trust, role, now),
        &RANDOM,
    )
    .err()
    {
        Some(Error::BadCertificate(report)) => report.check(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&trust(&[OTHER_CA.certificate()]), &PeerRole::Any, NOW), Check::Issuer);
    assert_eq!(refused(&everybody(), &as_server("other.example"), NOW), Check::Name);
    assert_eq!(refused(&everybody(), &PeerRole::Client, NOW), Check::ExtendedKeyUsage);
    assert_eq!(refused(&everybody(), &PeerRole::Any, NOW.plus(2 * DAY)), Check::NotAfter);
    // A certificate that nothing may be encrypted to.
    let refused = cms::seal(CONTENT, &signer, signer.certificate(), NOW, &RANDOM).err().unwrap();
    assert_eq!(refused.code(), ErrorCode::CertificateWrongUsage);
}

#[test]
fn a_changed_content_or_certificate_breaks_the_signature() {
    for kind in ["rsa", "p256", "p384"] {
        let signer = bank(kind);
        let message = cms::sign(CONTENT, &signer, NOW, &RANDOM).unwrap();
        let verified = cms::verify(&message, &VerifyOptions::new(&everybody(), &PeerRole::Any, NOW)).unwrap();
        assert_eq!(verified.signed_at, Some(NOW));
        let at = message.windows(6).position(|window| window == b"256345").unwrap();
        let mut changed = message.clone();
        changed[at] ^= 1;
        let refused = cms::verify(&changed, &VerifyOptions::new(&everybody(), &PeerRole::Any, NOW)).err();
        assert_eq!(refused, Some(KeyError::BadSignature.into()));
        for bit in 0..message.len() * 8 {
            // One authority's certificate is all there is: whatever is changed is covered.
            if bit % 7 != 0 && kind != "p256" {
                continue;
            }
            let mut changed = message.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(
                cms::verify(&changed, &VerifyOptions::new(&everybody(), &PeerRole::Any, NOW)).is_err(),
                "{kind} {bit}"
            );
        }
    }
}

fn issued(context: &Context, ttl: u64) -> Issued {
    let ledger = Ledger::new(Box::new(MemoryStore::default()), Secret::from(vec![7; 32])).unwrap();
    ledger
        .issue(&CodeRequest::new("asha", context).with_lifetime(Duration::from_secs(ttl)), NOW, &RANDOM)
        .unwrap()
}

fn envelope(ttl: u64) -> Envelope {
    let sign_in = Transaction {
        purpose: "sign in".to_owned(),
        template: "The code to {purpose} is {code}.".to_owned(),
        ..Transaction::default()
    };
    Envelope::for_transaction(&issued(&sign_in.context().unwrap(), ttl), &sign_in).unwrap()
}

#[test]
fn mail_with_a_free_text_is_opened_only_where_that_is_asked_for() {
    let (signer, asha, role) = (bank("p256"), customer("p256"), as_server("bank.example"));
    let sealed = |text: &str| {
        let payment = Context::new().with("amount", "100000.00").unwrap();
        let envelope = Envelope::new(&issued(&payment, 120), payment, Secret::from(text.as_bytes().to_vec()));
        Mail::seal(&envelope, &signer, asha.certificate(), NOW, &RANDOM).unwrap()
    };
    let message = sealed("Your code to sign in is 256345.");
    let refused = Mail::open(&message, &asha, &VerifyOptions::new(&everybody(), &role, NOW), &RANDOM).err();
    assert_eq!(refused, Some(OtpError::FreeText.into()));
    let mail = Mail::open_free_text(&message, &asha, &VerifyOptions::new(&everybody(), &role, NOW), &RANDOM)
        .unwrap();
    assert_eq!(mail.envelope.text.expose(), b"Your code to sign in is 256345.");
    let message = sealed("Your code\u{1B}[2K is 256345.");
    let refused =
        Mail::open_free_text(&message, &asha, &VerifyOptions::new(&everybody(), &role, NOW), &RANDOM).err();
    assert!(matches!(refused, Some(Error::Otp(OtpError::Transaction(_)))));
}

#[test]
fn mail_reaches_its_customer_and_nobody_else() {
    let role = as_server("bank.example");
    for (signer, recipient) in [("rsa", "rsa"), ("p256", "p256"), ("p384", "p384")] {
        let (signer, recipient, other) = (bank(signer), customer(recipient), customer("p256"));
        let sent = envelope(120);
        let message = Mail::seal(&sent, &signer, recipient.certificate(), NOW, &RANDOM).unwrap();
        let open = |recipient: &Identity, now: UnixTime| {
            Mail::open(&message, recipient, &VerifyOptions::new(&everybody(), &role, now), &RANDOM)
        };
        let mail = open(&recipient, NOW).unwrap();
        assert_eq!(mail.envelope.id, sent.id);
        assert!(mail.envelope.code.ct_eq(sent.code.expose()));
        assert!(mail.envelope.text.ct_eq(sent.text.expose()));
        assert_eq!(mail.envelope.context.encode(), sent.context.encode());
        assert_eq!(mail.signer.certificate(), signer.certificate());
        assert!(open(&recipient, NOW.plus(Duration::from_secs(119))).is_ok());
        assert_eq!(
            open(&recipient, NOW.plus(Duration::from_secs(120))).err(),
            Some(OtpError::Expired.into())
        );
        assert_eq!(open(&other, NOW).err(), Some(CmsError::NotRecipient.into()));
        // Nothing of it is legible.
        assert!(!message.windows(6).any(|window| window == sent.code.expose()));
    }
}

#[test]
fn mail_that_its_recipient_encrypts_to_another_is_refused() {
    let (signer, asha, ravi) = (bank("p256"), customer("p256"), customer("rsa"));
    let Some(openssl) = with_openssl(&signer, &asha) else { return };
    save(&openssl, "ravi", &ravi);
    let message = Mail::seal(&envelope(120), &signer, asha.certificate(), NOW, &RANDOM).unwrap();
    openssl.write("sealed.der", &message);
    openssl.ok(
        "cms -decrypt -inform DER -binary -in sealed.der -recip asha.pem -inkey asha.key -out signed.der",
    );
    openssl.ok(&format!(
        "cms -encrypt -binary -outform DER -in signed.der -out sealed.der -recip ravi.pem {OAEP} -aes-256-gcm"
    ));
    let role = as_server("bank.example");
    let again = openssl.read("sealed.der");
    // As a message it is in order: the bank did sign this.
    assert!(open(&again, &ravi).is_ok());
    let refused = Mail::open(&again, &ravi, &VerifyOptions::new(&everybody(), &role, NOW), &RANDOM).err();
    assert_eq!(refused, Some(OtpError::WrongBinding.into()));
    // And another content that the bank has signed is no mail.
    let other = cms::seal(CONTENT, &signer, ravi.certificate(), NOW, &RANDOM).unwrap();
    let refused =
        Mail::open(&other, &ravi, &VerifyOptions::new(&everybody(), &role, NOW), &RANDOM).err().unwrap();
    assert_eq!(refused.code(), ErrorCode::OtpMalformed);
}

#[test]
fn a_message_that_is_too_long_is_refused_before_it_is_looked_at() {
    let message = vec![0x30; cms::MAX_MESSAGE_LEN + 1];
    let refused = open(&message, &customer("p256")).err().unwrap();
    assert_eq!(refused.code(), ErrorCode::CmsMalformed);
    let refused = cms::sign(&message, &bank("p256"), NOW, &RANDOM).err().unwrap();
    assert_eq!(refused.code(), ErrorCode::ApiMisuse);
}
