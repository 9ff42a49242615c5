//! `otls_otp_ledger`: what the bank remembers of its codes.

use std::sync::Arc;
use std::time::Duration;

use libc::{c_char, size_t};

use super::context::otls_otp_context;
use super::error::otls_error;
use super::failure::Failure;
use super::guard::{self, create, required, status};
use super::handle::{Locked, Shared};
use super::issued::{otls_otp_issued, otp_id};
use super::pointer::{Handle, Input, Out, Text, Value};
use super::receipt::otls_receipt;
use super::values;
use otls::Secret;
use otls::UnixTime;
use otls::crypto::SystemRandom;
use otls::error::Error;
use otls::otp::{self, AuditLog, CodeFormat, CodeRequest, Ledger, Policy};

/// What the bank remembers of the codes that it has issued; never a code itself. Any number of threads use one
/// at once, after it was set up, and so do forked processes, see `otls_otp_ledger_open`.
pub struct otls_otp_ledger(Locked<Arc<Shared<Ledger>>>);

/// How a ledger judges, what its codes look like and where it records; see `otls_otp_ledger_open`. All zero leaves
/// it to the library, and so does each member that is zero.
#[repr(C)]
pub struct otls_otp_ledger_options {
    /// The wrong codes in a row of a subject over all its codes: 1 to 100, which it is for 0.
    pub subject_attempts: u32,
    /// The new codes of a subject within a window: 30 for 0.
    pub issues: u32,
    /// The seconds of that window: 600 for 0.
    pub window: u64,
    /// What codes are made of: ten or more visible characters of ASCII, no hyphen; decimal digits for NULL.
    pub alphabet: *const c_char,
    /// How many characters a code has: 6, which it is for 0, to 12. What is no code of this ledger is not judged: one
    /// that only verifies needs the same alphabet and length.
    pub code_len: size_t,
    /// The file of an audit log, which records every event and is made where there is none: nothing is issued or
    /// accepted that cannot be recorded. NULL for none.
    pub audit_path: *const c_char,
    /// A secret of 32 octets or more, kept apart from the log.
    pub audit_key: *const u8,
    /// The octets of that key.
    pub audit_key_len: size_t,
}

/// Options whose texts are safe to read.
struct Options<'a> {
    given: &'a otls_otp_ledger_options,
    alphabet: Text<'a>,
    audit_path: Text<'a>,
    audit_key: Input<'a>,
}

impl<'a> Options<'a> {
    /// # Safety
    /// The caller keeps the rules for pointers, with those in `given` too.
    const unsafe fn new(given: Option<&'a otls_otp_ledger_options>) -> Option<Self> {
        let Some(given) = given else { return None };
        // SAFETY: promised above.
        unsafe {
            Some(Self {
                given,
                alphabet: Text::new(given.alphabet),
                audit_path: Text::new(given.audit_path),
                audit_key: Input::new(given.audit_key, given.audit_key_len),
            })
        }
    }

    fn apply(&self, ledger: Ledger) -> Result<Ledger, Failure> {
        let usual = Policy::default();
        let &otls_otp_ledger_options { subject_attempts, issues, window, code_len, .. } = self.given;
        let ledger = ledger.with_policy(Policy {
            subject_attempts: if subject_attempts == 0 { usual.subject_attempts } else { subject_attempts },
            issues: if issues == 0 { usual.issues } else { issues },
            window: if window == 0 { usual.window } else { Duration::from_secs(window) },
        })?;
        let alphabet = self.alphabet.optional()?.unwrap_or("0123456789");
        let format = CodeFormat::of(alphabet, if code_len == 0 { 6 } else { code_len })?;
        let ledger = ledger.with_code_format(format);
        let Some(path) = self.audit_path.optional()? else { return Ok(ledger) };
        let key = Secret::from(self.audit_key.get("audit_key")?.to_vec());
        Ok(ledger.with_audit(Box::new(AuditLog::open(path.as_ref(), &key)?)))
    }
}

