use super::*;
use crate::otp::message::tests::documented;
use crate::pki::PublicKey;

fn receipt() -> SignedDecision {
    SignedDecision::decode(&documented("receipt")).unwrap()
}

#[test]
fn a_receipt_has_the_octets_of_the_protocol_document_and_verifies() {
    let certificate: [u8; 32] = documented("certificate").try_into().unwrap();
    let receipt = receipt();
    assert_eq!(receipt.encode(), documented("receipt"));
    assert_eq!(receipt.id.0[..], documented("id"));
    assert_eq!(receipt.exporter[..], documented("exporter"));
    assert_eq!(receipt.context.encode(), documented("context"));
    assert_eq!((receipt.decision, receipt.time), (Decision::Approved, UnixTime(1_800_000_030)));
    assert_eq!(receipt.scheme, SignatureScheme::ECDSA_SECP256R1_SHA256);
    let signed = receipt.signed_content(&certificate);
    assert_eq!(signed, documented("signed"));
    let key = PublicKey::load(&documented("public_key")).unwrap();
    assert!(key.verify(receipt.scheme, &signed, &receipt.signature).is_ok());
    assert_eq!(
        receipt.text().unwrap(),
        "The OTP for transferring Rs 1,00,000 to your friend's account is ••••••."
    );
}

#[test]
fn every_truncation_and_a_trailing_octet_are_refused() {
    let octets = documented("receipt");
    for len in 0..octets.len() {
        assert!(SignedDecision::decode(&octets[..len]).is_err(), "{len}");
    }
    assert!(SignedDecision::decode(&[&octets[..], &[0]].concat()).is_err());
}

#[test]
fn every_octet_is_signed_or_is_the_signature() {
    let certificate: [u8; 32] = documented("certificate").try_into().unwrap();
    let key = PublicKey::load(&documented("public_key")).unwrap();
    let octets = documented("receipt");
    let mut decoded = 0;
    for at in 0..octets.len() {
        for bit in 0..8 {
            let mut changed = octets.clone();
            changed[at] ^= 1 << bit;
            let Ok(changed) = SignedDecision::decode(&changed) else { continue };
            decoded += 1;
            let signed = changed.signed_content(&certificate);
            assert!(key.verify(changed.scheme, &signed, &changed.signature).is_err(), "{at}");
        }
    }
    assert!(decoded > 1000, "{decoded}");
}

#[test]
fn unknown_versions_and_decisions_and_signatures_out_of_bounds_are_refused() {
    let octets = documented("receipt");
    for (at, value) in [(0, 0), (0, 2), (17, 0), (17, 3)] {
        let mut changed = octets.clone();
        changed[at] = value;
        assert!(SignedDecision::decode(&changed).is_err(), "{at}");
    }
    for len in [0, MAX_SIGNATURE_LEN + 1] {
        let long = SignedDecision { signature: vec![1; len], ..receipt() };
        assert!(SignedDecision::decode(&long.encode()).is_err(), "{len}");
    }
    let longest = SignedDecision { signature: vec![1; MAX_SIGNATURE_LEN], ..receipt() };
    assert_eq!(SignedDecision::decode(&longest.encode()).unwrap(), longest);
    assert_eq!(SignedDecision::MAX_LEN, 5184);
}

#[test]
fn what_differs_from_the_transaction_is_named() {
    let receipt = receipt();
    let meant = receipt.context.clone();
    assert_eq!(receipt.check_context(&meant), Ok(()));
    let why = |context: Context| receipt.check_context(&context).unwrap_err().to_string();
    let paisa = why(meant.clone().with("amount", "10000001").unwrap());
    assert!(paisa.contains(r#"its "amount" is "10000000", not "10000001""#), "{paisa}");
    let more = why(meant.with("reference", "rent").unwrap());
    assert!(more.contains(r#"it lacks "reference""#), "{more}");
    let less = why(Context::new());
    assert!(less.contains(r#"it has "amount""#), "{less}");
}
