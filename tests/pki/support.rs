//! What the tests of keys and certificates share: a private PKI, and the `openssl` command as judge.
#![allow(
    dead_code,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::Duration;

use otls::UnixTime;
use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::error::{Check, Report};
use otls::pki::{
    Authority, Certificate, CertificateRequest, Chain, DistinguishedName, GeneralName, KeyType, PeerRole,
    PrivateKey, Profile, TrustStore, Validity, VerifiedPeer,
};

pub(crate) const RANDOM: SystemRandom = SystemRandom;
/// 2046-01-19T18:40:00Z: later than the clock by which OpenSSL dates what the tests have it make.
pub(crate) const NOW: UnixTime = UnixTime(2_400_000_000);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = HOUR.saturating_mul(24);
pub(crate) const YEAR: Duration = DAY.saturating_mul(365);

/// A CA on P-256 that everybody trusts.
pub(crate) static CA: LazyLock<Authority> = LazyLock::new(|| authority("Test CA"));
/// A CA that nobody trusts.
pub(crate) static OTHER_CA: LazyLock<Authority> = LazyLock::new(|| authority("Other CA"));
/// A key that is expensive to make.
pub(crate) static RSA_KEY_PEM: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let key = PrivateKey::generate(KeyType::Rsa2048, &RANDOM).unwrap();
    key.to_pem(None, &RANDOM).unwrap().expose().to_vec()
});

pub(crate) fn ec_key() -> PrivateKey {
    PrivateKey::generate(KeyType::EcdsaP256, &RANDOM).unwrap()
}

pub(crate) fn rsa_key() -> PrivateKey {
    PrivateKey::load(&RSA_KEY_PEM, None).unwrap()
}

pub(crate) fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::with_common_name(common_name);
    name.set("C", "IN").unwrap();
    name.set("ST", "Goa").unwrap();
    name.set("L", "Panjim").unwrap();
    name.set("O", "Example Bank").unwrap();
    name
}

pub(crate) fn authority(common_name: &str) -> Authority {
    authority_at(common_name, NOW, YEAR)
}

pub(crate) fn authority_at(common_name: &str, now: UnixTime, lifetime: Duration) -> Authority {
    Authority::create(
        ec_key(),
        &name(common_name),
        HashAlgorithm::Sha256,
        Validity::new(now, lifetime),
        &RANDOM,
    )
    .unwrap()
}

pub(crate) fn request(key: &PrivateKey, common_name: &str, names: &[&str]) -> CertificateRequest {
    let names: Vec<GeneralName> = names.iter().map(|name| GeneralName::parse(name).unwrap()).collect();
    CertificateRequest::create(key, &name(common_name), &names, HashAlgorithm::Sha256, &RANDOM).unwrap()
}

pub(crate) fn server(ca: &Authority, names: &[&str]) -> Certificate {
    ca.issue(&request(&ec_key(), "bank", names), Profile::Server, Validity::new(NOW, DAY), &RANDOM).unwrap()
}

pub(crate) fn client(ca: &Authority, common_name: &str) -> Certificate {
    ca.issue(&request(&ec_key(), common_name, &[]), Profile::Client, Validity::new(NOW, DAY), &RANDOM)
        .unwrap()
}

pub(crate) fn trust(authorities: &[&Certificate]) -> TrustStore {
    let mut store = TrustStore::new();
    for authority in authorities {
        store.add_authority(authority).unwrap();
    }
    store
}

pub(crate) fn as_server(name: &str) -> PeerRole {
    PeerRole::Server(GeneralName::parse(name).unwrap())
}

pub(crate) fn chain(certificates: &[&Certificate]) -> Vec<Vec<u8>> {
    certificates.iter().map(|certificate| certificate.to_der().to_vec()).collect()
}

/// A chain as it comes on the wire, judged.
pub(crate) trait Judge {
    fn judge(&self, sent: &[Vec<u8>], role: &PeerRole, now: UnixTime) -> Result<VerifiedPeer, Report>;
}

impl Judge for TrustStore {
    fn judge(&self, sent: &[Vec<u8>], role: &PeerRole, now: UnixTime) -> Result<VerifiedPeer, Report> {
        self.verify(&Chain::from_der(sent)?, role, now)
    }
}

/// The report of a refusal, which must be by `check`, with a reason that has each of `words`.
#[track_caller]
pub(crate) fn refused(
    store: &TrustStore,
    chain: &[Vec<u8>],
    role: &PeerRole,
    now: UnixTime,
    check: Check,
    words: &[&str],
) -> Report {
    let report = store.judge(chain, role, now).expect_err("the chain was accepted");
    assert_eq!(report.check(), check, "{report}");
    for word in words {
        assert!(report.findings().next().unwrap().reason.contains(word), "no {word:?} in: {report}");
    }
    assert!(!report.hint().is_empty());
    report
}

/// The `openssl` command, or nothing after saying that the test is skipped.
pub(crate) fn openssl() -> Option<OpenSsl> {
    match Command::new("openssl").arg("version").output() {
        Ok(output) if output.status.success() => Some(OpenSsl(tempfile::tempdir().unwrap())),
        _ => {
            println!("skipped: there is no `openssl` command on this machine");
            None
        }
    }
}

/// Runs `openssl` in a folder of its own.
pub(crate) struct OpenSsl(tempfile::TempDir);

impl OpenSsl {
    pub(crate) fn dir(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, file: &str, data: impl AsRef<[u8]>) {
        std::fs::write(self.dir().join(file), data).unwrap();
    }

    pub(crate) fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.dir().join(file)).unwrap()
    }

    pub(crate) fn run(&self, arguments: &str) -> Output {
        Command::new("openssl").args(arguments.split_whitespace()).current_dir(self.dir()).output().unwrap()
    }

    /// Standard output of a run that must succeed.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "openssl {arguments}\n{out}\n{err}");
        format!("{out}{err}")
    }

    /// Both streams of a run that must fail.
    #[track_caller]
    pub(crate) fn fails(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success(), "openssl {arguments} succeeded\n{out}\n{err}");
        format!("{out}{err}")
    }
}
