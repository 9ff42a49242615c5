//! `otls convert`: keys, certificates, requests and lists in another format.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use otls::Secret;
use otls::crypto::SystemRandom;
use otls::error::KeyError;
use otls::internal::{self, MessageKind, Outline, Part, PartKind};
use otls::pki::{
    Certificate, CertificateRequest, Chain, Crl, Encoding, Identity, KeyFormat, MAX_BUNDLE_LEN,
    Pkcs12Options, PrivateKey, PublicKey,
};

use crate::failure::{About as _, Failure};
use crate::files::{self, Access};
use crate::key::{Password, Protection};
use crate::open::{self, MAX_KEYS, Opener};

#[derive(Args)]
pub(crate) struct Arguments {
    /// What to convert: one file or several, each with one thing or several.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The format of what is written.
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: Format,
    /// Write DER instead of PEM, where --to names a structure.
    #[arg(long)]
    der: bool,
    /// Write the public keys of what is read, of private keys where there are any.
    #[arg(long, conflicts_with_all = ["key_only", "certificates_only"])]
    public: bool,
    /// Leave out all but private keys.
    #[arg(long, conflicts_with = "certificates_only")]
    key_only: bool,
    /// Leave out all but certificates.
    #[arg(long)]
    certificates_only: bool,
    #[command(flatten)]
    password: Password,
    /// File whose first line is the password of what is written; otherwise the environment's
    /// OTLS_NEW_KEY_PASSWORD. Without either a private key is written unencrypted if it was read so.
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
    #[command(flatten)]
    protection: Protection,
    /// What the key is called in PKCS#12: Java's alias.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// File for the result (mode 0600 for a private key); printed if absent.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a file that exists.
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// All of it, one block behind the other; private keys in PKCS#8.
    Pem,
    /// One thing, binary; a private key in PKCS#8.
    Der,
    /// One private key of any kind.
    Pkcs8,
    /// One RSA key, private or public.
    Pkcs1,
    /// One EC private key.
    Sec1,
    /// One private key and the certificates of its chain, under a new password.
    Pkcs12,
    /// Certificates.
    Pkcs7,
}

/// What is converted.
enum Thing {
    Key {
        key: Arc<PrivateKey>,
        was_encrypted: bool,
    },
    Public(PublicKey),
    Certificate(Certificate),
    Request(CertificateRequest),
    Crl(Crl),
    /// Signed or encrypted, DER.
    Message(Vec<u8>),
}

impl Thing {
    const KINDS: [(&str, &str); 6] = [
        ("a private key", "private keys"),
        ("a public key", "public keys"),
        ("a certificate", "certificates"),
        ("a certificate request", "certificate requests"),
        ("a revocation list", "revocation lists"),
        ("a CMS message", "CMS messages"),
    ];

    /// What it is, in one and in many.
    const fn kind(&self) -> (&'static str, &'static str) {
        let [key, public, certificate, request, crl, message] = Self::KINDS;
        match self {
            Self::Key { .. } => key,
            Self::Public(_) => public,
            Self::Certificate(_) => certificate,
            Self::Request(_) => request,
            Self::Crl(_) => crl,
            Self::Message(_) => message,
        }
    }

    const fn is_key(&self) -> bool {
        matches!(self, Self::Key { .. })
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.check()?;
    let mut opener = Opener::new(arguments.password.password_file.as_ref())?;
    let mut things = Vec::new();
    for path in &arguments.files {
        collect(path, &mut opener, &mut things)?;
    }
    if opener.is_unneeded()
        && (arguments.password.password_file.is_some() || things.iter().any(Thing::is_key))
    {
        let about = arguments.files.first().map(|path| path.display().to_string()).unwrap_or_default();
        return Err(Failure::Otls { about, error: KeyError::PasswordNotNeeded.into() });
    }
    let had_key = things.iter().any(Thing::is_key);
    let things = arguments.wanted(things)?;
    let (data, access) = arguments.write(&things)?;
    if had_key && access != Access::Private && arguments.replaces_its_input() {
        return Err(Failure::usage(
            "--out is a file with a private key that is converted, and what is written has none",
            "choose another name",
        ));
    }
    files::deliver(arguments.out.as_ref(), data.expose(), access, arguments.force)
}

impl Arguments {
    /// Whether the result goes where what it is made of is.
    fn replaces_its_input(&self) -> bool {
        let place = |path: &PathBuf| path.canonicalize().ok();
        let out = self.out.as_ref().and_then(place);
        out.is_some() && self.files.iter().any(|file| place(file) == out)
    }

