//! `otls key`.

use std::path::PathBuf;

use clap::Subcommand;
use otls::Secret;
use otls::crypto::SystemRandom;
use otls::pki::{Encoding, KeyEncryption, KeyFormat, PrivateKey, PublicKey};

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
    /// Write a private key in another format, with another password or none, or its public half.
    Convert {
        /// The private key.
        file: PathBuf,
        #[command(flatten)]
        password: Password,
        #[command(flatten)]
        output: Output,
        /// File whose first line is the password of what is written; without it, and without the
        /// environment's OTLS_NEW_KEY_PASSWORD, it is not encrypted.
        #[arg(long, value_name = "FILE")]
        new_password_file: Option<PathBuf>,
        /// Write the public key instead.
        #[arg(long)]
        public: bool,
        /// File for the result (mode 0600 for a private key); printed if absent.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Replace a file that exists.
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
    /// How the password encrypts: in PKCS#8 by PBES2 with one of two key derivations, in PKCS#1 and SEC1
    /// as old OpenSSL did, which is weak.
    #[arg(long, value_enum)]
    encryption: Option<Encryption>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Pkcs8,
    Pkcs1,
    Sec1,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Encryption {
    /// PBES2 with PBKDF2-HMAC-SHA256; the default.
    Pbkdf2,
    /// PBES2 with scrypt.
    Scrypt,
    /// Proc-Type headers, for old readers alone.
    LegacyPem,
}

impl Output {
    fn encoding(&self) -> Encoding {
        if self.der { Encoding::Der } else { Encoding::Pem }
    }

    /// `source` says where the password comes from.
    fn private(&self, key: &PrivateKey, password: Option<&Secret>, source: &str) -> Result<Secret, Failure> {
        let format = match self.format {
            Format::Pkcs8 => KeyFormat::Pkcs8,
            Format::Pkcs1 => KeyFormat::Pkcs1,
            Format::Sec1 => KeyFormat::Sec1,
        };
        let encryption = match (password.map(Secret::expose), self.encryption) {
            (None, None) => KeyEncryption::Plain,
            (None, Some(_)) => {
                return Err(Failure::usage(
                    "--encryption without a password",
                    format!("give one with {source}"),
                ));
            }
            (Some(password), None | Some(Encryption::Pbkdf2)) => KeyEncryption::Pbkdf2(password),
            (Some(password), Some(Encryption::Scrypt)) => KeyEncryption::Scrypt(password),
            (Some(password), Some(Encryption::LegacyPem)) => KeyEncryption::LegacyPem(password),
        };
        key.export(format, self.encoding(), encryption, &SystemRandom).about("key")
    }

    fn public(&self, key: &PublicKey) -> Result<Vec<u8>, Failure> {
        Ok(match (self.format, self.encoding()) {
            (Format::Pkcs8, Encoding::Pem) => key.to_pem().into_bytes(),
            (Format::Pkcs8, Encoding::Der) => key.to_der().to_vec(),
            (Format::Pkcs1, Encoding::Pem) => key.to_pkcs1_pem().about("key")?.into_bytes(),
            (Format::Pkcs1, Encoding::Der) => key.to_pkcs1_der().about("key")?,
            (Format::Sec1, _) => {
                return Err(Failure::usage("SEC1 is a format of private keys", "leave --format out"));
            }
        })
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
                let data = output.private(&key, password.as_ref(), "--password-file")?;
                if let Some(path) = &public {
                    files::write(path, key.public_key().to_pem().as_bytes(), Access::Public, force)?;
                }
                files::deliver(out.as_ref(), data.expose(), Access::Private, force)
            }
            Self::Convert { file, password, output, new_password_file, public, out, force } => {
                let key = files::private_key(&file, password.password_file.as_ref())?;
                if public {
                    let data = output.public(key.public_key())?;
                    return files::deliver(out.as_ref(), &data, Access::Public, force);
                }
                let password = files::password_from(new_password_file.as_ref(), "OTLS_NEW_KEY_PASSWORD")?;
                let data = output.private(&key, password.as_ref(), "--new-password-file")?;
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
