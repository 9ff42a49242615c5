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
use crate::verify::{REFUSED, Trust};
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
            Ok(Ok((evidence, customer))) => {
                let root = customer.authority().subject().to_string();
                let (mut value, text) = describe(&evidence, customer.certificate());
                value.insert("valid".to_owned(), json!(true));
                value.insert("authority".to_owned(), json!(root));
                print(json, &Value::Object(value), &format!("valid, certified below {root}\n{text}"));
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
        Ok(evidence) => {
            let (value, text) = describe(&evidence, evidence.chain().leaf());
            print(json, &Value::Object(value), &format!("not verified\n{text}"));
            ExitCode::SUCCESS
        }
        Err(failure) => failure.report(),
    }
}

fn judge(trust: &Trust, file: &Path) -> Result<Judged, Failure> {
    let trust = trust.load()?;
    let evidence = match Receipt::load(&files::read(file)?) {
        Err(error @ Error::Otp(OtpError::Receipt(_))) => return Ok(Err(error)),
        other => other.about(file.display())?,
    };
    Ok(evidence.verify(&trust).map(|customer| (evidence, customer)))
}

fn describe(evidence: &Receipt, customer: &Certificate) -> (Map<String, Value>, String) {
    let receipt = evidence.signed();
    let (subject, time) = (customer.subject().to_string(), show::rfc3339(receipt.time()));
    let mut lines = vec![
        format!("Customer: {subject}"),
        format!("Certificate: {} (SHA-256)", customer.fingerprint_text()),
        format!("Decision: {}", receipt.decision()),
        format!("Time: {time}"),
        format!("Code: {}", receipt.id()),
        format!("Signature: {}", receipt.scheme()),
    ];
    lines.extend(receipt.text().map(|text| format!("Text: {text}")));
    // Escaped: a name or value may hold what would move a terminal's cursor.
    lines.extend(receipt.context().fields().map(|(name, value)| format!("  {name:?}: {value:?}")));
    let fields: Map<String, Value> =
        receipt.context().fields().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    let value = [
        ("customer", json!(subject)),
        ("certificate_sha256", json!(customer.fingerprint_text())),
        ("decision", json!(receipt.decision().to_string())),
        ("time", json!(time)),
        ("id", json!(receipt.id().to_string())),
        ("scheme", json!(receipt.scheme().to_string())),
        ("text", json!(receipt.text())),
        ("context", Value::Object(fields)),
    ];
    (value.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(), lines.join("\n"))
}
