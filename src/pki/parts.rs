//! A file taken apart, for `otls show` and `otls convert`: what each thing in it is, with octets to load it from.

use zeroize::Zeroizing;

use super::pem::{Kind, Section};
use super::{Crl, certificate, found, pem, pkcs7, pkcs12, signature};
use crate::error::{CertificateError, Result};

/// What a part of a file is: which loader takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// For [`super::PrivateKey::load`].
    PrivateKey,
    /// For [`super::PublicKey::load`].
    PublicKey,
    /// For [`super::Certificate::load`].
    Certificate,
    /// For [`super::CertificateRequest::load`].
    Request,
    /// For [`Crl::load`].
    Crl,
    /// SignedData, EnvelopedData and the like, a bundle of certificates among them.
    Message,
    /// For [`super::Pkcs12::load`].
    Pkcs12,
    /// The block of a receipt; its certificates are parts of their own.
    Receipt,
    /// What has a name, and no loader here.
    Other,
    /// What nothing is known of.
    Unknown,
}

/// One thing of a file.
pub struct Part {
    /// Which loader takes it.
    pub kind: PartKind,
    /// What it is, with its article: `"a certificate"`.
    pub what: String,
    /// What makes of it what is taken; empty where nothing is known, or nothing is to be done.
    pub hint: &'static str,
    /// The part alone, PEM or DER as it was: a file by itself.
    pub data: Zeroizing<Vec<u8>>,
}

crate::shown::shown!(Part, what);

impl Part {
    /// The part in DER.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`] for base64 that does not decode.
    pub fn der(&self) -> Result<Zeroizing<Vec<u8>>> {
        let sections = pem::sections(&self.data).map_err(CertificateError::Malformed)?;
        let der = sections.first().map_or_else(|| Ok(self.data.clone()), Section::der);
        Ok(der.map_err(CertificateError::Malformed)?)
    }

    /// For `Debug`.
    fn what(&self) -> &str {
        &self.what
    }

    fn of(section: &Section<'_>, kind: PartKind) -> Self {
        let (what, hint) = found::of_section(section);
        Self { kind, what, hint, data: Zeroizing::new(section.whole.to_vec()) }
    }
}

/// The parts of a file, in order: at least one. A SEC1 key and the block of its curve are one part.
///
/// # Errors
/// [`CertificateError::NotFound`] for what is neither PEM nor DER, named where it is known;
/// [`CertificateError::Malformed`] for damaged PEM.
pub fn parts(data: &[u8]) -> Result<Vec<Part>> {
    // Before the armour: it may be BER.
    if pkcs12::is_like(data) {
        let data = Zeroizing::new(data.to_vec());
        return Ok(vec![Part {
            kind: PartKind::Pkcs12,
            what: Kind::Pkcs12.name().to_owned(),
            hint: "",
            data,
        }]);
    }
    let sections = found::sections(data).map_err(CertificateError::from)?;
    if let [only] = sections.as_slice()
        && only.is_der()
        && pem::behind_der(data).is_none()
    {
        return Err(CertificateError::Malformed("DER that is cut short: it says that it is longer").into());
    }
    let mut parts = Vec::new();
    let mut rest = sections.as_slice();
    while let [first, behind @ ..] = rest {
        rest = behind;
        let is_key = |section: &Section<'_>| section.kind == Kind::EcPrivateKey;
        match behind {
            [key, behind @ ..] if first.kind == Kind::EcParameters && is_key(key) => {
                rest = behind;
                let mut part = Part::of(key, PartKind::PrivateKey);
                // Sized once: growing would leave a copy of a private key behind.
                let mut both = Zeroizing::new(Vec::with_capacity(first.whole.len() + key.whole.len() + 1));
                both.extend_from_slice(first.whole);
                both.push(b'\n');
                both.extend_from_slice(key.whole);
                part.data = both;
                parts.push(part);
            }
            _ => parts.push(Part::of(first, kind(first))),
        }
    }
    Ok(parts)
}

fn kind(section: &Section<'_>) -> PartKind {
    match section.kind {
        Kind::PrivateKey | Kind::EncryptedPrivateKey | Kind::RsaPrivateKey | Kind::EcPrivateKey => {
            PartKind::PrivateKey
        }
        Kind::PublicKey | Kind::RsaPublicKey => PartKind::PublicKey,
        Kind::Certificate => PartKind::Certificate,
        Kind::Request => PartKind::Request,
        Kind::Crl => PartKind::Crl,
        Kind::Pkcs7 => PartKind::Message,
        Kind::Pkcs12 => PartKind::Pkcs12,
        Kind::Receipt => PartKind::Receipt,
        Kind::EcParameters => PartKind::Other,
        Kind::Unknown if found::of_section(section).1.is_empty() => PartKind::Unknown,
        Kind::Unknown => PartKind::Other,
    }
}

/// A certs-only message of these certificates (DER), DER.
///
/// # Errors
/// [`crate::Error::Internal`] for more octets than DER has lengths for.
pub fn bundle(certificates: &[&[u8]]) -> Result<Vec<u8>> {
    pkcs7::encode(certificates)
}

/// PEM of what is no secret.
pub fn pem(label: &str, der: &[u8]) -> String {
    pem::encode(label, der)
}

/// Whose certificate (DER) it is where it does not load; empty where that cannot be told.
pub fn certificate_subject(der: &[u8]) -> String {
    certificate::subject_of(der)
}

/// How many entries a list has, counted without decoding them, and its signature's algorithm as OpenSSL names it.
pub fn list_facts(list: &Crl) -> (usize, String) {
    (list.entry_count(), signature::algorithm_name(list.to_der()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_a_file_by_itself() {
        let (list, other) = (pem("X509 CRL", b"list"), pem("DSA PARAMETERS", b"dsa"));
        let file = format!("text\n{list}more\n{other}{}", pem("HAT", b"hat"));
        let parts = parts(file.as_bytes()).unwrap();
        let kinds: Vec<PartKind> = parts.iter().map(|part| part.kind).collect();
        assert_eq!(kinds, [PartKind::Crl, PartKind::Other, PartKind::Unknown]);
        assert_eq!(*parts[0].data, list.trim_end().as_bytes());
        assert_eq!(parts[0].der().unwrap().as_slice(), b"list");
        assert_eq!((parts[1].what.as_str(), parts[2].what.as_str()), ("DSA", "a PEM block \"HAT\""));
    }

    #[test]
    fn a_curve_and_the_key_behind_it_are_one_part_and_alone_it_is_another() {
        let (curve, key) = (pem("EC PARAMETERS", b"curve"), pem("EC PRIVATE KEY", b"key"));
        let both = parts(format!("{curve}{key}{curve}").as_bytes()).unwrap();
        let kinds: Vec<PartKind> = both.iter().map(|part| part.kind).collect();
        assert_eq!(kinds, [PartKind::PrivateKey, PartKind::Other]);
        assert_eq!(pem::sections(&both[0].data).unwrap().len(), 2);
    }
}
