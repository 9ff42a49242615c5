//! `otls_verify_options`: against what a chain, or the signer of a message, is judged.

use libc::{c_char, size_t};

use super::certificate::otls_certificate;
use super::error::otls_error;
use super::failure::Failure;
use super::guard::create;
use super::pointer::{Handle, Input, Out, Text};
use super::trust::otls_trust_store;
use otls::UnixTime;
use otls::error::Error;
use otls::pki::{Chain, GeneralName, PeerRole, TrustStore, VerifyOptions};

/// What a certificate has to be good for: a TLS server, with a name.
pub const OTLS_ROLE_SERVER: i32 = 1;
/// What a certificate has to be good for: a TLS client.
pub const OTLS_ROLE_CLIENT: i32 = 2;
/// What a certificate has to be good for: nothing in particular, the path alone is judged.
pub const OTLS_ROLE_ANY: i32 = 3;

/// Against what a certificate is judged.
#[repr(C)]
pub struct otls_verify_options {
    /// Whom is trusted.
    pub trust: *mut otls_trust_store,
    /// One of the `OTLS_ROLE_` numbers.
    pub role: i32,
    /// The server's name for `OTLS_ROLE_SERVER`, otherwise NULL.
    pub name: *const c_char,
    /// The time now, in seconds since 1970.
    pub now: u64,
    /// Not 0 accepts an envelope whose context has no template: `otls_otp_mail_open` alone asks for it; see
    /// `otls_otp_channel_accept_free_text` for what that gives up.
    pub free_text: i32,
}

/// Options that are safe to read.
pub(super) struct Options<'a>(Option<(&'a otls_verify_options, Handle<'a, otls_trust_store>, Text<'a>)>);

/// What options say.
pub(super) struct Judge {
    trust: TrustStore,
    role: PeerRole,
    now: UnixTime,
    pub(super) accepts_free_text: bool,
}

impl<'a> Options<'a> {
    /// # Safety
    /// The caller keeps the rules for pointers, with those in `given` too.
    pub(super) const unsafe fn new(given: Option<&'a otls_verify_options>) -> Self {
        let Some(given) = given else { return Self(None) };
        // SAFETY: promised above.
        Self(Some(unsafe { (given, Handle::new(given.trust), Text::new(given.name)) }))
    }

    pub(super) fn judge(self) -> Result<Judge, Failure> {
        let (given, trust, name) = self.0.ok_or(Failure::Null("options"))?;
        Ok(Judge {
            trust: trust.required("trust")?.0.lock()?.clone(),
            role: role(given.role, name)?,
            now: UnixTime(given.now),
            accepts_free_text: given.free_text != 0,
        })
    }
}

impl Judge {
    pub(super) const fn options(&self) -> VerifyOptions<'_> {
        VerifyOptions::new(&self.trust, &self.role, self.now)
    }
}

/// Judges a certificate chain, PEM or one DER certificate, leaf first. `*authority` is the trusted authority that
/// the chain leads to.
///
/// Errors: the `OTLS_ERROR_CERTIFICATE_` numbers; the error has a report, see `otls_error_finding`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_chain_verify(
    chain: *const u8,
    chain_len: size_t,
    options: Option<&otls_verify_options>,
    authority: *mut *mut otls_certificate,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (chain, options) = unsafe { (Input::new(chain, chain_len), Options::new(options)) };
    // SAFETY: as above.
    let (authority, error) = unsafe { (Out::new(authority), Out::new(error)) };
    create(authority, "authority", error, || {
        let judge = options.judge()?;
        let chain = Chain::load(chain.get("chain")?)?;
        let peer = judge.options().verify(&chain).map_err(Error::from)?;
        Ok(otls_certificate::new(peer.authority()))
    })
}

/// The role of an `OTLS_ROLE_` number, with the name that a server has to have.
fn role(role: i32, name: Text<'_>) -> Result<PeerRole, Failure> {
    Ok(match (role, name.optional()?.unwrap_or_default()) {
        (OTLS_ROLE_SERVER, name) if !name.is_empty() => PeerRole::Server(GeneralName::parse(name)?),
        (OTLS_ROLE_CLIENT, "") => PeerRole::Client,
        (OTLS_ROLE_ANY, "") => PeerRole::Any,
        _ => {
            return Err(Error::misuse(
                "an unknown role, or one that does not go with the name",
                "pass OTLS_ROLE_SERVER with a name, another OTLS_ROLE_ number without one",
            )
            .into());
        }
    })
}
