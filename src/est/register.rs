//! What the authority has issued: a name belongs to its first key until revoked or expired.

mod names;
mod text;

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use self::names::{Wanted, held_names};
use crate::crypto::Random;
use crate::crypto::hash::{HashAlgorithm, digest};
use crate::error::{CertificateError, Error, Result};
use crate::pki::fold::folded_host;
use crate::pki::{
    Authority, AuthorityTerms, Certificate, CertificateRequest, MAX_REQUEST_NAMES, Profile, RevocationReason,
    Validity,
};
use crate::secret::{Secret, ct_eq};
use crate::time::UnixTime;

/// One issued certificate; see [`Register`].
///
/// ```
/// use otls::est::{Entry, Register};
///
/// let register = Register::default();
/// let revoked: Vec<&Entry> = register.entries().iter().filter(|entry| entry.revoked.is_some()).collect();
/// assert_eq!(revoked, Vec::<&Entry>::new());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Serial number, big-endian.
    pub serial: Vec<u8>,
    /// What the certificate is for.
    pub profile: Profile,
    /// The common name, as in the certificate; empty if it has none.
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

/// The register: kept by the caller as text, a line for each entry. One process issues from it at a time: two
/// that have read the same text, or of which one was forked from the other, do not see each other's entries.
///
/// A certificate holds the common name, UID, serialNumber and emailAddress of its subject (all of the
/// subject where it has no common name) and its alternative names until it is revoked or
/// expires: while it does, no other key gets a certificate of the same [`Profile`] with one of them.
/// Names are compared by the fold that the verifier compares subjects with, hosts without dots at their end
/// and addresses in one spelling. A name with a wildcard and the names that it covers exclude each other.
/// `localhost`, the names below it and loopback addresses are a server's beside other servers': several
/// banks run on one machine. (Not so where anybody may become a server: [`super::EstServer::with_open_servers`].)
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
    /// The tokens that were given out and not used, by their SHA-256.
    tokens: BTreeMap<[u8; 32], Grant>,
    entries: Vec<Entry>,
}

/// What a token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Grant {
    profile: Profile,
    /// Folded, as in [`Entry::names`].
    names: Vec<String>,
}

