//! `otls totp`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use otls::Secret;
use otls::crypto::SystemRandom;
use otls::error::ErrorCode;
use otls::otp::oath::{OathHash, OtpAuth, SharedSecret, Totp, TotpState, Window};
use serde_json::json;
use zeroize::Zeroizing;

use crate::failure::{About as _, Failure};
use crate::files::{self, Access};
use crate::{now, print};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a shared secret, as an otpauth URI in a file.
    New {
        /// Who issues the codes, as an app shows it.
        #[arg(long, value_name = "NAME")]
        issuer: String,
        /// Whose codes they are.
        #[arg(long, value_name = "NAME")]
        account: String,
        /// The hash; many apps know SHA1 alone.
        #[arg(long, value_enum, ignore_case = true, default_value = "sha1")]
        algorithm: Algorithm,
        /// Digits of a code: 6 to 8.
        #[arg(long, value_name = "N", default_value = "6")]
        digits: usize,
        /// Seconds that a code is shown for.
        #[arg(long, value_name = "SECONDS", default_value = "30")]
        period: u32,
        /// File for the URI (mode 0600).
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Print the URI as a QR code, for a terminal with light text on a dark ground.
        #[arg(long)]
        qr: bool,
        /// The same for dark text on a light ground.
        #[arg(long, requires = "qr")]
        invert: bool,
        /// Replace a file that exists.
        #[arg(long)]
        force: bool,
    },
    /// Print the present code.
    Code {
        #[command(flatten)]
        source: Source,
    },
    /// Judge a code, the first line of standard input: exit code 8 if it is refused, 2 if it cannot be a code.
    /// Blanks and hyphens in it do not count.
    Verify {
        #[command(flatten)]
        source: Source,
        /// File that remembers which codes were used (mode 0600; made if absent). Without one, a code is
        /// accepted as often as it is shown within its time.
        #[arg(long, value_name = "FILE")]
        state: Option<PathBuf>,
        /// Steps before and after the present one that are accepted too: 0 to 10.
        #[arg(long, value_name = "STEPS", default_value = "1")]
        window: u32,
    },
    /// Print the URI as a QR code; whoever sees it has the secret.
    Qr {
        #[command(flatten)]
        source: Source,
        /// For a terminal with dark text on a light ground.
        #[arg(long)]
        invert: bool,
    },
    /// Say what the URI is for; never prints the secret.
    Show {
        #[command(flatten)]
        source: Source,
    },
}

/// Where the URI comes from.
#[derive(Args)]
pub(crate) struct Source {
    /// File whose first line is the URI; otherwise the environment's OTLS_OTPAUTH_URI.
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Algorithm {
    #[value(aliases = ["sha-1", "hmacsha1", "hmac-sha1", "hmac-sha-1"])]
    Sha1,
    #[value(aliases = ["sha-256", "hmacsha256", "hmac-sha256", "hmac-sha-256"])]
    Sha256,
    #[value(aliases = ["sha-512", "hmacsha512", "hmac-sha512", "hmac-sha-512"])]
    Sha512,
}

impl From<Algorithm> for OathHash {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha1 => Self::Sha1,
            Algorithm::Sha256 => Self::Sha256,
            Algorithm::Sha512 => Self::Sha512,
        }
    }
}

/// Exit code of a code that is refused.
const REFUSED: u8 = 8;

/// Where a URI may come from besides a file.
const VARIABLE: &str = "OTLS_OTPAUTH_URI";

/// Octets of the longest line with a code that is read.
const MAX_CODE_LEN: u64 = 64;

/// Octets of the longest file with a state.
const MAX_STATE_LEN: u64 = 64;

