//! Messages that are signed alone, as `openssl` makes them in every form, and what is said of those that are not
//! read: each hint is tried.

use crate::cms_openssl::{CONTENT, OAEP, bank, customer, everybody, save, with_openssl};
use crate::support::*;
use otls::cms::{self, Verified};
use otls::error::{Check, CmsError, KeyError};
use otls::pki::{PeerRole, VerifyOptions};
use otls::{Error, UnixTime};

const SIGN: &str = "-sign -binary -in content -signer bank.pem -inkey bank.key";

fn verified(message: &[u8]) -> Result<Verified, Error> {
    cms::verify(message, &VerifyOptions::new(&everybody(), &as_server("bank.example"), NOW))
}

fn verified_beside(message: &[u8], content: &[u8]) -> Result<Verified, Error> {
    let (trust, role) = (everybody(), as_server("bank.example"));
    cms::verify_detached(message, content, &VerifyOptions::new(&trust, &role, NOW))
}

#[test]
fn what_openssl_signs_is_verified_with_its_content_inside_and_beside() {
    const PSS: &str = "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:-1";
    let cases = [
        ("rsa", "-md sha256"),
        ("rsa", "-md sha384"),
        ("rsa", "-md sha512"),
        ("rsa", &format!("-md sha256 {PSS}")),
        ("rsa", &format!("-md sha384 {PSS}")),
        ("p256", "-md sha256"),
        ("p256", "-md sha384"),
        ("p384", "-md sha384"),
        ("p384", "-md sha256"),
        ("p256", "-keyid"),
        ("p256", "-cades"),
        ("p256", "-nosmimecap"),
    ];
    for (kind, flags) in cases {
        let signer = bank(kind);
        let Some(openssl) = with_openssl(&signer, &signer) else { return };
        for (form, file) in [("DER", "message.der"), ("PEM", "message.pem")] {
            openssl.ok(&format!("cms {SIGN} -nodetach -outform {form} -out {file} {flags}"));
            let found = verified(&openssl.read(file)).unwrap();
            assert_eq!(found.content.expose(), CONTENT, "{flags}");
            assert_eq!(found.signer.certificate(), signer.certificate());
            assert!(found.signed_at > Some(UnixTime(1_700_000_000)));
            let twice = verified_beside(&openssl.read(file), CONTENT).err();
            assert_eq!(twice, Some(CmsError::ContentInside.into()));

            openssl.ok(&format!("cms {SIGN} -outform {form} -out {file} {flags}"));
            let found = verified_beside(&openssl.read(file), CONTENT).unwrap();
            assert_eq!(found.content.expose(), CONTENT, "{flags}");
            assert_eq!(verified(&openssl.read(file)).err(), Some(CmsError::ContentMissing.into()));
            let other = verified_beside(&openssl.read(file), b"another content").err();
            assert_eq!(other, Some(KeyError::BadSignature.into()), "{flags}");
        }
    }
}

#[test]
fn a_message_in_pem_is_read_under_both_labels_and_nothing_else_is() {
    let signer = bank("p256");
    let Some(openssl) = with_openssl(&signer, &signer) else { return };
    openssl.ok(&format!("smime {SIGN} -nodetach -outform PEM -out pkcs7.pem"));
    let pem = openssl.read("pkcs7.pem");
    assert!(pem.starts_with(b"-----BEGIN PKCS7-----"));
    assert_eq!(verified(&pem).unwrap().content.expose(), CONTENT);
    openssl.ok(&format!("cms {SIGN} -nodetach -outform PEM -out cms.pem"));
    assert!(openssl.read("cms.pem").starts_with(b"-----BEGIN CMS-----"));

    let not_found = |data: &[u8]| match verified(data).err() {
        Some(Error::Cms(CmsError::NotFound(found))) => found.what().to_owned(),
        other => panic!("{other:?}"),
    };
    assert!(not_found(&[pem.clone(), pem.clone()].concat()).contains("2 PKCS#7 bundles"));
    assert!(not_found(&openssl.read("bank.pem")).contains("a certificate"));
    assert!(not_found(b"").contains("empty"));
    assert!(not_found(CONTENT).contains("neither PEM nor DER"));
    let cut = &pem[..pem.len() / 2];
    assert!(matches!(verified(cut), Err(Error::Cms(CmsError::Malformed(_)))));
}

/// What the hint says between quotation marks, with these words in place of those in capitals.
fn command(error: &Error, words: &[(&str, &str)]) -> String {
    let hint = error.hint();
    let command = hint.split('\'').nth(1).unwrap_or_else(|| panic!("{hint}"));
    let command = command.strip_prefix("openssl ").unwrap();
    let replaced = command
        .split(' ')
        .map(|word| words.iter().find(|(name, _)| *name == word).map_or(word, |(_, with)| *with));
    replaced.collect::<Vec<_>>().join(" ")
}

