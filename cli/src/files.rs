//! Files: read with a bound, written whole or not at all, private keys for their owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use otls::Secret;
use otls::pki::{Certificate, CertificateRequest, Chain, Crl, Identity, PrivateKey};
use zeroize::Zeroizing;

use crate::failure::{About as _, Failure};
use crate::log::complain;

/// Octets of the largest file that is read.
const MAX_FILE_LEN: u64 = 32 << 20;
/// The same of revocation lists: PEM takes 65 octets for 48 of the largest list that loads.
const MAX_LIST_FILE_LEN: u64 = 96 << 20;
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
    read_at_most(path, MAX_FILE_LEN)
}

/// A file that may be anything: what is larger than other files are must hold revocation lists alone.
pub(crate) fn read_anything(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    read_at_most(path, MAX_LIST_FILE_LEN)
}

/// A capture or a trace, which may be larger than other files.
pub(crate) fn read_capture(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    read_at_most(path, u64::try_from(otls_explain::MAX_CAPTURE_LEN).unwrap_or(u64::MAX))
}

/// Refuses what is not revocation lists and has as many octets as only these may have.
pub(crate) fn check_len(path: &Path, len: usize) -> Result<(), Failure> {
    if u64::try_from(len).is_ok_and(|len| len <= MAX_FILE_LEN) {
        return Ok(());
    }
    let why =
        format!("the file is larger than {} MiB, and not of revocation lists alone", MAX_FILE_LEN >> 20);
    Err(Failure::content(path, why, "look whether it is the right one"))
}

fn read_at_most(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let read = || {
        let mut data = Zeroizing::new(Vec::new());
        let taken = File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut data)?;
        if u64::try_from(taken).is_ok_and(|taken| taken > limit) {
            let why = format!("the file is larger than {} MiB", limit >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
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
        // A device, a pipe: what it does is to be written to.
        if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            return OpenOptions::new().write(true).open(path)?.write_all(data);
        }
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
            written.map_err(Failure::output)
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

/// A chain that begins with its holder's certificate.
pub(crate) fn chain(path: &Path) -> Result<Chain, Failure> {
    Chain::load(&read(path)?).about(path.display())
}

pub(crate) fn request(path: &Path) -> Result<CertificateRequest, Failure> {
    CertificateRequest::load(&read(path)?).about(path.display())
}

/// All lists of a file.
pub(crate) fn crls(path: &Path) -> Result<Vec<Crl>, Failure> {
    Crl::load_all(&read_at_most(path, MAX_LIST_FILE_LEN)?).about(path.display())
}

/// Authorities that are to be trusted, or to help on the way to one; those that cannot be used are named.
pub(crate) fn authorities(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let (authorities, left_out) = Certificate::load_authorities(&read(path)?).about(path.display())?;
    for one in left_out {
        complain(format_args!("otls: {}: left out: {one}", path.display()));
    }
    Ok(authorities)
}

/// The certificate that a file is for, its issuers perhaps behind it; what is not taken is named.
pub(crate) fn leaf(path: &Path) -> Result<Certificate, Failure> {
    let chain = certificates(path)?;
    let Some((leaf, issuers)) = chain.split_first() else {
        return Err(Failure::usage(format!("{}: no certificate", path.display()), "give one"));
    };
    if issuers.iter().any(|issuer| !issuer.is_ca()) {
        let what = format!("{}: certificates of {} holders", path.display(), chain.len());
        return Err(Failure::usage(what, "give the one that is meant, alone or with its issuers behind it"));
    }
    for issuer in issuers {
        complain(format_args!("otls: {}: not taken: its issuer {}", path.display(), issuer.subject()));
    }
    Ok(leaf.clone())
}

/// A certificate's chain and its key, from two files or from one that has both.
pub(crate) fn identity(
    chain: &Path,
    key: &Path,
    password_file: Option<&PathBuf>,
) -> Result<Identity, Failure> {
    if chain == key {
        let password = password(password_file)?;
        return Identity::load(&read(chain)?, password.as_ref().map(Secret::expose)).about(chain.display());
    }
    let private = private_key(key, password_file)?;
    Identity::new(self::chain(chain)?, private).about(chain.display())
}

/// The one line of the file, or the environment's; never an argument, which others can see.
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
    let line = data.strip_suffix(b"\n").unwrap_or(&data);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() || line.len() > MAX_PASSWORD_LEN || line.contains(&b'\n') {
        let what = format!("{}: not one line with a password", path.display());
        return Err(Failure::usage(what, "put the password, and nothing else, on the first line"));
    }
    Ok(Some(Secret::from(line.to_vec())))
}
