//! `otls verify`: the verdict and the whole report.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use otls::error::Report;
use otls::pki::{GeneralName, PeerRole, TrustStore, VerifiedPeer};
use serde_json::json;

use crate::failure::{About as _, Failure};
use crate::{files, now, print, show, time};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    trust: Trust,
    /// Judge at this time, as in 2026-11-23T12:00:00Z or 2026-11-23T17:30:00+05:30, or when this day begins in
    /// UTC, as in 2026-11-23; by default now.
    #[arg(long, value_name = "RFC3339")]
    time: Option<String>,
    /// What the certificate is for.
    #[arg(long, value_enum, default_value = "server")]
    role: Role,
    /// The name that a server must have.
    #[arg(long, value_name = "NAME", required_if_eq("role", "server"))]
    name: Option<String>,
    /// The certificate, or a chain that starts with it; those behind it in any order.
    leaf: PathBuf,
}

/// Who is trusted.
#[derive(Args)]
pub(crate) struct Trust {
    /// A trusted authority's certificate; may be repeated.
    #[arg(long, value_name = "FILE", required = true)]
    root: Vec<PathBuf>,
    /// Certificates between the leaf and a root; may be repeated.
    #[arg(long, value_name = "FILE")]
    intermediate: Vec<PathBuf>,
    /// Revocation lists: one, or a bundle; may be repeated.
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// Refuse where an authority of the path has no revocation list.
    #[arg(long)]
    require_crl: bool,
    /// Accept a certificate without ExtendedKeyUsage.
    #[arg(long)]
    allow_missing_eku: bool,
    /// Authorities that may stand between the leaf and the root.
    #[arg(long, value_name = "N")]
    max_depth: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// A TLS server.
    Server,
    /// A TLS client.
    Client,
    /// The path alone is judged.
    Any,
}

impl Trust {
    pub(crate) fn load(&self) -> Result<TrustStore, Failure> {
        let mut trust = trust(&self.root, &self.intermediate, &self.crl)?;
        if let Some(depth) = self.max_depth {
            trust.set_max_depth(depth);
        }
        if self.require_crl {
            trust.require_crls();
        }
        if self.allow_missing_eku {
            trust.allow_missing_eku();
        }
        Ok(trust)
    }
}

/// The exit code of a certificate or receipt that is refused.
pub(crate) const REFUSED: u8 = 6;

pub(crate) fn run(arguments: &Arguments, json: bool) -> ExitCode {
    match judge(arguments) {
        Ok(Ok(peer)) => {
            let (leaf, text) = show::certificate(peer.certificate());
            let root = peer.authority().subject().to_string();
            let checked = peer.revocation_checked();
            let value = json!({
                "valid": true, "authority": root, "revocation_checked": checked, "certificate": leaf,
            });
            let unchecked = unchecked(&peer).map(|line| format!("{line}\n")).unwrap_or_default();
            print(json, &value, &format!("valid, issued below {root}\n{unchecked}{text}"));
            ExitCode::SUCCESS
        }
        Ok(Err(report)) => {
            let (value, text) = show::report(&report);
            print(json, &value, &text);
            ExitCode::from(REFUSED)
        }
        Err(failure) => failure.report(),
    }
}

/// What is to be said where nobody has looked whether a certificate of the path is revoked.
pub(crate) fn unchecked(peer: &VerifiedPeer) -> Option<&'static str> {
    let line = "revocation was not looked at: no list of each authority of the path was given with --crl";
    (!peer.revocation_checked()).then_some(line)
}

fn judge(arguments: &Arguments) -> Result<Result<VerifiedPeer, Report>, Failure> {
    let trust = arguments.trust.load()?;
    let chain = files::chain(&arguments.leaf)?;
    let time = match &arguments.time {
        Some(text) => time::parse("--time", text)?,
        None => now()?,
    };
    let role = role(arguments.role, arguments.name.as_deref())?;
    Ok(trust.verify(&chain, &role, time))
}

/// Who trusts these authorities, and knows these certificates below them and these revocation lists.
pub(crate) fn trust(
    roots: &[PathBuf],
    intermediates: &[PathBuf],
    crls: &[PathBuf],
) -> Result<TrustStore, Failure> {
    let mut trust = TrustStore::new();
    for path in roots {
        for certificate in files::authorities(path)? {
            trust.add_authority(&certificate).about(path.display())?;
        }
    }
    for path in intermediates {
        files::authorities(path)?.iter().for_each(|certificate| trust.add_intermediate(certificate));
    }
    for path in crls {
        files::crls(path)?.into_iter().for_each(|list| trust.add_crl(list));
    }
    Ok(trust)
}

/// What a certificate has to be good for.
pub(crate) fn role(role: Role, name: Option<&str>) -> Result<PeerRole, Failure> {
    Ok(match (role, name) {
        (Role::Server, Some(name)) => PeerRole::Server(GeneralName::parse(name).about("--name")?),
        (Role::Server, None) => return Err(Failure::usage("a server needs a name", "give --name")),
        // A name that nobody looks at would be taken for one that was.
        (Role::Client | Role::Any, Some(_)) => {
            return Err(Failure::usage(
                "--name with another role than server",
                "leave --name out, or --role",
            ));
        }
        (Role::Client, None) => PeerRole::Client,
        (Role::Any, None) => PeerRole::Any,
    })
}
