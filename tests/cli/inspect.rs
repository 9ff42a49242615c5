//! `otls show`, on what other programs have made.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Shell, openssl};

fn world() -> Shell {
    let shell = Shell::with_certificate();
    shell.run("ca crl --out list.pem");
    fs::write(shell.path().join("password"), "correct horse\n").unwrap();
    fs::write(shell.path().join("wrong"), "battery staple\n").unwrap();
    fs::write(shell.path().join("text"), "Rs 5000 to Asha\n").unwrap();
    shell
}

/// The parts of a file.
fn parts(shell: &Shell, arguments: &str) -> Vec<Value> {
    shell.json(&format!("show --json {arguments}")).as_array().unwrap().clone()
}

fn one(shell: &Shell, arguments: &str) -> Value {
    let mut parts = parts(shell, arguments);
    assert_eq!(parts.len(), 1, "{arguments}");
    parts.remove(0)
}

fn join(shell: &Shell, files: &[&str], out: &str) {
    let all: Vec<u8> = files.iter().flat_map(|file| fs::read(shell.path().join(file)).unwrap()).collect();
    fs::write(shell.path().join(out), all).unwrap();
}

/// The numbers of a private key, as base64 has them: no line of these may be shown.
fn assert_no_secret(shell: &Shell, shown: &str, key: &str) {
    let pem = fs::read_to_string(shell.path().join(key)).unwrap();
    let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with('-')).collect();
    assert!(!shown.contains("PRIVATE KEY-----") && !shown.contains(lines[0]), "{shown}");
}