    /// Flags that do not belong together.
    fn check(&self) -> Result<(), Failure> {
        let fault = match self.to {
            Format::Pem if self.der => Some(("--to pem with --der", "write --to der")),
            Format::Pkcs12 if self.protection.encryption.is_some() => Some((
                "--encryption with PKCS#12, which is always encrypted by PBES2",
                "leave --encryption out",
            )),
            Format::Pem | Format::Der | Format::Pkcs8 | Format::Pkcs1 | Format::Sec1 | Format::Pkcs7
                if self.name.is_some() =>
            {
                Some(("--name without --to pkcs12", "leave --name out: only PKCS#12 has a name for a key"))
            }
            _ => None,
        };
        fault.map_or(Ok(()), |(what, hint)| Err(Failure::usage(what, hint)))
    }

    /// What of all that was read is written.
    fn wanted(&self, things: Vec<Thing>) -> Result<Vec<Thing>, Failure> {
        let found = describe(&things);
        let wanted: Vec<Thing> = if self.public {
            let has_key = things.iter().any(Thing::is_key);
            let halves = things.into_iter().filter(|thing| !has_key || thing.is_key()).filter_map(public);
            halves.map(Thing::Public).collect()
        } else {
            let is_wanted = |thing: &Thing| match thing {
                Thing::Key { .. } => !self.certificates_only,
                Thing::Certificate(_) => !self.key_only,
                _ => !self.key_only && !self.certificates_only,
            };
            things.into_iter().filter(is_wanted).collect()
        };
        if wanted.is_empty() {
            let flag = if self.public {
                "--public"
            } else if self.key_only {
                "--key-only"
            } else {
                "--certificates-only"
            };
            return Err(Failure::usage(
                format!("{flag}, and the input has {found}"),
                "see what it has with `otls show`",
            ));
        }
        Ok(wanted)
    }

    fn write(&self, things: &[Thing]) -> Result<(Secret, Access), Failure> {
        let password = files::password_from(self.new_password_file.as_ref(), "OTLS_NEW_KEY_PASSWORD")?;
        let password = password.as_ref();
        if self.to == Format::Pkcs12 {
            return Ok((self.pkcs12(things, password)?, Access::Private));
        }
        if !things.iter().any(Thing::is_key) {
            if self.new_password_file.is_some() || self.protection.encryption.is_some() {
                let what = "a new password or --encryption, and no private key is written";
                return Err(Failure::usage(
                    what,
                    "leave it out: only private keys and PKCS#12 are encrypted",
                ));
            }
            return Ok((self.public_data(things)?, Access::Public));
        }
        let was_encrypted =
            |thing: &Thing| matches!(thing, Thing::Key { was_encrypted, .. } if *was_encrypted);
        if password.is_none() && self.protection.encryption.is_none() && things.iter().any(was_encrypted) {
            return Err(Failure::usage(
                "the private key is encrypted where it is read, and would not be where it is written",
                "give a password for it with --new-password-file, or write it unencrypted with --encryption none",
            ));
        }
        Ok((self.private_data(things, password)?, Access::Private))
    }

    /// With a private key.
    fn private_data(&self, things: &[Thing], password: Option<&Secret>) -> Result<Secret, Failure> {
        let export = |key: &PrivateKey, format, encoding| {
            let encryption = self.protection.with(password, "--new-password-file")?;
            key.export(format, encoding, encryption, &SystemRandom).about("key")
        };
        let encoding = if self.der || self.to == Format::Der { Encoding::Der } else { Encoding::Pem };
        let format = match self.to {
            Format::Pem => {
                let blocks = things.iter().map(|thing| match thing {
                    Thing::Key { key, .. } => export(key, KeyFormat::Pkcs8, Encoding::Pem),
                    other => pem(other),
                });
                return Ok(joined(&blocks.collect::<Result<Vec<_>, _>>()?));
            }
            Format::Der | Format::Pkcs8 => KeyFormat::Pkcs8,
            Format::Pkcs1 => KeyFormat::Pkcs1,
            Format::Sec1 => KeyFormat::Sec1,
            Format::Pkcs7 | Format::Pkcs12 => return Err(self.unfit(things)),
        };
        match things {
            [Thing::Key { key, .. }] => export(key, format, encoding),
            _ => Err(self.unfit(things)),
        }
    }

    /// Without one.
    fn public_data(&self, things: &[Thing]) -> Result<Secret, Failure> {
        let data = match (self.to, things) {
            (Format::Pem, things) => {
                return Ok(joined(&things.iter().map(pem).collect::<Result<Vec<_>, _>>()?));
            }
            (Format::Der, [one]) => der(one).to_vec(),
            (Format::Pkcs1, [Thing::Public(key)]) if self.der => key.to_pkcs1_der().about("key")?,
            (Format::Pkcs1, [Thing::Public(key)]) => key.to_pkcs1_pem().about("key")?.into_bytes(),
            (Format::Pkcs7, things) => self.pkcs7(things)?,
            _ => return Err(self.unfit(things)),
        };
        Ok(Secret::from(data))
    }

