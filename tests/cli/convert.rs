//! `otls convert`: the formats, both ways with OpenSSL and GnuTLS.

#![allow(clippy::print_stdout, reason = "a skipped test says why")]

use std::fs;
use std::process::Command;

use crate::support::{Shell, openssl};

fn certtool(shell: &Shell, arguments: &str) -> Option<String> {
    let output =
        Command::new("certtool").args(arguments.split_whitespace()).current_dir(shell.path()).output();
    let Ok(output) = output else {
        println!("skipped: there is no certtool");
        return None;
    };
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn world() -> Shell {
    let shell = Shell::with_certificate();
    shell.run("ca crl --out list.pem");
    fs::write(shell.path().join("password"), "correct horse\n").unwrap();
    fs::write(shell.path().join("old"), "battery staple\n").unwrap();
    shell
}

fn read(shell: &Shell, file: &str) -> String {
    fs::read_to_string(shell.path().join(file)).unwrap()
}

#[test]
fn a_private_key_goes_into_each_format_and_back() {
    let shell = world();
    shell.run("key new --type rsa2048 --out rsa.pem");
    shell.run("key new --type ed25519 --out ed.pem");
    for (key, traditional) in [("key", "sec1"), ("rsa", "pkcs1"), ("ed", "pkcs8")] {
        let public = openssl(shell.path(), &format!("pkey -in {key}.pem -pubout"));
        for flags in [
            "--to der".to_owned(),
            "--to pem".to_owned(),
            "--to pkcs8".to_owned(),
            "--to pkcs8 --der".to_owned(),
            format!("--to {traditional}"),
            format!("--to {traditional} --der"),
            "--to pem --new-password-file password".to_owned(),
            "--to der --new-password-file password --encryption scrypt".to_owned(),
            format!("--to {traditional} --new-password-file password --encryption legacy-pem"),
        ] {
            if key == "ed" && flags.contains("legacy") {
                continue;
            }
            shell.run(&format!("convert {key}.pem {flags} --out new --force"));
            assert_eq!(shell.mode("new"), 0o600);
            let (ours, theirs) = match flags.contains("password") {
                true => ("--password-file password", "-passin file:password"),
                false => ("", ""),
            };
            assert_eq!(shell.run(&format!("convert new {ours} --to pem --public")), public, "{flags}");
            assert_eq!(openssl(shell.path(), &format!("pkey -in new {theirs} -pubout")), public, "{flags}");
        }
    }
    // GnuTLS reads what is encrypted here, and writes what is read.
    shell.run("convert rsa.pem --to pkcs8 --new-password-file password --out locked.pem");
    let open = Command::new("certtool")
        .args(["--key-info", "--infile", "locked.pem", "--pkcs8", "--password", "correct horse"])
        .current_dir(shell.path())
        .output();
    match open {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => println!("skipped: there is no certtool"),
    }
    if certtool(&shell, "--generate-privkey --key-type rsa --bits 2048 --no-text --outfile gnutls.pem")
        .is_some()
    {
        let public = openssl(shell.path(), "pkey -in gnutls.pem -pubout");
        shell.run("convert gnutls.pem --to der --out gnutls.der");
        assert_eq!(shell.run("convert gnutls.der --to pem --public"), public);
    }
    assert!(shell.run("convert key.pem --to sec1").starts_with("-----BEGIN EC PRIVATE KEY-----"));
    assert!(shell.run("convert rsa.pem --to pkcs1").starts_with("-----BEGIN RSA PRIVATE KEY-----"));
}

#[test]
fn public_keys_come_from_keys_certificates_and_requests() {
    let shell = world();
    let public = read(&shell, "public.pem");
    for file in ["key.pem", "bank.pem", "request.pem", "public.pem"] {
        assert_eq!(shell.run(&format!("convert {file} --to pem --public")), public, "{file}");
    }
    // With a private key there, of that alone.
    assert_eq!(shell.run("convert bank.pem CA/cert.pem key.pem --to pem --public"), public);
    shell.run("convert public.pem --to der --out public.der");
    assert_eq!(shell.mode("public.der"), 0o644);
    assert_eq!(openssl(shell.path(), "pkey -pubin -inform DER -in public.der"), public);
    assert_eq!(shell.run("convert public.der --to pem"), public);
    shell.run("key new --type rsa2048 --out rsa.pem");
    shell.run("convert rsa.pem --to pkcs1 --public --out rsa.pub");
    openssl(shell.path(), "rsa -RSAPublicKey_in -in rsa.pub -noout");
    shell.run("convert rsa.pub --to pkcs1 --der --out rsa.pub.der");
    openssl(shell.path(), "rsa -RSAPublicKey_in -inform DER -in rsa.pub.der -noout");
    assert_eq!(shell.run("convert rsa.pub.der --to pem"), shell.run("convert rsa.pem --to pem --public"));
}

#[test]
fn certificates_requests_and_lists_go_to_der_and_back_and_chains_to_pkcs7() {
    let shell = world();
    for (file, kind) in [("bank.pem", "x509"), ("request.pem", "req"), ("list.pem", "crl")] {
        shell.run(&format!("convert {file} --to der --out new.der --force"));
        assert_eq!(shell.mode("new.der"), 0o644);
        let pem = openssl(shell.path(), &format!("{kind} -inform DER -in new.der"));
        assert_eq!(pem, read(&shell, file));
        assert_eq!(shell.run("convert new.der --to pem"), pem);
    }
    let chain = read(&shell, "bank.pem") + &read(&shell, "CA/cert.pem");
    assert_eq!(shell.run("convert bank.pem CA/cert.pem --to pem"), chain);
    for flags in ["", " --der"] {
        shell.run(&format!("convert bank.pem CA/cert.pem --to pkcs7{flags} --out chain.p7b --force"));
        let form = if flags.is_empty() { "PEM" } else { "DER" };
        let theirs = openssl(shell.path(), &format!("pkcs7 -inform {form} -in chain.p7b -print_certs"));
        assert_eq!(theirs.matches("BEGIN CERTIFICATE").count(), 2);
        let ours = shell.run("convert chain.p7b --to pem");
        assert!(ours.contains(&read(&shell, "bank.pem")) && ours.contains(&read(&shell, "CA/cert.pem")));
        let inder = if flags.is_empty() { "" } else { " --inder" };
        if let Some(theirs) = certtool(&shell, &format!("--p7-info --infile chain.p7b{inder}")) {
            assert!(theirs.contains("Number of certificates: 2"), "{theirs}");
        }
    }
    // What others have made, with a list in it.
    openssl(shell.path(), "crl2pkcs7 -in list.pem -certfile bank.pem -out bundle.p7b");
    assert_eq!(
        shell.run("convert bundle.p7b --to pem"),
        read(&shell, "bank.pem") + &read(&shell, "list.pem")
    );
    // A message stays what it is.
    fs::write(shell.path().join("text"), "hello").unwrap();
    openssl(shell.path(), "cms -encrypt -aes256 -in text -recip bank.pem -outform DER -out sealed.der");
    shell.run("convert sealed.der --to pem --out sealed.pem");
    openssl(shell.path(), "cms -decrypt -inform PEM -in sealed.pem -inkey key.pem -recip bank.pem");
}

#[test]
fn key_and_chain_go_to_pkcs12_and_come_back() {
    let shell = world();
    let flags = "--to pkcs12 --new-password-file password --name bank --force --out";
    let all = read(&shell, "CA/cert.pem") + &read(&shell, "key.pem") + &read(&shell, "bank.pem");
    fs::write(shell.path().join("all.pem"), all).unwrap();
    // In any order, from one file or several, each certificate once.
    for files in ["all.pem", "bank.pem CA/cert.pem key.pem", "CA/cert.pem bank.pem key.pem bank.pem"] {
        shell.run(&format!("convert {files} {flags} bank.p12"));
        assert_eq!(shell.mode("bank.p12"), 0o600);
        let theirs = openssl(shell.path(), "pkcs12 -in bank.p12 -passin file:password -nodes");
        assert_eq!(theirs.matches("BEGIN CERTIFICATE").count(), 2, "{theirs}");
        assert!(theirs.contains("friendlyName: bank") && theirs.contains("BEGIN PRIVATE KEY"), "{theirs}");
        let shown = shell.json("show bank.p12 --password-file password --json");
        assert_eq!(shown[0]["certificates"][0]["subject"], "CN=bank", "{files}");
    }
    let info = Command::new("certtool")
        .args(["--p12-info", "--inder", "--infile", "bank.p12", "--password", "correct horse"])
        .current_dir(shell.path())
        .output();
    match info {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => println!("skipped: there is no certtool"),
    }

    let from = "convert bank.p12 --password-file password";
    let chain = read(&shell, "bank.pem") + &read(&shell, "CA/cert.pem");
    let key = read(&shell, "key.pem");
    assert_eq!(shell.run(&format!("{from} --to pem --encryption none")), key.clone() + &chain);
    assert_eq!(shell.run(&format!("{from} --to pem --certificates-only")), chain);
    assert_eq!(shell.run(&format!("{from} --to pem --key-only --encryption none")), key);
    assert_eq!(shell.run(&format!("{from} --to pkcs8 --key-only --encryption none")), key);
    assert_eq!(shell.run(&format!("{from} --to pem --public")), read(&shell, "public.pem"));
    shell.run(&format!("{from} --to pem --new-password-file old --out both.pem"));
    assert_eq!(shell.mode("both.pem"), 0o600);
    assert!(read(&shell, "both.pem").starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    openssl(shell.path(), "pkey -in both.pem -passin file:old -noout");
    shell
        .run("convert both.pem --password-file old --to pkcs12 --new-password-file password --out again.p12");
    openssl(shell.path(), "pkcs12 -in again.p12 -passin file:password -noout");

    // One of GnuTLS's, and one of OpenSSL's.
    fs::write(shell.path().join("staple"), "staple\n").unwrap();
    let store =
        "--to-p12 --load-privkey key.pem --load-certificate bank.pem --p12-name bank --password staple";
    if certtool(&shell, &format!("{store} --outder --outfile gnutls.p12")).is_some() {
        let pem = shell.run("convert gnutls.p12 --password-file staple --to pem --encryption none");
        assert_eq!(pem, key.clone() + &read(&shell, "bank.pem"));
    }
    openssl(
        shell.path(),
        "pkcs12 -export -inkey key.pem -in bank.pem -certfile CA/cert.pem -passout file:old -out theirs.p12",
    );
    assert_eq!(shell.run("convert theirs.p12 --password-file old --to pem --encryption none"), key + &chain);
}

#[test]
fn a_key_that_was_encrypted_is_written_unencrypted_where_that_is_asked_for_alone() {
    let shell = world();
    shell.run("key new --out locked.pem --password-file old");
    shell.run("convert key.pem bank.pem --to pkcs12 --new-password-file old --out bank.p12");
    for file in ["locked.pem", "bank.p12"] {
        let from = format!("convert {file} --password-file old");
        let (code, line) = shell.fails(&format!("{from} --to pem"));
        assert!(code == 2 && line.contains("--new-password-file, or write it unencrypted"), "{line}");
        assert!(
            shell.run(&format!("{from} --to pem --encryption none")).starts_with("-----BEGIN PRIVATE KEY")
        );
        let kept = shell.run(&format!("{from} --to pem --new-password-file password"));
        assert!(kept.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY"), "{kept}");
        let (code, line) = shell.fails(&format!("convert {file} --to pem"));
        assert!(code == 3 && line.contains("--password-file"), "{line}");
    }
    // What is public of it needs no password for itself.
    shell.run("convert locked.pem --password-file old --to pem --public");
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do_instead() {
    let shell = world();
    shell.run("key new --type rsa2048 --out rsa.pem");
    shell.run("ca init --dir Other --name Other");
    fs::write(shell.path().join("jwk"), "{\"kty\": \"EC\"}").unwrap();
    let new = "--new-password-file password";
    for (arguments, code, words) in [
        ("bank.pem CA/cert.pem --to der", 2, "--to pkcs7 --der"),
        ("key.pem bank.pem --to der", 2, "a private key and a certificate"),
        ("key.pem rsa.pem --to der", 2, "2 private keys"),
        ("bank.pem request.pem --to der", 2, "convert one after the other"),
        ("key.pem bank.pem --to pkcs8", 2, "--key-only"),
        ("rsa.pem --to sec1", 3, "PKCS#8 is for every kind of private key"),
        ("key.pem --to pkcs1", 3, "not RSA"),
        ("key.pem --to pkcs1 --public", 3, "not RSA"),
        ("bank.pem --to pkcs1", 2, "--public"),
        ("key.pem --to sec1 --public", 2, "format of private keys"),
        ("key.pem bank.pem --to pkcs7", 2, "--certificates-only"),
        ("list.pem --to pkcs7", 2, "a revocation list"),
        (&format!("bank.pem --to pkcs12 {new}"), 2, "the file of the private key"),
        (&format!("key.pem --to pkcs12 {new}"), 2, "the file of the key's certificate"),
        (&format!("key.pem bank.pem list.pem --to pkcs12 {new}"), 2, "a revocation list"),
        (&format!("rsa.pem bank.pem --to pkcs12 {new}"), 3, "does not belong to the certificate"),
        (&format!("key.pem bank.pem Other/cert.pem --to pkcs12 {new}"), 2, "CN=Other is not in the chain"),
        ("key.pem bank.pem --to pkcs12", 2, "--new-password-file"),
        (&format!("key.pem bank.pem --to pkcs12 {new} --encryption none"), 2, "always encrypted"),
        ("key.pem --to pem --name bank", 2, "leave --name out"),
        ("key.pem --to pem --der", 2, "write --to der"),
        ("key.pem --to pem --encryption scrypt", 2, "give one with --new-password-file"),
        (&format!("key.pem --to pem --encryption none {new}"), 2, "leave out one of them"),
        (&format!("key.pem --to sec1 {new}"), 2, "PBES2"),
        (&format!("bank.pem --to pem {new}"), 2, "no private key is written"),
        ("bank.pem --to pem --encryption none", 2, "no private key is written"),
        ("bank.pem --to pem --key-only", 2, "the input has a certificate"),
        ("key.pem --to pem --certificates-only", 2, "the input has a private key"),
        ("list.pem --to pem --public", 2, "the input has a revocation list"),
        ("key.pem --to pem --password-file password", 3, "leave --password-file out"),
        ("bank.pem --to pem --password-file password", 3, "leave --password-file out"),
        ("jwk --to pem", 3, "a JSON Web Key (make PEM of it"),
        ("password --to pem", 3, "neither PEM nor DER"),
        ("missing --to pem", 3, "No such file"),
        ("key.pem --to der --out rsa.pem", 3, "the file exists"),
    ] {
        let (got, line) = shell.fails(&format!("convert {arguments}"));
        assert!(got == code && line.contains(words), "{arguments}: {got} {line}");
    }
    for arguments in ["--to pem", "key.pem", "key.pem --to jwk", "key.pem --to pem --public --key-only"] {
        assert_eq!(shell.output(&format!("convert {arguments}")).status.code(), Some(2), "{arguments}");
    }
}

#[test]
fn a_result_does_not_replace_the_only_key_and_goes_to_what_is_no_file() {
    let shell = Shell::with_certificate();
    let key = fs::read(shell.path().join("key.pem")).unwrap();
    for flags in ["--public --out key.pem", "--public --out ./key.pem"] {
        let (code, line) = shell.fails(&format!("convert key.pem --to pem {flags} --force"));
        assert!(code == 2 && line.contains("choose another name"), "{line}");
    }
    let (code, _) =
        shell.fails("convert key.pem bank.pem --to pem --certificates-only --out key.pem --force");
    assert_eq!((code, fs::read(shell.path().join("key.pem")).unwrap()), (2, key));
    shell.run("convert key.pem --to der --out key.pem --force");
    assert_eq!(shell.mode("key.pem"), 0o600);

    // A pipe is written to, and stays one.
    let pipe = shell.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reading = std::thread::spawn(move || fs::read(pipe).unwrap());
    shell.run("convert bank.pem --to der --out pipe");
    assert_eq!(reading.join().unwrap().first(), Some(&0x30));
    assert!(!fs::metadata(shell.path().join("pipe")).unwrap().is_file());
    shell.run("convert bank.pem --to der --out /dev/null");
}
