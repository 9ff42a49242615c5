//! Those who sign certificates, those who carry them and those who judge them.

use std::sync::Arc;
use std::time::Duration;

use otls::crypto::SystemRandom;
use otls::pki::{self, AuthorityTerms, Validity};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::certificate::{Certificate, CertificateRequest, Crl};
use super::key::PrivateKey;
use super::name::{self, DistinguishedName};
use crate::convert::{Material, Moment, fingerprint, hash, moment_or_now, parse_each, profile};
use crate::ending::released;
use crate::failure::{Failure, Result};

/// A certificate authority: its certificate, its key and the hash that it signs with.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Authority(pub(crate) Arc<pki::Authority>);

#[pymethods]
impl Authority {
    /// Makes an authority with a self-signed certificate that is valid for `lifetime`, ten years by default.
    /// It signs with `hash`, or with the one that fits the key; `path_length` authorities may stand below it.
    #[staticmethod]
    #[pyo3(signature = (key, subject, *, hash=None, path_length=0, lifetime=None, now=None))]
    fn create(
        py: Python<'_>,
        key: &PrivateKey,
        subject: &DistinguishedName,
        hash: Option<&str>,
        path_length: u8,
        lifetime: Option<Duration>,
        now: Option<Moment>,
    ) -> Result<Self> {
        let hash = self::hash(hash, &key.0)?;
        let now = moment_or_now(now)?;
        let made = released(py, || {
            let (key, random) = (key.duplicate()?, &SystemRandom);
            pki::Authority::create(
                key,
                &subject.0,
                hash,
                AuthorityTerms::new(valid(now, lifetime, TEN_YEARS)).with_path_len(path_length),
                random,
            )
        })?;
        Ok(Self(Arc::new(made)))
    }

    /// An authority from its certificate and key; one below another has the issuers above it in `chain`,
    /// nearest first.
    #[staticmethod]
    #[pyo3(signature = (certificate, key, *, chain=None, hash=None))]
    fn load(
        py: Python<'_>,
        certificate: &Certificate,
        key: &PrivateKey,
        chain: Option<Chain>,
        hash: Option<&str>,
    ) -> Result<Self> {
        let hash = self::hash(hash, &key.0)?;
        let chain = chain.map(Chain::into_certificates).unwrap_or_default();
        let loaded = released(py, || {
            pki::Authority::load(certificate.0.clone(), key.duplicate()?, hash)?.with_chain(chain)
        })?;
        Ok(Self(Arc::new(loaded)))
    }

    /// The authority's certificate and those above it: what its holders send behind their own.
    #[getter]
    fn chain(&self) -> Vec<Certificate> {
        self.0.chain().iter().cloned().map(Certificate).collect()
    }

    /// The authority's certificate.
    #[getter]
    fn certificate(&self) -> Certificate {
        Certificate(self.0.certificate().clone())
    }

    /// Issues a certificate for the key, subject and names of `request`, valid for `lifetime`, 90 days by
    /// default. `profile` ("server", "client" or "both") decides what it is good for, not the request. It has
    /// `names` beside those that the request asks for, which may have been made of a common name alone.
    #[pyo3(signature = (request, profile, *, names=None, lifetime=None, now=None))]
    fn issue(
        &self,
        py: Python<'_>,
        request: &CertificateRequest,
        profile: &str,
        names: Option<&Bound<'_, PyAny>>,
        lifetime: Option<Duration>,
        now: Option<Moment>,
    ) -> Result<Certificate> {
        let (profile, names) = (self::profile(profile)?, parse_each(names, name::parse)?.unwrap_or_default());
        let validity = valid(moment_or_now(now)?, lifetime, NINETY_DAYS);
        let request = request.0.clone().with_further_names(&names)?;
        let issued = released(py, || self.0.issue(&request, profile, validity, &SystemRandom))?;
        Ok(Certificate(issued))
    }

    /// Issues the certificate of an authority below this one. `path_length` further ones may stand below
    /// it, and it may issue for names within `permitted` and outside `excluded` only: DNS names with all
    /// below them, and networks.
    #[pyo3(signature = (request, *, path_length=0, permitted=None, excluded=None, lifetime=None, now=None))]
    fn issue_authority(
        &self,
        py: Python<'_>,
        request: &CertificateRequest,
        path_length: u8,
        permitted: Option<Vec<String>>,
        excluded: Option<Vec<String>>,
        lifetime: Option<Duration>,
        now: Option<Moment>,
    ) -> Result<Certificate> {
        let mut terms = AuthorityTerms::new(valid(moment_or_now(now)?, lifetime, NINETY_DAYS));
        terms = terms.with_path_len(path_length);
        let (permitted, excluded) = (permitted.unwrap_or_default(), excluded.unwrap_or_default());
        if !permitted.is_empty() || !excluded.is_empty() {
            let none = pki::NameConstraints::new();
            let permitted = permitted.iter().try_fold(none, |all, name| all.permit(name))?;
            terms =
                terms.with_constraints(excluded.iter().try_fold(permitted, |all, name| all.exclude(name))?);
        }
        let issued = released(py, || self.0.issue_authority(&request.0, &terms, &SystemRandom))?;
        Ok(Certificate(issued))
    }

