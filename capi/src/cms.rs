//! Messages for somebody who is not connected: `otls_cms_` and `otls_otp_mail_`.

use libc::size_t;

use super::blob::otls_blob;
use super::certificate::otls_certificate;
use super::error::otls_error;
use super::guard::{create, required, status};
use super::handle::Shared;
use super::identity::otls_identity;
use super::message::otls_otp_message;
use super::pointer::{Input, Out};
use super::verify::{Options, otls_verify_options};
use otls::UnixTime;
use otls::cms;
use otls::crypto::SystemRandom;
use otls::error::Error;
use otls::otp::{Mail, Message};
use otls::pki::VerifiedPeer;

/// Signs `content` and encrypts it to the holder of a certificate: CMS SignedData inside AuthEnvelopedData
/// (RFC 5652, RFC 5083), DER, which `openssl cms` reads. The recipient's certificate is taken as it is; judge
/// one that is not known with `otls_chain_verify`. `now` is the time of the signature.
///
/// Errors: `OTLS_ERROR_CERTIFICATE_WRONG_USAGE` for a recipient whose KeyUsage does not allow it;
/// `OTLS_ERROR_API_MISUSE` for more than 16 MiB; `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_cms_seal(
    content: *const u8,
    content_len: size_t,
    signer: Option<&otls_identity>,
    recipient: Option<&otls_certificate>,
    now: u64,
    message: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (content, message, error) =
        unsafe { (Input::new(content, content_len), Out::new(message), Out::new(error)) };
    create(message, "message", error, || {
        let signer = required(signer, "signer")?.0.get()?;
        let recipient = required(recipient, "recipient")?.get()?;
        let content = content.get("content")?;
        Ok(otls_blob::copy_of(cms::seal(content, &signer, &recipient, UnixTime(now), &SystemRandom)?))
    })
}

/// Opens what `otls_cms_seal` or `openssl cms` has made for `recipient`: signed, then encrypted. The signer's
/// certificate is judged as `otls_chain_verify` judges it; it comes back in `*signer` (may be NULL). Nothing comes out unless all of it is right.
///
/// Errors: `OTLS_ERROR_CMS_MALFORMED`, `OTLS_ERROR_CMS_UNSUPPORTED`, `OTLS_ERROR_CMS_NOT_RECIPIENT`;
/// `OTLS_ERROR_DECRYPT_FAILED`, for a message in AES-CBC whatever is wrong behind the encryption;
/// `OTLS_ERROR_BAD_SIGNATURE`; the `OTLS_ERROR_CERTIFICATE_` numbers, with a report, for the signer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_cms_open(
    message: *const u8,
    message_len: size_t,
    recipient: Option<&otls_identity>,
    options: Option<&otls_verify_options>,
    signer: *mut *mut otls_certificate,
    content: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (message, options) = unsafe { (Input::new(message, message_len), Options::new(options)) };
    // SAFETY: as above.
    let (signer, content, error) = unsafe { (Out::new(signer), Out::new(content), Out::new(error)) };
    create(content, "content", error, || {
        let recipient = required(recipient, "recipient")?.0.get()?;
        let judge = options.judge()?;
        let opened = cms::open(message.get("message")?, &recipient, &judge.options(), &SystemRandom)?;
        give(signer, &opened.signer);
        Ok(otls_blob::new(opened.content))
    })
}

/// Signs `content` for everybody to read: CMS SignedData with the content and the signer's chain in it, DER.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for more than 16 MiB; `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_cms_sign(
    content: *const u8,
    content_len: size_t,
    signer: Option<&otls_identity>,
    now: u64,
    message: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (content, message, error) =
        unsafe { (Input::new(content, content_len), Out::new(message), Out::new(error)) };
    create(message, "message", error, || {
        let signer = required(signer, "signer")?.0.get()?;
        Ok(otls_blob::copy_of(cms::sign(content.get("content")?, &signer, UnixTime(now), &SystemRandom)?))
    })
}

