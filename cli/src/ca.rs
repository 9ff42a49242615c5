//! `otls ca`: an authority in a folder, with the same files as the TTP: cert.pem, key.pem and
//! register.txt, which knows every certificate that was issued and every one that was revoked.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use otls::crypto::SystemRandom;
use otls::est::Register;
use otls::pki::{
    Authority, AuthorityTerms, Certificate, CertificateRequest, NameConstraints, PrivateKey, Profile,
    RevocationReason, Validity,
};
use otls::{Secret, UnixTime};
use serde_json::json;

use crate::failure::{About as _, Failure};
use crate::files::{self, Access};
use crate::key::Password;
use crate::log::complain;
use crate::subject::{Kind, Subject, general_names, hash_for};
use crate::{now, print, show};

/// Seconds in a day.
const DAY: u64 = 86_400;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make an authority: its key, its certificate and an empty register.
    Init {
        #[command(flatten)]
        folder: Folder,
        /// The kind of key.
        #[arg(long = "type", value_enum, default_value = "p384")]
        kind: Kind,
        #[command(flatten)]
        subject: Subject,
        /// Days for which the certificate is valid.
        #[arg(long, default_value_t = 3650)]
        days: u64,
        /// The folder of the authority above it; without it the certificate is self-signed. To have a
        /// root on another machine, sign a request there with `ca sign --profile ca`.
        #[arg(long, value_name = "FOLDER")]
        below: Option<PathBuf>,
        #[command(flatten)]
        limits: Limits,
    },
    /// Issue a certificate for a request.
    Sign {
        #[command(flatten)]
        folder: Folder,
        /// The request.
        request: PathBuf,
        /// What the certificate is for.
        #[arg(long, value_enum)]
        profile: ProfileName,
        /// A name that the certificate has beside those that are asked for: of a host, an IP address, `email:…` or
        /// `URI:…`; may be repeated.
        #[arg(long, value_name = "NAME")]
        san: Vec<String>,
        /// Days for which the certificate is valid.
        #[arg(long, default_value_t = 90)]
        days: u64,
        #[command(flatten)]
        limits: Limits,
        /// File for the certificate; printed if absent.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Replace a file that exists.
        #[arg(long)]
        force: bool,
    },
    /// Make a token that lets its bearer enrol once, over EST; the register keeps its hash.
    Token {
        #[command(flatten)]
        folder: Folder,
        /// What the certificate is for.
        #[arg(long, value_enum)]
        profile: ProfileName,
        /// A name that the certificate may have, its common name among them; may be repeated.
        #[arg(long, value_name = "NAME", required = true)]
        name: Vec<String>,
    },
    /// Revoke a certificate. Publish a new list with `otls ca crl`.
    Revoke {
        #[command(flatten)]
        folder: Folder,
        /// The certificate.
        certificate: PathBuf,
        /// Why.
        #[arg(long, value_enum, default_value = "unspecified")]
        reason: Reason,
    },
    /// Sign the list of revoked certificates.
    Crl {
        #[command(flatten)]
        folder: Folder,
        /// Days until the next list.
        #[arg(long, default_value_t = 7)]
        days: u64,
        /// File for the list; printed if absent.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Replace a file that exists.
        #[arg(long)]
        force: bool,
    },
}

/// Where the authority lives, and the password of its key.
#[derive(clap::Args)]
pub(crate) struct Folder {
    /// The authority's folder.
    #[arg(long, value_name = "FOLDER", default_value = "CA")]
    dir: PathBuf,
    #[command(flatten)]
    password: Password,
}

