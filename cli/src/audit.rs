//! `otls audit`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use otls::Secret;
use otls::otp::{AuditHead, AuditLog, AuditRepair};
use serde_json::json;

use crate::failure::{About as _, Failure};
use crate::{files, now, print};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check every line of a ledger's audit log, and print its end: keep it elsewhere, for --expect.
    Verify {
        /// The log's key: the whole file, 32 octets or more.
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
        /// What this command printed before, COUNT and MAC: the log must still have that line.
        #[arg(long, num_args = 2, value_names = ["COUNT", "MAC"])]
        expect: Option<Vec<String>>,
        /// The log; its head lies beside it.
        log: PathBuf,
    },
    /// Make a log that a bank can start with of one that 'verify' refuses: the lines before the bad one stay, an
    /// event says what was dropped, and the log as it was found is kept beside it as LOG.damaged.
    Repair {
        /// The log's key: the whole file, 32 octets or more.
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
        /// The log; its head lies beside it. End the programs that have it open first.
        log: PathBuf,
    },
}

impl Command {
    pub(crate) fn run(self, json: bool) -> Result<(), Failure> {
        match self {
            Self::Verify { key_file, expect, log } => {
                let key = Secret::from(files::read(&key_file)?);
                let expected = expect.as_deref().map(head).transpose()?;
                let found = AuditLog::verify_since(&log, &key, expected.as_ref()).about(log.display())?;
                report(&log, &found, json);
                Ok(())
            }
            Self::Repair { key_file, log } => {
                let key = Secret::from(files::read(&key_file)?);
                let repaired = AuditLog::repair(&log, &key, now()?).about(log.display())?;
                report_repair(&log, repaired.as_ref(), json);
                Ok(())
            }
        }
    }
}

fn head(words: &[String]) -> Result<AuditHead, Failure> {
    words.join(" ").parse().map_err(|()| {
        Failure::usage(
            "--expect takes a number and 64 hexadecimal digits",
            "give what 'otls audit verify' printed",
        )
    })
}

fn report_repair(log: &Path, repaired: Option<&AuditRepair>, json: bool) {
    let Some(AuditRepair { reason, head, dropped, missing, old }) = repaired else {
        let value = json!({ "log": log.display().to_string(), "repaired": false });
        return print(json, &value, "nothing is wrong with it; it was left alone");
    };
    let value = json!({
        "log": log.display().to_string(), "repaired": true, "reason": reason, "count": head.count,
        "dropped": dropped, "missing": missing, "old": old.display().to_string(),
    });
    let text = format!(
        "{reason}\nlines kept: {}; octets dropped: {dropped}; lines that it had and that were missing: {missing}\n\
         the log as it was found is {}: see what is in it before you trust the new one",
        head.count.saturating_sub(1),
        old.display()
    );
    print(json, &value, &text);
}

fn report(log: &Path, head: &AuditHead, json: bool) {
    let text = head.to_string();
    let mac = text.split_once(' ').map_or("", |(_, mac)| mac);
    let value = json!({ "log": log.display().to_string(), "count": head.count, "mac": mac });
    print(json, &value, &text);
}
