//! Certificates, requests and revocation lists for a person to read, laid out as OpenSSL does.

use der::{DateTime, Decode as _};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::request::CertReq;

use super::csr::requested_extensions;
use super::extension_text;
use super::hex::colons;
use super::name::line_of;
use super::{Certificate, CertificateRequest, Crl, PublicKey};
use crate::crypto::sign::KeyAlgorithm;
use crate::time::UnixTime;

impl Certificate {
    /// All of it for a person to read, laid out as by `openssl x509 -text`, for the most part in the same
    /// words; what could move a terminal's cursor is escaped. Not for programs.
    pub fn to_text(&self) -> String {
        of_certificate(self)
    }
}

impl CertificateRequest {
    /// All of it for a person to read, laid out as by `openssl req -text`; what could move a terminal's
    /// cursor is escaped.
    pub fn to_text(&self) -> String {
        of_request(self)
    }
}

impl Crl {
    /// All of it for a person to read, laid out as by `openssl crl -text`; what could move a terminal's
    /// cursor is escaped.
    pub fn to_text(&self) -> String {
        of_crl(self)
    }
}

fn of_certificate(certificate: &Certificate) -> String {
    let mut page = Page::default();
    page.line(0, "Certificate:");
    let Ok(parsed) = x509_cert::Certificate::from_der(certificate.to_der()) else { return page.0 };
    let tbs = parsed.tbs_certificate();
    page.line(4, "Data:");
    let version = match tbs.version() {
        x509_cert::certificate::Version::V1 => "1 (0x0)",
        x509_cert::certificate::Version::V2 => "2 (0x1)",
        x509_cert::certificate::Version::V3 => "3 (0x2)",
    };
    page.line(8, &format!("Version: {version}"));
    page.line(8, "Serial Number:");
    page.line(12, &colons(certificate.serial()).to_lowercase());
    page.line(8, &format!("Signature Algorithm: {}", certificate.signature_algorithm()));
    page.line(8, &format!("Issuer: {}", line_of(tbs.issuer())));
    page.line(8, "Validity");
    page.line(12, &format!("Not Before: {}", time(certificate.not_before())));
    page.line(12, &format!("Not After : {}", time(certificate.not_after())));
    page.line(8, &format!("Subject: {}", line_of(tbs.subject())));
    page.public_key(8, certificate.public_key());
    page.extensions(8, "X509v3 extensions:", tbs.extensions().map(Vec::as_slice).unwrap_or_default());
    page.line(4, &format!("SHA256 Fingerprint={}", certificate.fingerprint_text()));
    page.0
}

fn of_request(request: &CertificateRequest) -> String {
    let mut page = Page::default();
    page.line(0, "Certificate Request:");
    let Ok(parsed) = CertReq::from_der(request.to_der()) else { return page.0 };
    page.line(4, "Data:");
    page.line(8, "Version: 1 (0x0)");
    page.line(8, &format!("Subject: {}", line_of(&parsed.info.subject)));
    page.public_key(8, request.public_key());
    let extensions = requested_extensions(&parsed).unwrap_or_default();
    page.extensions(8, "Requested Extensions:", &extensions);
    page.line(4, &format!("Signature Algorithm: {} (verified)", request.signature_algorithm()));
    page.0
}

fn of_crl(crl: &Crl) -> String {
    let mut page = Page::default();
    page.line(0, "Certificate Revocation List (CRL):");
    let Ok(issuer) = Name::from_der(crl.issuer_der()) else { return page.0 };
    page.line(8, "Version 2 (0x1)");
    page.line(8, &format!("Signature Algorithm: {}", super::signature::algorithm_name(crl.to_der())));
    page.line(8, &format!("Issuer: {}", line_of(&issuer)));
    page.line(8, &format!("Last Update: {}", time(crl.this_update())));
    page.line(8, &format!("Next Update: {}", time(crl.next_update())));
    page.extensions(8, "CRL extensions:", &crl.extensions());
    let revoked = crl.revoked();
    page.line(0, if revoked.is_empty() { "No Revoked Certificates." } else { "Revoked Certificates:" });
    for entry in revoked {
        page.line(4, &format!("Serial Number: {}", colons(&entry.serial).replace(':', "")));
        page.line(8, &format!("Revocation Date: {}", time(entry.at)));
        page.line(8, &format!("Reason: {}", entry.reason));
    }
    page.0
}

impl Certificate {
    /// Each extension's name and what it says, in the certificate's order.
    pub(crate) fn extension_texts(&self) -> Vec<(String, String)> {
        let Ok(parsed) = x509_cert::Certificate::from_der(self.to_der()) else { return Vec::new() };
        let list = parsed.tbs_certificate().extensions().map(Vec::as_slice).unwrap_or_default();
        let text = |one| (extension_text::name(one), extension_text::lines(one).join(" "));
        list.iter().map(text).collect()
    }
}

/// Lines with their indentation.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, indent: usize, text: &str) {
        self.0.push_str(&" ".repeat(indent));
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn public_key(&mut self, indent: usize, key: &PublicKey) {
        let (algorithm, bits, curve) = match key.algorithm() {
            KeyAlgorithm::Rsa(bits) => ("rsaEncryption", bits, None),
            KeyAlgorithm::EcdsaP256 => ("id-ecPublicKey", 256, Some("prime256v1 (P-256)")),
            KeyAlgorithm::EcdsaP384 => ("id-ecPublicKey", 384, Some("secp384r1 (P-384)")),
            KeyAlgorithm::EcdsaP521 => ("id-ecPublicKey", 521, Some("secp521r1 (P-521)")),
            KeyAlgorithm::Ed25519 => ("ED25519", 256, None),
        };
        self.line(indent, "Subject Public Key Info:");
        self.line(indent + 4, &format!("Public Key Algorithm: {algorithm}"));
        self.line(indent + 8, &format!("Public-Key: ({bits} bit)"));
        if let Some(curve) = curve {
            self.line(indent + 8, &format!("Curve: {curve}"));
        }
        self.line(indent + 8, &format!("SHA256 Fingerprint={}", colons(&key.fingerprint())));
    }

    fn extensions(&mut self, indent: usize, heading: &str, list: &[Extension]) {
        if list.is_empty() {
            return;
        }
        self.line(indent, heading);
        for extension in list {
            let critical = if extension.critical { " critical" } else { "" };
            self.line(indent + 4, &format!("{}:{critical}", extension_text::name(extension)));
            for line in extension_text::lines(extension) {
                self.line(indent + 8, &line);
            }
        }
    }
}

/// `Jan 19 18:40:00 2046 GMT`, as OpenSSL writes it.
fn time(at: UnixTime) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Ok(date) = DateTime::from_unix_duration(core::time::Duration::from_secs(at.0)) else {
        return format!("second {}", at.0);
    };
    let month = MONTHS.get(usize::from(date.month()).saturating_sub(1)).copied().unwrap_or_default();
    let (day, year) = (date.day(), date.year());
    let (hour, minute, second) = (date.hour(), date.minutes(), date.seconds());
    format!("{month} {day:2} {hour:02}:{minute:02}:{second:02} {year} GMT")
}
