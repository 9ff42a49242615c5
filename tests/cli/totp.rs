//! `otls totp`, run as a person runs it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use otls::UnixTime;
use otls::otp::oath::OtpAuth;
use serde_json::Value;
use tempfile::TempDir;

/// A folder and the commands that are run in it.
struct Shell(TempDir);

impl Shell {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// With a shared secret in `uri`.
    fn with_secret() -> Self {
        let shell = Self::new();
        assert_eq!(shell.run("new --issuer Bank --account asha --out uri", ""), "");
        shell
    }

    fn output(&self, arguments: &str, input: &str) -> Output {
        let mut child = self.command(arguments).spawn().unwrap();
        // Whoever reads nothing has closed the pipe.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_otls"));
        command.arg("totp").args(arguments.split_whitespace()).current_dir(self.0.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env_remove("OTLS_OTPAUTH_URI");
        command
    }

    /// Standard output of a command that succeeds.
    fn run(&self, arguments: &str, input: &str) -> String {
        let output = self.output(arguments, input);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments}: {error}");
        assert_eq!(error, "", "{arguments}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The exit code and the one line of a command that fails.
    fn fails(&self, arguments: &str, input: &str) -> (i32, String) {
        let output = self.output(arguments, input);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.stdout, b"", "{arguments}");
        assert_eq!(error.lines().count(), 1, "{arguments}: {error}");
        assert!(error.starts_with("otls: error: "), "{error}");
        (output.status.code().unwrap(), error)
    }

    fn refused(&self, arguments: &str, code: &str) {
        let output = self.output(arguments, code);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(8), &b"refused\n"[..]));
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.path().join(file)).unwrap()
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.path().join(file), text).unwrap();
    }

    fn mode(&self, file: &str) -> u32 {
        fs::metadata(self.0.path().join(file)).unwrap().permissions().mode() & 0o777
    }

    /// The code of so many seconds ago.
    fn code(&self, ago: u64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let auth = OtpAuth::parse(self.read("uri").trim_end()).unwrap();
        auth.totp().unwrap().code(UnixTime(now - ago)).expose().to_owned()
    }
}

#[test]
fn a_new_secret_is_in_its_file_alone_and_for_its_owner_alone() {
    let shell = Shell::with_secret();
    let uri = shell.read("uri");
    assert!(uri.starts_with("otpauth://totp/Bank:asha?secret=") && uri.ends_with("&period=30\n"), "{uri}");
    assert_eq!(shell.mode("uri"), 0o600);
    let (code, line) = shell.fails("new --issuer Bank --account asha --out uri", "");
    assert!(code == 3 && line.contains("exists"), "{line}");
    shell.run(
        "new --issuer Bank --account asha --out uri --force --digits 8 --period 60 --algorithm sha512",
        "",
    );
    let shown: Value = serde_json::from_str(&shell.run("show uri --json", "")).unwrap();
    assert_eq!((&shown["issuer"], &shown["account"]), (&"Bank".into(), &"asha".into()));
    let codes = serde_json::json!({ "algorithm": "SHA512", "digits": 8, "period": 60 });
    assert_eq!(shown["codes"], codes);
    let secret = shell.read("uri").split_once("secret=").unwrap().1[..20].to_owned();
    assert_ne!(uri.split_once("secret=").unwrap().1[..20], secret);
    assert!(!shell.run("show uri", "").contains(&secret), "a secret is never shown");
}

#[test]
fn a_code_is_printed_and_accepted_once() {
    let shell = Shell::with_secret();
    let code = shell.run("code uri", "");
    assert!(code.trim_end().len() == 6 && code.trim_end().bytes().all(|octet| octet.is_ascii_digit()));
    assert_eq!(shell.run("verify uri --state used", &code), "accepted\n");
    assert_eq!(shell.mode("used"), 0o600);
    shell.refused("verify uri --state used", &code);
    // Without a memory it is accepted within its time.
    assert_eq!(shell.run("verify uri", &code), "accepted\n");
    assert_eq!(shell.run("verify uri --json", &code), "{\n  \"accepted\": true\n}\n");
    shell.refused("verify uri", &shell.code(600));
    assert_eq!(shell.run("verify uri --window 10", &shell.code(240)), "accepted\n");
}

#[test]
fn a_code_is_taken_as_it_is_typed_and_what_cannot_be_one_is_no_attempt() {
    let shell = Shell::with_secret();
    let code = shell.run("code uri", "");
    let (front, back) = code.trim_end().split_at(3);
    let full_width: String =
        code.trim_end().chars().map(|digit| char::from_u32(u32::from(digit) + 0xFEE0).unwrap()).collect();
    for typed in [
        format!("{front} {back}"),
        format!(" {front}-{back} \r\n"),
        format!("{front}\u{a0}\u{2013}\u{a0}{back}\nthe second line is not read\n"),
        full_width,
    ] {
        assert_eq!(shell.run("verify uri --window 2", &typed), "accepted\n", "{typed:?}");
    }
    for typed in ["1", "12345", "1234567", "12345o", "१२३४५६", "123456x"] {
        let (exit, line) = shell.fails("verify uri --state used", typed);
        assert!(
            exit == 2 && line.contains("not a code: one has 6 digits") && line.contains("no attempt"),
            "{line}"
        );
    }
    let (exit, line) = shell.fails("verify uri", &format!("{}{code}", " ".repeat(64)));
    assert!(exit == 2 && line.contains("more than 64 octets"), "{line}");
    // Nothing of it was remembered.
    assert_eq!(shell.run("verify uri --state used --window 2", &code), "accepted\n");
}

