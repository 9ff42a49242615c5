//! `otpauth` URIs: how a shared secret gets into an authenticator app.
//!
//! The format is the "Key URI Format" of Google Authenticator's documentation, which the apps share:
//! `otpauth://TYPE/ISSUER:ACCOUNT?secret=BASE32&issuer=ISSUER&algorithm=SHA1&digits=6&period=30`.

use zeroize::Zeroizing;

use super::hotp::Hotp;
use super::percent;
use super::secret::SharedSecret;
use super::totp::Totp;
use crate::crypto::oath::OathHash;
use crate::error::{Error, OtpError, Result};
use crate::secret::Secret;

/// What an `otpauth` URI says: a shared secret with its parameters, who issued it, and for whom.
///
/// ```
/// use otls::otp::oath::OtpAuth;
///
/// let uri = "otpauth://totp/Bank:asha?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Bank";
/// let read = OtpAuth::parse(uri)?;
/// assert_eq!((read.issuer(), read.account()), (Some("Bank"), "asha"));
/// assert_eq!(read.totp().map(|totp| totp.period()), Some(30));
/// assert!(read.to_uri().expose().starts_with(uri.as_bytes()));
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone)]
pub struct OtpAuth {
    issuer: Option<String>,
    account: String,
    scheme: Scheme,
}

crate::shown::shown!(OtpAuth, issuer, account);

#[derive(Clone)]
enum Scheme {
    Hotp { hotp: Hotp, counter: u64 },
    Totp(Totp),
}

impl OtpAuth {
    /// The most octets of a URI that is read.
    pub const MAX_LEN: usize = 2048;

    /// The most octets of an issuer's name, and of an account's, in UTF-8.
    pub const MAX_NAME_LEN: usize = 128;

    /// For codes from the time.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a name that is empty or longer than [`OtpAuth::MAX_NAME_LEN`], or that
    /// has a colon or control character in it.
    pub fn with_totp(totp: Totp, issuer: &str, account: &str) -> Result<Self> {
        Self::made(Scheme::Totp(totp), issuer, account)
    }

    /// For codes from a counter, of which `counter` is the first to be used.
    ///
    /// # Errors
    /// As [`OtpAuth::with_totp`].
    pub fn with_hotp(hotp: Hotp, counter: u64, issuer: &str, account: &str) -> Result<Self> {
        Self::made(Scheme::Hotp { hotp, counter }, issuer, account)
    }