#[test]
fn a_file_with_several_things_is_shown_part_by_part() {
    let shell = world();
    join(&shell, &["key.pem", "public.pem", "bank.pem", "CA/cert.pem", "request.pem", "list.pem"], "all");
    let shown = parts(&shell, "all");
    let kinds: Vec<&str> = shown.iter().map(|part| part["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["private_key", "public_key", "certificate", "certificate", "request", "crl"]);
    assert_eq!(
        shown.iter().map(|part| part["part"].as_u64().unwrap()).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6]
    );
    assert_eq!((&shown[0]["encrypted"], &shown[0]["algorithm"]), (&false.into(), &"ECDSA on P-256".into()));
    assert_eq!(shown[0]["sha256"], shown[2]["key_sha256"]);
    let alone = shell.json("cert show bank.pem --json");
    assert_eq!(shown[2]["sha256"], alone[0]["sha256"]);
    assert_eq!(shown[4]["subject"], "CN=bank");
    let list = &shown[5];
    assert_eq!((&list["issuer"], &list["entries"]), (&"CN=Root,C=IN".into(), &0.into()), "{list}");
    assert_eq!(list["signature_algorithm"], "ecdsa-with-SHA384");
    let openssl_says = openssl(shell.path(), "crl -in list.pem -noout -crlnumber");
    let number = list["number"].as_str().unwrap().to_uppercase();
    assert_eq!(openssl_says.trim(), format!("crlNumber=0x{number}"));
    assert!(list["this_update"].as_str().unwrap() < list["next_update"].as_str().unwrap());

    let text = shell.run("show all");
    for words in ["1: a private key\n", "2: a public key\n", "3: a certificate\n", "6: a revocation list\n"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_no_secret(&shell, &text, "key.pem");
    shell.run("ca revoke bank.pem");
    shell.run("ca crl --out list.pem --force");
    assert_eq!(one(&shell, "list.pem")["entries"], 1);
}

#[test]
fn what_is_encrypted_is_said_to_be_and_opens_with_its_password() {
    let shell = world();
    shell.run("key new --out locked.pem --password-file password");
    openssl(shell.path(), "genrsa -traditional -aes256 -passout file:password -out old.pem 2048");
    openssl(
        shell.path(),
        "pkcs12 -export -inkey key.pem -in bank.pem -certfile CA/cert.pem -name bank -passout file:password -out k.p12",
    );
    for file in ["locked.pem", "old.pem", "k.p12"] {
        let shown = one(&shell, file);
        assert!(shown["hint"].as_str().unwrap().contains("--password-file"), "{shown}");
        assert!(shown["not_shown"].as_str().unwrap().contains("encrypted"), "{shown}");
        let (code, line) = shell.fails(&format!("show {file} --password-file wrong"));
        assert!(code == 3 && line.contains("wrong password"), "{line}");
    }
    let locked = one(&shell, "locked.pem --password-file password");
    assert_eq!((&locked["encrypted"], &locked["kind"]), (&true.into(), &"private_key".into()));
    assert_eq!(one(&shell, "old.pem --password-file password")["algorithm"], "RSA, 2048 bits");
    let store = one(&shell, "k.p12 --password-file password");
    assert_eq!((&store["friendly_name"], &store["kind"]), (&"bank".into(), &"pkcs12".into()));
    assert_eq!(store["key"]["sha256"], store["certificates"][0]["key_sha256"]);
    assert_eq!(store["certificates"].as_array().unwrap().len(), 2);
    assert_no_secret(&shell, &shell.run("show k.p12 --password-file password"), "key.pem");
    let (code, line) = shell.fails("cert show k.p12");
    assert!(
        code == 3
            && line.contains("`otls show`, and take it out with `otls convert FILE --to pem --key-only`"),
        "{line}"
    );
    // A password that is not needed is no fault of a file that is only looked at.
    assert_eq!(one(&shell, "key.pem --password-file password")["encrypted"], false);
    // With a certificate that is not supported, the others are shown.
    openssl(shell.path(), "req -x509 -newkey ed448 -nodes -keyout ed.key -subj /CN=Ed -out ed.pem");
    openssl(
        shell.path(),
        "pkcs12 -export -inkey key.pem -in bank.pem -certfile ed.pem -passout file:password -out ed.p12",
    );
    let store = one(&shell, "ed.p12 --password-file password");
    assert_eq!(store["certificates"].as_array().unwrap().len(), 1);
    assert_eq!(store["not_supported"][0], "CN=Ed: unsupported key algorithm: Ed448");
    // A trust store.
    openssl(shell.path(), "pkcs12 -export -nokeys -in CA/cert.pem -passout file:password -out trust.p12");
    let store = one(&shell, "trust.p12 --password-file password");
    assert_eq!((&store["key"], &store["certificates"][0]["subject"]), (&Value::Null, &"CN=Root,C=IN".into()));
}

#[test]
fn of_many_private_keys_some_are_opened_and_the_others_named() {
    let shell = world();
    join(&shell, &["key.pem"; 20], "many");
    let shown = parts(&shell, "many");
    let is_open = |part: &&Value| part["algorithm"].is_string();
    assert_eq!((shown.len(), shown.iter().filter(is_open).count()), (20, 16));
    assert!(shown[16]["not_shown"].as_str().unwrap().contains("more than 16 private keys"));
    let (code, line) = shell.fails("convert many --to pem");
    assert!(code == 2 && line.contains("more than 16 private keys"), "{line}");
}

#[test]
fn a_message_says_by_whom_and_to_whom_it_is() {
    let shell = world();
    let sign = "cms -sign -binary -in text -signer bank.pem -inkey key.pem";
    openssl(shell.path(), &format!("{sign} -nodetach -outform DER -out inside.der"));
    openssl(shell.path(), &format!("{sign} -keyid -outform PEM -out beside.pem"));
    openssl(shell.path(), &format!("{sign} -nodetach -nocerts -outform DER -out bare.der"));
    let encrypt = "cms -encrypt -binary -in text -recip bank.pem -outform DER";
    openssl(shell.path(), &format!("{encrypt} -aes256 -out cbc.der"));
    openssl(shell.path(), &format!("{encrypt} -keyid -aes-256-gcm -out gcm.der"));
    openssl(shell.path(), "cms -encrypt -binary -in text -pwri_password x -aes128 -outform DER -out pw.der");
    openssl(shell.path(), "genrsa -out rsa.key 2048");
    openssl(shell.path(), "req -x509 -key rsa.key -subj /CN=Ravi -out ravi.pem");
    openssl(
        shell.path(),
        "cms -encrypt -binary -in text -aes256 -outform DER -out two.der bank.pem ravi.pem",
    );
    openssl(shell.path(), &format!("{sign} -nodetach -stream -outform DER -out stream.ber"));
    openssl(shell.path(), "cms -digest_create -binary -in text -outform DER -out digest.der");

    let shown = one(&shell, "inside.der");
    assert_eq!(
        (&shown["kind"], &shown["type"], &shown["content"]),
        (&"cms".into(), &"signed".into(), &true.into())
    );
    assert_eq!(shown["signers"][0]["subject"], "CN=bank");
    let serial = shell.json("cert show bank.pem --json")[0]["serial"].clone();
    assert!(shown["signers"][0]["serial"].as_str().unwrap().ends_with(serial.as_str().unwrap()), "{shown}");
    let shown = one(&shell, "beside.pem");
    assert_eq!((&shown["content"], &shown["signers"][0]["subject"]), (&false.into(), &"CN=bank".into()));
    assert!(shown["signers"][0]["subject_key_identifier"].is_string());
    let shown = one(&shell, "bare.der");
    assert_eq!(
        (&shown["signers"][0]["subject"], &shown["signers"][0]["issuer"]),
        (&Value::Null, &"CN=Root,C=IN".into())
    );
    assert!(shell.run("show inside.der").contains("not verified\nSigned by: CN=bank, the certificate "));

    for (file, cipher) in [("cbc.der", "AES-256-CBC"), ("gcm.der", "AES-256-GCM"), ("pw.der", "AES-128-CBC")]
    {
        let shown = one(&shell, file);
        assert_eq!((&shown["type"], &shown["cipher"]), (&"encrypted".into(), &cipher.into()), "{file}");
    }
    assert_eq!(one(&shell, "cbc.der")["recipients"][0]["issuer"], "CN=Root,C=IN");
    let key = shell.json("cert show bank.pem --json")[0]["subject_key_identifier"].clone();
    assert_eq!(one(&shell, "gcm.der")["recipients"][0]["subject_key_identifier"], key);
    assert!(shell.run("show pw.der").contains("Encrypted to: a password, or a key without a certificate\n"));
    let shown = one(&shell, "two.der");
    let issuers: Vec<&str> =
        shown["recipients"].as_array().unwrap().iter().map(|one| one["issuer"].as_str().unwrap()).collect();
    assert!(issuers.contains(&"CN=Ravi") && issuers.contains(&"CN=Root,C=IN"), "{issuers:?}");
    let shown = one(&shell, "stream.ber");
    assert_eq!(shown["kind"], "cms");
    assert!(shown["hint"].as_str().unwrap().contains("openssl cms -cmsout"), "{shown}");
    assert_eq!(one(&shell, "digest.der")["type"], "1.2.840.113549.1.7.5");
    // Cut short, it is none.
    let whole = fs::read(shell.path().join("cbc.der")).unwrap();
    fs::write(shell.path().join("cut.der"), &whole[..whole.len() / 2]).unwrap();
    let (code, line) = shell.fails("show cut.der");
    assert!(code == 3 && line.contains("cut short"), "{line}");
    // Whole outside, and no message within.
    let mut broken = whole;
    let at = broken.windows(2).position(|pair| pair == [0x31, 0x81] || pair == [0x31, 0x82]).unwrap();
    broken[at] = 0x30;
    fs::write(shell.path().join("broken.der"), &broken).unwrap();
    let (code, line) = shell.fails("show broken.der");
    assert!(code == 3 && line.contains("RFC 5652"), "{line}");
}

#[test]
fn a_bundle_shows_its_certificates_and_lists() {
    let shell = world();
    openssl(shell.path(), "crl2pkcs7 -in list.pem -certfile bank.pem -certfile CA/cert.pem -out bundle.p7b");
    let shown = one(&shell, "bundle.p7b");
    assert_eq!((&shown["kind"], &shown["crls"][0]["issuer"]), (&"pkcs7".into(), &"CN=Root,C=IN".into()));
    assert_eq!(shown["certificates"].as_array().unwrap().len(), 2);
    openssl(shell.path(), "req -x509 -newkey ed448 -nodes -keyout ed.key -subj /CN=Ed -out ed.pem");
    openssl(shell.path(), "crl2pkcs7 -nocrl -certfile ed.pem -certfile bank.pem -outform DER -out ed.p7b");
    let shown = one(&shell, "ed.p7b");
    let faults: Vec<&str> = shown["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["not_shown"].as_str())
        .collect();
    assert_eq!(faults, ["unsupported key algorithm: Ed448"]);
}

#[test]
fn what_is_not_supported_is_named_as_far_as_it_can_be() {
    let shell = world();
    let path = shell.path();
    openssl(path, "req -x509 -newkey ed448 -nodes -keyout ed.key -subj /CN=Ed -out ed.pem");
    openssl(
        path,
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit -out e.key",
    );
    openssl(path, "ec -in e.key -out e.sec1");
    openssl(path, "pkey -in e.key -pubout -out e.pub");
    openssl(path, "ecparam -name secp256k1 -genkey -noout -out k1.key");
    openssl(path, "ecparam -name prime256v1 -out curve.pem");
    openssl(path, "genrsa -out small.key 1024");
    fs::write(path.join("jwk"), "{\"kty\": \"EC\"}").unwrap();
    fs::write(path.join("jks"), b"\xFE\xED\xFE\xED\0\0\0\x02").unwrap();
    fs::write(
        path.join("ssh"),
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    )
    .unwrap();
    for (file, kind, what, why) in [
        ("ed.key", "private_key", "a private key", "Ed448"),
        ("ed.pem", "certificate", "a certificate of CN=Ed", "Ed448"),
        ("e.key", "private_key", "a private key", "an elliptic curve that is not named"),
        ("e.sec1", "private_key", "an EC private key in SEC1 format", "an elliptic curve that is not named"),
        ("e.pub", "public_key", "a public key", "an elliptic curve that is not named"),
        ("k1.key", "private_key", "an EC private key in SEC1 format", "secp256k1"),
        ("small.key", "private_key", "a private key", "1024 bits"),
        ("curve.pem", "other", "the parameters of a curve", ""),
        ("jwk", "other", "a JSON Web Key", ""),
        ("jks", "other", "a Java key store (JKS)", ""),
        ("ssh", "other", "an OpenSSH private key", ""),
    ] {
        let shown = one(&shell, file);
        assert_eq!((shown["kind"].as_str(), shown["what"].as_str()), (Some(kind), Some(what)), "{file}");
        assert!(shown["not_shown"].as_str().unwrap().contains(why), "{file}: {shown}");
        assert!(file == "curve.pem" || !shown["hint"].as_str().unwrap().is_empty(), "{file}: {shown}");
    }
    // The curve in a block of its own belongs to the key behind it.
    openssl(path, "ecparam -name prime256v1 -genkey -out both.key");
    assert_eq!(one(&shell, "both.key")["algorithm"], "ECDSA on P-256");
}

#[test]
fn a_register_a_receipt_and_a_uri_are_shown_without_their_secrets() {
    let shell = world();
    shell.run("ca token --profile client --name asha");
    shell.run("ca revoke bank.pem");
    let shown = one(&shell, "CA/register.txt");
    assert_eq!(
        (&shown["kind"], &shown["issued"], &shown["revoked"], &shown["tokens"]),
        (&"register".into(), &1.into(), &1.into(), &1.into())
    );
    fs::write(shell.path().join("damaged"), "otls-register 2\nhat\n").unwrap();
    let (code, line) = shell.fails("show damaged");
    assert!(code != 0 && line.contains("damaged in line 2"), "{line}");

    shell.run("totp new --issuer Bank --account asha --out uri");
    let shown = one(&shell, "uri");
    assert_eq!((&shown["kind"], &shown["issuer"]), (&"otpauth".into(), &"Bank".into()));
    let uri = fs::read_to_string(shell.path().join("uri")).unwrap();
    let secret = uri.split("secret=").nth(1).unwrap().split('&').next().unwrap().trim();
    assert!(!shell.run("show uri").contains(secret) && !shown.to_string().contains(secret));
    fs::write(shell.path().join("export"), "otpauth-migration://offline?data=AAAA").unwrap();
    assert!(one(&shell, "export")["not_shown"].as_str().unwrap().contains("export of several accounts"));
}

#[test]
fn what_cannot_be_told_ends_with_3_and_what_can_beside_it_is_shown() {
    let shell = world();
    let write = |name: &str, data: &[u8]| fs::write(shell.path().join(name), data).unwrap();
    write("empty", b"\n");
    write("words", b"The quick brown fox\n");
    write("der", &[0x30, 3, 0x0A, 1, 0]);
    write("hat", b"-----BEGIN HAT-----\nAAAA\n-----END HAT-----\n");
    write("half", &fs::read(shell.path().join("bank.pem")).unwrap()[..300]);
    write("base64", b"-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n");
    for (file, words) in [
        ("empty", "empty"),
        ("words", "neither PEM nor DER"),
        ("der", "DER of an unknown kind"),
        ("hat", "a PEM block \"HAT\""),
        ("half", "cut short"),
        ("base64", "base64 does not decode"),
        ("missing", "No such file"),
    ] {
        let (code, line) = shell.fails(&format!("show {file}"));
        assert!(code == 3 && line.contains(words), "{file}: {code} {line}");
    }
    join(&shell, &["bank.pem", "hat"], "both");
    let output = shell.output("show --json both");
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &shown[0]["subject"]), (Some(3), &"CN=bank".into()));
    assert_eq!((&shown[1]["kind"], &shown[1]["what"]), (&"unknown".into(), &"a PEM block \"HAT\"".into()));
    // Only revocation lists are so large.
    write("large", &vec![b'a'; (32 << 20) + 1]);
    let (code, line) = shell.fails("show large");
    assert!(code == 3, "{line}");
    let mut large = fs::read(shell.path().join("bank.pem")).unwrap();
    large.resize((32 << 20) + 1, b'\n');
    write("large", &large);
    let (code, line) = shell.fails("show large");
    assert!(code == 3 && line.contains("larger than 32 MiB"), "{line}");
}

#[test]
fn nobody_has_to_read_all_of_it() {
    let shell = world();
    join(&shell, &["bank.pem"; 200], "many");
    let line = format!("set -o pipefail; {} show many | head -1", env!("CARGO_BIN_EXE_otls"));
    let output =
        Command::new("bash").args(["-c", &line]).current_dir(shell.path()).stdin(Stdio::null()).output();
    let output = output.unwrap();
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"1: a certificate\n"[..], &b""[..]));
    assert!(matches!(output.status.code(), Some(0 | 141)));
}

#[test]
fn an_account_moves_nothing_on_the_terminal() {
    let shell = Shell::new();
    let uri = "otpauth://totp/Bank:a%E2%80%AEb?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Bank";
    fs::write(shell.path().join("uri"), uri).unwrap();
    let shown = shell.run("show uri");
    assert!(shown.contains("account: a\\u{202e}b") && !shown.contains('\u{202E}'), "{shown}");
    assert!(!shown.contains("GEZDGNBV"), "{shown}");
}