    fn pkcs7(&self, things: &[Thing]) -> Result<Vec<u8>, Failure> {
        let certificates = things.iter().map(|thing| match thing {
            Thing::Certificate(certificate) => Ok(certificate.to_der()),
            _ => Err(self.unfit(things)),
        });
        let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
        if certificates.len() > MAX_BUNDLE_LEN {
            let what = format!("{} certificates for one PKCS#7 bundle", certificates.len());
            return Err(Failure::usage(what, format!("write {MAX_BUNDLE_LEN} at most")));
        }
        let bundle = internal::bundle(&certificates).about("PKCS#7")?;
        Ok(if self.der { bundle } else { internal::pem("PKCS7", &bundle).into_bytes() })
    }

    fn pkcs12(&self, things: &[Thing], password: Option<&Secret>) -> Result<Secret, Failure> {
        let (keys, others): (Vec<&Thing>, Vec<&Thing>) = things.iter().partition(|thing| thing.is_key());
        let [Thing::Key { key, .. }] = keys.as_slice() else { return Err(self.unfit(things)) };
        let mut certificates = Vec::new();
        for thing in others {
            let Thing::Certificate(certificate) = thing else { return Err(self.unfit(things)) };
            if !certificates.contains(certificate) {
                certificates.push(certificate.clone());
            }
        }
        if certificates.is_empty() {
            return Err(self.unfit(things));
        }
        let chain = chain(key, certificates)?;
        let password = password.ok_or_else(|| {
            let hint = "put one on the first line of a file and name that with --new-password-file, or set \
                        OTLS_NEW_KEY_PASSWORD";
            Failure::usage("no password for the PKCS#12 file, which has always one", hint)
        })?;
        let identity = Identity::new(chain, Arc::clone(key)).about("PKCS#12")?;
        let options = Pkcs12Options::new();
        let options = self.name.as_deref().map_or(options, |name| options.with_friendly_name(name));
        let file = identity.to_pkcs12(password.expose(), &options, &SystemRandom);
        Ok(Secret::from(file.about("PKCS#12")?))
    }

