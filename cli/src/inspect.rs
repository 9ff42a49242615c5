//! `otls show`: what any file is.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use otls::Error;
use otls::error::{CertificateError, CmsError, KeyError, OtpError};
use otls::est::Register;
use otls::internal::{self, MessageKind, Outline, Part, PartKind, Party};
use otls::otp::Receipt;
use otls::otp::oath::OtpAuth;
use otls::pki::{Certificate, CertificateRequest, Crl, Pkcs12, PublicKey};
use serde_json::{Map, Value, json};

use crate::failure::{Failure, hint};
use crate::key::Password;
use crate::open::{self, MAX_KEYS, Opener};
use crate::{files, print, receipt, show, totp};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Any file.
    file: PathBuf,
    #[command(flatten)]
    password: Password,
}

/// What is shown of a part.
struct View {
    kind: &'static str,
    what: String,
    value: Value,
    text: String,
    /// Why it is not known what the part is, or it is damaged.
    failure: Option<Failure>,
}

type Shown = (Value, String);

impl View {
    fn of(kind: &'static str, what: impl Into<String>, (value, text): Shown) -> Self {
        Self { kind, what: what.into(), value, text, failure: None }
    }

    /// What is what it is, and is shown no further.
    fn closed(kind: &'static str, what: &str, why: &str, hint: &str) -> Self {
        let text = [why, hint].into_iter().filter(|line| !line.is_empty()).map(|line| format!("  {line}\n"));
        let value = json!({ "not_shown": why, "hint": hint });
        Self::of(kind, what, (value, text.collect()))
    }

    /// A part that does not load.
    fn unread(kind: &'static str, what: &str, error: Error, path: &Path) -> Self {
        let (words, own) = (error.to_string(), error.hint());
        let view = Self::closed(kind, what, &words, &hint(error.code(), &words, &own));
        let failure = (!is_told(&error)).then(|| open::failure(path, error));
        Self { failure, ..view }
    }

    fn json(&self, number: usize) -> Value {
        let mut map = Map::new();
        map.insert("part".to_owned(), json!(number));
        map.insert("kind".to_owned(), json!(self.kind));
        map.insert("what".to_owned(), json!(self.what));
        if let Value::Object(fields) = &self.value {
            map.extend(fields.clone());
        }
        Value::Object(map)
    }
}

/// Whether the error says what the thing is: it is whole, and not supported, or locked.
fn is_told(error: &Error) -> bool {
    match error {
        Error::Key(error) => matches!(
            error,
            KeyError::PasswordRequired
                | KeyError::UnsupportedAlgorithm(_)
                | KeyError::UnsupportedEncryption(_)
                | KeyError::UnsupportedFormat(_)
                | KeyError::UnsupportedPkcs12(_)
                | KeyError::RsaSize(_)
        ),
        Error::Certificate(error) => matches!(
            error,
            CertificateError::UnsupportedCrl(_)
                | CertificateError::UnsupportedSignature(_)
                | CertificateError::BadName(_)
        ),
        Error::Cms(error) => matches!(error, CmsError::Ber),
        Error::Otp(error) => matches!(error, OtpError::Uri { .. } | OtpError::Secret(_)),
        _ => false,
    }
}

pub(crate) fn run(arguments: &Arguments, json: bool) -> ExitCode {
    match views(arguments) {
        Ok(views) => report(views, json),
        Err(failure) => failure.report(),
    }
}

fn report(mut views: Vec<View>, json: bool) -> ExitCode {
    let first =
        views.iter_mut().find_map(|view| view.failure.take().map(|failure| (view.what.clone(), failure)));
    if let ([_], Some((_, failure))) = (views.as_slice(), &first) {
        return failure.report();
    }
    let numbered = || views.iter().zip(1_usize..);
    let value: Vec<Value> = numbered().map(|(view, number)| view.json(number)).collect();
    let text: Vec<String> =
        numbered().map(|(view, number)| format!("{number}: {}\n{}", view.what, view.text)).collect();
    print(json, &value.into(), &text.join("\n"));
    first.map_or(ExitCode::SUCCESS, |(_, failure)| failure.report())
}

