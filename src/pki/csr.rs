//! Certificate requests (PKCS#10, RFC 2986).

mod fault;

use std::sync::Arc;

use der::asn1::ObjectIdentifier;
use der::oid::AssociatedOid as _;
use der::oid::db::rfc5912::ID_EXTENSION_REQ;
use der::{Decode as _, Encode as _};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::request::{CertReq, ExtensionReq, RequestBuilder};

use super::encoded::{MAX_ELEMENTS, has_at_most};
use super::extensions::Extensions;
use super::found;
use super::pem::{self, Kind};
use super::signature::{SignatureFault, Signed, Signer, algorithm_name};
use super::{Certificate, DistinguishedName, GeneralName, PrivateKey, PublicKey};
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
pub struct CertificateRequest {
    asked: Arc<Inner>,
    /// Those that are asked for, and those that were added.
    names: Arc<[GeneralName]>,
    has_further_names: bool,
}

crate::shown::shown!(CertificateRequest, subject, names, public_key);

struct Inner {
    der: Vec<u8>,
    subject: DistinguishedName,
    public_key: PublicKey,
    extensions: Extensions,
    /// What is asked for that no authority here issues.
    unissued: Option<String>,
    /// Attributes that are not requests for extensions.
    other_attributes: Vec<ObjectIdentifier>,
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

    /// Loads PEM or DER and checks the proof of possession. [`CertificateRequest::names`] leaves out
    /// alternative names of kinds that [`GeneralName`] does not have; an authority refuses a request with
    /// one.
    ///
    /// # Errors
    /// [`crate::Error::Certificate`], also for a file with anything beside the one request; a bad signature is [`crate::error::CertificateError::BadSignature`].
    pub fn load(data: &[u8]) -> Result<Self> {
        let sections = found::sections(data).map_err(CertificateError::from)?;
        let is_request = |kind| kind == Kind::Request;
        let request = found::the_one(data, &sections, is_request, "and one request alone is loaded");
        let request = request.map_err(CertificateError::from)?;
        Self::of_der(&request.der().map_err(CertificateError::Malformed)?)
    }

    /// This request, with alternative names that its sender does not ask for and the authority adds. Tools that
    /// make requests of a common name alone, such as keytool or a router, leave no other way to the alternative
    /// names that a server needs. A name that is asked for already is there once; [`CertificateRequest::to_der`]
    /// stays as it was signed.
    ///
    /// ```
    /// # use otls::crypto::{SystemRandom, hash::HashAlgorithm};
    /// # use otls::pki::{CertificateRequest, DistinguishedName, GeneralName, KeyType, PrivateKey};
    /// # let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom)?;
    /// # let subject = DistinguishedName::with_common_name("bank.example");
    /// # let request = CertificateRequest::create(&key, &subject, &[], HashAlgorithm::Sha256, &SystemRandom)?;
    /// let request = request.with_further_names(&[GeneralName::parse("bank.example")?])?;
    /// assert_eq!(request.names().len(), 1);
    /// # Ok::<(), otls::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::error::CertificateError::BadName`] for a name that is not acceptable, and for more than
    /// [`MAX_REQUEST_NAMES`] in all.
    pub fn with_further_names(mut self, names: &[GeneralName]) -> Result<Self> {
        let mut all = self.names.to_vec();
        for name in names.iter().take(MAX_REQUEST_NAMES + 1) {
            if !all.contains(name) {
                all.push(name.clone());
                self.has_further_names = true;
            }
        }
        check_names(&all)?;
        self.names = all.into();
        Ok(self)
    }

    /// Whether [`CertificateRequest::with_further_names`] has added any.
    pub(super) const fn has_further_names(&self) -> bool {
        self.has_further_names
    }

    /// DER.
    pub fn to_der(&self) -> &[u8] {
        &self.asked.der
    }

