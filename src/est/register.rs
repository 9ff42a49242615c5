//! What the authority has issued: a name belongs to its first key until revoked or expired.

mod text;

use std::collections::BTreeSet;
use std::net::IpAddr;

use zeroize::Zeroizing;

use crate::crypto::Random;
use crate::crypto::hash::{HashAlgorithm, digest};
use crate::error::{CertificateError, Error, Result};
use crate::pki::{
    Authority, Certificate, CertificateRequest, GeneralName, NameConstraints, Profile, RevocationReason,
};
use crate::secret::{Secret, ct_eq};
use crate::time::UnixTime;

/// One issued certificate; see [`Register`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Serial number, big-endian.
    pub serial: Vec<u8>,
    /// What the certificate is for.
    pub profile: Profile,
    /// The common name, as in the certificate.
    pub common_name: String,
    /// The names that it holds: see [`Register`].
    pub names: Vec<String>,
    /// SHA-256 of the public key (SubjectPublicKeyInfo).
    pub key_fingerprint: [u8; 32],
    /// notAfter.
    pub not_after: UnixTime,
    /// When and why it was revoked, if it was.
    pub revoked: Option<(UnixTime, RevocationReason)>,
}

/// The register: kept by the caller as text, a line for each entry.
///
/// A certificate holds its common name and its DNS names, in lower case, until it is revoked or
/// expires: while it does, no other key gets a certificate of the same [`Profile`] with one of them.
/// A name with a wildcard and the names that it covers exclude each other. IP addresses are held by
/// nobody, and `localhost` and the names below it only as a client's common name: several banks run
/// on one machine.
///
/// ```
/// use otls::est::Register;
///
/// let register = Register::default();
/// assert_eq!(Register::from_text(&register.to_text())?.entries(), []);
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Register {
    /// SHA-256 of the tokens that were given out and not used.
    tokens: BTreeSet<[u8; 32]>,
    entries: Vec<Entry>,
}

impl Register {
    /// Reads the text that [`Register::to_text`] wrote, and nothing else.
    ///
    /// # Errors
    /// [`CertificateError::Refused`], naming the line: an authority must not go on with a register
    /// that is damaged or cut short.
    pub fn from_text(text: &str) -> Result<Self> {
        text::decode(text)
    }

