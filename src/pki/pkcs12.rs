//! PKCS#12 (RFC 7292): a private key and certificates in one file under a password, as Java, Windows and others
//! keep them.

mod fault;
mod kdf;
mod mac;
mod oid;
mod pbe;
mod read;
mod write;

use kdf::Password;
use read::CertificateBag;

use super::chain::path_of;
use super::{Certificate, Chain, PrivateKey, found};
use crate::crypto::Random;
use crate::error::{CertificateError, Error, Found, KeyError, Result};

/// The most octets of a PKCS#12 file: as many as a CMS message may have.
pub const MAX_PKCS12_LEN: usize = 16 << 20;

/// A PKCS#12 file, opened: at most one private key, and certificates. [`super::Identity::load`] takes one that is
/// a key with its chain; this is for the others, such as Java's trust stores.
///
/// ```
/// use otls::pki::{Pkcs12, TrustStore};
///
/// # fn read(file: &[u8]) -> otls::Result<()> {
/// let store = Pkcs12::load(file, b"changeit")?;
/// let mut trust = TrustStore::new();
/// let (authorities, left_out) = store.authorities()?;
/// authorities.iter().try_for_each(|one| trust.add_authority(one))?;
/// left_out.iter().for_each(|one| eprintln!("not trusted: {one}"));
/// # Ok(())
/// # }
/// ```
pub struct Pkcs12 {
    key: Option<PrivateKey>,
    friendly_name: Option<String>,
    local_key_id: Option<Vec<u8>>,
    certificates: Vec<CertificateBag>,
}

crate::shown::shown!(Pkcs12, friendly_name);

impl Pkcs12 {
    /// Opens a file of version 3 in DER that a password protects (password-integrity mode), at most
    /// [`MAX_PKCS12_LEN`] octets: its MAC is HMAC with SHA-1 or SHA-2 under a key of RFC 7292 appendix B, or
    /// PBMAC1 (RFC 9579, RFC 9879). Its parts are plain, or encrypted by PBES2 as for [`PrivateKey::load`], or by the
    /// triple DES and RC2 of RFC 7292 appendix C. The password is UTF-8, and may be empty.
    ///
    /// # Errors
    /// [`KeyError::WrongPassword`] where the MAC does not verify, which a changed file has in common with a wrong
    /// password; [`KeyError::UnsupportedPkcs12`] for what is not read, named, a file without a MAC among it;
    /// [`KeyError::Excess`] for more than one private key, and for anything but keys and certificates;
    /// [`KeyError::Malformed`]; [`Error::ApiMisuse`] for a password that is not UTF-8.
    pub fn load(data: &[u8], password: &[u8]) -> Result<Self> {
        if !is_like(data) {
            return Err(KeyError::NotAKey(found::instead(data)).into());
        }
        if data.len() > MAX_PKCS12_LEN {
            return Err(KeyError::Malformed("the PKCS#12 file has more than 16 MiB").into());
        }
        let (key, certificates) = read::file(data, Password::new(password)?)?;
        let (key, attributes) = match key {
            Some((pkcs8, attributes)) => (Some(PrivateKey::of_pkcs8(&pkcs8)?), attributes),
            None => (None, read::Attributes::default()),
        };
        let read::Attributes { friendly_name, local_key_id } = attributes;
        Ok(Self { key, friendly_name, local_key_id, certificates })
    }

    /// The private key; `None` in a trust store.
    pub fn key(&self) -> Option<&PrivateKey> {
        self.key.as_ref()
    }

    /// What the key is called: Java's alias of it.
    pub fn friendly_name(&self) -> Option<&str> {
        self.friendly_name.as_deref()
    }

    /// All certificates, each once: those of the key's chain first, the key's own at their head, and then the
    /// others as they come.
    ///
    /// # Errors
    /// As [`Certificate::load_chain`]; [`KeyError::CertificateMismatch`] where there are certificates and a key,
    /// and none of them is the key's.
    pub fn certificates(&self) -> Result<Vec<Certificate>> {
        let (mut chain, others) = self.sorted()?;
        chain.extend(others);
        Ok(chain)
    }

    /// All certificates as authorities that are to be trusted, as [`Certificate::load_authorities`] has them: those
    /// with a key that is not supported are left out and named.
    ///
    /// # Errors
    /// As [`Certificate::load_authorities`].
    pub fn authorities(&self) -> Result<(Vec<Certificate>, Vec<String>)> {
        Certificate::authorities_of(self.certificates.iter().map(|bag| bag.der.as_slice()))
    }

    /// The key and its chain, where there is nothing else.
    pub(super) fn into_key_and_chain(self) -> Result<(PrivateKey, Chain)> {
        let (chain, others) = self.sorted()?;
        let Some(key) = self.key else {
            let found = Found::new("the data holds a PKCS#12 file without a private key", "");
            return Err(KeyError::NotAKey(found).into());
        };
        if let Some(other) = others.first() {
            let why = format!(
                "the data holds a PKCS#12 file with the certificate of {:?}, which is not in the chain of its \
                 key: load the file as Pkcs12",
                other.subject().to_string()
            );
            return Err(CertificateError::Excess(why).into());
        }
        if chain.is_empty() {
            let found = Found::new("the data holds a PKCS#12 file without a certificate", "");
            return Err(CertificateError::NotFound(found).into());
        }
        Ok((key, Chain::new(chain)?))
    }