    /// PEM.
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE REQUEST", &self.asked.der)
    }

    /// The subject.
    pub fn subject(&self) -> &DistinguishedName {
        &self.asked.subject
    }

    /// The requested alternative names, and behind them those of [`CertificateRequest::with_further_names`].
    pub fn names(&self) -> &[GeneralName] {
        &self.names
    }

    /// The key whose possession the signature proves.
    pub fn public_key(&self) -> &PublicKey {
        &self.asked.public_key
    }

    /// Whether it asks for an authority's certificate (BasicConstraints). An authority does not go by
    /// what a request asks, but by its [`super::Profile`]; this and what follows is for a person to see.
    pub fn is_ca(&self) -> bool {
        self.asked.extensions.is_ca()
    }

    /// The path length that it asks for.
    pub fn path_length(&self) -> Option<u8> {
        self.asked.extensions.path_length()
    }

    /// The KeyUsage that it asks for, in the words of [`super::Certificate::key_usages`].
    pub fn key_usages(&self) -> Vec<&'static str> {
        self.asked.extensions.key_usages()
    }

    /// The ExtendedKeyUsage that it asks for, in the words of
    /// [`super::Certificate::extended_key_usages`].
    pub fn extended_key_usages(&self) -> Vec<String> {
        self.asked.extensions.extended_key_usages()
    }

    /// The signature's algorithm, as [`super::Certificate::signature_algorithm`] names it.
    pub fn signature_algorithm(&self) -> String {
        algorithm_name(&self.asked.der)
    }

    /// What this asks for and `certificate`, which was issued for it, does not have: for a person to see.
    /// Usages and constraints are an authority's to decide, by [`super::Profile`]; the subject is never among
    /// it, and alternative names only where the certificate is an authority's, which has none.
    pub fn left_out_of(&self, certificate: &Certificate) -> Vec<String> {
        let (asked, given) = (&self.asked.extensions, certificate.extensions());
        let mut out = Vec::new();
        let lacking = |asked: &[String], given: &[String]| {
            asked.iter().filter(|one| !given.contains(one)).cloned().collect::<Vec<String>>()
        };
        let words = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect::<Vec<_>>();
        out.extend(
            self.names()
                .iter()
                .filter(|name| !certificate.names().contains(name))
                .map(|name| format!("subjectAltName {name}")),
        );
        for usage in lacking(&words(asked.key_usages()), &words(given.key_usages())) {
            out.push(format!("keyUsage {usage}"));
        }
        for usage in lacking(&asked.extended_key_usages(), &given.extended_key_usages()) {
            out.push(format!("extKeyUsage {usage}"));
        }
        if asked.is_ca() && !given.is_ca() {
            out.push("basicConstraints CA".to_owned());
        }
        if asked.is_ca() && asked.path_length() != given.path_length() {
            out.push("basicConstraints pathLenConstraint".to_owned());
        }
        if asked.subject_key_identifier.is_some()
            && asked.subject_key_identifier != given.subject_key_identifier
        {
            out.push("subjectKeyIdentifier".to_owned());
        }
        if asked.authority_key_identifier.is_some()
            && asked.authority_key_identifier != given.authority_key_identifier
        {
            out.push("authorityKeyIdentifier".to_owned());
        }
        out.extend(self.asked.other_attributes.iter().map(|oid| match *oid {
            CHALLENGE_PASSWORD => "attribute challengePassword".to_owned(),
            oid => format!("attribute {oid}"),
        }));
        out
    }

    /// What it asks for that no authority here issues, an alternative name or an extension of another kind, in
    /// words: a request with it is refused.
    pub fn unissued(&self) -> Option<&str> {
        self.asked.unissued.as_deref()
    }

    fn of_der(der: &[u8]) -> Result<Self> {
        if der.len() > MAX_REQUEST_LEN {
            return Err(CertificateError::Malformed("the request has more than 64 KiB").into());
        }
        if !has_at_most(MAX_ELEMENTS, der) {
            return Err(CertificateError::Malformed("the request has more than 1000 elements").into());
        }
        let request = CertReq::from_der(der).map_err(|_| fault::of_structure(der))?;
        let public_key = request
            .info
            .public_key
            .to_der()
            .map_err(|_| CertificateError::Malformed("the request's public key").into())
            .and_then(|spki| PublicKey::of_der(&spki))?;
        Signed::of(der)
            .map_err(|_| CertificateError::Malformed("the request is not a signed structure"))?
            .verify(&public_key)
            .map_err(|fault| match fault {
                SignatureFault::UnsupportedAlgorithm(name) => {
                    CertificateError::UnsupportedSignature(name.to_string())
                }
                SignatureFault::Bad | SignatureFault::OtherKeyKind | SignatureFault::TooMany => {
                    CertificateError::BadSignature
                }
            })?;
        let subject = DistinguishedName::of_x509(&request.info.subject)?;
        let requested = requested_extensions(&request)
            .ok_or_else(|| fault::of_extensions(&[], "attribute extensionRequest"))?;
        let extensions = Extensions::of(&requested).map_err(|what| fault::of_extensions(&requested, what))?;
        let names = GeneralName::of_encoded(&extensions.alternative_names);
        // One more than there may be is enough to know.
        let names = names.take(MAX_REQUEST_NAMES + 1).collect::<Result<Vec<_>>>()?;
        check_names(&names)?;
        let unissued = unissued(&requested, &extensions);
        let others =
            request.info.attributes.iter().map(|one| one.oid).filter(|oid| !is_extension_request(*oid));
        let other_attributes = others.collect();
        let der = der.to_vec();
        let asked = Inner { der, subject, public_key, extensions, unissued, other_attributes };
        Ok(Self { asked: Arc::new(asked), names: names.into(), has_further_names: false })
    }
}

