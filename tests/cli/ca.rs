//! `otls ca` and the subjects that it signs, run as a person runs them.

use std::fs;

use crate::support::{Shell, openssl};

#[test]
fn a_subject_has_any_attribute_in_the_order_of_its_flags() {
    let shell = Shell::new();
    shell.run("ca init --name Root");
    shell.run("key new --out key.pem");
    shell.run(
        "csr new --key key.pem --attribute DC=example --attribute DC=corp --attribute OU=A --attribute ou=B \
         --attribute CN=dc1 --attribute 1.2.3.4=a=b --san dc1.example --out request.pem",
    );
    let subject = "1.2.3.4=#0C03613D62,CN=dc1,OU=B,OU=A,DC=corp,DC=example";
    assert_eq!(shell.json("csr show --json request.pem")["subject"], subject);
    shell.run("ca sign request.pem --profile server --out cert.pem");
    assert_eq!(shell.json("cert show --json cert.pem")[0]["subject"], subject);
    shell.run("csr new --key key.pem --name Asha --country IN --attribute UID=1001 --out asha.pem");
    assert_eq!(shell.json("csr show --json asha.pem")["subject"], "UID=1001,CN=Asha,C=IN");
    assert_eq!(shell.fails("csr new --key key.pem --name a --attribute UID --out x.pem").0, 2);
    assert_eq!(shell.fails("csr new --key key.pem --name a --attribute X=1 --out x.pem").0, 2);
    assert_ne!(shell.output("csr new --key key.pem --out x.pem").status.code(), Some(0));
}

#[test]
fn what_is_not_issued_as_asked_is_refused_or_said() {
    let shell = Shell::new();
    shell.run("ca init --name Root");
    shell.run("key new --out key.pem");
    let request = "req -new -key key.pem -subj /CN=asha -out request.pem -addext";
    openssl(
        shell.path(),
        &format!("{request} subjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:asha@corp.example"),
    );
    let (code, error) = shell.fails("ca sign request.pem --profile client --out cert.pem");
    assert!(code == 4 && error.contains("user principal name"), "{code} {error}");
    openssl(shell.path(), &format!("{request} tlsfeature=status_request"));
    let (code, error) = shell.fails("ca sign request.pem --profile client --out cert.pem");
    assert!(code == 4 && error.contains("1.3.6.1.5.5.7.1.24"), "{code} {error}");
    openssl(shell.path(), &format!("{request} keyUsage=digitalSignature,nonRepudiation"));
    let output = shell.output("ca sign request.pem --profile client --out cert.pem");
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "otls: not as asked, the profile decides: without keyUsage nonRepudiation\n");
}

#[test]
fn a_token_is_made_for_a_profile_and_names() {
    let shell = Shell::new();
    shell.run("ca init --name Root");
    let token = shell.run("ca token --profile server --name Bank --name bank.example");
    assert_eq!(token.trim().len(), 32);
    let register = fs::read_to_string(shell.path().join("CA/register.txt")).unwrap();
    let line = register.lines().nth(1).unwrap();
    assert!(line.starts_with("token ") && line.ends_with(" server bank,bank.example"), "{line}");
    assert!(!register.contains(token.trim()));
    assert_eq!(shell.fails("ca token --profile ca --name Branch").0, 2);
    assert_ne!(shell.output("ca token --profile server").status.code(), Some(0));
}

#[test]
fn a_name_belongs_to_its_first_key() {
    let shell = Shell::with_certificate();
    shell.run("key new --out thief.pem");
    shell.run("csr new --key thief.pem --name bank --san bank.example --out thief-request.pem");
    let (code, line) = shell.fails("ca sign thief-request.pem --profile server");
    assert!(code == 4 && line.contains("belongs to another key"), "{line}");
    shell.run("ca revoke bank.pem");
    shell.run("ca sign thief-request.pem --profile server");
}

#[test]
fn an_authority_below_another_issues_what_the_root_verifies() {
    let shell = Shell::new();
    shell.run("ca init --dir Root --name Root --path-len 1");
    shell.run("ca init --dir Branch --name Branch --below Root --days 365 --permit branch.example");
    shell.run("key new --out key.pem");
    shell.run("csr new --key key.pem --name bank --san bank.branch.example --out in.csr");
    shell.run("csr new --key key.pem --name bank --san bank.other.example --out out.csr");
    shell.run("ca sign in.csr --dir Branch --profile both --out in.pem");
    // It does not issue what nobody accepts: somebody else with its key does.
    let (code, line) = shell.fails("ca sign out.csr --dir Branch --profile server --out out.pem");
    assert!(
        code == 4 && line.contains("bank.other.example is outside what its issuer is constrained to"),
        "{line}"
    );
    fs::write(shell.path().join("san"), "subjectAltName=DNS:bank.other.example\nextendedKeyUsage=serverAuth")
        .unwrap();
    let by_branch = "-CA Branch/cert.pem -CAkey Branch/key.pem -days 30 -extfile san";
    openssl(shell.path(), &format!("x509 -req -in out.csr {by_branch} -out out.pem"));
    let chain = "--root Root/cert.pem --intermediate Branch/cert.pem";
    shell.run(&format!("verify {chain} --name bank.branch.example in.pem"));
    shell.run(&format!("verify {chain} --role client in.pem"));
    openssl(shell.path(), "verify -x509_strict -CAfile Root/cert.pem -untrusted Branch/cert.pem in.pem");
    let report = shell.refused(&format!("{chain} --name bank.other.example out.pem"));
    assert_eq!(report["findings"][0]["check"], "nameConstraints");
    let branch = &shell.json("cert show Branch/cert.pem --json")[0];
    assert_eq!((&branch["ca"], &branch["path_length"]), (&true.into(), &0.into()));
    assert_eq!(
        shell.refused(&format!("{chain} --max-depth 0 --name bank.branch.example in.pem"))["findings"][0]["check"],
        "pathLength"
    );
    shell.run(&format!("verify {chain} --max-depth 1 --role any in.pem"));
    let report = shell.refused(&format!("{chain} --require-crl --name bank.branch.example in.pem"));
    assert_eq!(report["findings"][0]["check"], "revocation");
    // Whoever is revoked takes its branch along.
    // What stands behind it is the root, which is said not to be revoked.
    let output = shell.output("ca revoke Branch/cert.pem --dir Root");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && error.contains("not taken: its issuer CN=Root"), "{error}");
    shell.run("ca crl --dir Root --out root.crl");
    let report = shell.refused(&format!("{chain} --crl root.crl --name bank.branch.example in.pem"));
    assert_eq!(report["code"], "CERTIFICATE_REVOKED");
}

#[test]
fn an_authority_does_not_give_more_than_it_has() {
    let shell = Shell::with_certificate();
    let (code, line) = shell.fails("ca init --dir Sub --name Sub --below CA");
    assert!(code == 4 && line.contains("path"), "{line}");
    let (code, line) = shell.fails("ca sign request.pem --profile server --permit example");
    assert!(code == 2 && line.contains("for authorities"), "{line}");
    let (code, line) = shell.fails("ca init --dir Other --name Other --permit example");
    assert!(code == 2 && line.contains("a root's names"), "{line}");
}
