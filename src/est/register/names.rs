//! Which names a certificate holds, and which of them exclude each other.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::Entry;
use crate::pki::fold::folded_host;
use crate::pki::{DistinguishedName, GeneralName, Profile};

/// The names of a certificate that is asked for.
pub(super) struct Wanted {
    /// See [`held_names`].
    pub(super) names: Vec<String>,
    pub(super) profile: Profile,
    /// SHA-256 of the public key that asks.
    pub(super) key: [u8; 32],
    /// Whether loopback names belong to one server at a time.
    pub(super) holds_loopback: bool,
}

impl Wanted {
    /// Certificates of other keys that have one of the names, with the name. The work grows with the
    /// names in the register and not with those that are asked for.
    pub(super) fn held_by_others<'a>(
        &self,
        entries: impl Iterator<Item = &'a Entry>,
    ) -> Vec<(&'a Entry, String)> {
        let exact: HashSet<&str> = self.names.iter().map(String::as_str).collect();
        let parents: HashMap<&str, &str> =
            exact.iter().filter_map(|name| Some((name.split_once('.')?.1, *name))).collect();
        let clash = |held: &str| -> Option<String> {
            if exact.contains(held) {
                return Some(held.to_owned());
            }
            // RFC 6125 §6.4.3: a wildcard stands for exactly one label, the first.
            if let Some(parent) = held.strip_prefix("*.") {
                return parents.get(parent).map(|name| (*name).to_owned());
            }
            let wildcard = format!("*.{}", held.split_once('.')?.1);
            exact.get(wildcard.as_str()).map(|name| (*name).to_owned())
        };
        let others =
            entries.filter(|entry| entry.key_fingerprint != self.key && compete(entry.profile, self.profile));
        others
            .filter_map(|entry| {
                let shares = !self.holds_loopback && serves(self.profile) && serves(entry.profile);
                let held = entry.names.iter().filter(|name| !(shares && is_loopback(name)));
                held.filter_map(|name| clash(name)).next().map(|name| (entry, name))
            })
            .collect()
    }
}

/// The names that a certificate of this subject with these alternative names holds, folded.
pub(super) fn held_names(subject: &DistinguishedName, alternatives: &[GeneralName]) -> Vec<String> {
    let common_names = subject.values("CN");
    let mut held = Vec::new();
    let mut hold = |name: &str| {
        let name = folded_host(name);
        if !name.is_empty() && !held.contains(&name) {
            held.push(name);
        }
    };
    for name in &common_names {
        hold(name);
    }
    // What else says who somebody is (RFC 4519 §2.39, X.520 §6.2.9), and what an address is written as.
    for (kind, prefix) in [("UID", "UID="), ("serialNumber", "serialNumber="), ("emailAddress", "email:")] {
        for value in subject.values(kind) {
            hold(&format!("{prefix}{value}"));
        }
    }
    if common_names.is_empty() && !subject.is_empty() {
        hold(&subject.to_string());
    }
    for alternative in alternatives {
        hold(&alternative.to_string());
    }
    held
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

const fn serves(profile: Profile) -> bool {
    match profile {
        Profile::Server | Profile::Both => true,
        Profile::Client | Profile::Ca { .. } => false,
    }
}

/// A folded name of the machine itself: RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3.
fn is_loopback(name: &str) -> bool {
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
