//! Keys, requests, certificates and reports as JSON and as text.

use otls::crypto::sign::KeyAlgorithm;
use otls::error::{Finding, Report};
use otls::pki::{Certificate, CertificateRequest, PublicKey};
use otls::{Error, UnixTime};
use serde_json::{Value, json};

pub(crate) fn public_key(key: &PublicKey) -> (Value, String) {
    let (algorithm, fingerprint) = (algorithm(key.algorithm()), colons(&key.fingerprint()));
    let text = format!("Key: {algorithm}\nSHA-256 of the public key: {fingerprint}\n{}", key.to_pem());
    (json!({ "algorithm": algorithm, "sha256": fingerprint, "public_key": key.to_pem() }), text)
}

pub(crate) fn request(request: &CertificateRequest) -> (Value, String) {
    let names: Vec<String> = request.names().iter().map(ToString::to_string).collect();
    let key = algorithm(request.public_key().algorithm());
    let fingerprint = colons(&request.public_key().fingerprint());
    let text = format!(
        "Subject: {}\nNames: {}\nKey: {key}\nSHA-256 of the public key: {fingerprint}",
        request.subject(),
        listed(&names)
    );
    let subject = request.subject().to_string();
    (json!({ "subject": subject, "names": names, "key": key, "key_sha256": fingerprint }), text)
}

pub(crate) fn certificate(certificate: &Certificate) -> (Value, String) {
    let names: Vec<String> = certificate.names().iter().map(ToString::to_string).collect();
    let key = algorithm(certificate.public_key().algorithm());
    let (serial, fingerprint) = (hex(certificate.serial()), colons(&certificate.fingerprint()));
    let (from, to) = (rfc3339(certificate.not_before()), rfc3339(certificate.not_after()));
    let text = format!(
        "Subject: {}\nIssuer: {}\nSerial: {serial}\nValid from: {from}\nValid to: {to}\nNames: {}\n\
         Key: {key}\nAuthority: {}\nSHA-256: {fingerprint}\n",
        certificate.subject(),
        certificate.issuer(),
        listed(&names),
        if certificate.is_ca() { "yes" } else { "no" },
    );
    let value = json!({
        "subject": certificate.subject().to_string(),
        "issuer": certificate.issuer().to_string(),
        "serial": serial,
        "not_before": from,
        "not_after": to,
        "names": names,
        "key": key,
        "ca": certificate.is_ca(),
        "sha256": fingerprint,
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
                "hint": finding.hint,
            })
        })
        .collect();
    let lines: Vec<String> = findings
        .iter()
        .map(|finding| format!("  candidate {}, {finding}\n    {}", finding.candidate, finding.hint))
        .collect();
    let error = Error::from(report.clone());
    let value = json!({ "valid": false, "code": error.code().name(), "findings": values });
    (value, format!("refused\n{}", lines.join("\n")))
}

pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// A fingerprint as `openssl x509 -fingerprint` prints it.
fn colons(octets: &[u8]) -> String {
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
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