    /// Reads a URI, as a file or a scanner of QR codes gives it: a byte order mark and blanks around it do not
    /// count. What it leaves out has the values that apps assume: SHA-1, six digits, 30 seconds.
    ///
    /// What apps add for their display is passed over: `image`, `color` and `lock` (FreeOTP), `icon` (Stratum),
    /// `tags` (andOTP), `codeDisplay` (Ente Auth). None of them changes what the codes are, and `lock` asks a
    /// device to be unlocked first, which is its owner's to see to. Apple's scheme, `apple-otpauth`, is read as
    /// `otpauth`.
    ///
    /// # Errors
    /// [`OtpError::Uri`], which names what is wrong, also for a parameter that is not known: it could change
    /// what the codes are. [`OtpError::Secret`] if the secret is no base32 or has fewer than 16 octets.
    pub fn parse(uri: &str) -> Result<Self> {
        let uri = uri.trim_start_matches('\u{FEFF}').trim();
        if uri.len() > Self::MAX_LEN {
            return Err(wrong("it has more than 2048 octets"));
        }
        // RFC 3986 §2: other characters are percent-encoded.
        if !uri.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'#') {
            return Err(wrong("it has characters that are not percent-encoded"));
        }
        let (scheme, rest) =
            uri.split_once("://").ok_or_else(|| wrong("it does not begin with otpauth://"))?;
        if scheme.eq_ignore_ascii_case("otpauth-migration") {
            return Err(refused(
                "it is an export of several accounts (otpauth-migration), not one secret",
                "ask who issued the secret for a new one, or for its own URI: otpauth://totp/…",
            ));
        }
        if !["otpauth", "apple-otpauth"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(wrong("it does not begin with otpauth://"));
        }
        let (path, query) =
            rest.split_once('?').ok_or_else(|| wrong("it has no parameters, and no secret"))?;
        let (kind, label) = path.split_once('/').ok_or_else(|| wrong("it has no account"))?;
        let is_totp = kind.eq_ignore_ascii_case("totp");
        if !is_totp && !kind.eq_ignore_ascii_case("hotp") {
            return Err(refused("its type is neither totp nor hotp", APPS_OF_THEIR_OWN));
        }
        let parameters = Parameters::read(query)?;
        let (issuer, account) = names(label, parameters.issuer.as_deref())?;
        let scheme = if is_totp { Scheme::Totp(parameters.totp()?) } else { parameters.hotp()? };
        Ok(Self { issuer, account, scheme })
    }

    /// The URI, with all parameters written out. It is as secret as the secret in it.
    pub fn to_uri(&self) -> Secret {
        // More than the longest, so that growing leaves no copy behind.
        let mut uri = Zeroizing::new(String::with_capacity(Self::MAX_LEN));
        let (kind, secret, hash, digits) = match &self.scheme {
            Scheme::Hotp { hotp, .. } => ("hotp", hotp.secret(), OathHash::Sha1, hotp.digits()),
            Scheme::Totp(totp) => ("totp", totp.secret(), totp.hash(), totp.digits()),
        };
        uri.push_str("otpauth://");
        uri.push_str(kind);
        uri.push('/');
        if let Some(issuer) = &self.issuer {
            percent::encode(issuer, &mut uri);
            uri.push(':');
        }
        percent::encode(&self.account, &mut uri);
        uri.push_str("?secret=");
        uri.push_str(core::str::from_utf8(secret.to_base32().expose()).unwrap_or_default());
        if let Some(issuer) = &self.issuer {
            uri.push_str("&issuer=");
            percent::encode(issuer, &mut uri);
        }
        let moving = match &self.scheme {
            Scheme::Hotp { counter, .. } => format!("counter={counter}"),
            Scheme::Totp(totp) => format!("period={}", totp.period()),
        };
        uri.push_str(&format!("&algorithm={}&digits={digits}&{moving}", hash.name()));
        Secret::from(core::mem::take(&mut *uri).into_bytes())
    }

    /// Who issued the secret.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Whose codes they are.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The codes from the time, if that is what it is for.
    pub fn totp(&self) -> Option<&Totp> {
        match &self.scheme {
            Scheme::Totp(totp) => Some(totp),
            Scheme::Hotp { .. } => None,
        }
    }

    /// The codes from a counter and the first counter to be used, if that is what it is for.
    pub fn hotp(&self) -> Option<(&Hotp, u64)> {
        match &self.scheme {
            Scheme::Hotp { hotp, counter } => Some((hotp, *counter)),
            Scheme::Totp(_) => None,
        }
    }

    /// A QR code of the URI, for an app to scan from a terminal: lines of Unicode half blocks with the
    /// quiet zone around them. It is drawn in the colour of the text, for a light text on a dark ground;
    /// `invert` is for a dark text on a light one. It is as secret as the secret in it.
    ///
    /// # Errors
    /// [`crate::Error::Internal`], if a URI of ours should not fit.
    #[cfg(feature = "qr")]
    pub fn to_qr(&self, invert: bool) -> Result<Secret> {
        super::qr::draw(&self.to_uri(), invert)
    }

    fn made(scheme: Scheme, issuer: &str, account: &str) -> Result<Self> {
        for name in [issuer, account] {
            check_name(name).map_err(|what| Error::misuse(what, "choose a name such as \"Example Bank\""))?;
        }
        Ok(Self { issuer: Some(issuer.to_owned()), account: account.to_owned(), scheme })
    }
}

/// The parameters of a URI, each as it is written there.
#[derive(Default)]
struct Parameters {
    secret: Option<Zeroizing<String>>,
    issuer: Option<Zeroizing<String>>,
    algorithm: Option<Zeroizing<String>>,
    digits: Option<Zeroizing<String>>,
    period: Option<Zeroizing<String>>,
    counter: Option<Zeroizing<String>>,
}

/// What apps add for their display, and for nothing else.
const PASSED_OVER: [&str; 6] = ["image", "color", "lock", "icon", "tags", "codeDisplay"];

/// What changes the codes into others: KeePassXC's and Stratum's for Steam, Yandex's PIN. `pin` is also that of
/// Mobile-OTP, which is part of what is hashed, so that it is not passed over where an app means its own lock.
const OTHER_CODES: [&str; 4] = ["encoder", "steam", "pin", "pin_length"];

