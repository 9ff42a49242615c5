//! `otls key`.

use std::path::PathBuf;

use clap::Subcommand;
use otls::Secret;
use otls::crypto::SystemRandom;
use otls::pki::PrivateKey;

use crate::failure::{About as _, Failure};
use crate::files::{self, Access};
use crate::{print, show, subject};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a private key: PKCS#8 PEM, encrypted if a password is given.
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
            Self::New { kind, out, public, password, force } => {
                let key = PrivateKey::generate(kind.into(), &SystemRandom).about("key")?;
                let password = files::password(password.password_file.as_ref())?;
                let pem = key.to_pem(password.as_ref().map(Secret::expose), &SystemRandom).about("key")?;
                if let Some(path) = &public {
                    files::write(path, key.public_key().to_pem().as_bytes(), Access::Public, force)?;
                }
                files::deliver(out.as_ref(), pem.expose(), Access::Private, force)
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