/// A ledger over the store that `address` names: "memory:", "sqlite:PATH", "redis://HOST…" or
/// "postgresql://HOST/DATABASE…". `pepper` is a secret of 32 octets or more, kept apart from the store. NULL
/// with a length of 0 draws one at random: that is for "memory:" alone, which ends with the program as well.
///
/// Every call of a ledger ends within ten seconds, and one that fails has accepted nothing. A ledger may be
/// opened before fork(): a child makes its own connections and leaves alone those that it has inherited; it may
/// free the ledger. Codes in memory belong to one process, and a child that was forked in the middle of another
/// thread's call of SQLite cannot use that file: both are `OTLS_ERROR_API_MISUSE`.
///
/// A Redis has to have "maxmemory-policy noeviction", "appendonly yes" and "appendfsync always".
/// "?accept=unknown-eviction" behind its address accepts one that does not tell the first,
/// "?accept=less-persistence" one that may forget its last seconds; "&" joins both.
///
/// `options` may be NULL.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for another address, for a store that this build leaves out, for a pepper that is
/// short, or missing where it is needed, and for options out of their bounds; `OTLS_ERROR_OTP_AUDIT` where the log
/// cannot be opened or is not as it was written; `OTLS_ERROR_OTP_STORE`; `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_ledger_open(
    address: *const c_char,
    pepper: *const u8,
    pepper_len: size_t,
    options: Option<&otls_otp_ledger_options>,
    ledger: *mut *mut otls_otp_ledger,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (address, pepper) = unsafe { (Text::new(address), Input::new(pepper, pepper_len)) };
    // SAFETY: as above.
    let (options, ledger, error) = unsafe { (Options::new(options), Out::new(ledger), Out::new(error)) };
    create(ledger, "ledger", error, || {
        let address = address.get("address")?;
        let pepper = pepper.optional("pepper")?.map(|pepper| Secret::from(pepper.to_vec()));
        let ledger = otls_stores::open_ledger(address, pepper)?;
        let ledger = match options {
            None => ledger,
            Some(options) => options.apply(ledger)?,
        };
        Ok(otls_otp_ledger(Locked::new(Arc::new(Shared::new(ledger)))))
    })
}

/// Frees a ledger, which forgets its codes. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_otp_ledger_free(ledger: Option<Box<otls_otp_ledger>>) {
    guard::value((), || drop(ledger));
}

/// Still verifies codes that were issued with another pepper, so that it can be replaced. To be called before
/// the ledger is used.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for a short pepper, and while another thread uses the ledger.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_ledger_add_former_pepper(
    ledger: *mut otls_otp_ledger,
    pepper: *const u8,
    pepper_len: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (ledger, pepper, error) =
        unsafe { (Handle::new(ledger), Input::new(pepper, pepper_len), Out::new(error)) };
    status(error, || {
        let pepper = Secret::from(pepper.get("pepper")?.to_vec());
        set(ledger.required("ledger")?, |ledger| Ok(ledger.add_former_pepper(&pepper)?))
    })
}

/// What a code is asked for, see `otls_otp_ledger_issue`.
#[repr(C)]
pub struct otls_otp_code_request {
    /// Whose it is: the customer's identifier as text.
    pub subject: *const c_char,
    /// The transaction that it is good for.
    pub context: *const otls_otp_context,
    /// For so many seconds it is good.
    pub lifetime: u64,
    /// Until so many wrong codes were tried.
    pub attempts: u32,
    /// The identifier of one that did not arrive, of the same subject and transaction: that one is cancelled, and
    /// the wrong codes that it has seen count for the new one. NULL for a first one.
    pub replaces: *const u8,
    /// Its length.
    pub replaces_len: size_t,
}

