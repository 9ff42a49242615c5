//! Files: read with a bound, written whole or not at all, private keys for their owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use otls::Secret;
use otls::pki::{Certificate, CertificateRequest, Crl, PrivateKey};
use zeroize::Zeroizing;

use crate::failure::{About as _, Failure};

/// Octets of the largest file that is read: a large revocation list.
const MAX_FILE_LEN: u64 = 32 << 20;
/// Octets of the largest password file.
const MAX_PASSWORD_LEN: usize = 4096;
/// Where a password may come from besides a file.
const PASSWORD_VARIABLE: &str = "OTLS_KEY_PASSWORD";

/// Who may read a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Mode 0644.
    Public,
    /// Mode 0600.
    Private,
}

pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let read = || {
        let mut data = Zeroizing::new(Vec::new());
        let taken = File::open(path)?.take(MAX_FILE_LEN.saturating_add(1)).read_to_end(&mut data)?;
        if u64::try_from(taken).is_ok_and(|taken| taken > MAX_FILE_LEN) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is larger than 32 MiB"));
        }
        Ok(data)
    };
    read().map_err(|error| Failure::file(path, error))
}

/// Writes to a temporary name, syncs, and moves it into place; refuses to replace unless `force`.
pub(crate) fn write(path: &Path, data: &[u8], access: Access, force: bool) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let write = || {
        if !force && path.symlink_metadata().is_ok() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the file exists"));
        }
        let mode = if access == Access::Private { 0o600 } else { 0o644 };
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        file.write_all(data)?;
        file.sync_all()?;
        if force {
            fs::rename(&temporary, path)?;
        } else {
            // A link fails where a rename would replace what appeared meanwhile.
            fs::hard_link(&temporary, path)?;
            fs::remove_file(&temporary)?;
        }
        match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(|error| {
        // Nothing half written stays behind; if there is no such file there is nothing to do.
        let _ = fs::remove_file(&temporary);
        Failure::file(path, error)
    })
}

/// Writes to `out`, or prints where there is none.
pub(crate) fn deliver(
    out: Option<&PathBuf>,
    data: &[u8],
    access: Access,
    force: bool,
) -> Result<(), Failure> {
    match out {
        Some(path) => write(path, data, access, force),
        None => {
            let mut stdout = io::stdout().lock();
            let written = stdout.write_all(data).and_then(|()| stdout.flush());
            written.map_err(|error| Failure::file(Path::new("standard output"), error))
        }
    }
}

pub(crate) fn private_key(path: &Path, password_file: Option<&PathBuf>) -> Result<PrivateKey, Failure> {
    let password = password(password_file)?;
    PrivateKey::load(&read(path)?, password.as_ref().map(Secret::expose)).about(path.display())
}

pub(crate) fn certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    Certificate::load_chain(&read(path)?).about(path.display())
}

pub(crate) fn request(path: &Path) -> Result<CertificateRequest, Failure> {
    CertificateRequest::load(&read(path)?).about(path.display())
}

pub(crate) fn crl(path: &Path) -> Result<Crl, Failure> {
    Crl::load(&read(path)?).about(path.display())
}

/// The first line of the file, or the environment's; never an argument, which others can see.
pub(crate) fn password(file: Option<&PathBuf>) -> Result<Option<Secret>, Failure> {
    password_from(file, PASSWORD_VARIABLE)
}

/// The same, with another variable of the environment.
pub(crate) fn password_from(file: Option<&PathBuf>, variable: &str) -> Result<Option<Secret>, Failure> {
    let Some(path) = file else {
        let variable = std::env::var_os(variable);
        return Ok(variable.map(|value| Secret::from(value.into_encoded_bytes())));
    };
    let data = read(path)?;
    let line = data.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() || line.len() > MAX_PASSWORD_LEN {
        let what = format!("{}: the first line is no password", path.display());
        return Err(Failure::usage(what, "put the password, alone, on the first line"));
    }
    Ok(Some(Secret::from(line.to_vec())))
}