    /// Why things do not go into the format, and what does.
    fn unfit(&self, things: &[Thing]) -> Failure {
        let is = |flag: fn(&Thing) -> bool| things.iter().any(flag);
        let is_certificate = |thing: &Thing| matches!(thing, Thing::Certificate(_));
        let (has_key, has_certificate) = (is(Thing::is_key), is(is_certificate));
        let takes = match self.to {
            Format::Pem => "anything",
            Format::Der => "one thing",
            Format::Pkcs8 => "one private key",
            Format::Pkcs1 => "one RSA key",
            Format::Sec1 => "one EC private key",
            Format::Pkcs12 => "one private key and the certificates of its chain",
            Format::Pkcs7 => "certificates",
        };
        let hint = match self.to {
            Format::Pkcs12 if !has_key => "name the file of the private key too",
            Format::Pkcs12 if !has_certificate => "name the file of the key's certificate too",
            Format::Der if !has_key && things.iter().all(is_certificate) => {
                "write --to pem, or --to pkcs7 --der, which hold a chain"
            }
            Format::Pkcs7 if has_certificate => "leave out the rest with --certificates-only",
            Format::Der | Format::Pkcs8 | Format::Pkcs1 | Format::Sec1 if has_key && has_certificate => {
                "leave out the rest with --key-only, or write --to pem or pkcs12"
            }
            Format::Pkcs1 if has_certificate => "write the public key of one certificate with --public",
            Format::Pkcs8 | Format::Sec1 if is(|thing| matches!(thing, Thing::Public(_))) => {
                "write --to pem or der: this is a format of private keys"
            }
            _ => "write --to pem, or convert one after the other",
        };
        Failure::usage(format!("the format takes {takes}, and the input has {}", describe(things)), hint)
    }
}

fn collect(path: &Path, opener: &mut Opener, things: &mut Vec<Thing>) -> Result<(), Failure> {
    let data = files::read_anything(path)?;
    for part in open::parts(path, &data)? {
        add(path, &part, opener, things)?;
    }
    Ok(())
}

fn add(path: &Path, part: &Part, opener: &mut Opener, things: &mut Vec<Thing>) -> Result<(), Failure> {
    let about = path.display();
    match part.kind {
        PartKind::PrivateKey => {
            let Some(opened) = opener.key(&part.data) else {
                let what = format!("more than {MAX_KEYS} private keys");
                return Err(Failure::usage(what, "convert them one after the other"));
            };
            let (key, was_encrypted) = opened.about(about)?;
            things.push(Thing::Key { key: Arc::new(key), was_encrypted });
        }
        PartKind::PublicKey => things.push(Thing::Public(PublicKey::load(&part.data).about(about)?)),
        PartKind::Certificate => {
            things.push(Thing::Certificate(Certificate::load(&part.data).about(about)?));
        }
        PartKind::Request => {
            things.push(Thing::Request(CertificateRequest::load(&part.data).about(about)?));
        }
        PartKind::Crl => things.push(Thing::Crl(Crl::load(&part.data).about(about)?)),
        PartKind::Message => {
            let outline = Outline::of(&part.data).about(&about)?;
            if outline.kind != MessageKind::Bundle {
                things.push(Thing::Message(part.der().about(about)?.to_vec()));
                return Ok(());
            }
            for der in &outline.certificates {
                things.push(Thing::Certificate(Certificate::load(der).about(&about)?));
            }
            for der in &outline.crls {
                things.push(Thing::Crl(Crl::load(der).about(&about)?));
            }
        }
        PartKind::Pkcs12 => {
            let file = opener.pkcs12(&part.data).about(&about)?;
            let certificates = file.certificates().about(&about)?;
            if let Some(key) = file.key() {
                let copy = key.to_der(None, &SystemRandom).about(&about)?;
                let key = Arc::new(PrivateKey::load(copy.expose(), None).about(&about)?);
                things.push(Thing::Key { key, was_encrypted: true });
            }
            things.extend(certificates.into_iter().map(Thing::Certificate));
        }
        PartKind::Receipt | PartKind::Other | PartKind::Unknown => {
            let what = format!("{}, which is not converted", part.what);
            return Err(Failure::content(path, what, part.hint));
        }
    }
    Ok(())
}

/// The key's chain in order; everything must be of it.
fn chain(key: &PrivateKey, mut others: Vec<Certificate>) -> Result<Chain, Failure> {
    let own = others.iter().position(|one| one.public_key() == key.public_key());
    let own = own.ok_or(KeyError::CertificateMismatch.into()).about("the private key")?;
    let leaf = others.remove(own);
    let chain = internal::path_of(leaf, &mut others);
    if let Some(other) = others.first() {
        return Err(Failure::usage(
            format!("the certificate of {} is not in the chain of the private key", other.subject()),
            "leave out its file: PKCS#12 is written of a key and its chain",
        ));
    }
    Chain::new(chain).about("PKCS#12")
}

fn public(thing: Thing) -> Option<PublicKey> {
    match thing {
        Thing::Key { key, .. } => Some(key.public_key().clone()),
        Thing::Public(key) => Some(key),
        Thing::Certificate(certificate) => Some(certificate.public_key().clone()),
        Thing::Request(request) => Some(request.public_key().clone()),
        Thing::Crl(_) | Thing::Message(_) => None,
    }
}

/// Of what is no private key.
fn pem(thing: &Thing) -> Result<Secret, Failure> {
    Ok(Secret::from(match thing {
        Thing::Key { .. } => return Err(Failure::usage("a private key among what is public", "")),
        Thing::Public(key) => key.to_pem().into_bytes(),
        Thing::Certificate(certificate) => certificate.to_pem().into_bytes(),
        Thing::Request(request) => request.to_pem().into_bytes(),
        Thing::Crl(list) => list.to_pem().into_bytes(),
        Thing::Message(der) => internal::pem("CMS", der).into_bytes(),
    }))
}

/// Of what is no private key.
fn der(thing: &Thing) -> &[u8] {
    match thing {
        Thing::Key { .. } => &[],
        Thing::Public(key) => key.to_der(),
        Thing::Certificate(certificate) => certificate.to_der(),
        Thing::Request(request) => request.to_der(),
        Thing::Crl(list) => list.to_der(),
        Thing::Message(der) => der,
    }
}

fn joined(blocks: &[Secret]) -> Secret {
    // Sized once: growing would leave a copy of a private key behind.
    let mut all = Vec::with_capacity(blocks.iter().map(Secret::len).sum());
    blocks.iter().for_each(|block| all.extend_from_slice(block.expose()));
    Secret::from(all)
}

/// How many of what, in words.
fn describe(things: &[Thing]) -> String {
    let named = Thing::KINDS.iter().filter_map(|(one, many)| {
        match things.iter().filter(|thing| thing.kind().0 == *one).count() {
            0 => None,
            1 => Some((*one).to_owned()),
            count => Some(format!("{count} {many}")),
        }
    });
    let named: Vec<String> = named.collect();
    if named.is_empty() { "nothing".to_owned() } else { named.join(" and ") }
}