/// Verifies what `otls_cms_sign` or `openssl cms -sign -nodetach` has made, DER or PEM, as `otls_cms_open` does.
///
/// Errors: as `otls_cms_open`, without those of decryption.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_cms_verify(
    message: *const u8,
    message_len: size_t,
    options: Option<&otls_verify_options>,
    signer: *mut *mut otls_certificate,
    content: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (message, options) = unsafe { (Input::new(message, message_len), Options::new(options)) };
    // SAFETY: as above.
    let (signer, content, error) = unsafe { (Out::new(signer), Out::new(content), Out::new(error)) };
    create(content, "content", error, || {
        let judge = options.judge()?;
        let verified = cms::verify(message.get("message")?, &judge.options())?;
        give(signer, &verified.signer);
        Ok(otls_blob::new(verified.content))
    })
}

/// Verifies a signature of `content`, which is not in the message (detached), as `openssl cms -sign` makes it.
///
/// Errors: as `otls_cms_verify`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_cms_verify_detached(
    message: *const u8,
    message_len: size_t,
    content: *const u8,
    content_len: size_t,
    options: Option<&otls_verify_options>,
    signer: *mut *mut otls_certificate,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (message, content) = unsafe { (Input::new(message, message_len), Input::new(content, content_len)) };
    // SAFETY: as above.
    let (options, signer, error) = unsafe { (Options::new(options), Out::new(signer), Out::new(error)) };
    status(error, || {
        let judge = options.judge()?;
        let (message, content) = (message.get("message")?, content.get("content")?);
        let verified = cms::verify_detached(message, content, &judge.options())?;
        give(signer, &verified.signer);
        Ok(())
    })
}

/// The message that takes an envelope to a customer who is not connected: signed by the bank together with the
/// customer's certificate, and encrypted to it, as `otls_cms_seal` does (docs/PROTOCOL.md).
///
/// Errors: as `otls_cms_seal`; `OTLS_ERROR_API_MISUSE` for a message that is not an envelope.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_mail_seal(
    message: Option<&otls_otp_message>,
    signer: Option<&otls_identity>,
    recipient: Option<&otls_certificate>,
    now: u64,
    mail: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (mail, error) = unsafe { (Out::new(mail), Out::new(error)) };
    create(mail, "mail", error, || {
        let in_use = required(message, "message")?.0.get()?;
        let signer = required(signer, "signer")?.0.get()?;
        let recipient = required(recipient, "recipient")?.get()?;
        let Message::Envelope(envelope) = &*in_use else {
            return Err(Error::misuse(
                "a message by mail that is not an envelope",
                "a customer answers over a connection",
            )
            .into());
        };
        let sealed = Mail::seal(envelope, &signer, &recipient, UnixTime(now), &SystemRandom)?;
        Ok(otls_blob::copy_of(sealed))
    })
}

/// Opens what `otls_otp_mail_seal` has made for `recipient`; `*message` is the envelope. The bank's certificate
/// is judged as in `otls_cms_open`, and comes back in `*signer` (may be NULL).
///
/// Errors: as `otls_cms_open`; `OTLS_ERROR_OTP_MALFORMED` for a content that is no envelope;
/// `OTLS_ERROR_OTP_WRONG_BINDING` for one that was signed for another recipient; `OTLS_ERROR_OTP_EXPIRED`;
/// `OTLS_ERROR_OTP_FREE_TEXT` for an envelope whose context has no template, unless `free_text` of the options
/// is not 0; `OTLS_ERROR_OTP_TRANSACTION` then for a text with characters that mislead.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_mail_open(
    mail: *const u8,
    mail_len: size_t,
    recipient: Option<&otls_identity>,
    options: Option<&otls_verify_options>,
    signer: *mut *mut otls_certificate,
    message: *mut *mut otls_otp_message,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (mail, options) = unsafe { (Input::new(mail, mail_len), Options::new(options)) };
    // SAFETY: as above.
    let (signer, message, error) = unsafe { (Out::new(signer), Out::new(message), Out::new(error)) };
    create(message, "message", error, || {
        let recipient = required(recipient, "recipient")?.0.get()?;
        let (mail, judge) = (mail.get("mail")?, options.judge()?);
        let open = if judge.accepts_free_text { Mail::open_free_text } else { Mail::open };
        let opened = open(mail, &recipient, &judge.options(), &SystemRandom)?;
        give(signer, &opened.signer);
        Ok(otls_otp_message(Shared::new(Message::Envelope(opened.envelope))))
    })
}

/// Tells who the signer is, where the caller wants to know.
fn give(signer: Out<otls_certificate>, peer: &VerifiedPeer) {
    if let Ok(slot) = signer.slot("signer") {
        slot.put(otls_certificate::new(peer.certificate()));
    }
}