/// A request whose members are safe to read.
struct Request<'a> {
    given: &'a otls_otp_code_request,
    subject: Text<'a>,
    context: Handle<'a, otls_otp_context>,
    replaces: Input<'a>,
}

impl<'a> Request<'a> {
    /// # Safety
    /// The caller keeps the rules for pointers, with those in `given` too.
    const unsafe fn new(given: Option<&'a otls_otp_code_request>) -> Option<Self> {
        let Some(given) = given else { return None };
        // SAFETY: promised above.
        unsafe {
            Some(Self {
                given,
                subject: Text::new(given.subject),
                context: Handle::new(given.context.cast_mut()),
                replaces: Input::new(given.replaces, given.replaces_len),
            })
        }
    }
}

/// Issues a code.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for a subject that is none (1 to 255 octets of UTF-8, without control characters
/// and line separators), and if `lifetime` or `attempts` is 0; `OTLS_ERROR_OTP_NOT_OPEN` where the one that it
/// replaces was accepted, cancelled, locked, or is expired or unknown; `OTLS_ERROR_OTP_THROTTLED` and
/// `OTLS_ERROR_OTP_SUBJECT_LOCKED`; `OTLS_ERROR_RANDOM`; `OTLS_ERROR_OTP_STORE`; `OTLS_ERROR_OTP_AUDIT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_ledger_issue(
    ledger: *mut otls_otp_ledger,
    request: Option<&otls_otp_code_request>,
    now: u64,
    issued: *mut *mut otls_otp_issued,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (ledger, request, issued, error) =
        unsafe { (Handle::new(ledger), Request::new(request), Out::new(issued), Out::new(error)) };
    create(issued, "issued", error, || {
        let ledger = in_use(ledger.required("ledger")?)?;
        let request = request.ok_or(Failure::Null("request"))?;
        let (subject, context) =
            (request.subject.get("subject")?, request.context.required("context")?.0.lock()?);
        let asked = CodeRequest::new(subject, &context)
            .with_lifetime(Duration::from_secs(request.given.lifetime))
            .with_attempts(request.given.attempts);
        let (ledger, now) = (ledger.get()?, UnixTime(now));
        let issued = if request.given.replaces.is_null() {
            ledger.issue(&asked, now, &SystemRandom)?
        } else {
            ledger.resend(&otp_id(request.replaces)?, &asked, now, &SystemRandom)?
        };
        Ok(otls_otp_issued(Shared::new(issued)))
    })
}

/// What came back from a customer, for `otls_otp_ledger_verify` and `otls_otp_ledger_decline`.
#[repr(C)]
pub struct otls_otp_attempt {
    /// The identifier that the code was issued with, `OTLS_OTP_ID_LEN` octets.
    pub id: *const u8,
    /// Its length.
    pub id_len: size_t,
    /// To whom it was issued.
    pub subject: *const c_char,
    /// The transaction that it was issued for.
    pub context: *const otls_otp_context,
    /// The code as somebody has typed it, UTF-8; NULL for one that was declined.
    pub code: *const u8,
    /// Its octets.
    pub code_len: size_t,
    /// What the customer has signed, or NULL.
    pub receipt: *const otls_receipt,
}

/// An attempt whose members are safe to read.
pub(super) struct Attempt<'a> {
    pub(super) id: Input<'a>,
    pub(super) subject: Text<'a>,
    pub(super) context: Handle<'a, otls_otp_context>,
    pub(super) code: Input<'a>,
    pub(super) receipt: Handle<'a, otls_receipt>,
}

impl<'a> Attempt<'a> {
    /// # Safety
    /// The caller keeps the rules for pointers, with those in `given` too.
    pub(super) const unsafe fn new(given: Option<&'a otls_otp_attempt>) -> Option<Self> {
        let Some(given) = given else { return None };
        // SAFETY: promised above.
        unsafe {
            Some(Self {
                id: Input::new(given.id, given.id_len),
                subject: Text::new(given.subject),
                context: Handle::new(given.context.cast_mut()),
                code: Input::new(given.code, given.code_len),
                receipt: Handle::new(given.receipt.cast_mut()),
            })
        }
    }
}