impl Command {
    pub(crate) fn run(self, json: bool) -> Result<ExitCode, Failure> {
        match self {
            Self::New { issuer, account, algorithm, digits, period, out, qr, invert, force } => {
                let hash = algorithm.into();
                let secret = SharedSecret::generate(hash, &SystemRandom).about("secret")?;
                let totp = Totp::with(secret, hash, digits, period).about("totp")?;
                let auth = OtpAuth::with_totp(totp, &issuer, &account).about("totp")?;
                let mut line = Zeroizing::new(auth.to_uri().expose().to_vec());
                line.push(b'\n');
                files::write(&out, &line, Access::Private, force)?;
                if qr {
                    draw(&auth, invert)?
                }
            }
            Self::Code { source } => {
                let (name, auth) = source.read()?;
                let code = totp(&auth, &name)?.code(now()?);
                print(json, &json!({ "code": code.expose() }), code.expose());
            }
            Self::Verify { source, state, window } => {
                let (name, auth) = source.read()?;
                let window = Window { past: window, future: window };
                return verify(totp(&auth, &name)?, state.as_deref(), window, json);
            }
            Self::Qr { source, invert } => draw(&source.read()?.1, invert)?,
            Self::Show { source } => show(&source.read()?.1, json),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Source {
    /// What to call the URI, and what it says.
    fn read(&self) -> Result<(String, OtpAuth), Failure> {
        let (name, data) = match &self.file {
            Some(path) => (path.display().to_string(), files::read(path)?),
            None => {
                let value = std::env::var_os(VARIABLE).ok_or_else(|| {
                    let hint = format!("name a file that holds it, or set {VARIABLE}");
                    Failure::usage("no otpauth URI", hint)
                })?;
                (VARIABLE.to_owned(), Zeroizing::new(value.into_encoded_bytes()))
            }
        };
        // A second line is a character that no URI has, and what is not UTF-8 is refused as what is not ASCII.
        let auth = OtpAuth::parse(core::str::from_utf8(&data).unwrap_or("\u{FFFD}")).about(&name)?;
        Ok((name, auth))
    }
}

fn totp<'a>(auth: &'a OtpAuth, name: &str) -> Result<&'a Totp, Failure> {
    let what = || Failure::usage(format!("{name}: a URI for hotp"), "pass one for totp");
    auth.totp().ok_or_else(what)
}

fn draw(auth: &OtpAuth, invert: bool) -> Result<(), Failure> {
    let qr = auth.to_qr(invert).about("QR code")?;
    files::deliver(None, qr.expose(), Access::Private, false)
}

fn show(auth: &OtpAuth, json: bool) {
    let (value, text) = describe(auth);
    print(json, &value, &text);
}

/// What a URI is for, without its secret.
pub(crate) fn describe(auth: &OtpAuth) -> (serde_json::Value, String) {
    let (issuer, account) = (auth.issuer(), auth.account());
    let (kind, detail) = match (auth.totp(), auth.hotp()) {
        (Some(totp), _) => {
            let (hash, digits, period) = (totp.hash().name(), totp.digits(), totp.period());
            let value = json!({ "algorithm": hash, "digits": digits, "period": period });
            (format!("totp: {digits} digits, {hash}, {period} s"), value)
        }
        (None, Some((hotp, counter))) => {
            let digits = hotp.digits();
            let value = json!({ "algorithm": "SHA1", "digits": digits, "counter": counter });
            (format!("hotp: {digits} digits, SHA1, counter {counter}"), value)
        }
        (None, None) => (String::new(), serde_json::Value::Null),
    };
    let value = json!({ "issuer": issuer, "account": account, "codes": detail });
    let (issuer, account) = (printable(issuer.unwrap_or("-")), printable(account));
    (value, format!("issuer:  {issuer}\naccount: {account}\n{kind}"))
}

/// Without what moves a terminal's cursor or turns the direction of a line.
fn printable(text: &str) -> String {
    text.chars().fold(String::new(), |mut shown, one| {
        match one {
            '\'' | '"' | '\\' => shown.push(one),
            _ => shown.extend(one.escape_debug()),
        }
        shown
    })
}

fn verify(totp: &Totp, path: Option<&Path>, window: Window, json: bool) -> Result<ExitCode, Failure> {
    let code = read_code()?;
    // What is not UTF-8 is refused as what is no digit.
    let code = core::str::from_utf8(code.expose()).unwrap_or("\u{FFFD}");
    let file = path.map(StateFile::open).transpose()?;
    let state = file.as_ref().map(StateFile::read).transpose()?.unwrap_or_default();
    let accepted = totp.verify(code, now()?, window, state);
    let accepted = accepted.map_err(|error| {
        let typed = error.code() == ErrorCode::OtpNotACode;
        Failure::Otls { about: if typed { "standard input" } else { "--window" }.to_owned(), error }
    })?;
    // What is not remembered is not accepted.
    if let (Some(file), Some(next)) = (&file, accepted) {
        file.write(next)?;
    }
    let text = if accepted.is_some() { "accepted" } else { "refused" };
    print(json, &json!({ "accepted": accepted.is_some() }), text);
    Ok(if accepted.is_some() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}

/// The first line of standard input.
fn read_code() -> Result<Secret, Failure> {
    let mut input = Zeroizing::new(Vec::with_capacity(64));
    let read = io::stdin().lock().take(MAX_CODE_LEN.saturating_add(1)).read_to_end(&mut input);
    read.map_err(|error| Failure::file(Path::new("standard input"), error))?;
    let line = input.split(|octet| *octet == b'\n').next().unwrap_or_default();
    if line.trim_ascii().is_empty() {
        return Err(Failure::usage("no code on standard input", "write it there, alone on its line"));
    }
    if u64::try_from(line.len()).is_ok_and(|len| len > MAX_CODE_LEN) {
        return Err(Failure::usage(
            "a line of more than 64 octets on standard input",
            "write the code alone on it",
        ));
    }
    Ok(Secret::from(line.to_vec()))
}

/// The next step and the drift, as two numbers on a line. The file is locked while it is open, so that of
/// two programs with the same code one waits and is refused.
struct StateFile<'a> {
    path: &'a Path,
    file: File,
}

impl<'a> StateFile<'a> {
    fn open(path: &'a Path) -> Result<Self, Failure> {
        let open = || {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            let file = options.open(path)?;
            file.lock()?;
            Ok(file)
        };
        open().map(|file| Self { path, file }).map_err(|error| Failure::file(path, error))
    }

    fn read(&self) -> Result<TotpState, Failure> {
        let mut text = String::new();
        let read = (&self.file).take(MAX_STATE_LEN).read_to_string(&mut text);
        read.map_err(|error| Failure::file(self.path, error))?;
        if text.is_empty() {
            return Ok(TotpState::default());
        }
        let numbers = text.strip_suffix('\n').and_then(|line| line.split_once(' '));
        let state = numbers.and_then(|(next_step, drift)| {
            Some(TotpState { next_step: next_step.parse().ok()?, drift: drift.parse().ok()? })
        });
        state.ok_or_else(|| {
            let what = format!("{}: not a file of used codes", self.path.display());
            Failure::usage(what, "name another, or restore it: without it used codes would be accepted")
        })
    }

    fn write(&self, state: TotpState) -> Result<(), Failure> {
        // The numbers are of one width, so that one write in place replaces the whole line.
        let line = format!("{:020} {:+04}\n", state.next_step, state.drift);
        let mut file = &self.file;
        let written = file.rewind().and_then(|()| file.write_all(line.as_bytes()));
        let synced = written.and_then(|()| file.sync_all());
        synced.map_err(|error| Failure::file(self.path, error))
    }
}
