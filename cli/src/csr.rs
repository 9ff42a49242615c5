//! `otls csr`.

use std::path::PathBuf;

use clap::Subcommand;
use otls::crypto::SystemRandom;
use otls::pki::CertificateRequest;

use crate::failure::{About as _, Failure};
use crate::files::{self, Access};
use crate::key::Password;
use crate::subject::{Hash, Subject, general_names, hash_for};
use crate::{print, show};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a certificate request.
    New {
        /// The private key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        #[command(flatten)]
        password: Password,
        #[command(flatten)]
        subject: Subject,
        /// A DNS name, an IP address, `email:…` or `URI:…`; may be repeated.
        #[arg(long, value_name = "NAME")]
        san: Vec<String>,
        /// The hash to sign with; by default the one that goes with the key.
        #[arg(long, value_enum)]
        hash: Option<Hash>,
        /// File for the request; printed if absent.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Replace a file that exists.
        #[arg(long)]
        force: bool,
    },
    /// Say what a request asks for; its proof of possession is checked.
    Show {
        /// The request.
        file: PathBuf,
    },
    /// Check the proof of possession.
    Verify {
        /// The request.
        file: PathBuf,
    },
}

impl Command {
    pub(crate) fn run(self, json: bool) -> Result<(), Failure> {
        match self {
            Self::New { key, password, subject, san, hash, out, force } => {
                let key = files::private_key(&key, password.password_file.as_ref())?;
                let hash = hash_for(hash, key.algorithm());
                let (name, names) = (subject.distinguished_name()?, general_names(&san)?);
                let request = CertificateRequest::create(&key, &name, &names, hash, &SystemRandom);
                let pem = request.about("request")?.to_pem();
                files::deliver(out.as_ref(), pem.as_bytes(), Access::Public, force)
            }
            Self::Show { file } => {
                let (value, text) = show::request(&files::request(&file)?);
                print(json, &value, &text);
                Ok(())
            }
            Self::Verify { file } => {
                files::request(&file)?;
                print(json, &serde_json::json!({ "valid": true }), "the signature is right");
                Ok(())
            }
        }
    }
}