fn views(arguments: &Arguments) -> Result<Vec<View>, Failure> {
    let path = arguments.file.as_path();
    let data = files::read_anything(path)?;
    let mut opener = Opener::new(arguments.password.password_file.as_ref())?;
    if let Some(view) = text(path, &data)? {
        return Ok(vec![view]);
    }
    let parts = match internal::parts(&data) {
        Err(_) if data.starts_with(BER_MESSAGE) => {
            files::check_len(path, data.len())?;
            return Ok(vec![View::unread("cms", "a CMS message", CmsError::Ber.into(), path)]);
        }
        // It was told what it is, and a hint goes with it, where it is known at all.
        Err(Error::Certificate(CertificateError::NotFound(found)))
            if !found.hint().is_empty() && !data.trim_ascii().is_empty() =>
        {
            files::check_len(path, data.len())?;
            let what = found.what();
            let what = what.strip_prefix("the data is ").or_else(|| what.strip_prefix("the data holds "));
            return Ok(vec![View::closed("other", what.unwrap_or(found.what()), "", found.hint())]);
        }
        _ => open::parts(path, &data)?,
    };
    // A receipt is its block and the certificates behind it.
    if parts.first().is_some_and(|part| part.kind == PartKind::Receipt) {
        return Ok(vec![match Receipt::load(&data) {
            Ok(receipt) => {
                let (value, text) = receipt::describe(&receipt, receipt.chain().leaf());
                let text = format!("not verified\n{text}\n");
                View::of("receipt", "a receipt", (Value::Object(value), text))
            }
            Err(error) => View::unread("receipt", "a receipt", error, path),
        }]);
    }
    Ok(parts.iter().map(|part| view(path, part, &mut opener)).collect())
}

/// ContentInfo (RFC 5652 §3) in BER of indefinite length, with a type of PKCS#7.
const BER_MESSAGE: &[u8] = &[0x30, 0x80, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07];

/// What is text, and neither PEM nor DER.
fn text(path: &Path, data: &[u8]) -> Result<Option<View>, Failure> {
    let begin = data.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(data).trim_ascii_start();
    let begins =
        |with: &str| begin.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with.as_bytes()));
    let is_uri = ["otpauth://", "apple-otpauth://", "otpauth-migration://"].into_iter().any(begins);
    if !is_uri && !data.starts_with(b"otls-register ") {
        return Ok(None);
    }
    files::check_len(path, data.len())?;
    let words = core::str::from_utf8(data).unwrap_or("\u{FFFD}");
    Ok(Some(if is_uri {
        const WHAT: &str = "an otpauth URI";
        match OtpAuth::parse(words) {
            Ok(auth) => View::of("otpauth", WHAT, totp::describe(&auth)),
            Err(error) => View::unread("otpauth", WHAT, error, path),
        }
    } else {
        const WHAT: &str = "an authority's register";
        match Register::from_text(words) {
            Ok(register) => View::of("register", WHAT, of_register(&register)),
            Err(error) => View::unread("register", WHAT, error, path),
        }
    }))
}

fn of_register(register: &Register) -> Shown {
    let (issued, revoked) = (register.entries().len(), register.revoked().len());
    let tokens = register.token_count();
    let text = format!("Issued: {issued}\nRevoked: {revoked}\nTokens that were not used: {tokens}\n");
    (json!({ "issued": issued, "revoked": revoked, "tokens": tokens }), text)
}

