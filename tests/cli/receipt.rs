//! `otls receipt`, run as a person runs it.

use crate::common;
use std::fs;
use std::process::{Command, Output};

use crate::common::{DAY, NOW, World};
use otls::crypto::SystemRandom;
use otls::otp::{Decision, OtpId, Receipt, SignedDecision, Statement};
use otls::pki::{KeyType, RevocationReason, Validity};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with a receipt, the authority that its customer has, and another.
struct Desk {
    folder: TempDir,
    world: World,
}

impl Desk {
    fn new() -> Self {
        let (world, other) = (World::new(KeyType::EcdsaP256), common::authority("another root"));
        let pair = world.pair().established();
        let transfer = common::payment();
        let (id, context) = (OtpId([0xAB; 16]), transfer.context().unwrap());
        let decision = Decision::Approved;
        let receipt = SignedDecision::sign(
            &pair.client,
            &world.client,
            Statement { id, context, decision, time: NOW },
            &SystemRandom,
        )
        .unwrap();
        let desk = Self { folder: TempDir::new().unwrap(), world };
        desk.write("receipt.pem", &Receipt::new(receipt, &pair.server).unwrap().to_pem());
        desk.write("ca.pem", &desk.world.authority.certificate().to_pem());
        desk.write("other.pem", &other.certificate().to_pem());
        desk
    }

    fn write(&self, name: &str, data: &str) {
        fs::write(self.folder.path().join(name), data).unwrap();
    }

    fn output(&self, arguments: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_otls"));
        command.args(arguments.split_whitespace()).current_dir(self.folder.path()).output().unwrap()
    }

    /// The exit code and what is printed.
    fn run(&self, arguments: &str) -> (i32, String) {
        let output = self.output(arguments);
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    fn json(&self, arguments: &str) -> (i32, Value) {
        let (code, text) = self.run(&format!("--json {arguments}"));
        (code, serde_json::from_str(&text).unwrap())
    }
}

const TEXT: &str = "The OTP for transferring Rs 1,00,000 to your friend's account is ••••••.";

#[test]
fn a_receipt_is_shown_and_judged() {
    let desk = Desk::new();
    let (code, text) = desk.run("receipt verify --root ca.pem receipt.pem");
    assert_eq!(code, 0);
    for line in [
        "valid, certified below CN=otls test root",
        "Customer: CN=customer.example",
        "Decision: approved",
        "Time: 2027-01-15T08:00:00Z",
        &format!("Code: {}", "ab".repeat(16)),
        &format!("Text: {TEXT}"),
        r#"  "amount": "10000000""#,
    ] {
        assert!(text.lines().any(|shown| shown == line), "no {line:?} in\n{text}");
    }
    let (code, value) = desk.json("receipt verify --root ca.pem receipt.pem");
    assert_eq!((code, &value["valid"], &value["decision"]), (0, &json!(true), &json!("approved")));
    assert_eq!((&value["text"], &value["context"]["payee"]), (&json!(TEXT), &json!("your friend's account")));

    let (code, text) = desk.run("receipt show receipt.pem");
    assert_eq!(code, 0);
    assert!(text.starts_with("not verified\n") && text.contains(TEXT), "{text}");
    assert_eq!(desk.json("receipt show receipt.pem").1.get("valid"), None);
}

#[test]
fn a_receipt_that_proves_nothing_is_refused_with_the_reason() {
    let desk = Desk::new();
    let (code, value) = desk.json("receipt verify --root other.pem receipt.pem");
    assert_eq!((code, &value["code"]), (6, &json!("CERTIFICATE_UNTRUSTED")));
    let serial = desk.world.client.certificate().serial().to_vec();
    let revoked = [(serial, NOW, RevocationReason::KeyCompromise)];
    let list = desk.world.authority.issue_crl(&revoked, 1, Validity::new(NOW, DAY), &SystemRandom).unwrap();
    desk.write("list.pem", &list.to_pem());
    let (code, value) = desk.json("receipt verify --root ca.pem --crl list.pem receipt.pem");
    assert_eq!((code, &value["code"]), (6, &json!("CERTIFICATE_REVOKED")));

    let file = fs::read_to_string(desk.folder.path().join("receipt.pem")).unwrap();
    desk.write("edited.pem", &file.replace("OTLS RECEIPT-----\n", "OTLS RECEIPT-----\n\n"));
    let (code, value) = desk.json("receipt verify --root ca.pem edited.pem");
    assert_eq!((code, &value["valid"], &value["code"]), (6, &json!(false), &json!("OTP_RECEIPT")));
    let (code, text) = desk.run("receipt verify --root ca.pem edited.pem");
    assert!(code == 6 && text.starts_with("refused\n") && text.contains("edited"), "{text}");
}

#[test]
fn files_and_arguments_that_are_none_have_their_own_exit_codes() {
    let desk = Desk::new();
    for (arguments, code) in [
        ("receipt verify receipt.pem", 2),
        ("receipt verify --root ca.pem nothing.pem", 3),
        ("receipt verify --root receipt.pem receipt.pem", 3),
        ("receipt show ca.pem", 3),
    ] {
        let output = desk.output(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}

#[test]
fn any_file_is_shown_so_a_receipt_is_and_a_damaged_one_is_refused() {
    let desk = Desk::new();
    let (code, shown) = desk.json("show receipt.pem");
    assert_eq!((code, &shown[0]["kind"], &shown[0]["decision"]), (0, &json!("receipt"), &json!("approved")));
    assert_eq!(shown.as_array().unwrap().len(), 1);
    assert!(desk.run("show receipt.pem").1.contains("1: a receipt\nnot verified\n"));
    let text = fs::read_to_string(desk.folder.path().join("receipt.pem")).unwrap();
    let block = text.split_inclusive("-----END OTLS RECEIPT-----\n").next().unwrap();
    desk.write("block.pem", block);
    desk.write(
        "behind.pem",
        &format!("{}{block}", fs::read_to_string(desk.folder.path().join("ca.pem")).unwrap()),
    );
    let output = desk.output("show block.pem");
    let line = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && line.contains("it comes with no certificate"), "{line}");
    let (code, shown) = desk.json("show behind.pem");
    assert_eq!((code, &shown[0]["kind"], &shown[1]["kind"]), (3, &json!("certificate"), &json!("receipt")));
    let output = desk.output("convert receipt.pem --to der");
    let line = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && line.contains("a receipt, which is not converted"), "{line}");
}