/// What an authority below another may do.
#[derive(clap::Args)]
pub(crate) struct Limits {
    /// Authorities that may stand below it, one under the other.
    #[arg(long, value_name = "N", default_value_t = 0)]
    path_len: u8,
    /// Names that it may issue for: a DNS name with all below it, or a network; may be repeated.
    #[arg(long, value_name = "NAME")]
    permit: Vec<String>,
    /// Names that it may not issue for.
    #[arg(long, value_name = "NAME")]
    exclude: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileName {
    /// A TLS server.
    Server,
    /// A TLS client.
    Client,
    /// A TLS server that is a client too.
    Both,
    /// An authority below this one.
    Ca,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Reason {
    /// None given.
    Unspecified,
    /// The private key may be known to others.
    KeyCompromise,
    /// The holder is no longer who it was.
    AffiliationChanged,
    /// A newer certificate took its place.
    Superseded,
    /// No longer used.
    CessationOfOperation,
}

impl Command {
    pub(crate) fn run(self, json: bool) -> Result<(), Failure> {
        match self {
            Self::Init { folder, kind, subject, days, below, limits } => {
                let lifetime = days.saturating_mul(DAY);
                let authority = match below {
                    Some(above) => folder.create_below(&above, kind, &subject, lifetime, &limits)?,
                    None => folder.create_root(kind, &subject, lifetime, &limits)?,
                };
                let (value, text) = show::certificate(authority.certificate());
                print(json, &value, &text);
                Ok(())
            }
            Self::Sign { folder, request, profile, san, days, limits, out, force } => {
                let request = files::request(&request)?;
                let request = request.with_further_names(&general_names(&san)?).about("--san")?;
                let lifetime = days.saturating_mul(DAY);
                let certificate = folder.sign(&request, profile, lifetime, &limits)?;
                let left_out = request.left_out_of(&certificate);
                if !left_out.is_empty() {
                    let left_out = left_out.join(", ");
                    complain(format_args!("otls: not as asked, the profile decides: without {left_out}"));
                }
                files::deliver(out.as_ref(), certificate.to_pem().as_bytes(), Access::Public, force)
            }
            Self::Token { profile: ProfileName::Ca, .. } => {
                let what = "an authority does not enrol with a token";
                Err(Failure::usage(what, "sign its request with `otls ca sign --profile ca`"))
            }
            Self::Token { folder, profile, name } => {
                let (_, _lock) = folder.open()?;
                let mut register = folder.register()?;
                let names: Vec<&str> = name.iter().map(String::as_str).collect();
                let token = register.new_token(profile.with(0), &names, &SystemRandom).about("token")?;
                folder.keep(&register)?;
                let token = String::from_utf8_lossy(token.expose());
                print(json, &json!({ "token": token }), &token);
                Ok(())
            }
            Self::Revoke { folder, certificate, reason } => {
                let path = certificate;
                let (_, _lock) = folder.open()?;
                let mut register = folder.register()?;
                let certificate = files::leaf(&path)?;
                if !register.revoke(certificate.serial(), reason.into(), now()?) {
                    let what = format!("{}: not a certificate of this authority", path.display());
                    return Err(Failure::usage(what, "name the folder that issued it with --dir"));
                }
                folder.keep(&register)?;
                let serial = show::hex(certificate.serial());
                print(json, &json!({ "revoked": serial }), &format!("revoked {serial}"));
                Ok(())
            }
            Self::Crl { folder, days, out, force } => {
                let (authority, _lock) = folder.open()?;
                let revoked = folder.register()?.revoked();
                let UnixTime(number) = now()?;
                let lifetime = days.saturating_mul(DAY);
                // RFC 5280 §5.2.3: the number only has to grow; the time does.
                let crl = authority.issue_crl(
                    &revoked,
                    number,
                    Validity::new(UnixTime(number), Duration::from_secs(lifetime)),
                    &SystemRandom,
                );
                let pem = crl.about("revocation list")?.to_pem();
                files::deliver(out.as_ref(), pem.as_bytes(), Access::Public, force)
            }
        }
    }
}

impl Folder {
    fn create_root(
        &self,
        kind: Kind,
        subject: &Subject,
        lifetime: u64,
        limits: &Limits,
    ) -> Result<Authority, Failure> {
        if !(limits.permit.is_empty() && limits.exclude.is_empty()) {
            let what = "a root's names are not constrained";
            return Err(Failure::usage(what, "constrain the authorities below it"));
        }
        let name = subject.distinguished_name()?;
        let key = Arc::new(PrivateKey::generate(kind.into(), &SystemRandom).about("key")?);
        let hash = hash_for(None, key.algorithm());
        let (now, length) = (now()?, limits.path_len);
        let root = Authority::create(
            Arc::clone(&key),
            &name,
            hash,
            AuthorityTerms::new(Validity::new(now, Duration::from_secs(lifetime))).with_path_len(length),
            &SystemRandom,
        );
        let root = root.about("authority")?;
        self.write(&key, root.chain())?;
        Ok(root)
    }

    fn create_below(
        &self,
        above: &Path,
        kind: Kind,
        subject: &Subject,
        lifetime: u64,
        limits: &Limits,
    ) -> Result<Authority, Failure> {
        let name = subject.distinguished_name()?;
        let key = Arc::new(PrivateKey::generate(kind.into(), &SystemRandom).about("key")?);
        let hash = hash_for(None, key.algorithm());
        let request = CertificateRequest::create(&key, &name, &[], hash, &SystemRandom).about("request")?;
        let password = Password { password_file: self.password.password_file.clone() };
        let above = Folder { dir: above.to_owned(), password };
        let certificate = above.sign(&request, ProfileName::Ca, lifetime, limits)?;
        let (issuer, _lock) = above.open()?;
        let authority = Authority::load(certificate, Arc::clone(&key), hash).about("authority")?;
        let authority = authority.with_chain(issuer.chain().to_vec()).about("authority")?;
        self.write(&key, authority.chain())?;
        Ok(authority)
    }

    fn write(&self, key: &PrivateKey, chain: &[Certificate]) -> Result<(), Failure> {
        let password = files::password(self.password.password_file.as_ref())?;
        let pem = key.to_pem(password.as_ref().map(Secret::expose), &SystemRandom).about("key")?;
        fs::create_dir_all(&self.dir).map_err(|error| Failure::file(&self.dir, error))?;
        files::write(&self.file("key.pem"), pem.expose(), Access::Private, false)?;
        let chain: String = chain.iter().map(Certificate::to_pem).collect();
        files::write(&self.file("cert.pem"), chain.as_bytes(), Access::Public, false)?;
        let register = Register::default().to_text();
        files::write(&self.file("register.txt"), register.as_bytes(), Access::Private, false)
    }

    fn sign(
        &self,
        request: &CertificateRequest,
        profile: ProfileName,
        lifetime: u64,
        limits: &Limits,
    ) -> Result<Certificate, Failure> {
        let (authority, _lock) = self.open()?;
        let mut register = self.register()?;
        let (now, constrained) = (now()?, !(limits.permit.is_empty() && limits.exclude.is_empty()));
        if profile != ProfileName::Ca && (constrained || limits.path_len != 0) {
            let what = "--path-len, --permit and --exclude are for authorities";
            return Err(Failure::usage(what, "leave them out, or use --profile ca"));
        }
        let profile = profile.with(limits.path_len);
        let issued = if constrained {
            let constraints = limits.constraints()?;
            let length = limits.path_len;
            register.issue_authority(
                &authority,
                request,
                &AuthorityTerms::new(Validity::new(now, Duration::from_secs(lifetime)))
                    .with_path_len(length)
                    .with_constraints(constraints),
                &SystemRandom,
            )
        } else {
            register.issue(
                &authority,
                request,
                profile,
                Validity::new(now, Duration::from_secs(lifetime)),
                &SystemRandom,
            )
        };
        let certificate = issued.about("request")?;
        // The register first: a certificate that nobody knows of cannot be revoked.
        self.keep(&register)?;
        Ok(certificate)
    }

    /// The authority, and a lock that keeps others from changing the register meanwhile.
    fn open(&self) -> Result<(Authority, fs::File), Failure> {
        let path = self.file("register.lock");
        let lock = fs::OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let lock =
            lock.and_then(|lock| lock.lock().map(|()| lock)).map_err(|error| Failure::file(&path, error))?;
        let key = files::private_key(&self.file("key.pem"), self.password.password_file.as_ref())?;
        let path = self.file("cert.pem");
        let chain = files::certificates(&path)?;
        let certificate = chain.first().cloned();
        let certificate =
            certificate.ok_or_else(|| Failure::usage("no certificate", "see `otls ca init`"))?;
        let hash = hash_for(None, key.algorithm());
        let authority = Authority::load(certificate, Arc::new(key), hash).about(path.display())?;
        Ok((authority.with_chain(chain).about(path.display())?, lock))
    }

    fn register(&self) -> Result<Register, Failure> {
        let path = self.file("register.txt");
        let data = files::read(&path)?;
        let text = core::str::from_utf8(&data)
            .map_err(|_| Failure::usage(format!("{}: not text", path.display()), "restore it from a copy"))?;
        Register::from_text(text).about(path.display())
    }

    fn keep(&self, register: &Register) -> Result<(), Failure> {
        files::write(&self.file("register.txt"), register.to_text().as_bytes(), Access::Private, true)
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::join(&self.dir, name)
    }
}

impl Limits {
    fn constraints(&self) -> Result<NameConstraints, Failure> {
        let permitted = self.permit.iter().try_fold(NameConstraints::new(), |all, name| all.permit(name));
        let permitted = permitted.about("--permit")?;
        self.exclude.iter().try_fold(permitted, |all, name| all.exclude(name)).about("--exclude")
    }
}

impl ProfileName {
    const fn with(self, path_len: u8) -> Profile {
        match self {
            Self::Server => Profile::Server,
            Self::Client => Profile::Client,
            Self::Both => Profile::Both,
            Self::Ca => Profile::Ca { path_len },
        }
    }
}

impl From<Reason> for RevocationReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Unspecified => Self::Unspecified,
            Reason::KeyCompromise => Self::KeyCompromise,
            Reason::AffiliationChanged => Self::AffiliationChanged,
            Reason::Superseded => Self::Superseded,
            Reason::CessationOfOperation => Self::CessationOfOperation,
        }
    }
}
