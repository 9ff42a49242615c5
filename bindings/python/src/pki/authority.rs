//! Those who sign certificates, those who carry them and those who judge them.

use std::sync::Arc;

use otls::crypto::SystemRandom;
use otls::pki;
use pyo3::prelude::*;

use super::certificate::{Certificate, CertificateRequest};
use super::key::PrivateKey;
use super::name::{self, DistinguishedName};
use crate::convert::{Moment, fingerprint, hash, moment_or_now, parse_each, profile};
use crate::failure::Result;

/// A certificate authority: its certificate, its key and the hash that it signs with.
#[pyclass(frozen, module = "otls")]
pub(crate) struct Authority(pub(crate) Arc<pki::Authority>);

#[pymethods]
impl Authority {
    /// Makes an authority with a self-signed certificate that is valid for `lifetime` seconds. It signs
    /// with `hash`, or with the one that fits the key.
    #[staticmethod]
    #[pyo3(signature = (key, subject, *, hash=None, lifetime=TEN_YEARS, now=None))]
    fn create(
        py: Python<'_>,
        key: &PrivateKey,
        subject: &DistinguishedName,
        hash: Option<&str>,
        lifetime: u64,
        now: Option<Moment>,
    ) -> Result<Self> {
        let hash = self::hash(hash, &key.0)?;
        let now = moment_or_now(now)?;
        let made = py.detach(|| {
            pki::Authority::create(key.duplicate()?, &subject.0, hash, lifetime, now, &SystemRandom)
        })?;
        Ok(Self(Arc::new(made)))
    }

    /// An authority from its certificate and key.
    #[staticmethod]
    #[pyo3(signature = (certificate, key, *, hash=None))]
    fn load(py: Python<'_>, certificate: &Certificate, key: &PrivateKey, hash: Option<&str>) -> Result<Self> {
        let hash = self::hash(hash, &key.0)?;
        let loaded = py.detach(|| pki::Authority::load(certificate.0.clone(), key.duplicate()?, hash))?;
        Ok(Self(Arc::new(loaded)))
    }

    /// The authority's certificate.
    #[getter]
    fn certificate(&self) -> Certificate {
        Certificate(self.0.certificate().clone())
    }

    /// Issues a certificate for the key, subject and names of `request`, valid for `lifetime`
    /// seconds. `profile` ("server" or "client") decides what it is good for, not the request.
    #[pyo3(signature = (request, profile, *, lifetime=NINETY_DAYS, now=None))]
    fn issue(
        &self,
        py: Python<'_>,
        request: &CertificateRequest,
        profile: &str,
        lifetime: u64,
        now: Option<Moment>,
    ) -> Result<Certificate> {
        let profile = self::profile(profile)?;
        let now = moment_or_now(now)?;
        let issued = py.detach(|| self.0.issue(&request.0, profile, lifetime, now, &SystemRandom))?;
        Ok(Certificate(issued))
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
        let chain = chain.into_certificates();
        let identity = py.detach(|| pki::Identity::new(chain, key.duplicate()?))?;
        Ok(Self(Arc::new(identity)))
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
#[pyclass(frozen, module = "otls")]
pub(crate) struct TrustStore(pub(crate) pki::TrustStore);

#[pymethods]
impl TrustStore {
    #[new]
    #[pyo3(signature = (authorities=None, *, fingerprints=None))]
    fn new(authorities: Option<Chain>, fingerprints: Option<&Bound<'_, PyAny>>) -> Result<Self> {
        let mut store = pki::TrustStore::new();
        for certificate in authorities.map(Chain::into_certificates).unwrap_or_default() {
            store.add_authority(&certificate)?;
        }
        for fingerprint in parse_each(fingerprints, fingerprint)?.unwrap_or_default() {
            store.add_fingerprint(fingerprint);
        }
        Ok(Self(store))
    }

    /// Judges a chain (leaf first) as that of the server `server_name`, or without it as a
    /// client's. Raises a `CertificateError` whose `report` says what failed.
    #[pyo3(signature = (chain, *, server_name=None, now=None))]
    fn verify(
        &self,
        py: Python<'_>,
        chain: Chain,
        server_name: Option<&str>,
        now: Option<Moment>,
    ) -> Result<()> {
        let chain: Vec<Vec<u8>> =
            chain.into_certificates().iter().map(|certificate| certificate.to_der().to_vec()).collect();
        let role = match server_name {
            Some(server_name) => pki::PeerRole::Server(name::parse(server_name)?),
            None => pki::PeerRole::Client,
        };
        let now = moment_or_now(now)?;
        py.detach(|| self.0.verify(&chain, &role, now)).map_err(otls::Error::from)?;
        Ok(())
    }

    fn __repr__(&self) -> String {
        format!("<TrustStore of {}>", self.0.authority_names().len())
    }
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

const TEN_YEARS: u64 = 10 * 365 * 24 * 3600;
const NINETY_DAYS: u64 = 90 * 24 * 3600;
