//! What the authority makes, before other judges: OpenSSL, GnuTLS's certtool, and the linter pkilint.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::*;
use otls::UnixTime;
use otls::crypto::hash::HashAlgorithm;
use otls::pki::{
    Authority, AuthorityTerms, CertificateRequest, GeneralName, KeyType, NameConstraints, PrivateKey,
    Profile, RevocationReason, Validity,
};

const KINDS: &[(&str, KeyType, HashAlgorithm)] = &[
    ("rsa-sha256", KeyType::Rsa2048, HashAlgorithm::Sha256),
    ("rsa-sha384", KeyType::Rsa2048, HashAlgorithm::Sha384),
    ("p256", KeyType::EcdsaP256, HashAlgorithm::Sha256),
    ("p384", KeyType::EcdsaP384, HashAlgorithm::Sha384),
];

/// Every certificate, request and list, as PEM files.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    /// With the hour of the machine: certtool takes no other.
    fn make(kind: KeyType, hash: HashAlgorithm) -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        let now = UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
        let key = || match kind == KeyType::Rsa2048 {
            true => rsa_key(),
            false => PrivateKey::generate(kind, &RANDOM).unwrap(),
        };
        let ask = |key: &PrivateKey, common_name: &str, names: &[&str]| {
            let names: Vec<GeneralName> =
                names.iter().map(|name| GeneralName::parse(name).unwrap()).collect();
            CertificateRequest::create(key, &name(common_name), &names, hash, &RANDOM).unwrap()
        };
        let root = Authority::create(
            key(),
            &name("Root"),
            hash,
            AuthorityTerms::new(Validity::new(now, YEAR)).with_path_len(1),
            &RANDOM,
        )
        .unwrap();
        let branch_key = ec_key();
        let asked = request(&branch_key, "Branch CA", &[]);
        let constraints =
            NameConstraints::new().permit("bank.example").unwrap().permit("10.0.0.0/8").unwrap();
        let issued = root
            .issue_authority(
                &asked,
                &AuthorityTerms::new(Validity::new(now, YEAR / 2))
                    .with_path_len(0)
                    .with_constraints(constraints),
                &RANDOM,
            )
            .unwrap();
        let branch = Authority::load(issued, branch_key, HashAlgorithm::Sha256).unwrap();
        files.write("root.pem", root.certificate().to_pem());
        files.write("branch.pem", branch.certificate().to_pem());

        let names = ["bank.example", "10.1.2.3"];
        let (server, client, both) = (
            ask(&key(), "bank", &names),
            ask(&key(), "asha", &["email:asha@bank.example"]),
            ask(&key(), "both", &names),
        );
        files.write("csr.pem", client.to_pem());
        let issue =
            |request, profile| branch.issue(request, profile, Validity::new(now, DAY), &RANDOM).unwrap();
        files.write("server.pem", issue(&server, Profile::Server).to_pem());
        // RFC 5280 leaves wildcards to others (RFC 9525), so this one is not for the linter.
        let wild = ask(&key(), "bank", &["*.bank.example"]);
        files.write("wild.pem", issue(&wild, Profile::Server).to_pem());
        files.write("both.pem", issue(&both, Profile::Both).to_pem());
        let client = issue(&client, Profile::Client);
        files.write("client.pem", client.to_pem());
        files.write("revoked.pem", issue(&ask(&key(), "gone", &[]), Profile::Client).to_pem());
        let gone = otls::pki::Certificate::load(&files.read("revoked.pem")).unwrap();
        let revoked = [(gone.serial().to_vec(), now, RevocationReason::KeyCompromise)];
        files.write(
            "list.pem",
            branch.issue_crl(&revoked, 2, Validity::new(now, DAY), &RANDOM).unwrap().to_pem(),
        );
        files.write(
            "root-list.pem",
            root.issue_crl(&[], 1, Validity::new(now, DAY), &RANDOM).unwrap().to_pem(),
        );
        files
    }

    fn write(&self, file: &str, text: String) {
        std::fs::write(self.folder.path().join(file), text).unwrap();
    }

    fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(file)).unwrap()
    }

    /// Runs a judge; its verdict is checked.
    #[track_caller]
    fn judge(&self, program: &Path, arguments: &str, accepted: bool) -> String {
        let mut command = Command::new(program);
        let output =
            command.args(arguments.split_whitespace()).current_dir(self.folder.path()).output().unwrap();
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.success(), accepted, "{} {arguments}\n{text}", program.display());
        text
    }
}

/// The program, or nothing after saying that the test is skipped.
fn find(program: &str) -> Option<PathBuf> {
    let in_venv = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("venv/bin").join(program);
    let path = if in_venv.exists() { in_venv } else { PathBuf::from(program) };
    if Command::new(&path).arg("--help").output().is_ok() {
        return Some(path);
    }
    println!("skipped: there is no `{program}` here; `make test` installs it");
    None
}

