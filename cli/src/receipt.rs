//! `otls receipt`: what a customer has signed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use otls::Error;
use otls::error::OtpError;
use otls::otp::Receipt;
use otls::pki::{Certificate, VerifiedPeer};
use serde_json::{Map, Value, json};

use crate::failure::{About as _, Failure};
use crate::verify::{self, REFUSED, Trust};
use crate::{files, print, show};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show what a receipt says; nothing is verified.
    Show {
        /// The receipt with its certificates.
        file: PathBuf,
    },
    /// Judge a receipt: the certificates at its own time, and the signature.
    Verify {
        #[command(flatten)]
        trust: Trust,
        /// The receipt with its certificates.
        file: PathBuf,
    },
}

/// Who has signed what, or why that is not proven.
type Judged = Result<(Receipt, VerifiedPeer), Error>;

impl Command {
    pub(crate) fn run(&self, json: bool) -> ExitCode {
        let judged = match self {
            Self::Show { file } => return show(file, json),
            Self::Verify { trust, file } => judge(trust, file),
        };
        match judged {
            Ok(Ok((receipt, customer))) => {
                let root = customer.authority().subject().to_string();
                let (mut value, text) = describe(&receipt, customer.certificate());
                value.insert("valid".to_owned(), json!(true));
                value.insert("authority".to_owned(), json!(root));
                value.insert("revocation_checked".to_owned(), json!(customer.revocation_checked()));
                let unchecked =
                    verify::unchecked(&customer).map(|line| format!("{line}\n")).unwrap_or_default();
                print(
                    json,
                    &Value::Object(value),
                    &format!("valid, certified below {root}\n{unchecked}{text}"),
                );
                ExitCode::SUCCESS
            }
            Ok(Err(error)) => {
                let (value, text) = match &error {
                    Error::BadCertificate(report) => show::report(report),
                    other => (
                        json!({ "valid": false, "code": other.code().name(), "reason": other.to_string() }),
                        format!("refused\n  {other}"),
                    ),
                };
                print(json, &value, &text);
                ExitCode::from(REFUSED)
            }
            Err(failure) => failure.report(),
        }
    }
}

fn show(file: &Path, json: bool) -> ExitCode {
    let loaded = files::read(file).and_then(|data| Receipt::load(&data).about(file.display()));
    match loaded {
        Ok(receipt) => {
            let (value, text) = describe(&receipt, receipt.chain().leaf());
            print(json, &Value::Object(value), &format!("not verified\n{text}"));
            ExitCode::SUCCESS
        }
        Err(failure) => failure.report(),
    }
}

fn judge(trust: &Trust, file: &Path) -> Result<Judged, Failure> {
    let trust = trust.load()?;
    let receipt = match Receipt::load(&files::read(file)?) {
        Err(error @ Error::Otp(OtpError::Receipt(_))) => return Ok(Err(error)),
        other => other.about(file.display())?,
    };
    Ok(receipt.verify(&trust).map(|customer| (receipt, customer)))
}

/// What a receipt says, signed by `customer`.
pub(crate) fn describe(receipt: &Receipt, customer: &Certificate) -> (Map<String, Value>, String) {
    let signed = receipt.signed();
    let (subject, time) = (customer.subject().to_string(), show::rfc3339(signed.time()));
    let mut lines = vec![
        format!("Customer: {subject}"),
        format!("Certificate: {} (SHA-256)", customer.fingerprint_text()),
        format!("Decision: {}", signed.decision()),
        format!("Time: {time}"),
        format!("Code: {}", signed.id()),
        format!("Signature: {}", signed.scheme()),
    ];
    lines.extend(signed.text().map(|text| format!("Text: {text}")));
    // Escaped: a name or value may hold what would move a terminal's cursor.
    lines.extend(signed.context().fields().map(|(name, value)| format!("  {name:?}: {value:?}")));
    let fields: Map<String, Value> =
        signed.context().fields().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    let value = [
        ("customer", json!(subject)),
        ("certificate_sha256", json!(customer.fingerprint_text())),
        ("decision", json!(signed.decision().to_string())),
        ("time", json!(time)),
        ("id", json!(signed.id().to_string())),
        ("scheme", json!(signed.scheme().to_string())),
        ("text", json!(signed.text())),
        ("context", Value::Object(fields)),
    ];
    (value.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(), lines.join("\n"))
}
