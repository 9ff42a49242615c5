//! The two programs in C: they do what the scripts do, with certificates from disk, and fail as they say.
#![cfg(target_os = "linux")]

use std::process::Command;

use crate::c_support::{asan, root, shared, statically, succeed, tool, valgrind};
use crate::programs::{Bank, Programs, World};
use otls::pki::KeyType;

const CERTIFICATE: i32 = 6;

#[test]
fn they_exchange_a_code() {
    for compiler in ["gcc", "clang"] {
        let programs = Programs::build(compiler, "c99", shared);
        for key_type in [KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::Rsa2048] {
            programs.exchange(&World::new(key_type), &|program| Command::new(program));
        }
    }
}

#[test]
fn they_exchange_a_code_when_linked_statically() {
    let programs = Programs::build("gcc", "c11", statically);
    programs.exchange(&World::new(KeyType::EcdsaP256), &|program| Command::new(program));
}

#[test]
fn they_are_clean_under_valgrind() {
    let programs = Programs::build("gcc", "c17", shared);
    programs.exchange(&World::new(KeyType::EcdsaP256), &valgrind);
}

#[test]
fn they_are_clean_under_the_sanitizers() {
    let programs = Programs::build("clang", "c17", asan);
    programs.exchange(&World::new(KeyType::EcdsaP256), &|program| Command::new(program));
}

#[test]
fn they_compile_in_every_standard() {
    for compiler in ["gcc", "clang"] {
        for standard in ["c99", "c11", "c17"] {
            Programs::build(compiler, standard, shared);
        }
    }
}

#[test]
fn each_is_a_program_that_a_person_reads_in_one_go() {
    let parts = ["common.h", "customers.h", "listen.h", "receipts.h", "transfer.h"];
    for file in ["otp_bank.c", "otp_customer.c"].iter().chain(&parts) {
        let source = std::fs::read_to_string(root().join("examples/c").join(file)).unwrap();
        assert!(source.lines().count() < 200, "{file} has {} lines", source.lines().count());
    }
}

#[test]
fn a_key_with_a_password_is_opened_with_the_one_in_the_environment() {
    let programs = Programs::build("gcc", "c99", shared);
    let world = World::new(KeyType::EcdsaP256).with_password("correct horse");
    programs.exchange(&world, &|program| {
        let mut command = Command::new(program);
        command.env("OTLS_KEY_PASSWORD", "correct horse");
        command
    });
    let refused = programs.customer(&world, &|program| Command::new(program), &["1"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("password"));
}

#[test]
fn a_certificate_of_another_authority_is_refused_on_both_sides() {
    let programs = Programs::build("gcc", "c99", shared);
    let (ours, theirs) = (World::new(KeyType::EcdsaP256), World::new(KeyType::EcdsaP256));

    // The customer trusts the bank's authority, and shows a certificate of another.
    let stranger = World::new(KeyType::EcdsaP256).with_authority_of(&ours);
    let bank = programs.bank(&ours, &|program| Command::new(program), &[]);
    let customer =
        programs.customer(&stranger, &|program| Command::new(program), &[&bank.port]).output().unwrap();
    let (bank_code, bank_says) = bank.end();
    assert_eq!((customer.status.code(), bank_code), (Some(CERTIFICATE), Some(CERTIFICATE)));
    assert!(bank_says.contains("issuer check failed"), "{bank_says}");
    assert!(String::from_utf8_lossy(&customer.stderr).contains("unknown_ca"), "{customer:?}");
    assert!(customer.stdout.is_empty());

    // The customer trusts another authority than the bank's.
    let bank = programs.bank(&ours, &|program| Command::new(program), &[]);
    let customer =
        programs.customer(&theirs, &|program| Command::new(program), &[&bank.port]).output().unwrap();
    assert_eq!(customer.status.code(), Some(CERTIFICATE));
    assert_eq!(bank.end().0, Some(CERTIFICATE));
    assert!(customer.stdout.is_empty());
}

#[test]
fn a_bank_of_another_name_is_refused() {
    let programs = Programs::build("gcc", "c99", shared);
    let world = World::new(KeyType::EcdsaP256);
    let bank = programs.bank(&world, &|program| Command::new(program), &[]);
    let arguments = [bank.port.as_str(), "other.example"];
    let customer = programs.customer(&world, &|program| Command::new(program), &arguments).output().unwrap();
    assert_eq!(customer.status.code(), Some(CERTIFICATE));
    assert!(String::from_utf8_lossy(&customer.stderr).contains("name check failed"), "{customer:?}");
    assert!(customer.stdout.is_empty());
    assert_eq!(bank.end().0, Some(CERTIFICATE));
}

#[test]
fn several_customers_are_served_by_one_bank() {
    let programs = Programs::build("gcc", "c99", shared);
    let world = World::new(KeyType::EcdsaP256);
    let bank = programs.bank(&world, &|program| Command::new(program), &["--count", "3"]);
    for _ in 0..3 {
        succeed(&mut programs.customer(&world, &|program| Command::new(program), &[&bank.port]));
    }
    let (code, says) = bank.end();
    assert_eq!((code, says.matches("was verified: accepted").count()), (Some(0), 3));
}

#[test]
fn what_is_wrong_with_the_call_or_the_machine_has_its_own_exit_code() {
    let programs = Programs::build("gcc", "c99", shared);
    let world = World::new(KeyType::EcdsaP256);
    let plain = |program: &std::path::Path| Command::new(program);

    let nobody_listens = Bank::free_port();
    let alone = programs.customer(&world, &plain, &[&nobody_listens]).output().unwrap();
    assert_eq!(alone.status.code(), Some(5));

    let bank = programs.bank(&world, &plain, &[]);
    let taken = exit_code(programs.bank_command(&world, &plain, &[&bank.port]));
    assert_eq!(taken, Some(5));
    drop(bank);

    assert_eq!(exit_code(programs.command("otp_bank", &plain)), Some(2));
    let mut missing = programs.command("otp_customer", &plain);
    assert_eq!(
        exit_code({
            missing.args(["no.pem", "no.pem", "no.pem"]);
            missing
        }),
        Some(3)
    );
}

#[test]
fn the_tests_say_what_to_do_when_they_are_missing() {
    let panic = std::panic::catch_unwind(|| tool("no-such-compiler")).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("scripts/deps.sh"), "{text}");
}

fn exit_code(mut command: Command) -> Option<i32> {
    command.output().unwrap().status.code()
}