    /// The text to keep. It has no secrets.
    pub fn to_text(&self) -> String {
        text::encode(self)
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Issues a certificate and enters it, if its names are free or belong to the request's key.
    ///
    /// # Errors
    /// [`CertificateError::NameTaken`]; what [`Authority::issue`] says. Nothing was entered then.
    pub fn issue(
        &mut self,
        authority: &Authority,
        request: &CertificateRequest,
        profile: Profile,
        lifetime: u64,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Certificate> {
        self.issue_to(None, authority, request, profile, lifetime, now, random)
    }

    /// As [`Register::issue`], for a client that has authenticated with `holder`, a certificate of this
    /// register. The names that `holder`'s key has may then go over to the request's key (RFC 7030
    /// §4.2.2, rekeying), and the certificates that had them are revoked as superseded. A `holder` that
    /// is unknown, revoked or expired changes nothing.
    ///
    /// # Errors
    /// As [`Register::issue`].
    #[expect(clippy::too_many_arguments, reason = "those of issue, and the holder")]
    pub fn issue_to(
        &mut self,
        holder: Option<&Certificate>,
        authority: &Authority,
        request: &CertificateRequest,
        profile: Profile,
        lifetime: u64,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Certificate> {
        let names = held_names(profile, &request.subject().common_name, request.names());
        let key = request.public_key().fingerprint();
        let moving = holder.and_then(|holder| self.key_in_force(holder, now));
        let others = self.holders(&names, profile, key, now);
        if let Some((_, name)) = others.iter().find(|(entry, _)| Some(entry.key_fingerprint) != moving) {
            return Err(CertificateError::NameTaken(name.clone()).into());
        }
        let superseded: Vec<Vec<u8>> = others.iter().map(|(entry, _)| entry.serial.clone()).collect();
        let certificate = authority.issue(request, profile, lifetime, now, random)?;
        for serial in &superseded {
            self.revoke(serial, RevocationReason::Superseded, now);
        }
        self.enter(&certificate, profile);
        Ok(certificate)
    }

    /// Issues and enters the certificate of an authority below this one: see
    /// [`Authority::issue_authority`].
    ///
    /// # Errors
    /// [`CertificateError::NameTaken`] where another key is an authority of this common name; what
    /// [`Authority::issue_authority`] says. Nothing was entered then.
    #[expect(clippy::too_many_arguments, reason = "those of Authority::issue_authority, and itself")]
    pub fn issue_authority(
        &mut self,
        authority: &Authority,
        request: &CertificateRequest,
        path_len: u8,
        constraints: &NameConstraints,
        lifetime: u64,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Certificate> {
        let profile = Profile::Ca { path_len };
        let names = held_names(profile, &request.subject().common_name, &[]);
        let key = request.public_key().fingerprint();
        if let Some((_, name)) = self.holders(&names, profile, key, now).first() {
            return Err(CertificateError::NameTaken(name.clone()).into());
        }
        let issued = authority.issue_authority(request, path_len, constraints, lifetime, now, random);
        let certificate = issued?;
        self.enter(&certificate, profile);
        Ok(certificate)
    }

    fn enter(&mut self, certificate: &Certificate, profile: Profile) {
        self.entries.push(Entry {
            serial: certificate.serial().to_vec(),
            profile,
            common_name: certificate.subject().common_name.clone(),
            names: held_names(profile, &certificate.subject().common_name, certificate.names()),
            key_fingerprint: certificate.public_key().fingerprint(),
            not_after: certificate.not_after(),
            revoked: None,
        });
    }

    /// Marks a serial number as revoked; false if there is none. The first revocation stays.
    pub fn revoke(&mut self, serial: &[u8], reason: RevocationReason, now: UnixTime) -> bool {
        match self.entries.iter_mut().find(|entry| entry.serial == serial) {
            Some(entry) => {
                entry.revoked.get_or_insert((now, reason));
                true
            }
            None => false,
        }
    }

    /// What [`Authority::issue_crl`] takes: serial number, time and reason of all that is revoked.
    pub fn revoked(&self) -> Vec<(Vec<u8>, UnixTime, RevocationReason)> {
        let revoked = |entry: &Entry| entry.revoked.map(|(at, why)| (entry.serial.clone(), at, why));
        self.entries.iter().filter_map(revoked).collect()
    }

    /// A new token for one enrolment, 32 characters, to be given to whom it is for. The register keeps
    /// its hash only; it is spent by [`Register::spend_token`].
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn new_token(&mut self, random: &dyn Random) -> Result<Secret> {
        let mut octets = Zeroizing::new([0; 16]);
        random.fill(octets.as_mut_slice())?;
        let token = Secret::from(Zeroizing::new(text::hex(octets.as_slice()).into_bytes()));
        self.tokens.insert(token_hash(token.expose())?);
        Ok(token)
    }

    /// How many tokens are unused.
    pub fn token_count(&self) -> usize {
        self.tokens.len()
    }

    /// Whether `token` was given out and not used.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn has_token(&self, token: &[u8]) -> Result<bool> {
        let hash = token_hash(token)?;
        // Every one is compared, whole: the time says nothing about any.
        Ok(self.tokens.iter().fold(false, |found, other| found | ct_eq(other, &hash)))
    }

    /// Marks `token` as used; false if it is not one that was given out, or no longer.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn spend_token(&mut self, token: &[u8]) -> Result<bool> {
        Ok(self.has_token(token)? && self.tokens.remove(&token_hash(token)?))
    }

    /// The key of a certificate that this register issued, while it is in force.
    fn key_in_force(&self, certificate: &Certificate, now: UnixTime) -> Option<[u8; 32]> {
        let key = certificate.public_key().fingerprint();
        let known = self.entries.iter().any(|entry| {
            entry.is_in_force(now) && entry.serial == certificate.serial() && entry.key_fingerprint == key
        });
        known.then_some(key)
    }

    /// Certificates of other keys that have one of `names`, with the name.
    fn holders(
        &self,
        names: &[String],
        profile: Profile,
        key: [u8; 32],
        now: UnixTime,
    ) -> Vec<(&Entry, String)> {
        let others = self.entries.iter().filter(|entry| {
            entry.is_in_force(now) && compete(entry.profile, profile) && entry.key_fingerprint != key
        });
        others
            .filter_map(|entry| {
                let name = names.iter().find(|name| entry.names.iter().any(|held| overlap(name, held)))?;
                Some((entry, name.clone()))
            })
            .collect()
    }
}

impl Entry {
    fn is_in_force(&self, now: UnixTime) -> bool {
        // RFC 5280 §4.1.2.5: a certificate is still valid in the second of notAfter.
        self.revoked.is_none() && now <= self.not_after
    }
}

/// Whether a name of the one keeps others from having it as the other.
const fn compete(one: Profile, other: Profile) -> bool {
    match (one, other) {
        (Profile::Ca { .. }, _) | (_, Profile::Ca { .. }) => {
            matches!((one, other), (Profile::Ca { .. }, Profile::Ca { .. }))
        }
        (Profile::Both, _) | (_, Profile::Both) => true,
        (Profile::Server, Profile::Server) | (Profile::Client, Profile::Client) => true,
        (Profile::Server, Profile::Client) | (Profile::Client, Profile::Server) => false,
    }
}

fn token_hash(token: &[u8]) -> Result<[u8; 32]> {
    // A token is 128 random bits: a plain hash of it cannot be searched.
    let hash = digest(HashAlgorithm::Sha256, token);
    hash.as_ref().first_chunk().copied().ok_or(Error::Internal("a short SHA-256"))
}

fn held_names(profile: Profile, common_name: &str, alternatives: &[GeneralName]) -> Vec<String> {
    let mut held = Vec::new();
    let common_name = normal(common_name);
    // A client is known by its common name, whatever that is.
    let holds_common_name = match profile {
        Profile::Server => !is_shared(&common_name),
        Profile::Client | Profile::Both | Profile::Ca { .. } => true,
    };
    if holds_common_name && !common_name.is_empty() {
        held.push(common_name);
    }
    for alternative in alternatives {
        match alternative {
            GeneralName::Dns(name) => {
                let name = normal(name);
                if !is_shared(&name) && !held.contains(&name) {
                    held.push(name);
                }
            }
            // An address or URI that a person is known by is held in its written form, which is no DNS name.
            GeneralName::Email(_) | GeneralName::Uri(_) => {
                let name = normal(&alternative.to_string());
                if !held.contains(&name) {
                    held.push(name);
                }
            }
            GeneralName::Ip(_) => {}
        }
    }
    held
}

// RFC 4343: DNS names are the same in either case. Common names are treated alike, so that nobody
// becomes "Bank" beside "bank".
fn normal(name: &str) -> String {
    let name = name.trim().to_lowercase();
    name.strip_suffix('.').map(str::to_owned).unwrap_or(name)
}

fn is_shared(name: &str) -> bool {
    // RFC 6761 §6.3: localhost and the names below it are the machine itself.
    name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok()
}

fn overlap(a: &str, b: &str) -> bool {
    // RFC 6125 §6.4.3: a wildcard stands for exactly one label, the first.
    let covers = |wild: &str, name: &str| {
        let parent = wild.strip_prefix("*.");
        parent.is_some() && parent == name.split_once('.').map(|(_, parent)| parent)
    };
    a == b || covers(a, b) || covers(b, a)
}

#[cfg(test)]
mod tests;
