//! `otls cms`: messages that are signed, and encrypted to the holder of a certificate.

use otls::pki::{PeerRole, VerifyOptions};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use otls::cms;
use otls::crypto::SystemRandom;
use serde_json::json;

use crate::failure::{About as _, Failure};
use crate::files::{self, Access};
use crate::key::Password;
use crate::log::complain;
use crate::verify::{self, Role, Trust};
use crate::{now, print, time};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Sign a file and encrypt it to a certificate's holder: CMS in DER, as `openssl cms` reads it.
    Seal(Seal),
    /// Decrypt a message and verify its signature; nothing comes out unless all of it is right.
    Open(Open),
    /// Verify a message that is signed and not encrypted, and say who has signed it.
    Verify(Verify),
}

#[derive(Args)]
pub(crate) struct Seal {
    /// The signer's certificate, and those between it and its root.
    #[arg(long, value_name = "FILE")]
    signer: PathBuf,
    /// The signer's private key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    password: Password,
    /// The certificate of who may read it; it is taken as it is.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Where the message goes; by default standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a file that exists.
    #[arg(long)]
    force: bool,
    /// What to seal.
    file: PathBuf,
}

/// Who has to have signed.
#[derive(Args)]
struct Signer {
    /// What the signer's certificate is for.
    #[arg(long, value_enum, default_value = "server")]
    role: Role,
    /// The name that the signer must have.
    #[arg(long, value_name = "NAME", required_if_eq("role", "server"))]
    name: Option<String>,
}

impl Signer {
    fn role(&self) -> Result<PeerRole, Failure> {
        verify::role(self.role, self.name.as_deref())
    }
}

#[derive(Args)]
pub(crate) struct Open {
    /// The certificate that the message was encrypted to.
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// Its private key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    trust: Trust,
    #[command(flatten)]
    signer: Signer,
    /// Where the content goes, for its owner alone; by default standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a file that exists.
    #[arg(long)]
    force: bool,
    /// The message.
    file: PathBuf,
}

#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    trust: Trust,
    #[command(flatten)]
    signer: Signer,
    /// Judge at this time, as `otls verify` takes it; by default now.
    #[arg(long, value_name = "RFC3339")]
    time: Option<String>,
    /// What was signed, where it is not in the message (a detached signature).
    #[arg(long, value_name = "FILE", conflicts_with = "out")]
    content: Option<PathBuf>,
    /// Where the content of the message goes; by default standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a file that exists.
    #[arg(long)]
    force: bool,
    /// The message, DER or PEM.
    file: PathBuf,
}

impl Command {
    pub(crate) fn run(self, json: bool) -> Result<(), Failure> {
        match self {
            Self::Seal(arguments) => seal(&arguments),
            Self::Open(arguments) => open(&arguments, json),
            Self::Verify(arguments) => verify(&arguments, json),
        }
    }
}

fn seal(arguments: &Seal) -> Result<(), Failure> {
    let signer =
        files::identity(&arguments.signer, &arguments.key, arguments.password.password_file.as_ref())?;
    let to = files::leaf(&arguments.to)?;
    let content = files::read(&arguments.file)?;
    let sealed = cms::seal(&content, &signer, &to, now()?, &SystemRandom).about(arguments.to.display())?;
    files::deliver(arguments.out.as_ref(), &sealed, Access::Public, arguments.force)
}

fn open(arguments: &Open, json: bool) -> Result<(), Failure> {
    if json && arguments.out.is_none() {
        return Err(two_outputs());
    }
    let recipient =
        files::identity(&arguments.cert, &arguments.key, arguments.password.password_file.as_ref())?;
    let trust = arguments.trust.load()?;
    let role = arguments.signer.role()?;
    let message = files::read(&arguments.file)?;
    let opened = cms::open(&message, &recipient, &VerifyOptions::new(&trust, &role, now()?), &SystemRandom)
        .about(arguments.file.display())?;
    files::deliver(arguments.out.as_ref(), opened.content.expose(), Access::Private, arguments.force)?;
    tell(&opened, arguments.out.is_some(), json);
    Ok(())
}

fn verify(arguments: &Verify, json: bool) -> Result<(), Failure> {
    if json && arguments.out.is_none() && arguments.content.is_none() {
        return Err(two_outputs());
    }
    let trust = arguments.trust.load()?;
    let role = arguments.signer.role()?;
    let now = arguments.time.as_deref().map_or_else(now, |text| time::parse("--time", text))?;
    let options = VerifyOptions::new(&trust, &role, now);
    let message = files::read(&arguments.file)?;
    let verified = match &arguments.content {
        Some(content) => cms::verify_detached(&message, &files::read(content)?, &options),
        None => cms::verify(&message, &options),
    };
    let verified = verified.about(arguments.file.display())?;
    let is_printed = arguments.content.is_none() && arguments.out.is_none();
    if arguments.content.is_none() {
        let content = verified.content.expose();
        files::deliver(arguments.out.as_ref(), content, Access::Public, arguments.force)?;
    }
    tell(&verified, !is_printed, json);
    Ok(())
}

fn two_outputs() -> Failure {
    Failure::usage("--json tells who has signed, and the content is on its way", "give --out")
}

/// Says who has signed; where the content was printed, only what was not looked at, beside it.
fn tell(opened: &cms::Verified, is_free: bool, json: bool) {
    let unchecked = verify::unchecked(&opened.signer);
    if is_free {
        let signer = opened.signer.certificate();
        let value = json!({
            "valid": true,
            "signer": signer.subject().to_string(),
            "fingerprint": signer.fingerprint_text(),
            "signed_at": opened.signed_at.map(|time| time.0),
            "revocation_checked": opened.signer.revocation_checked(),
        });
        let unchecked = unchecked.unwrap_or_default();
        print(json, &value, &format!("signed by {}\n{unchecked}", signer.subject()));
    } else if let Some(line) = unchecked {
        complain(format_args!("otls: {line}"));
    }
}
