//! Certificate requests (PKCS#10, RFC 2986).

use std::sync::Arc;

use der::oid::db::rfc5912::ID_EXTENSION_REQ;
use der::{Decode as _, Encode as _};
use x509_cert::ext::Extension;
use x509_cert::request::{CertReq, ExtensionReq, RequestBuilder};

use super::extensions::Extensions;
use super::pem::{self, Kind};
use super::signature::{Signed, Signer, algorithm_name};
use super::text;
use super::{DistinguishedName, GeneralName, PrivateKey, PublicKey};
use crate::crypto::Random;
use crate::crypto::hash::HashAlgorithm;
use crate::error::{CertificateError, Error, Result};

/// The most octets of a request: RSA-8192 with a hundred names has under 32 KiB.
pub const MAX_REQUEST_LEN: usize = 64 << 10;
/// The most alternative names of a request; bounds what an authority has to check.
pub const MAX_REQUEST_NAMES: usize = 100;

/// A certificate request whose signature was checked: its sender has the private key. Cheap to clone.
///
/// ```
/// use otls::crypto::{SystemRandom, hash::HashAlgorithm};
/// use otls::pki::{CertificateRequest, DistinguishedName, GeneralName, KeyType, PrivateKey};
///
/// let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom)?;
/// let subject = DistinguishedName::with_common_name("bank");
/// let names = [GeneralName::parse("bank.example")?];
/// let made = CertificateRequest::create(&key, &subject, &names, HashAlgorithm::Sha256, &SystemRandom)?;
///
/// let request = CertificateRequest::load(made.to_pem().as_bytes())?;
/// assert_eq!(request.public_key(), key.public_key());
/// assert_eq!(request.names(), names);
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone)]
pub struct CertificateRequest(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    subject: DistinguishedName,
    names: Vec<GeneralName>,
    public_key: PublicKey,
    extensions: Extensions,
}

impl CertificateRequest {
    /// Makes and signs a request. RSA keys sign with PKCS#1 v1.5, which every CA reads; a P-256 key
    /// signs with SHA-256 and a P-384 key with SHA-384 only.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`] for a name that is not acceptable; [`crate::Error::Key`] for a
    /// hash that is not the key's; [`crate::Error::Random`].
    pub fn create(
        key: &PrivateKey,
        subject: &DistinguishedName,
        names: &[GeneralName],
        hash: HashAlgorithm,
        random: &dyn Random,
    ) -> Result<Self> {
        subject.check()?;
        check_names(names)?;
        let signer = Signer::new(key, hash)?;
        let mut builder = RequestBuilder::new(subject.to_x509()?).map_err(|_| NOT_BUILT)?;
        if !names.is_empty() {
            builder.add_extension(&GeneralName::to_x509(names)?).map_err(|_| NOT_BUILT)?;
        }
        let request = signer.sign(builder, random)?;
        Self::of_der(&request.to_der().map_err(|_| NOT_BUILT)?)
    }

    /// Loads PEM or DER and checks the proof of possession. Alternative names of kinds that
    /// [`GeneralName`] does not have are left out.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`]; a bad signature is [`crate::error::CertificateError::BadSignature`].
    pub fn load(data: &[u8]) -> Result<Self> {
        let sections = pem::sections(data).map_err(CertificateError::Malformed)?;
        let request = sections.iter().find(|section| section.kind == Kind::Request);
        match (request, sections.as_slice()) {
            (Some(request), _) => Self::of_der(&request.der().map_err(CertificateError::Malformed)?),
            (None, [only]) if only.kind == Kind::Unknown && pem::is_der(data) => Self::of_der(data),
            _ => Err(CertificateError::NotFound(pem::describe(data, &sections)).into()),
        }
    }

    /// DER.
    pub fn to_der(&self) -> &[u8] {
        &self.0.der
    }

    /// PEM.
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE REQUEST", &self.0.der)
    }

    /// The subject.
    pub fn subject(&self) -> &DistinguishedName {
        &self.0.subject
    }

    /// The requested alternative names.
    pub fn names(&self) -> &[GeneralName] {
        &self.0.names
    }

    /// The key whose possession the signature proves.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// Whether it asks for an authority's certificate (BasicConstraints). An authority does not go by
    /// what a request asks, but by its [`super::Profile`]; this and what follows is for a person to see.
    pub fn is_ca(&self) -> bool {
        self.0.extensions.is_ca()
    }

    /// The path length that it asks for.
    pub fn path_length(&self) -> Option<u8> {
        self.0.extensions.path_length()
    }

    /// The KeyUsage that it asks for, in the words of [`super::Certificate::key_usages`].
    pub fn key_usages(&self) -> Vec<&'static str> {
        self.0.extensions.key_usages()
    }

    /// The ExtendedKeyUsage that it asks for, in the words of
    /// [`super::Certificate::extended_key_usages`].
    pub fn extended_key_usages(&self) -> Vec<String> {
        self.0.extensions.extended_key_usages()
    }

    /// The signature's algorithm, as [`super::Certificate::signature_algorithm`] names it.
    pub fn signature_algorithm(&self) -> String {
        algorithm_name(&self.0.der)
    }

    /// All of it for a person to read, laid out as by `openssl req -text`; what could move a terminal's
    /// cursor is escaped.
    pub fn to_text(&self) -> String {
        text::of_request(self)
    }

    fn of_der(der: &[u8]) -> Result<Self> {
        if der.len() > MAX_REQUEST_LEN {
            return Err(CertificateError::Malformed("the request has more than 64 KiB").into());
        }
        let request = CertReq::from_der(der).map_err(|_| {
            CertificateError::Malformed("the request is not PKCS#10 (RFC 2986), or cut short")
        })?;
        let public_key = request
            .info
            .public_key
            .to_der()
            .map_err(|_| CertificateError::Malformed("the request's public key").into())
            .and_then(|spki| PublicKey::of_der(&spki))?;
        Signed::of(der)
            .map_err(|_| CertificateError::Malformed("the request is not a signed structure"))?
            .verify(&public_key)
            .map_err(|_| CertificateError::BadSignature)?;
        let subject = DistinguishedName::of_x509_strict(&request.info.subject)?;
        let requested = requested_extensions(&request).ok_or(MALFORMED_EXTENSIONS)?;
        let extensions = Extensions::of(&requested).map_err(|_| MALFORMED_EXTENSIONS)?;
        let names = GeneralName::of_x509(&extensions.alternative_names).collect::<Result<Vec<_>>>()?;
        check_names(&names)?;
        Ok(Self(Arc::new(Inner { der: der.to_vec(), subject, names, public_key, extensions })))
    }
}

const NOT_BUILT: Error = Error::Internal("a request does not encode");

fn check_names(names: &[GeneralName]) -> Result<()> {
    if names.len() > MAX_REQUEST_NAMES {
        return Err(super::name::bad_name(format!(
            "{} alternative names, at most {MAX_REQUEST_NAMES} are accepted",
            names.len()
        )));
    }
    names.iter().try_for_each(GeneralName::check)
}

const MALFORMED_EXTENSIONS: CertificateError =
    CertificateError::Malformed("the request's extensions do not decode, or one is there twice");

/// The extensions of the extensionRequest attribute (RFC 2985 §5.4.2).
pub(super) fn requested_extensions(request: &CertReq) -> Option<Vec<Extension>> {
    let mut extensions = Vec::new();
    for attribute in request.info.attributes.iter().filter(|attribute| attribute.oid == ID_EXTENSION_REQ) {
        for value in attribute.values.iter() {
            extensions.extend(value.decode_as::<ExtensionReq>().ok()?.0);
        }
    }
    Some(extensions)
}