    /// Signs a list of revoked certificates, each as (certificate, time, reason). The
    /// `number` has to grow from list to list; by default it is the time. The next list is due after
    /// `lifetime`, seven days by default.
    #[pyo3(signature = (revoked, *, number=None, lifetime=None, now=None))]
    fn issue_crl(
        &self,
        py: Python<'_>,
        revoked: Vec<(Py<Certificate>, Moment, String)>,
        number: Option<u64>,
        lifetime: Option<Duration>,
        now: Option<Moment>,
    ) -> Result<Crl> {
        let now = moment_or_now(now)?;
        let entry = |(certificate, at, reason): (Py<Certificate>, Moment, String)| {
            let serial = certificate.get().0.serial().to_vec();
            Ok((serial, moment_or_now(Some(at))?, self::reason(&reason)?))
        };
        let revoked = revoked.into_iter().map(entry).collect::<Result<Vec<_>>>()?;
        let number = number.unwrap_or(now.0);
        Ok(Crl(released(py, || {
            self.0.issue_crl(&revoked, number, valid(now, lifetime, SEVEN_DAYS), &SystemRandom)
        })?))
    }

    fn __repr__(&self) -> String {
        format!("<Authority {}>", self.0.certificate().subject())
    }
}

/// A private key with the certificate chain that speaks for it, leaf first.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Identity(pub(crate) Arc<pki::Identity>);

#[pymethods]
impl Identity {
    #[new]
    fn new(py: Python<'_>, chain: Chain, key: &PrivateKey) -> Result<Self> {
        let chain = pki::Chain::new(chain.into_certificates())?;
        let identity = released(py, || pki::Identity::new(chain, key.duplicate()?))?;
        Ok(Self(Arc::new(identity)))
    }

    /// An identity of one file that has both a private key and its chain of certificates, PEM or PKCS#12.
    #[staticmethod]
    #[pyo3(signature = (data, *, password=None))]
    fn load(py: Python<'_>, data: Material, password: Option<Material>) -> Result<Self> {
        Ok(Self(Arc::new(released(py, || pki::Identity::load(&data, password.as_deref()))?)))
    }

    /// A PKCS#12 file of key and chain; `friendly_name` is Java's alias.
    ///
    /// It is encrypted by PBES2 with AES-256. `mac` is `"hmac-sha256"`, which everybody reads, or `"pbmac1"`
    /// (RFC 9579), which OpenSSL reads from 3.4 on.
    #[pyo3(signature = (password, *, friendly_name=None, mac="hmac-sha256"))]
    fn to_pkcs12<'py>(
        &self,
        py: Python<'py>,
        password: Material,
        friendly_name: Option<&str>,
        mac: &str,
    ) -> Result<Bound<'py, PyBytes>> {
        let mut options = pki::Pkcs12Options::new().with_mac(match mac {
            "hmac-sha256" => pki::Pkcs12Mac::HmacSha256,
            "pbmac1" => pki::Pkcs12Mac::Pbmac1,
            _ => return Err(Failure::misuse("unknown MAC of a PKCS#12 file", "use hmac-sha256 or pbmac1")),
        });
        if let Some(name) = friendly_name {
            options = options.with_friendly_name(name);
        }
        let file = released(py, || self.0.to_pkcs12(&password, &options, &SystemRandom))?;
        Ok(PyBytes::new(py, &file))
    }

    /// The leaf certificate.
    #[getter]
    fn certificate(&self) -> Certificate {
        Certificate(self.0.certificate().clone())
    }

    /// The chain, leaf first.
    #[getter]
    fn chain(&self) -> Vec<Certificate> {
        self.0.chain().iter().cloned().map(Certificate).collect()
    }

    fn __repr__(&self) -> String {
        format!("<Identity {}>", self.0.certificate().subject())
    }
}

/// The authorities that are trusted: by certificate, or by the SHA-256 fingerprint (hexadecimal) of
/// one that the peer sends with its own.
///
/// `intermediates` help to find a path where the peer does not send them; at most `max_depth` may stand in
/// one. Where `crls` has a list of an authority, its certificates are checked against it; with
/// `require_crls` there has to be one. With `allow_missing_eku` a leaf may be without ExtendedKeyUsage.
#[pyclass(frozen, module = "otls")]
pub(crate) struct TrustStore(pub(crate) pki::TrustStore);

