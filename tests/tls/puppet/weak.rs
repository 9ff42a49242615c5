//! Certificates that no authority should have signed.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use otls::UnixTime;
use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::pki::{Authority, Certificate, DistinguishedName, Identity, PrivateKey, Validity};

/// 2027-01-15T08:00:00Z, and a century.
const NOW: UnixTime = UnixTime(1_800_000_000);
const LONG: u64 = 36_500 * 86_400;

/// An authority, and an identity whose certificate it signed with MD5, and with SHA-1: RSA, because there is no
/// ECDSA with MD5, and by OpenSSL, because we do not sign with either.
pub fn weak_identities() -> Vec<(Authority, Arc<Identity>)> {
    ["md5", "sha1"].into_iter().filter_map(weak_identity).collect()
}

fn weak_identity(hash: &str) -> Option<(Authority, Arc<Identity>)> {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &str| {
        let mut command = Command::new("openssl");
        let output = command.args(arguments.split_whitespace()).current_dir(folder.path()).output();
        output.is_ok_and(|output| output.status.success())
    };
    if !run("version") {
        println!("skipped: there is no `openssl` command on this machine");
        return None;
    }
    let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/keys/rsa.pem");
    let key = PrivateKey::load(&std::fs::read(key).unwrap(), None).unwrap();
    let name = DistinguishedName::with_common_name("RSA root");
    let authority = Authority::create(
        key,
        &name,
        HashAlgorithm::Sha256,
        Validity::new(NOW, Duration::from_secs(LONG)),
        &SystemRandom,
    )
    .unwrap();
    let write = |name: &str, data: &[u8]| std::fs::write(folder.path().join(name), data).unwrap();
    write("ca.pem", authority.certificate().to_pem().as_bytes());
    write("ca-key.pem", authority.key().to_pem(None, &SystemRandom).unwrap().expose());
    write(
        "extensions",
        b"extendedKeyUsage=clientAuth,serverAuth\nkeyUsage=digitalSignature\nsubjectAltName=DNS:bank.example\n",
    );
    assert!(run(
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -subj /CN=x -out r"
    ));
    let sign = "x509 -req -in r -CA ca.pem -CAkey ca-key.pem -days 36000 -extfile extensions -out leaf.pem";
    assert!(run(&format!("{sign} -{hash}")));
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let leaf = Certificate::load(&read("leaf.pem")).unwrap();
    let key = PrivateKey::load(&read("k.pem"), None).unwrap();
    Some((authority, Arc::new(Identity::new(leaf.into(), key).unwrap())))
}