#[test]
fn of_many_programs_with_the_same_code_one_is_told_that_it_is_accepted() {
    let shell = Shell::with_secret();
    let code = shell.run("code uri", "");
    let mut children: Vec<_> =
        (0..8).map(|_| shell.command("verify uri --state used --window 2").spawn().unwrap()).collect();
    for child in &mut children {
        child.stdin.take().unwrap().write_all(code.as_bytes()).unwrap();
    }
    let codes = children.into_iter().map(|child| child.wait_with_output().unwrap().status.code().unwrap());
    let mut codes: Vec<i32> = codes.collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 8, 8, 8, 8, 8, 8, 8]);
}

#[test]
fn the_uri_may_be_in_the_environment() {
    let shell = Shell::with_secret();
    let mut command = shell.command("code");
    let output = command.env("OTLS_OTPAUTH_URI", shell.read("uri").trim_end()).output().unwrap();
    assert!(output.status.success());
    assert_eq!(shell.run("verify uri", core::str::from_utf8(&output.stdout).unwrap()), "accepted\n");
    let (code, line) = shell.fails("code", "");
    assert!(code == 2 && line.contains("OTLS_OTPAUTH_URI"), "{line}");
    let output = shell.command("code").env("OTLS_OTPAUTH_URI", "otpauth://totp/a").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("OTLS_OTPAUTH_URI: not a usable otpauth URI"));
}

#[test]
fn a_qr_code_is_printed_on_request() {
    let shell = Shell::with_secret();
    let qr = shell.run("qr uri", "");
    let widths: Vec<usize> = qr.lines().map(|line| line.chars().count()).collect();
    assert!(widths.len() > 20 && widths.iter().all(|width| *width == widths[0]), "{qr}");
    assert!(qr.lines().next().unwrap().chars().all(|block| block == '█'), "{qr}");
    let inverted = shell.run("qr uri --invert", "");
    assert!(inverted.lines().next().unwrap().chars().all(|block| block == ' '), "{inverted}");
    let at_once = shell.run("new --issuer Bank --account asha --out other --qr", "");
    assert_eq!(at_once, shell.run("qr other", ""));
    let at_once = shell.run("new --issuer Bank --account asha --out third --qr --invert", "");
    assert_eq!(at_once, shell.run("qr third --invert", ""));
}

#[test]
fn what_cannot_be_used_is_refused_with_a_reason() {
    let shell = Shell::with_secret();
    shell.write("short", "otpauth://totp/a?secret=GEZDGNBV\n");
    shell.write("hotp", "otpauth://hotp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter=7\n");
    shell.write("binary", "\u{FF}\u{FE}");
    shell.write("export", "otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8\n");
    shell.write("steam", "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&encoder=steam\n");
    shell.write("unknown", "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&offset=1\n");
    shell.write("two", "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\notpauth://totp/b\n");
    shell.write("broken", "yesterday\n");
    shell.write("empty", "");
    for (arguments, input, exit, why) in [
        ("new --issuer Bank --account asha --out x --digits 9", "", 2, "6 to 8 digits"),
        ("new --issuer Bank --account asha --out x --period 0", "", 2, "period"),
        ("new --issuer a:b --account asha --out x", "", 2, "colon"),
        ("code absent", "", 3, "check the path"),
        ("code short", "", 3, "fewer than 16 octets"),
        ("code binary", "", 3, "not a usable otpauth URI"),
        ("code empty", "", 3, "does not begin with otpauth://"),
        ("code export", "", 3, "for its own URI"),
        ("code steam", "", 3, "codes of their own"),
        ("code unknown", "", 3, "\"offset\" is not known"),
        ("code two", "", 3, "not percent-encoded"),
        ("code hotp", "", 2, "a URI for hotp"),
        ("verify uri", "", 2, "no code on standard input"),
        ("verify uri --window 11", "123456", 2, "more than 10 steps"),
        ("verify uri --state broken", "123456", 2, "not a file of used codes"),
        ("verify uri --state absent/used", "123456", 3, "check the path"),
    ] {
        let (code, line) = shell.fails(arguments, input);
        assert!(code == exit && line.contains(why), "{arguments}: {code} {line}");
        assert!(!line.contains("GEZDGNBV"), "{line}");
    }
    assert!(!shell.0.path().join("x").exists());
    let app = "\u{FEFF}otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&image=x&algorithm=HMAC-SHA-256 \r\n";
    shell.write("app", app);
    assert_eq!(shell.run("show app", ""), "issuer:  -\naccount: a\ntotp: 6 digits, SHA256, 30 s\n");
    shell.run("new --issuer Bank --account asha --out names --algorithm SHA-512", "");
    assert!(shell.read("names").contains("algorithm=SHA512"));
    shell.run("new --issuer Bank --account asha --out names --force --algorithm HmacSHA256", "");
    assert!(shell.read("names").contains("algorithm=SHA256"));
    assert_eq!(shell.run("show hotp", ""), "issuer:  -\naccount: a\nhotp: 6 digits, SHA1, counter 7\n");
}