fn view(path: &Path, part: &Part, opener: &mut Opener) -> View {
    let (kind, shown) = match part.kind {
        PartKind::PrivateKey => ("private_key", private_key(part, opener)),
        PartKind::PublicKey => {
            ("public_key", PublicKey::load(&part.data).map(|key| show::public_key(&key)).map(Some))
        }
        PartKind::Certificate => return certificate(path, part),
        PartKind::Request => {
            ("request", CertificateRequest::load(&part.data).map(|one| Some(show::request(&one))))
        }
        PartKind::Crl => ("crl", Crl::load(&part.data).map(|list| Some(show::crl(&list)))),
        PartKind::Message => return message(path, part),
        PartKind::Pkcs12 => ("pkcs12", opener.pkcs12(&part.data).and_then(|file| of_pkcs12(&file)).map(Some)),
        PartKind::Receipt => ("receipt", Receipt::load(&part.data).map(|_| None)),
        PartKind::Other => return View::closed("other", &part.what, "", part.hint),
        PartKind::Unknown => {
            let is_der = part.data.first() == Some(&0x30);
            let hint =
                if is_der { "see what is in it: openssl asn1parse -inform DER -in FILE" } else { LOOK };
            let failure = Failure::content(path, format!("{}: not known here", part.what), hint);
            let view = View::closed("unknown", &part.what, "not known here", hint);
            return View { failure: Some(failure), ..view };
        }
    };
    match shown {
        Ok(Some(shown)) => View::of(kind, &part.what, shown),
        Ok(None) => {
            let why = format!("not opened: the file has more than {MAX_KEYS} private keys");
            View::closed(kind, &part.what, &why, "split the file")
        }
        Err(error) => View::unread(kind, &part.what, error, path),
    }
}

const LOOK: &str = "see what is in it: openssl asn1parse -in FILE";

/// Its public half; `None` where it is one key too many.
fn private_key(part: &Part, opener: &mut Opener) -> otls::Result<Option<Shown>> {
    let Some(opened) = opener.key(&part.data) else { return Ok(None) };
    let (key, is_encrypted) = opened?;
    let (mut value, text) = show::public_key(key.public_key());
    if let Value::Object(fields) = &mut value {
        fields.insert("encrypted".to_owned(), json!(is_encrypted));
    }
    let text = format!("Encrypted: {}\n{text}", if is_encrypted { "yes" } else { "no" });
    Ok(Some((value, text)))
}

fn certificate(path: &Path, part: &Part) -> View {
    match Certificate::load(&part.data) {
        Ok(certificate) => View::of("certificate", &part.what, show::certificate(&certificate)),
        Err(error) => {
            let subject = part.der().map(|der| internal::certificate_subject(&der)).unwrap_or_default();
            let what =
                if subject.is_empty() { part.what.clone() } else { format!("{} of {subject}", part.what) };
            View::unread("certificate", &what, error, path)
        }
    }
}

fn of_pkcs12(file: &Pkcs12) -> otls::Result<Shown> {
    // Where a certificate is not supported, or none is the key's, the others are shown all the same.
    let (certificates, left_out) = match file.certificates() {
        Ok(certificates) => (certificates, Vec::new()),
        Err(_) => file.authorities()?,
    };
    let key = file.key().map(|key| show::public_key(key.public_key()));
    let (values, texts): (Vec<Value>, Vec<String>) = certificates.iter().map(show::certificate).unzip();
    let mut text = file.friendly_name().map(|name| format!("Name: {name:?}\n")).unwrap_or_default();
    text += &key.as_ref().map_or_else(|| "No private key\n".to_owned(), |(_, text)| text.clone());
    text += &format!("Certificates: {}\n{}", certificates.len(), texts.join("\n"));
    left_out.iter().for_each(|one| text += &format!("Not supported: {one}\n"));
    let value = json!({
        "friendly_name": file.friendly_name(),
        "key": key.map(|(value, _)| value),
        "certificates": values,
        "not_supported": left_out,
    });
    Ok((value, text))
}