impl Parameters {
    fn read(query: &str) -> Result<Self> {
        let mut parameters = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').ok_or_else(|| wrong("a parameter has no value"))?;
            if PASSED_OVER.contains(&name) {
                continue;
            }
            if OTHER_CODES.contains(&name) {
                let what = format!("its parameter {name:?} asks for other codes than HOTP and TOTP");
                return Err(refused(&what, APPS_OF_THEIR_OWN));
            }
            let value =
                percent::decode(value).ok_or_else(|| wrong("a parameter is not percent-encoded UTF-8"))?;
            let place = match name {
                "secret" => &mut parameters.secret,
                "issuer" => &mut parameters.issuer,
                "algorithm" => &mut parameters.algorithm,
                "digits" => &mut parameters.digits,
                "period" => &mut parameters.period,
                "counter" => &mut parameters.counter,
                // No secret is so short that it could be repeated here by mistake.
                unknown if unknown.len() <= MAX_SHOWN_LEN => {
                    return Err(refused(&format!("its parameter {unknown:?} is not known"), LEAVE_IT_OUT));
                }
                _ => return Err(refused("one of its parameters is not known", LEAVE_IT_OUT)),
            };
            if place.replace(value).is_some() {
                return Err(wrong(&format!("its parameter {name:?} is there twice")));
            }
        }
        Ok(parameters)
    }

    fn totp(self) -> Result<Totp> {
        if self.counter.is_some() {
            return Err(wrong("it has a counter, which is of hotp"));
        }
        let (hash, digits) = (self.hash()?, self.digits()?);
        let period = match &self.period {
            Some(period) => number(period)
                .and_then(|period| u32::try_from(period).ok())
                .filter(|period| (1..=Totp::MAX_PERIOD).contains(period))
                .ok_or_else(|| wrong("its period is not 1 to 86400 seconds"))?,
            None => Totp::DEFAULT_PERIOD,
        };
        Totp::with(self.secret()?, hash, digits, period)
    }

    fn hotp(self) -> Result<Scheme> {
        if self.period.is_some() {
            return Err(wrong("it has a period, which is of totp"));
        }
        // RFC 4226 §5.2 has no other.
        if self.hash()? != OathHash::Sha1 {
            return Err(wrong("its algorithm is not SHA1, the only one of hotp"));
        }
        let counter = self.counter.as_ref().ok_or_else(|| wrong("it has no counter, which hotp needs"))?;
        let counter = number(counter).ok_or_else(|| wrong("its counter is not a number of 64 bits"))?;
        let digits = self.digits()?;
        Ok(Scheme::Hotp { hotp: Hotp::new(self.secret()?, digits)?, counter })
    }

    fn secret(&self) -> Result<SharedSecret> {
        SharedSecret::from_base32(self.secret.as_ref().ok_or_else(|| wrong("it has no secret"))?)
    }

    fn hash(&self) -> Result<OathHash> {
        let Some(algorithm) = &self.algorithm else { return Ok(OathHash::Sha1) };
        OathHash::from_app_name(algorithm).ok_or_else(|| wrong("its algorithm is not SHA1, SHA256 or SHA512"))
    }

    fn digits(&self) -> Result<usize> {
        let Some(digits) = &self.digits else { return Ok(Hotp::MIN_DIGITS) };
        number(digits)
            .and_then(|digits| usize::try_from(digits).ok())
            .filter(|digits| (Hotp::MIN_DIGITS..=Hotp::MAX_DIGITS).contains(digits))
            .ok_or_else(|| wrong("its digits are not 6, 7 or 8"))
    }
}

/// The issuer and the account: the label has both, with a colon between them that may be encoded, and spaces
/// behind it; the issuer is also a parameter.
fn names(label: &str, parameter: Option<&String>) -> Result<(Option<String>, String)> {
    let label = percent::decode(label).ok_or_else(|| wrong("its label is not percent-encoded UTF-8"))?;
    let (in_label, account) = match label.split_once(':') {
        Some((issuer, account)) => (Some(issuer), account.trim_start_matches(' ')),
        None => (None, label.as_str()),
    };
    let parameter = parameter.map(String::as_str);
    for name in [in_label, parameter, Some(account)].into_iter().flatten() {
        check_name(name).map_err(wrong)?;
    }
    if in_label.is_some() && parameter.is_some() && in_label != parameter {
        return Err(wrong("the issuer in its label is not the one in its parameter"));
    }
    Ok((parameter.or(in_label).map(str::to_owned), account.to_owned()))
}

fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() || name.len() > OtpAuth::MAX_NAME_LEN {
        return Err("the name of an issuer or account is empty or longer than 128 octets");
    }
    if name.contains(|character: char| character == ':' || character.is_control()) {
        return Err("the name of an issuer or account has a colon or a control character in it");
    }
    if name.starts_with(' ') {
        return Err("the name of an issuer or account begins with a space");
    }
    Ok(())
}

fn number(text: &str) -> Option<u64> {
    // A sign would be parsed.
    if text.bytes().all(|octet| octet.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn wrong(what: &str) -> Error {
    refused(
        what,
        "take it whole from who issued it: otpauth://totp/ISSUER:ACCOUNT?secret=BASE32&issuer=ISSUER",
    )
}

fn refused(what: &str, hint: &'static str) -> Error {
    OtpError::Uri { what: what.to_owned(), hint }.into()
}

const LEAVE_IT_OUT: &str =
    "it could change what the codes are: leave it out once who issued the URI says that it does not";

const APPS_OF_THEIR_OWN: &str = "Steam, Yandex and Mobile-OTP make codes of their own: use their apps";

/// Characters of an unknown parameter's name that an error repeats.
const MAX_SHOWN_LEN: usize = 16;

#[cfg(test)]
mod tests;