/// Judges the code of an attempt. `*verdict` is one of the
/// `OTLS_VERDICT_` numbers and `*attempts_left` (may be NULL) what `OTLS_VERDICT_WRONG` leaves. A right code
/// is accepted exactly once, among any number of threads. A code that is refused is a verdict, not an
/// error. That of another subject is `OTLS_VERDICT_UNKNOWN`, and counts against nobody.
///
/// Blanks, hyphens and dashes in and around the code do not count, full-width characters are those of ASCII, and a
/// letter may have the other case where the alphabet has it in one. What then has another length or another
/// character is `OTLS_VERDICT_NOT_A_CODE`: it is not judged, and is no attempt.
///
/// The receipt, where there is one, is kept in the same step in which the code is accepted,
/// and with no other verdict; `otls_otp_ledger_receipt` returns it.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for an identifier that has not `OTLS_OTP_ID_LEN` octets and for a subject that is
/// none; `OTLS_ERROR_OTP_RECEIPT` for a receipt of another code or transaction, one that declines, does not verify
/// or has more than 65,536 octets as PEM, and then no code was judged; `OTLS_ERROR_OTP_STORE` and
/// `OTLS_ERROR_OTP_AUDIT`, and then nothing was accepted, and the code may be used up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_ledger_verify(
    ledger: *mut otls_otp_ledger,
    attempt: Option<&otls_otp_attempt>,
    now: u64,
    verdict: *mut i32,
    attempts_left: *mut u32,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (ledger, attempt) = unsafe { (Handle::new(ledger), Attempt::new(attempt)) };
    // SAFETY: as above.
    let (verdict, attempts_left, error) =
        unsafe { (Value::new(verdict, 0), Value::new(attempts_left, 0), Out::new(error)) };
    status(error, || {
        verdict.check("verdict")?;
        let ledger = in_use(ledger.required("ledger")?)?;
        let attempt = attempt.ok_or(Failure::Null("attempt"))?;
        let context = attempt.context.required("context")?.0.lock()?;
        let (id, subject) = (otp_id(attempt.id)?, attempt.subject.get("subject")?);
        let code = attempt.code.text("code")?;
        let (ledger, now) = (ledger.get()?, UnixTime(now));
        let receipt = attempt.receipt.optional().map(|receipt| receipt.0.get()).transpose()?;
        let judged = otp::Attempt::new(&id, subject, &context, code);
        let judged = receipt.as_deref().map_or(judged, |receipt| judged.with_receipt(receipt));
        let judged = ledger.verify(&judged, now)?;
        let (number, left) = values::of_verdict(judged);
        verdict.put(number);
        attempts_left.put(left);
        Ok(())
    })
}

/// Withdraws a code of a subject. `*verdict` is `OTLS_VERDICT_CANCELLED`, or `OTLS_VERDICT_USED` or `OTLS_VERDICT_UNKNOWN` where
/// it is too late.
///
/// Errors: as `otls_otp_ledger_verify`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_ledger_cancel(
    ledger: *mut otls_otp_ledger,
    id: *const u8,
    id_len: size_t,
    subject: *const c_char,
    now: u64,
    verdict: *mut i32,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (ledger, id, subject) = unsafe { (Handle::new(ledger), Input::new(id, id_len), Text::new(subject)) };
    // SAFETY: as above.
    let (verdict, error) = unsafe { (Value::new(verdict, 0), Out::new(error)) };
    status(error, || {
        verdict.check("verdict")?;
        let (id, subject) = (otp_id(id)?, subject.get("subject")?);
        let cancelled = in_use(ledger.required("ledger")?)?.get()?.cancel(&id, subject, UnixTime(now))?;
        verdict.put(values::of_verdict(cancelled).0);
        Ok(())
    })
}