#[test]
fn openssl_accepts_chains_requests_and_lists() {
    let Some(openssl) = find("openssl") else { return };
    for (kind, key, hash) in KINDS {
        println!("{kind}");
        let files = Files::make(*key, *hash);
        let verify = "verify -x509_strict -CAfile root.pem -untrusted branch.pem";
        for (leaf, purpose, accepted) in [
            ("server.pem", "sslserver", true),
            ("server.pem", "sslclient", false),
            ("client.pem", "sslclient", true),
            ("client.pem", "sslserver", false),
            ("both.pem", "sslserver", true),
            ("both.pem", "sslclient", true),
        ] {
            files.judge(&openssl, &format!("{verify} -purpose {purpose} {leaf}"), accepted);
        }
        let host = |host: &str| format!("{verify} -purpose sslserver -verify_hostname {host} wild.pem");
        files.judge(&openssl, &host("a.bank.example"), true);
        files.judge(&openssl, &host("other.example"), false);
        let lists = format!("{verify} -crl_check_all -CRLfile list.pem -CRLfile root-list.pem");
        files.judge(&openssl, &format!("{lists} client.pem"), true);
        let text = files.judge(&openssl, &format!("{lists} revoked.pem"), false);
        assert!(text.contains("certificate revoked"), "{text}");
        let text = files.judge(&openssl, "req -verify -noout -in csr.pem", true);
        assert!(text.contains("verify OK"), "{text}");
        let text = files.judge(&openssl, "crl -noout -in list.pem -CAfile branch.pem", true);
        assert!(text.contains("verify OK"), "{text}");
    }
}

#[test]
fn gnutls_accepts_chains_requests_and_lists() {
    let Some(certtool) = find("certtool") else { return };
    for (kind, key, hash) in KINDS {
        println!("{kind}");
        let files = Files::make(*key, *hash);
        for leaf in ["server", "client", "both"] {
            let chain = [files.read(&format!("{leaf}.pem")), files.read("branch.pem")].concat();
            files.write(&format!("{leaf}-chain.pem"), String::from_utf8(chain).unwrap());
        }
        let verify = "--verify --load-ca-certificate root.pem --infile";
        let (server, client) = ("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2");
        for (leaf, more, accepted) in [
            ("server", format!("--verify-purpose {server} --verify-hostname bank.example"), true),
            ("server", format!("--verify-purpose {client}"), false),
            ("server", "--verify-hostname other.example".to_owned(), false),
            ("client", format!("--verify-purpose {client}"), true),
            ("client", format!("--verify-purpose {server}"), false),
            ("both", format!("--verify-purpose {client}"), true),
            ("both", format!("--verify-purpose {server}"), true),
        ] {
            files.judge(&certtool, &format!("{verify} {leaf}-chain.pem {more}"), accepted);
        }
        files.judge(&certtool, "--verify-crl --load-ca-certificate branch.pem --infile list.pem", true);
        files.judge(&certtool, "--crl-info --infile list.pem", true);
        let text = files.judge(&certtool, "--crq-info --infile csr.pem", true);
        assert!(text.contains("Self signature: verified"), "{text}");
    }
}

#[test]
fn pkilint_finds_no_error() {
    let (Some(certificate), Some(list), Some(chain)) =
        (find("lint_pkix_cert"), find("lint_crl"), find("lint_pkix_signer_signee_cert_chain"))
    else {
        return;
    };
    for (kind, key, hash) in [&KINDS[0], &KINDS[3]] {
        println!("{kind}");
        let files = Files::make(*key, *hash);
        for file in ["root.pem", "branch.pem", "server.pem", "client.pem", "both.pem"] {
            files.judge(&certificate, &format!("lint -s WARNING {file}"), true);
        }
        files.judge(&chain, "lint -s WARNING root.pem branch.pem", true);
        files.judge(&chain, "lint -s WARNING branch.pem server.pem", true);
        files.judge(&list, "lint -t CRL -p PKIX -s WARNING list.pem", true);
        files.judge(&list, "lint -t ARL -p PKIX -s WARNING root-list.pem", true);
    }
    // The judge judges: a certificate of no authority's has its faults.
    let files = Files::make(KeyType::EcdsaP256, HashAlgorithm::Sha256);
    let Some(openssl) = find("openssl") else { return };
    files.judge(
        &openssl,
        "req -x509 -newkey rsa:2048 -nodes -keyout k.pem -subj /CN=x -addext keyUsage=keyCertSign \
         -addext basicConstraints=CA:FALSE -out bad.pem",
        true,
    );
    files.judge(&certificate, "lint -s WARNING bad.pem", false);
}