fn message(path: &Path, part: &Part) -> View {
    let outline = match Outline::of(&part.data) {
        Ok(outline) => outline,
        Err(error) => return View::unread("cms", "a CMS message or PKCS#7 bundle", error, path),
    };
    let (certificates, texts): (Vec<Value>, Vec<String>) =
        outline.certificates.iter().map(|der| inner_certificate(der)).unzip();
    let known: Vec<Certificate> =
        outline.certificates.iter().filter_map(|der| Certificate::load(der).ok()).collect();
    let parties: Vec<Value> = outline.parties.iter().map(|party| of_party(party, &known)).collect();
    let named = |role: &str| -> String {
        outline.parties.iter().map(|party| format!("{role}: {}\n", line(party, &known))).collect()
    };
    match &outline.kind {
        MessageKind::Bundle => {
            let lists = outline.crls.iter().map(|der| match Crl::load(der) {
                Ok(list) => show::crl(&list),
                Err(error) => fault(&error, "a revocation list"),
            });
            let (lists, of_lists): (Vec<Value>, Vec<String>) = lists.unzip();
            let head = format!("Certificates: {}, revocation lists: {}\n", certificates.len(), lists.len());
            let text = head + &[texts, of_lists].concat().join("\n");
            let value = json!({ "certificates": certificates, "crls": lists });
            View::of("pkcs7", "a PKCS#7 bundle", (value, text))
        }
        MessageKind::Signed => {
            let place = if outline.has_content { "in the message" } else { "not in the message (detached)" };
            let text = format!("not verified\n{}Content: {place}\n", named("Signed by"));
            let value = json!({
                "type": "signed", "content": outline.has_content, "signers": parties,
                "certificates": certificates, "crls": outline.crls.len(),
            });
            View::of("cms", "a signed CMS message", (value, text))
        }
        MessageKind::Encrypted => {
            let cipher = outline.cipher.as_deref().unwrap_or_default();
            let text = format!("{}Cipher: {cipher}\n", named("Encrypted to"));
            let value = json!({ "type": "encrypted", "cipher": cipher, "recipients": parties });
            View::of("cms", "an encrypted CMS message", (value, text))
        }
        MessageKind::Other(number) => {
            let what = format!("a CMS message of the type {number}");
            View::of("cms", what, (json!({ "type": number }), String::new()))
        }
    }
}

fn inner_certificate(der: &[u8]) -> Shown {
    match Certificate::load(der) {
        Ok(certificate) => show::certificate(&certificate),
        Err(error) => fault(&error, &internal::certificate_subject(der)),
    }
}

fn fault(error: &Error, what: &str) -> Shown {
    (json!({ "what": what, "not_shown": error.to_string() }), format!("{what}: {error}\n"))
}

/// The subject of a party whose certificate is in the message.
fn subject(party: &Party, known: &[Certificate]) -> Option<String> {
    let is_named = |one: &&Certificate| match party {
        Party::Issued(issuer, serial) => {
            let number = serial.iter().position(|octet| *octet != 0).and_then(|from| serial.get(from..));
            one.issuer() == issuer && number == Some(one.serial())
        }
        Party::KeyIdentifier(identifier) => one.subject_key_identifier() == Some(identifier),
        Party::NoCertificate => false,
    };
    known.iter().find(is_named).map(|one| one.subject().to_string())
}

fn of_party(party: &Party, known: &[Certificate]) -> Value {
    let subject = subject(party, known);
    match party {
        Party::Issued(issuer, serial) => {
            json!({ "subject": subject, "issuer": issuer.to_string(), "serial": show::hex(serial) })
        }
        Party::KeyIdentifier(identifier) => {
            json!({ "subject": subject, "subject_key_identifier": show::colons(identifier) })
        }
        Party::NoCertificate => json!({ "subject": null }),
    }
}

fn line(party: &Party, known: &[Certificate]) -> String {
    let subject = subject(party, known).map(|subject| format!("{subject}, ")).unwrap_or_default();
    match party {
        Party::Issued(issuer, serial) => {
            format!("{subject}the certificate {} of {issuer}", show::hex(serial))
        }
        Party::KeyIdentifier(identifier) => {
            format!("{subject}the certificate with the key identifier {}", show::colons(identifier))
        }
        Party::NoCertificate => "a password, or a key without a certificate".to_owned(),
    }
}
