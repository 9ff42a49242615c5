//! `otls key`.

use std::path::PathBuf;

use clap::Subcommand;
use otls::Secret;
use otls::crypto::SystemRandom;
use otls::pki::{Encoding, KeyEncryption, KeyFormat, PrivateKey};

use crate::failure::{About as _, Failure};
use crate::files::{self, Access};
use crate::{print, show, subject};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a private key, encrypted if a password is given.
    New {
        /// The kind of key.
        #[arg(long = "type", value_enum, default_value = "p256")]
        kind: subject::Kind,
        /// File for the private key (mode 0600); printed if absent.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// File for the public key.
        #[arg(long, value_name = "FILE")]
        public: Option<PathBuf>,
        #[command(flatten)]
        password: Password,
        #[command(flatten)]
        output: Output,
        /// Replace files that exist.
        #[arg(long)]
        force: bool,
    },
    /// Say what a private key is; never prints it.
    Show {
        /// The private key.
        file: PathBuf,
        #[command(flatten)]
        password: Password,
    },
}

/// The format of what is written.
#[derive(clap::Args)]
pub(crate) struct Output {
    /// The structure: PKCS#8, or PKCS#1 (RSA) or SEC1 (EC).
    #[arg(long, value_enum, default_value = "pkcs8")]
    format: Format,
    /// Write DER instead of PEM.
    #[arg(long)]
    der: bool,
    #[command(flatten)]
    protection: Protection,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Pkcs8,
    Pkcs1,
    Sec1,
}

/// How a private key is encrypted where it is written.
#[derive(clap::Args)]
pub(crate) struct Protection {
    /// How the password encrypts: in PKCS#8 by PBES2 with one of two key derivations, in PKCS#1 and SEC1
    /// as old OpenSSL did, which is weak.
    #[arg(long, value_enum)]
    pub(crate) encryption: Option<Encryption>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Encryption {
    /// Not at all.
    None,
    /// PBES2 with PBKDF2-HMAC-SHA256; the default with a password.
    Pbkdf2,
    /// PBES2 with scrypt.
    Scrypt,
    /// Proc-Type headers, for old readers alone.
    LegacyPem,
}

impl Protection {
    /// `source` says where the password comes from.
    pub(crate) fn with<'a>(
        &self,
        password: Option<&'a Secret>,
        source: &str,
    ) -> Result<KeyEncryption<'a>, Failure> {
        Ok(match (password.map(Secret::expose), self.encryption) {
            (None, None | Some(Encryption::None)) => KeyEncryption::Plain,
            (None, Some(_)) => {
                let hint = format!("give one with {source}");
                return Err(Failure::usage("--encryption without a password", hint));
            }
            (Some(_), Some(Encryption::None)) => {
                let what = "--encryption none, and a password to encrypt with";
                return Err(Failure::usage(what, "leave out one of them"));
            }
            (Some(password), None | Some(Encryption::Pbkdf2)) => KeyEncryption::Pbkdf2(password),
            (Some(password), Some(Encryption::Scrypt)) => KeyEncryption::Scrypt(password),
            (Some(password), Some(Encryption::LegacyPem)) => KeyEncryption::LegacyPem(password),
        })
    }
}

impl Output {
    fn write(&self, key: &PrivateKey, password: Option<&Secret>) -> Result<Secret, Failure> {
        let format = match self.format {
            Format::Pkcs8 => KeyFormat::Pkcs8,
            Format::Pkcs1 => KeyFormat::Pkcs1,
            Format::Sec1 => KeyFormat::Sec1,
        };
        let encryption = self.protection.with(password, "--password-file")?;
        let encoding = if self.der { Encoding::Der } else { Encoding::Pem };
        key.export(format, encoding, encryption, &SystemRandom).about("key")
    }
}

/// Where a password comes from.
#[derive(clap::Args)]
pub(crate) struct Password {
    /// File whose first line is the key's password; otherwise the environment's OTLS_KEY_PASSWORD.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

impl Command {
    pub(crate) fn run(self, json: bool) -> Result<(), Failure> {
        match self {
            Self::New { kind, out, public, password, output, force } => {
                let key = PrivateKey::generate(kind.into(), &SystemRandom).about("key")?;
                let password = files::password(password.password_file.as_ref())?;
                let data = output.write(&key, password.as_ref())?;
                if let Some(path) = &public {
                    files::write(path, key.public_key().to_pem().as_bytes(), Access::Public, force)?;
                }
                files::deliver(out.as_ref(), data.expose(), Access::Private, force)
            }
            Self::Show { file, password } => {
                let key = files::private_key(&file, password.password_file.as_ref())?;
                let (value, text) = show::public_key(key.public_key());
                print(json, &value, &text);
                Ok(())
            }
        }
    }
}
