//! Keys, requests, certificates and reports as JSON and as text.

use otls::crypto::sign::KeyAlgorithm;
use otls::error::{Finding, Report};
use otls::internal;
use otls::pki::{Certificate, CertificateRequest, Crl, PublicKey};
use otls::{Error, UnixTime};
use serde_json::{Value, json};

use crate::failure::hint;

pub(crate) fn public_key(key: &PublicKey) -> (Value, String) {
    let (algorithm, fingerprint) = (algorithm(key.algorithm()), colons(&key.fingerprint()));
    let text = format!("Key: {algorithm}\nSHA-256 of the public key: {fingerprint}\n{}", key.to_pem());
    (json!({ "algorithm": algorithm, "sha256": fingerprint, "public_key": key.to_pem() }), text)
}

pub(crate) fn request(request: &CertificateRequest) -> (Value, String) {
    let key = request.public_key();
    let value = json!({
        "subject": request.subject().to_string(),
        "names": texts(request.names()),
        "key": algorithm(key.algorithm()),
        "key_sha256": colons(&key.fingerprint()),
        "signature_algorithm": request.signature_algorithm(),
        "ca": request.is_ca(),
        "path_length": request.path_length(),
        "key_usages": request.key_usages(),
        "extended_key_usages": request.extended_key_usages(),
        "unissued": request.unissued(),
    });
    let unissued = request.unissued().map(|what| format!("An authority refuses it for {what}\n"));
    (value, request.to_text() + &unissued.unwrap_or_default())
}

pub(crate) fn certificate(certificate: &Certificate) -> (Value, String) {
    let key = certificate.public_key();
    let value = json!({
        "subject": certificate.subject().to_string(),
        "issuer": certificate.issuer().to_string(),
        "serial": hex(certificate.serial()),
        "not_before": rfc3339(certificate.not_before()),
        "not_after": rfc3339(certificate.not_after()),
        "names": texts(certificate.names()),
        "key": algorithm(key.algorithm()),
        "key_sha256": colons(&key.fingerprint()),
        "signature_algorithm": certificate.signature_algorithm(),
        "ca": certificate.is_ca(),
        "path_length": certificate.path_length(),
        "key_usages": certificate.key_usages(),
        "extended_key_usages": certificate.extended_key_usages(),
        "subject_key_identifier": certificate.subject_key_identifier().map(colons),
        "authority_key_identifier": certificate.authority_key_identifier().map(colons),
        "crl_urls": certificate.crl_urls(),
        "sha256": certificate.fingerprint_text(),
    });
    (value, certificate.to_text())
}

/// A revocation list without its entries, of which there may be a million.
pub(crate) fn crl(list: &Crl) -> (Value, String) {
    let (entries, algorithm) = internal::list_facts(list);
    let (this_update, next_update) = (rfc3339(list.this_update()), rfc3339(list.next_update()));
    let (issuer, number) = (list.issuer().to_string(), hex(list.number()));
    let text = format!(
        "Issuer: {issuer}\nNumber: {number} (hexadecimal)\nIssued: {this_update}\nNext list: {next_update}\n\
         Entries: {entries}\nSignature algorithm: {algorithm}\n"
    );
    let value = json!({
        "issuer": issuer,
        "number": number,
        "this_update": this_update,
        "next_update": next_update,
        "entries": entries,
        "signature_algorithm": algorithm,
    });
    (value, text)
}

/// The findings of a refusal, in the order in which they decide.
pub(crate) fn report(report: &Report) -> (Value, String) {
    let findings: Vec<&Finding> = report.findings().collect();
    let values: Vec<Value> = findings
        .iter()
        .map(|finding| {
            json!({
                "candidate": finding.candidate,
                "depth": finding.depth,
                "subject": finding.subject,
                "check": finding.check.name(),
                "reason": finding.reason,
                "hint": hint(finding.check.code(), &finding.reason, &finding.hint),
            })
        })
        .collect();
    let lines: Vec<String> = findings
        .iter()
        .map(|finding| {
            let hint = hint(finding.check.code(), &finding.reason, &finding.hint);
            format!("  candidate {}, {finding}\n    {hint}", finding.candidate)
        })
        .collect();
    let error = Error::from(report.clone());
    let value = json!({ "valid": false, "code": error.code().name(), "findings": values });
    (value, format!("refused\n{}", lines.join("\n")))
}

pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// A fingerprint as `openssl x509 -fingerprint` prints it.
pub(crate) fn colons(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(":")
}

pub(crate) fn rfc3339(time: UnixTime) -> String {
    let moment = der::DateTime::from_unix_duration(core::time::Duration::from_secs(time.0));
    moment.map_or_else(|_| format!("{} seconds after 1970", time.0), |moment| moment.to_string())
}

fn algorithm(algorithm: KeyAlgorithm) -> String {
    match algorithm {
        KeyAlgorithm::Rsa(bits) => format!("RSA, {bits} bits"),
        KeyAlgorithm::EcdsaP256 => "ECDSA on P-256".to_owned(),
        KeyAlgorithm::EcdsaP384 => "ECDSA on P-384".to_owned(),
        KeyAlgorithm::EcdsaP521 => "ECDSA on P-521".to_owned(),
        KeyAlgorithm::Ed25519 => "Ed25519".to_owned(),
    }
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}
