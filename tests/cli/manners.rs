//! Manners: a closed pipe, times, what was not looked at, hints in the words of the command line.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Command, Output, Stdio};

use crate::support::Shell;

fn otls(shell: &Shell, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otls"));
    command.args(arguments.split_whitespace()).current_dir(shell.path());
    command.env_remove("OTLS_KEY_PASSWORD").env_remove("OTLS_OTPAUTH_URI");
    command
}

/// The end of a pipe that nobody reads.
fn closed() -> Stdio {
    std::io::pipe().unwrap().1.into()
}

/// Runs a command whose standard output nobody reads, with this standard input.
fn unread(shell: &Shell, arguments: &str, input: &[u8]) -> Output {
    let mut command = otls(shell, arguments);
    let mut process = command.stdin(Stdio::piped()).stdout(closed()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that has ended already reads nothing.
    let _ = process.stdin.take().unwrap().write_all(input);
    process.wait_with_output().unwrap()
}

/// A folder with one of everything that a command takes.
fn world() -> Shell {
    let shell = Shell::with_certificate();
    shell.run("ca crl --out list.pem");
    shell.run("totp new --issuer Bank --account asha --out uri");
    shell.run("csr new --key key.pem --name asha --out asha.csr");
    shell.run("ca sign asha.csr --profile client --out asha.pem");
    fs::write(shell.path().join("text"), "hello").unwrap();
    shell.run("cms seal --signer asha.pem --key key.pem --to asha.pem text --out sealed");
    shell
}

#[test]
fn where_nobody_reads_standard_output_each_command_ends_quietly_and_alike() {
    let shell = world();
    let trust = "--root CA/cert.pem --name bank.example";
    let commands = [
        "--help",
        "--version",
        "help",
        "help ca",
        "ca --help",
        "verify --help",
        "key new",
        "show key.pem",
        "show list.pem",
        "convert key.pem --to pem",
        "convert key.pem --to der --public",
        "key show key.pem",
        "csr new --key key.pem --name bank",
        "csr show request.pem",
        "csr verify request.pem",
        "ca init --dir Other --name Other",
        "ca sign asha.csr --profile client",
        "ca token --profile client --name ravi",
        "ca crl",
        "ca revoke asha.pem",
        "cert show bank.pem",
        "totp code uri",
        "totp qr uri",
        "totp show uri",
        "totp verify uri",
        "cms seal --signer asha.pem --key key.pem --to asha.pem text",
        "cms open --cert asha.pem --key key.pem --root CA/cert.pem --role client sealed",
        &format!("verify {trust} bank.pem"),
        &format!("verify {trust}.org bank.pem"),
    ];
    for arguments in commands {
        for json in ["", "--json "] {
            if !json.is_empty() && (arguments.starts_with("cms open") || arguments.starts_with("ca init")) {
                continue;
            }
            let output = unread(&shell, &format!("{json}{arguments}"), b"123456\n");
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!((output.status.code(), error.as_str()), (Some(141), ""), "{json}{arguments}");
        }
    }
    // A shell says the same of programs that the signal ends.
    let line = format!("set -o pipefail; {} cert show bank.pem | :", env!("CARGO_BIN_EXE_otls"));
    let status = Command::new("bash").args(["-c", &line]).current_dir(shell.path()).status().unwrap();
    assert!(matches!(status.code(), Some(0 | 141)), "{status}");
}

#[test]
fn what_is_in_a_file_is_whole_where_nobody_reads_the_rest() {
    let shell = world();
    let opened =
        "cms open --cert asha.pem --key key.pem --root CA/cert.pem --role client --out opened sealed";
    assert_eq!(unread(&shell, opened, b"").status.code(), Some(141));
    assert_eq!(fs::read_to_string(shell.path().join("opened")).unwrap(), "hello");
    assert_eq!(unread(&shell, "ca revoke bank.pem", b"").status.code(), Some(141));
    shell.run("ca crl --out after.pem");
    let report = shell.refused("--root CA/cert.pem --crl after.pem --name bank.example bank.pem");
    assert_eq!(report["code"], "CERTIFICATE_REVOKED");
    assert_eq!(
        unread(&shell, "totp new --issuer Bank --account ravi --out qr-uri --qr", b"").status.code(),
        Some(141)
    );
    shell.run("totp show qr-uri");
}

#[test]
fn where_nobody_reads_standard_error_the_exit_code_tells() {
    let shell = world();
    for (arguments, code) in [("key show nowhere", 3), ("verify bank.pem", 2), ("cert show bank.pem", 0)] {
        let output = otls(&shell, arguments).stderr(closed()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments}");
        let line = format!("exec {} {arguments} 2>&-", env!("CARGO_BIN_EXE_otls"));
        let output = Command::new("sh").args(["-c", &line]).current_dir(shell.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments}");
    }
}

#[test]
fn a_file_is_sent_to_its_end_where_nobody_reads_the_answer() {
    let shell = Shell::with_certificate();
    let flags = "--bind 127.0.0.1:0 --cert bank.pem --key key.pem --client-auth none --json";
    let mut server = otls(&shell, &format!("serve {flags}"));
    let mut server = server.stdin(Stdio::null()).stdout(closed()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = [0; 64];
    let len = server.stderr.as_mut().unwrap().read(&mut line).unwrap();
    let line = String::from_utf8_lossy(&line[..len]).into_owned();
    let address = line.trim().strip_prefix("otls: listening on ").unwrap().to_owned();
    fs::write(shell.path().join("large"), vec![7; 3 << 20]).unwrap();
    let connect =
        format!("connect {address} --root CA/cert.pem --name bank.example --resume session --key-log log");
    for (more, input) in [("--send large", ""), ("", "some words")] {
        let output = unread(&shell, &format!("{connect} {more}"), input.as_bytes());
        let error = String::from_utf8(output.stderr).unwrap();
        // What was agreed on, and that revocation was not looked at.
        assert_eq!((output.status.code(), error.lines().count()), (Some(141), 2), "{error}");
        assert!(error.lines().nth(1).unwrap().contains("revocation was not looked at"), "{error}");
        assert!(fs::metadata(shell.path().join("session")).unwrap().len() > 0);
        assert!(fs::metadata(shell.path().join("log")).unwrap().len() > 0);
    }
    // The server, whose lines nobody reads, goes on.
    let heard = shell.output(&format!("{connect} --send large")).stdout;
    assert_eq!(heard.len(), 3 << 20);
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn a_time_is_any_of_rfc_3339_or_a_date() {
    let shell = Shell::with_certificate();
    let verify = |time: &str| {
        let mut command =
            otls(&shell, "verify --json --root CA/cert.pem --name bank.example bank.pem --time");
        let output = command.arg(time).output().unwrap();
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        value["findings"][0]["reason"].as_str().unwrap_or_default().to_owned()
    };
    for time in [
        "2036-01-01T05:30:00+05:30",
        "2036-01-01t00:00:00z",
        "2036-01-01 00:00:00.75Z",
        "2036-01-01",
        "2035-12-31T23:59:60Z",
    ] {
        let reason = verify(time);
        assert!(reason.ends_with("now is 2036-01-01T00:00:00Z"), "{time}: {reason}");
    }
    let (code, line) =
        shell.fails("verify --root CA/cert.pem --name bank.example --time 2026-11-23T12:00:00 bank.pem");
    assert!(code == 2 && line.contains("no offset from UTC"), "{line}");
    assert!(line.contains("write it as 2026-11-23T12:00:00Z, 2026-11-23T17:30:00+05:30"), "{line}");
}

#[test]
fn a_verdict_says_where_revocation_was_not_looked_at() {
    let shell = world();
    let verify = "verify --root CA/cert.pem --name bank.example bank.pem";
    let line = "revocation was not looked at: no list of each authority of the path was given with --crl\n";
    assert!(shell.run(verify).contains(line));
    assert_eq!(shell.json(&format!("{verify} --json"))["revocation_checked"], false);
    assert!(!shell.run(&format!("{verify} --crl list.pem")).contains("revocation"));
    assert_eq!(shell.json(&format!("{verify} --crl list.pem --json"))["revocation_checked"], true);
    let open =
        "cms open --cert asha.pem --key key.pem --root CA/cert.pem --role client --force --out opened sealed";
    assert!(shell.run(open).contains(line.trim()));
    assert_eq!(shell.json(&format!("{open} --crl list.pem --json"))["revocation_checked"], true);
}

#[test]
fn a_list_of_one_authority_alone_is_not_enough_for_a_path_of_two() {
    let shell = Shell::new();
    shell.run("ca init --dir Root --name Root --path-len 1");
    shell.run("ca init --dir Branch --name Branch --below Root --days 365");
    shell.run("key new --out key.pem");
    shell.run("csr new --key key.pem --name bank --san bank.example --out bank.csr");
    shell.run("ca sign bank.csr --dir Branch --profile server --out bank.pem");
    shell.run("ca crl --dir Root --out root.crl");
    shell.run("ca crl --dir Branch --out branch.crl");
    let verify =
        "verify --json --root Root/cert.pem --intermediate Branch/cert.pem --name bank.example bank.pem";
    for (lists, checked) in
        [("--crl root.crl", false), ("--crl branch.crl", false), ("--crl root.crl --crl branch.crl", true)]
    {
        assert_eq!(shell.json(&format!("{verify} {lists}"))["revocation_checked"], checked, "{lists}");
    }
}

#[test]
fn a_hint_names_the_flags_of_the_command_line() {
    let shell = Shell::with_certificate();
    fs::write(shell.path().join("password"), "correct horse\n").unwrap();
    fs::write(shell.path().join("wrong"), "battery staple\n").unwrap();
    shell.run("key new --out locked.pem --password-file password");
    for (arguments, words) in [
        ("key show locked.pem", "name that with --password-file, or set OTLS_KEY_PASSWORD"),
        ("key show locked.pem --password-file wrong", "check the first line of --password-file"),
        (
            "key show key.pem --password-file password",
            "leave --password-file out, and unset OTLS_KEY_PASSWORD",
        ),
        ("key new --encryption scrypt", "give one with --password-file"),
        ("convert key.pem --to pem --encryption scrypt", "give one with --new-password-file"),
        ("key new --out key.pem", "--force to replace it"),
    ] {
        let (_, line) = shell.fails(arguments);
        assert!(line.contains(words), "{arguments}: {line}");
    }
    shell.run("ca init --dir Other --name Other");
    let root = "--root CA/cert.pem --name bank.example";
    for (arguments, words) in [
        ("--root Other/cert.pem --name bank.example bank.pem", "--root"),
        ("--root Other/cert.pem --name bank.example bank.pem", "--intermediate"),
        ("--root CA/cert.pem --name other.example bank.pem", "--name"),
        (&format!("{root} --require-crl bank.pem"), "give it with --crl"),
    ] {
        let report = shell.refused(arguments);
        let hint = report["findings"][0]["hint"].as_str().unwrap();
        assert!(hint.contains(words), "{arguments}: {hint}");
        let text = String::from_utf8(shell.output(&format!("verify {arguments}")).stdout).unwrap();
        assert!(text.contains(words), "{arguments}: {text}");
    }
}