/// Locks a subject: it gets no codes, and none of its codes are accepted, until it is unlocked.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for a subject that is none; `OTLS_ERROR_OTP_STORE`, `OTLS_ERROR_OTP_AUDIT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_ledger_lock(
    ledger: *mut otls_otp_ledger,
    subject: *const c_char,
    now: u64,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (ledger, subject, error) = unsafe { (Handle::new(ledger), Text::new(subject), Out::new(error)) };
    status(error, || {
        Ok(in_use(ledger.required("ledger")?)?.get()?.lock(subject.get("subject")?, UnixTime(now))?)
    })
}

/// Unlocks a subject that was locked or has had too many wrong codes in a row, once the bank knows that it is the
/// customer who asks.
///
/// Errors: as `otls_otp_ledger_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_ledger_unlock(
    ledger: *mut otls_otp_ledger,
    subject: *const c_char,
    now: u64,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (ledger, subject, error) = unsafe { (Handle::new(ledger), Text::new(subject), Out::new(error)) };
    status(error, || {
        Ok(in_use(ledger.required("ledger")?)?.get()?.unlock(subject.get("subject")?, UnixTime(now))?)
    })
}

/// Forgets the codes that expired more than an hour before `now`; `*count` (may be NULL) is their number. Stores
/// do so by themselves too, a few with each new code. Receipts stay, see `otls_otp_ledger_forget_receipts`.
///
/// Errors: `OTLS_ERROR_OTP_STORE`, `OTLS_ERROR_OTP_AUDIT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_ledger_expire(
    ledger: *mut otls_otp_ledger,
    now: u64,
    count: *mut u64,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (ledger, count, error) = unsafe { (Handle::new(ledger), Value::new(count, 0), Out::new(error)) };
    status(error, || {
        count.put(in_use(ledger.required("ledger")?)?.get()?.expire(UnixTime(now))?);
        Ok(())
    })
}

/// What a ledger holds; see `otls_otp_ledger_statistics`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct otls_otp_statistics {
    /// Codes that may still be accepted, unless their subject is locked.
    pub open: u64,
    /// Codes that were accepted.
    pub used: u64,
    /// Codes that were withdrawn.
    pub cancelled: u64,
    /// Codes that had too many wrong attempts, and were neither accepted nor withdrawn.
    pub locked: u64,
    /// Codes whose time is over, and that are none of these.
    pub expired: u64,
    /// Subjects that were locked by name.
    pub locked_subjects: u64,
}

/// Counts what a ledger holds, into `*statistics`, which may be uninitialised.
///
/// Errors: `OTLS_ERROR_OTP_STORE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_ledger_statistics(
    ledger: Option<&otls_otp_ledger>,
    now: u64,
    statistics: *mut otls_otp_statistics,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (statistics, error) =
        unsafe { (Value::new(statistics, otls_otp_statistics::default()), Out::new(error)) };
    status(error, || {
        statistics.check("statistics")?;
        let counted = in_use(required(ledger, "ledger")?)?.get()?.statistics(UnixTime(now))?;
        statistics.put(otls_otp_statistics {
            open: counted.open,
            used: counted.used,
            cancelled: counted.cancelled,
            locked: counted.locked,
            expired: counted.expired,
            locked_subjects: counted.locked_subjects,
        });
        Ok(())
    })
}

pub(super) fn in_use(ledger: &otls_otp_ledger) -> Result<Arc<Shared<Ledger>>, Failure> {
    Ok(Arc::clone(&*ledger.0.lock()?))
}

fn set(
    ledger: &otls_otp_ledger,
    change: impl FnOnce(&mut Ledger) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut ledger = ledger.0.lock()?;
    let ledger = Arc::get_mut(&mut ledger).and_then(Shared::get_mut);
    change(ledger.ok_or(Error::misuse("a ledger that is in use", "set it up before it is used"))?)
}