#[test]
fn of_a_mail_the_hint_says_how_to_go_on() {
    let signer = bank("p256");
    let Some(openssl) = with_openssl(&signer, &signer) else { return };
    openssl.ok(&format!("cms {SIGN} -out mail"));
    let refused = verified(&openssl.read("mail")).err().unwrap();
    assert_eq!(refused, CmsError::Mail { is_detached: true }.into());
    let tried = command(&refused, &[("MAIL", "mail"), ("ROOT", "ca.pem"), ("CONTENT", "out")]);
    // The certificates of these tests begin in the year after.
    openssl.ok(&format!("{tried} -attime {}", NOW.0));
    assert_eq!(openssl.read("out"), CONTENT);

    openssl.ok(&format!("cms {SIGN} -nodetach -out mail"));
    let mut headers = openssl.read("mail");
    headers.splice(0..0, *b"From: bank@bank.example\r\nSubject: hello\r\n");
    openssl.write("mail", headers);
    let refused = verified(&openssl.read("mail")).err().unwrap();
    assert_eq!(refused, CmsError::Mail { is_detached: false }.into());
    openssl.ok(&command(&refused, &[("MAIL", "mail"), ("MESSAGE", "message.der")]));
    assert_eq!(verified(&openssl.read("message.der")).unwrap().content.expose(), CONTENT);

    // A header that is folded, and a body that speaks of one.
    let folded = b"Content-Type:\r\n\tmultipart/signed; boundary=x\r\n\r\n";
    assert_eq!(verified(folded).err(), Some(CmsError::Mail { is_detached: true }.into()));
    let body = b"Subject: x\r\n\r\nContent-Type: multipart/signed\r\n";
    assert!(matches!(verified(body), Err(Error::Cms(CmsError::NotFound(_)))));
}

#[test]
fn of_ber_the_hint_makes_der() {
    let signer = bank("p256");
    let Some(openssl) = with_openssl(&signer, &signer) else { return };
    openssl.ok(&format!("cms {SIGN} -stream -nodetach -outform DER -out message.ber"));
    let refused = verified(&openssl.read("message.ber")).err().unwrap();
    assert_eq!(refused, CmsError::Ber.into());
    openssl.ok(&command(&refused, &[("MESSAGE", "message.ber"), ("NEW", "message.der")]));
    assert_eq!(verified(&openssl.read("message.der")).unwrap().content.expose(), CONTENT);
    openssl.ok(&format!("cms {SIGN} -stream -nodetach -outform PEM -out message.pem"));
    assert_eq!(verified(&openssl.read("message.pem")).err(), Some(CmsError::Ber.into()));
    let tried = command(&refused, &[("MESSAGE", "message.pem"), ("NEW", "message.der")]);
    openssl.ok(&tried.replace("-inform DER", "-inform PEM"));
    assert_eq!(verified(&openssl.read("message.der")).unwrap().content.expose(), CONTENT);
}

#[test]
fn what_is_encrypted_and_what_is_within_are_told_apart() {
    let (signer, recipient) = (bank("p256"), customer("rsa"));
    let Some(openssl) = with_openssl(&signer, &recipient) else { return };
    save(&openssl, "asha", &recipient);
    let (trust, role) = (everybody(), as_server("bank.example"));
    let options = VerifyOptions::new(&trust, &role, NOW);
    let encrypt = |file: &str| {
        let flags = format!("-recip asha.pem {OAEP} -aes-256-gcm");
        openssl.ok(&format!("cms -encrypt -binary -outform DER -in {file} -out sealed.der {flags}"));
        openssl.read("sealed.der")
    };
    let open = |sealed: &[u8]| cms::open(sealed, &recipient, &options, &RANDOM).err();
    let sealed = encrypt("content");
    assert_eq!(open(&sealed), Some(CmsError::NotSigned.into()));
    assert_eq!(verified(&sealed).err(), Some(CmsError::Encrypted.into()));
    for (form, words) in [("-outform SMIME", "a mail (S/MIME)"), ("-stream -outform DER", "BER")] {
        openssl.ok(&format!("cms {SIGN} -nodetach {form} -out within"));
        let refused = open(&encrypt("within")).unwrap();
        assert!(matches!(refused, Error::Cms(CmsError::Malformed(_))), "{refused}");
        assert!(refused.to_string().contains(words), "{refused}");
    }
    // The hint says how it is right.
    openssl.ok(&format!("cms {SIGN} -nodetach -outform DER -out within"));
    assert_eq!(open(&encrypt("within")), None);
    openssl.ok(&format!("cms {SIGN} -nodetach -outform DER -out signed.der"));
    assert_eq!(open(&openssl.read("signed.der")), Some(CmsError::NotEncrypted.into()));
}

#[test]
fn a_signer_who_is_not_the_one_is_refused_with_a_report() {
    let signer = bank("p256");
    let Some(openssl) = with_openssl(&signer, &signer) else { return };
    openssl.ok(&format!("cms {SIGN} -outform DER -out message.der"));
    let message = openssl.read("message.der");
    let trust = everybody();
    let check = |role: &PeerRole, now| {
        let options = VerifyOptions::new(&trust, role, now);
        match cms::verify_detached(&message, CONTENT, &options).err() {
            Some(Error::BadCertificate(report)) => report.check(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(check(&as_server("other.example"), NOW), Check::Name);
    assert_eq!(check(&PeerRole::Client, NOW), Check::ExtendedKeyUsage);
    assert_eq!(check(&as_server("bank.example"), UnixTime(4_000_000_000)), Check::NotAfter);
    let long = vec![0; cms::MAX_MESSAGE_LEN + 1];
    assert!(matches!(verified_beside(&message, &long), Err(Error::ApiMisuse(_))));
}