#[pymethods]
impl TrustStore {
    #[new]
    #[pyo3(signature = (
        authorities=None, *, fingerprints=None, intermediates=None, crls=None, max_depth=None,
        require_crls=false, allow_missing_eku=false,
    ))]
    fn new(
        authorities: Option<Chain>,
        fingerprints: Option<&Bound<'_, PyAny>>,
        intermediates: Option<Chain>,
        crls: Option<Vec<Py<Crl>>>,
        max_depth: Option<usize>,
        require_crls: bool,
        allow_missing_eku: bool,
    ) -> Result<Self> {
        let mut store = pki::TrustStore::new();
        for certificate in authorities.map(Chain::into_certificates).unwrap_or_default() {
            store.add_authority(&certificate)?;
        }
        for fingerprint in parse_each(fingerprints, fingerprint)?.unwrap_or_default() {
            store.add_fingerprint(fingerprint);
        }
        for certificate in intermediates.map(Chain::into_certificates).unwrap_or_default() {
            store.add_intermediate(&certificate);
        }
        for crl in crls.unwrap_or_default() {
            store.add_crl(crl.get().0.clone());
        }
        if let Some(depth) = max_depth {
            store.set_max_depth(depth);
        }
        if require_crls {
            store.require_crls();
        }
        if allow_missing_eku {
            store.allow_missing_eku();
        }
        Ok(Self(store))
    }

    /// Judges a chain (leaf first) as that of the server `server_name`, or without it as a
    /// client's; with `role="any"` the path alone. Returns the trusted authority that it leads to.
    /// Raises a `CertificateError` whose `report` says what failed.
    #[pyo3(signature = (chain, *, server_name=None, role=None, now=None))]
    fn verify(
        &self,
        py: Python<'_>,
        chain: Chain,
        server_name: Option<&str>,
        role: Option<&str>,
        now: Option<Moment>,
    ) -> Result<Certificate> {
        let chain = pki::Chain::new(chain.into_certificates())?;
        let role = peer_role(server_name, role)?;
        let now = moment_or_now(now)?;
        let peer = released(py, || self.0.verify(&chain, &role, now)).map_err(otls::Error::from)?;
        Ok(Certificate(peer.authority().clone()))
    }

    fn __repr__(&self) -> String {
        format!("<TrustStore of {}>", self.0.authority_names().len())
    }
}

/// What a peer is to us: the server `server_name`, a client where there is none, or anybody.
pub(crate) fn peer_role(server_name: Option<&str>, role: Option<&str>) -> Result<pki::PeerRole> {
    Ok(match (role, server_name) {
        (None | Some("server"), Some(server_name)) => pki::PeerRole::Server(name::parse(server_name)?),
        (None | Some("client"), None) => pki::PeerRole::Client,
        (Some("any"), None) => pki::PeerRole::Any,
        _ => {
            return Err(Failure::misuse(
                "role and server_name do not go together",
                "pass a server_name, or role=\"client\" or \"any\"",
            ));
        }
    })
}

fn reason(word: &str) -> Result<pki::RevocationReason> {
    Ok(match word {
        "unspecified" => pki::RevocationReason::Unspecified,
        "keyCompromise" => pki::RevocationReason::KeyCompromise,
        "affiliationChanged" => pki::RevocationReason::AffiliationChanged,
        "superseded" => pki::RevocationReason::Superseded,
        "cessationOfOperation" => pki::RevocationReason::CessationOfOperation,
        _ => {
            return Err(Failure::misuse(
                "unknown reason of a revocation",
                "use unspecified, keyCompromise, affiliationChanged, superseded or cessationOfOperation",
            ));
        }
    })
}

/// One certificate, or a sequence of them.
#[derive(FromPyObject)]
pub(crate) enum Chain {
    One(Py<Certificate>),
    Several(Vec<Py<Certificate>>),
}

impl Chain {
    fn into_certificates(self) -> Vec<pki::Certificate> {
        match self {
            Self::One(one) => vec![one.get().0.clone()],
            Self::Several(several) => several.iter().map(|one| one.get().0.clone()).collect(),
        }
    }
}

/// From now on, for so long.
fn valid(now: otls::UnixTime, lifetime: Option<Duration>, usual: Duration) -> Validity {
    Validity::new(now, lifetime.unwrap_or(usual))
}

const DAY: Duration = Duration::from_secs(24 * 3600);
const SEVEN_DAYS: Duration = DAY.saturating_mul(7);
const NINETY_DAYS: Duration = DAY.saturating_mul(90);
const TEN_YEARS: Duration = DAY.saturating_mul(3650);