    /// The certificates of the key's chain in order, and the others.
    fn sorted(&self) -> Result<(Vec<Certificate>, Vec<Certificate>)> {
        let read = self.certificates.iter().map(|bag| Certificate::of_der(&bag.der));
        let mut others = read.collect::<Result<Vec<_>>>()?;
        let (Some(key), false) = (&self.key, others.is_empty()) else { return Ok((Vec::new(), others)) };
        let is_own = |certificate: &Certificate| certificate.public_key() == key.public_key();
        // RFC 7292 §4.2: localKeyId ties the two together; it decides where one key has several certificates.
        let is_tied = |place: &usize| {
            let id = self.certificates.get(*place).and_then(|bag| bag.attributes.local_key_id.as_ref());
            id.is_some() && id == self.local_key_id.as_ref()
        };
        let own = (0..others.len()).filter(|place| others.get(*place).is_some_and(is_own));
        let own: Vec<usize> = own.collect();
        let leaf = own.iter().copied().find(is_tied).or(own.first().copied());
        let leaf = others.remove(leaf.ok_or(KeyError::CertificateMismatch)?);
        let chain = path_of(leaf, &mut others);
        Ok((chain, others))
    }
}

/// Whether `data` begins as a PKCS#12 file of version 3 does, in DER or BER, whole or not.
pub(super) fn is_like(data: &[u8]) -> bool {
    let Some((0x30, rest)) = data.split_first().map(|(tag, rest)| (*tag, rest)) else { return false };
    let content = match rest.split_first() {
        Some((len @ 0x81..=0x84, rest)) => rest.get(usize::from(*len & 0x7F)..),
        Some((_, rest)) => Some(rest),
        None => None,
    };
    content.is_some_and(|content| content.starts_with(VERSION_3))
}

/// INTEGER 3 and the SEQUENCE behind it: PKCS#8 has lower versions.
const VERSION_3: &[u8] = &[2, 1, 3, 0x30];

/// What authenticates a PKCS#12 file that is written.
///
/// ```
/// use otls::pki::{Pkcs12Mac, Pkcs12Options};
///
/// let options = Pkcs12Options::new().with_mac(Pkcs12Mac::Pbmac1);
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pkcs12Mac {
    /// HMAC-SHA256 under a key of RFC 7292 appendix B, which everybody reads.
    #[default]
    HmacSha256,
    /// PBMAC1 (RFC 9579) with PBKDF2-HMAC-SHA256 and HMAC-SHA256: OpenSSL reads it from 3.4 on, and
    /// Java 17 and GnuTLS 3.7 do not.
    Pbmac1,
}

/// How [`super::Identity::to_pkcs12`] writes.
///
/// ```
/// use otls::pki::{Identity, Pkcs12Options};
/// # use otls::crypto::{SystemRandom, hash::HashAlgorithm};
/// # use otls::pki::{Validity, Authority, DistinguishedName, KeyType, PrivateKey};
/// # let (now, random) = (otls::UnixTime(1_800_000_000), SystemRandom);
/// # let key = PrivateKey::generate(KeyType::EcdsaP256, &random)?;
/// # let key_pem = key.to_pem(None, &random)?;
/// # let name = DistinguishedName::with_common_name("Private CA");
/// # let ca = Authority::create(key, &name, HashAlgorithm::Sha256, Validity::days(now, 1), &random)?;
/// # let file = [ca.certificate().to_pem().as_bytes(), key_pem.expose()].concat();
/// # let identity = Identity::load(&file, None)?;
///
/// let options = Pkcs12Options::new().with_friendly_name("bank");
/// let file = identity.to_pkcs12(b"correct horse", &options, &random)?;
/// assert_eq!(Identity::load(&file, Some(b"correct horse"))?.chain(), identity.chain());
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Pkcs12Options<'a> {
    friendly_name: Option<&'a str>,
    mac: Pkcs12Mac,
}

impl<'a> Pkcs12Options<'a> {
    /// No friendly name, and the MAC that everybody reads.
    pub const fn new() -> Self {
        Self { friendly_name: None, mac: Pkcs12Mac::HmacSha256 }
    }

    /// What the key and its certificate are called: Java takes it for the alias, in lower case.
    #[must_use]
    pub const fn with_friendly_name(mut self, friendly_name: &'a str) -> Self {
        self.friendly_name = Some(friendly_name);
        self
    }

    /// What authenticates the file.
    #[must_use]
    pub const fn with_mac(mut self, mac: Pkcs12Mac) -> Self {
        self.mac = mac;
        self
    }
}

/// A file of a key and its chain.
pub(super) fn write(
    key: &PrivateKey,
    chain: &Chain,
    password: &[u8],
    options: &Pkcs12Options<'_>,
    random: &dyn Random,
) -> Result<Vec<u8>> {
    if password.is_empty() {
        return Err(Error::misuse(
            "the password of a PKCS#12 file is empty",
            "pass a password: a PKCS#12 file cannot be without one",
        ));
    }
    write::file(key, chain, &Password::new(password)?, options, random)
}