const NOT_BUILT: Error = Error::Internal("a request does not encode");

fn check_names(names: &[GeneralName]) -> Result<()> {
    if names.len() > MAX_REQUEST_NAMES {
        return Err(super::name_form::bad_name(format!(
            "{} alternative names, at most {MAX_REQUEST_NAMES} are accepted",
            names.len()
        )));
    }
    names.iter().try_for_each(GeneralName::check)
}

fn unissued(requested: &[Extension], extensions: &Extensions) -> Option<String> {
    let mut kinds =
        extensions.alternative_names.iter().filter_map(|name| GeneralName::unknown_kind(&name.to_x509()?));
    if let Some(kind) = kinds.next() {
        return Some(format!("an alternative name of a kind that is not issued, {kind}"));
    }
    let other = requested.iter().find(|one| !DECIDED.contains(&one.extn_id))?;
    Some(format!("an extension that is not issued, {}", super::extension_text::name(other)))
}

/// The extensions that an authority issues as asked (names) or by its profile.
const DECIDED: &[ObjectIdentifier] = &[
    SubjectAltName::OID,
    KeyUsage::OID,
    ExtendedKeyUsage::OID,
    BasicConstraints::OID,
    SubjectKeyIdentifier::OID,
    AuthorityKeyIdentifier::OID,
];

/// RFC 2985 §5.4.1. It is between a requester and an authority that knows it.
const CHALLENGE_PASSWORD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.7");

/// extensionRequest (RFC 2985 §5.4.2), also under the number that Microsoft gave it before
/// (szOID_CERT_EXTENSIONS).
fn is_extension_request(oid: ObjectIdentifier) -> bool {
    const MICROSOFT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.14");
    oid == ID_EXTENSION_REQ || oid == MICROSOFT
}

/// The extensions that a request asks for.
pub(super) fn requested_extensions(request: &CertReq) -> Option<Vec<Extension>> {
    let mut extensions = Vec::new();
    for attribute in request.info.attributes.iter().filter(|attribute| is_extension_request(attribute.oid)) {
        for value in attribute.values.iter() {
            extensions.extend(value.decode_as::<ExtensionReq>().ok()?.0);
        }
    }
    Some(extensions)
}
