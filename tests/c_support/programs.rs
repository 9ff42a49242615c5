//! The two example programs, and the files that they run on.
#![allow(dead_code, unreachable_pub)]

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fs, thread};

use otls::UnixTime;
use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::pki::{
    Authority, CertificateRequest, DistinguishedName, GeneralName, KeyType, PrivateKey, Profile, Validity,
};
use tempfile::TempDir;

use crate::c_support::{Linking, compile, driver, root, scratch, succeed};

/// An authority, a bank and a customer, in files.
pub struct World {
    folder: TempDir,
}

impl World {
    pub fn new(key_type: KeyType) -> Self {
        Self::make(key_type, None)
    }

    fn make(key_type: KeyType, password: Option<&[u8]>) -> Self {
        let folder = scratch();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let ca_key = PrivateKey::generate(KeyType::EcdsaP384, &SystemRandom).unwrap();
        let ca_name = DistinguishedName::with_common_name(&Self::authority_name());
        let hash = HashAlgorithm::Sha384;
        let authority =
            Authority::create(ca_key, &ca_name, hash, Validity::days(UnixTime(now), 1), &SystemRandom)
                .unwrap();
        fs::write(folder.path().join("ca.pem"), authority.certificate().to_pem()).unwrap();
        for (name, profile) in [("bank", Profile::Server), ("customer", Profile::Client)] {
            let key = PrivateKey::generate(key_type, &SystemRandom).unwrap();
            let hash =
                if key_type == KeyType::EcdsaP384 { HashAlgorithm::Sha384 } else { HashAlgorithm::Sha256 };
            let names = ["localhost", "127.0.0.1"].map(|name| GeneralName::parse(name).unwrap());
            let names: &[GeneralName] = if profile == Profile::Server { &names } else { &[] };
            let subject = DistinguishedName::with_common_name(name);
            let request = CertificateRequest::create(&key, &subject, names, hash, &SystemRandom).unwrap();
            let issued = authority
                .issue(
                    &request,
                    profile,
                    Validity::new(UnixTime(now), Duration::from_secs(3600)),
                    &SystemRandom,
                )
                .unwrap();
            fs::write(folder.path().join(format!("{name}.pem")), issued.to_pem()).unwrap();
            let pem = key.to_pem(password, &SystemRandom).unwrap();
            fs::write(folder.path().join(format!("{name}.key")), pem.expose()).unwrap();
        }
        Self { folder }
    }

    /// Two authorities of one name would be told apart by a failed signature only.
    fn authority_name() -> String {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        format!("Authority {}", COUNT.fetch_add(1, Ordering::Relaxed))
    }

    pub fn with_password(self, password: &str) -> Self {
        drop(self);
        Self::make(KeyType::EcdsaP256, Some(password.as_bytes()))
    }

    /// Keeps its certificates, and trusts the other's authority.
    pub fn with_authority_of(self, other: &Self) -> Self {
        fs::copy(other.path("ca.pem"), self.path("ca.pem")).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn arguments(&self, name: &str) -> [PathBuf; 3] {
        [self.path("ca.pem"), self.path(&format!("{name}.pem")), self.path(&format!("{name}.key"))]
    }
}

/// How a program is started: as it is, or by valgrind.
pub type Launch<'a> = &'a dyn Fn(&Path) -> Command;

pub struct Programs {
    folder: TempDir,
}

impl Programs {
    pub fn build(compiler: &str, standard: &str, linking: Linking) -> Self {
        let folder = scratch();
        for name in ["otp_bank", "otp_customer"] {
            let source = root().join("examples/c").join(name).with_extension("c");
            compile(compiler, standard, linking, &[source, driver()], &folder.path().join(name));
        }
        Self { folder }
    }

    /// Runs both; the customer shows the message alone, and the bank accepts the code.
    pub fn exchange(&self, world: &World, launch: Launch<'_>) {
        let bank = self.bank(world, launch, &[]);
        let customer = self.customer(world, launch, &[&bank.port]).output().unwrap();
        let (code, says) = bank.end();
        let complaint = String::from_utf8_lossy(&customer.stderr);
        assert_eq!(customer.status.code(), Some(0), "the customer: {complaint}\nthe bank: {says}");
        assert_eq!(code, Some(0), "the bank: {says}");
        let shown = String::from_utf8(customer.stdout).unwrap();
        let otp = shown.strip_prefix("The OTP for transferring Rs 1,00,000 to your friend's account is ");
        let otp = otp.and_then(|rest| rest.strip_suffix(".\n")).unwrap_or_else(|| panic!("{shown:?}"));
        assert!(otp.len() == 6 && otp.bytes().all(|digit| digit.is_ascii_digit()), "{otp:?}");
        assert!(says.contains("the code of customer was verified: accepted"), "{says}");
        assert!(!says.contains(otp) && !complaint.contains(otp), "the code is in a log");
    }

    pub fn command(&self, name: &str, launch: Launch<'_>) -> Command {
        launch(&self.folder.path().join(name))
    }

    pub fn customer(&self, world: &World, launch: Launch<'_>, arguments: &[&str]) -> Command {
        let mut command = self.command("otp_customer", launch);
        command.args(world.arguments("customer")).args(arguments);
        command
    }

    pub fn bank_command(&self, world: &World, launch: Launch<'_>, arguments: &[&str]) -> Command {
        let mut command = self.command("otp_bank", launch);
        command.args(world.arguments("bank")).args(arguments);
        command
    }

    /// A bank that listens, on a port of its own choice.
    pub fn bank(&self, world: &World, launch: Launch<'_>, arguments: &[&str]) -> Bank {
        let mut command = self.bank_command(world, launch, &["0"]);
        let mut child = command.args(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut heard = String::new();
        let port = loop {
            let start = heard.len();
            assert_ne!(stderr.read_line(&mut heard).unwrap(), 0, "the bank does not listen: {heard}");
            if let Some((_, port)) = heard[start..].trim().split_once("listening on 127.0.0.1:") {
                break port.to_owned();
            }
        };
        let hearing = thread::spawn(move || {
            stderr.read_to_string(&mut heard).unwrap();
            heard
        });
        Bank { child, port, hearing: Some(hearing) }
    }
}

/// A bank that runs; it is ended with this value.
pub struct Bank {
    child: Child,
    pub port: String,
    hearing: Option<thread::JoinHandle<String>>,
}

impl Bank {
    /// Sends it SIGTERM.
    pub fn terminate(&self) {
        succeed(Command::new("kill").arg(self.child.id().to_string()));
    }

    /// Waits for its end: its exit code, and what it said.
    pub fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        (code, self.hearing.take().unwrap().join().unwrap())
    }

    /// A port on which nobody listens.
    pub fn free_port() -> String {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
    }
}

impl Drop for Bank {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