/// A certificate that is asked for.
pub(super) struct Order<'a> {
    pub(super) authority: &'a Authority,
    pub(super) request: &'a CertificateRequest,
    pub(super) profile: Profile,
    pub(super) validity: Validity,
    /// Who asks, if that was authenticated.
    pub(super) holder: Option<&'a Certificate>,
    /// Whether loopback names belong to their first key too.
    pub(super) holds_loopback: bool,
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
        validity: Validity,
        random: &dyn Random,
    ) -> Result<Certificate> {
        let order = Order { authority, request, profile, validity, holder: None, holds_loopback: false };
        self.fulfil(&order, random)
    }

    /// As [`Register::issue`], for a client that may have authenticated, as the holder of a certificate of this
    /// register. The names that its key has may then go over to the request's key (RFC 7030 §4.2.2, rekeying),
    /// and the certificates that had them are revoked as superseded. A holder that is unknown, revoked or
    /// expired changes nothing.
    pub(super) fn fulfil(&mut self, order: &Order<'_>, random: &dyn Random) -> Result<Certificate> {
        let (request, profile, now) = (order.request, order.profile, order.validity.from());
        let wanted = Wanted {
            names: held_names(request.subject(), request.names()),
            profile,
            key: request.public_key().fingerprint(),
            holds_loopback: order.holds_loopback,
        };
        let moving = order.holder.and_then(|holder| self.key_in_force(holder, now));
        let others = wanted.held_by_others(self.in_force(now));
        if let Some((_, name)) = others.iter().find(|(entry, _)| Some(entry.key_fingerprint) != moving) {
            return Err(CertificateError::NameTaken(name.clone()).into());
        }
        let superseded: Vec<Vec<u8>> = others.iter().map(|(entry, _)| entry.serial.clone()).collect();
        let certificate = order.authority.issue(request, profile, order.validity, random)?;
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
    /// [`CertificateError::NameTaken`] where another key is an authority of this name; what
    /// [`Authority::issue_authority`] says. Nothing was entered then.
    pub fn issue_authority(
        &mut self,
        authority: &Authority,
        request: &CertificateRequest,
        terms: &AuthorityTerms,
        random: &dyn Random,
    ) -> Result<Certificate> {
        let profile = Profile::Ca { path_len: terms.path_len() };
        let wanted = Wanted {
            names: held_names(request.subject(), &[]),
            profile,
            key: request.public_key().fingerprint(),
            holds_loopback: true,
        };
        if let Some((_, name)) = wanted.held_by_others(self.in_force(terms.validity().from())).first() {
            return Err(CertificateError::NameTaken(name.clone()).into());
        }
        let certificate = authority.issue_authority(request, terms, random)?;
        self.enter(&certificate, profile);
        Ok(certificate)
    }

    fn enter(&mut self, certificate: &Certificate, profile: Profile) {
        self.entries.push(Entry {
            serial: certificate.serial().to_vec(),
            profile,
            common_name: certificate.subject().common_name(),
            names: held_names(certificate.subject(), certificate.names()),
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

    /// The certificates in force that hold `name`, in whatever spelling.
    pub fn holders(&self, name: &str, now: UnixTime) -> Vec<&Entry> {
        let name = folded_host(name);
        self.in_force(now).filter(|entry| entry.names.contains(&name)).collect()
    }

    /// A new token for one enrolment, 32 characters, to be given to whom it is for: good for a certificate
    /// of this profile whose names ([`Register`] says which it holds) are all among `names`. These are
    /// common names, DNS names, addresses, and what is written `email:…`, `URI:…`, `UID=…` or
    /// `serialNumber=…`. The register keeps
    /// the token's hash only; it is spent by [`Register::spend_token`].
    ///
    /// # Errors
    /// [`Error::Random`]; [`Error::ApiMisuse`] without names, with more than [`MAX_REQUEST_NAMES`], and for one in
    /// which nothing is seen.
    pub fn new_token(&mut self, profile: Profile, names: &[&str], random: &dyn Random) -> Result<Secret> {
        if names.is_empty() || names.len() > MAX_REQUEST_NAMES {
            return Err(Error::misuse(
                "a token without names, or for more than 100",
                "pass the names that the certificate may have, its common name among them",
            ));
        }
        let names: Vec<String> = names.iter().map(|name| folded_host(name)).collect();
        if names.iter().any(String::is_empty) {
            return Err(Error::misuse(
                "a token for a name that shows nothing",
                "pass the names as the certificate will have them",
            ));
        }
        let mut octets = Zeroizing::new([0; 16]);
        random.fill(octets.as_mut_slice())?;
        let token = Secret::from(Zeroizing::new(text::hex(octets.as_slice()).into_bytes()));
        self.tokens.insert(token_hash(token.expose())?, Grant { profile, names });
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
        Ok(self.grant(token)?.is_some())
    }

    /// Whether `token` is good for this request: `None` if it was not given out or is used; otherwise the
    /// reason against it, if there is one.
    pub(super) fn token_fault(
        &self,
        token: &[u8],
        request: &CertificateRequest,
        profile: Profile,
    ) -> Result<Option<Result<(), String>>> {
        let Some(grant) = self.grant(token)? else { return Ok(None) };
        if grant.profile != profile {
            return Ok(Some(Err("the token is for a certificate of another profile".to_owned())));
        }
        let names = held_names(request.subject(), request.names());
        let foreign = names.into_iter().find(|name| !grant.names.contains(name));
        Ok(Some(foreign.map_or(Ok(()), |name| Err(format!("the token is not for the name {name:?}")))))
    }

    /// Whether `holder` has a certificate in force of this profile for each of the request's names.
    pub(super) fn renews(
        &self,
        holder: &Certificate,
        request: &CertificateRequest,
        profile: Profile,
        now: UnixTime,
    ) -> bool {
        let Some(key) = self.key_in_force(holder, now) else { return false };
        let own = |entry: &&Entry| entry.key_fingerprint == key && entry.profile == profile;
        let owned: Vec<&str> =
            self.in_force(now).filter(own).flat_map(|entry| &entry.names).map(String::as_str).collect();
        let names = held_names(request.subject(), request.names());
        names.iter().all(|name| owned.contains(&name.as_str()))
    }

    fn grant(&self, token: &[u8]) -> Result<Option<&Grant>> {
        let hash = token_hash(token)?;
        // Every one is compared, whole: the time says nothing about any.
        let found = self.tokens.iter().fold(
            None,
            |found, (other, grant)| {
                if ct_eq(other, &hash) { Some(grant) } else { found }
            },
        );
        Ok(found)
    }

    /// Marks `token` as used; false if it is not one that was given out, or no longer.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn spend_token(&mut self, token: &[u8]) -> Result<bool> {
        Ok(self.has_token(token)? && self.tokens.remove(&token_hash(token)?).is_some())
    }

    /// The key of a certificate that this register issued, while it is in force.
    fn key_in_force(&self, certificate: &Certificate, now: UnixTime) -> Option<[u8; 32]> {
        let key = certificate.public_key().fingerprint();
        let known = self.entries.iter().any(|entry| {
            entry.is_in_force(now) && entry.serial == certificate.serial() && entry.key_fingerprint == key
        });
        known.then_some(key)
    }

    fn in_force(&self, now: UnixTime) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.is_in_force(now))
    }
}

impl Entry {
    fn is_in_force(&self, now: UnixTime) -> bool {
        // RFC 5280 §4.1.2.5: a certificate is still valid in the second of notAfter.
        self.revoked.is_none() && now <= self.not_after
    }
}

fn token_hash(token: &[u8]) -> Result<[u8; 32]> {
    // A token is 128 random bits: a plain hash of it cannot be searched.
    let hash = digest(HashAlgorithm::Sha256, token);
    hash.as_ref().first_chunk().copied().ok_or(Error::Internal("a short SHA-256"))
}

#[cfg(test)]
mod tests;
