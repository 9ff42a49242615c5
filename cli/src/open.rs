//! What is in a file, for the commands that take any: opened as far as the password goes, with a bound on the work.

use std::path::{Path, PathBuf};

use otls::error::{CertificateError, KeyError};
use otls::internal::{self, Part, PartKind};
use otls::pki::{Pkcs12, PrivateKey};
use otls::{Error, Secret};

use crate::failure::Failure;
use crate::files;

/// The most private keys of one command that are opened: each may cost seconds of key derivation.
pub(crate) const MAX_KEYS: usize = 16;

/// The password of what is read.
pub(crate) struct Opener {
    password: Option<Secret>,
    is_used: bool,
    opened: usize,
}

impl Opener {
    pub(crate) fn new(password_file: Option<&PathBuf>) -> Result<Self, Failure> {
        Ok(Self { password: files::password(password_file)?, is_used: false, opened: 0 })
    }

    /// A private key, and whether it was encrypted; `None` where [`MAX_KEYS`] were opened already.
    pub(crate) fn key(&mut self, data: &[u8]) -> Option<otls::Result<(PrivateKey, bool)>> {
        if self.opened >= MAX_KEYS {
            return None;
        }
        self.opened = self.opened.saturating_add(1);
        Some(match (PrivateKey::load(data, None), &self.password) {
            (Err(Error::Key(KeyError::PasswordRequired)), Some(password)) => {
                self.is_used = true;
                PrivateKey::load(data, Some(password.expose())).map(|key| (key, true))
            }
            (other, _) => other.map(|key| (key, false)),
        })
    }

    pub(crate) fn pkcs12(&mut self, data: &[u8]) -> otls::Result<Pkcs12> {
        let password = self.password.as_ref().ok_or(KeyError::PasswordRequired)?;
        self.is_used = true;
        Pkcs12::load(data, password.expose())
    }

    /// Whether a password was given, and nothing was encrypted.
    pub(crate) fn is_unneeded(&self) -> bool {
        self.password.is_some() && !self.is_used
    }
}

/// The parts of a file.
pub(crate) fn parts(path: &Path, data: &[u8]) -> Result<Vec<Part>, Failure> {
    let parts = internal::parts(data).map_err(|error| failure(path, error))?;
    if parts.iter().any(|part| part.kind != PartKind::Crl) {
        files::check_len(path, data.len())?;
    }
    Ok(parts)
}

/// What is wrong with a file: what it is instead, where that is known.
pub(crate) fn failure(path: &Path, error: Error) -> Failure {
    match error {
        Error::Certificate(CertificateError::NotFound(found)) => {
            Failure::content(path, found.what(), found.hint())
        }
        error => Failure::Otls { about: path.display().to_string(), error },
    }
}
