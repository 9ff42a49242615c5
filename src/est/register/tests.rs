use super::*;
use crate::crypto::SystemRandom;
use crate::pki::{
    AuthorityTerms, DistinguishedName, GeneralName, KeyType, NameConstraints, PrivateKey, Validity,
};
use core::time::Duration;

const NOW: UnixTime = UnixTime(1_800_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn key() -> PrivateKey {
    PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap()
}

fn authority() -> Authority {
    let subject = DistinguishedName::with_common_name("root");
    Authority::create(key(), &subject, HashAlgorithm::Sha256, Validity::new(NOW, 365 * DAY), &SystemRandom)
        .unwrap()
}

fn request(key: &PrivateKey, common_name: &str, names: &[&str]) -> CertificateRequest {
    let subject = DistinguishedName::with_common_name(common_name);
    let names: Vec<GeneralName> = names.iter().map(|name| GeneralName::parse(name).unwrap()).collect();
    CertificateRequest::create(key, &subject, &names, HashAlgorithm::Sha256, &SystemRandom).unwrap()
}

struct Ttp {
    authority: Authority,
    register: Register,
}

impl Ttp {
    fn new() -> Self {
        Self { authority: authority(), register: Register::default() }
    }

    fn issue(
        &mut self,
        key: &PrivateKey,
        profile: Profile,
        name: &str,
        names: &[&str],
    ) -> Result<Certificate> {
        self.issue_at(key, profile, name, names, NOW)
    }

    fn issue_at(
        &mut self,
        key: &PrivateKey,
        profile: Profile,
        name: &str,
        names: &[&str],
        now: UnixTime,
    ) -> Result<Certificate> {
        let request = request(key, name, names);
        self.register.issue(&self.authority, &request, profile, Validity::new(now, DAY), &SystemRandom)
    }
}

fn is_taken(result: &Result<Certificate>, name: &str) -> bool {
    matches!(result, Err(Error::Certificate(CertificateError::NameTaken(taken))) if taken == name)
}

/// What a server of enrolment does for a client that has authenticated with `holder`.
fn rekeyed(
    register: &mut Register,
    authority: &Authority,
    request: &CertificateRequest,
    holder: &Certificate,
) -> Result<Certificate> {
    let (profile, validity, holder) = (Profile::Server, Validity::new(NOW, DAY), Some(holder));
    let order = Order { authority, request, profile, validity, holder, holds_loopback: false };
    register.fulfil(&order, &SystemRandom)
}

#[test]
fn a_name_belongs_to_its_first_key_and_that_key_may_enrol_again() {
    let mut ttp = Ttp::new();
    let (first, second) = (key(), key());
    ttp.issue(&first, Profile::Server, "bank", &["bank.example"]).unwrap();
    ttp.issue(&first, Profile::Server, "bank", &["bank.example"]).unwrap();
    let before = ttp.register.to_text();

    let taken = ttp.issue(&second, Profile::Server, "bank", &["other.example"]);
    assert!(is_taken(&taken, "bank"));
    let taken = ttp.issue(&second, Profile::Server, "other", &["other.example", "Bank.Example"]);
    assert!(is_taken(&taken, "bank.example"));
    let taken = ttp.issue(&second, Profile::Server, " BANK.example", &["127.0.0.1"]);
    assert!(is_taken(&taken, "bank.example"), "a common name that is another's DNS name");
    assert_eq!(ttp.register.to_text(), before, "a refusal enters nothing");
}

#[test]
fn a_name_goes_over_to_another_key_only_for_who_has_the_first() {
    let mut ttp = Ttp::new();
    let (first, second, third) = (key(), key(), key());
    let old = ttp.issue(&first, Profile::Server, "bank", &["bank.example"]).unwrap();
    let mallory = ttp.issue(&third, Profile::Server, "mallory", &["mallory.example"]).unwrap();
    let asked = request(&second, "bank", &["bank.example"]);
    let issue_to = |ttp: &mut Ttp, holder: &Certificate| {
        let Ttp { authority, register } = ttp;
        rekeyed(register, authority, &asked, holder)
    };

    assert!(is_taken(&issue_to(&mut ttp, &mallory), "bank"));
    let forged = Ttp::new().issue(&first, Profile::Server, "bank", &["bank.example"]).unwrap();
    assert!(is_taken(&issue_to(&mut ttp, &forged), "bank"), "a certificate that this register does not know");

    let new = issue_to(&mut ttp, &old).unwrap();
    assert_eq!(new.public_key().fingerprint(), second.public_key().fingerprint());
    let [entry, other, _] = ttp.register.entries() else { panic!("three certificates") };
    assert_eq!(entry.revoked, Some((NOW, RevocationReason::Superseded)));
    assert_eq!(other.revoked, None);
    let back = request(&first, "bank", &["bank.example"]);
    let Ttp { authority, register } = &mut ttp;
    let back = rekeyed(register, authority, &back, &old);
    assert!(is_taken(&back, "bank"), "the superseded certificate has no say any more");
}

#[test]
fn a_certificate_renews_its_own_names_for_its_own_profile_alone() {
    let mut ttp = Ttp::new();
    let (bank, other) = (key(), key());
    let held = ttp.issue(&bank, Profile::Server, "bank", &["bank.example"]).unwrap();
    ttp.issue(&other, Profile::Server, "other", &["other.example"]).unwrap();
    let renews = |name: &str, names: &[&str], profile: Profile| {
        ttp.register.renews(&held, &request(&key(), name, names), profile, NOW)
    };
    assert!(renews("bank", &["bank.example"], Profile::Server));
    assert!(renews("bank", &[], Profile::Server));
    assert!(!renews("bank", &["bank.example"], Profile::Client));
    assert!(!renews("bank", &["bank.example", "new.example"], Profile::Server));
    assert!(!renews("other", &["other.example"], Profile::Server));
}

#[test]
fn the_same_name_may_be_a_servers_and_a_clients() {
    let mut ttp = Ttp::new();
    ttp.issue(&key(), Profile::Server, "asha", &["127.0.0.1"]).unwrap();
    ttp.issue(&key(), Profile::Client, "asha", &[]).unwrap();
    assert!(is_taken(&ttp.issue(&key(), Profile::Client, "Asha", &[]), "asha"));
}

#[test]
fn loopback_names_are_shared_by_servers_but_not_as_the_name_of_a_client() {
    let mut ttp = Ttp::new();
    let local = ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"];
    ttp.issue(&key(), Profile::Server, "one", &local).unwrap();
    ttp.issue(&key(), Profile::Server, "two", &local).unwrap();
    ttp.issue(&key(), Profile::Server, "localhost", &local).unwrap();
    ttp.issue(&key(), Profile::Server, "localhost", &local).unwrap();

    ttp.issue(&key(), Profile::Client, "localhost", &[]).unwrap();
    assert!(is_taken(&ttp.issue(&key(), Profile::Client, "localhost", &[]), "localhost"));
}

#[test]
fn a_wildcard_and_the_names_that_it_covers_exclude_each_other() {
    for (first, second) in [("*.bank.example", "otp.bank.example"), ("otp.bank.example", "*.bank.example")] {
        let mut ttp = Ttp::new();
        ttp.issue(&key(), Profile::Server, "one", &[first]).unwrap();
        assert!(is_taken(&ttp.issue(&key(), Profile::Server, "two", &[second]), second));
        ttp.issue(&key(), Profile::Server, "two", &["bank.example", "a.b.bank.example"]).unwrap();
    }
}

#[test]
fn a_revoked_or_expired_certificate_frees_its_name() {
    let mut ttp = Ttp::new();
    let certificate = ttp.issue(&key(), Profile::Client, "asha", &[]).unwrap();
    assert!(ttp.register.revoke(
        certificate.serial(),
        RevocationReason::KeyCompromise,
        NOW.plus(Duration::from_secs(1))
    ));
    assert!(ttp.register.revoke(
        certificate.serial(),
        RevocationReason::Superseded,
        NOW.plus(Duration::from_secs(2))
    ));
    assert!(!ttp.register.revoke(&[1, 2, 3], RevocationReason::Unspecified, NOW));

    let next = ttp.issue(&key(), Profile::Client, "asha", &[]).unwrap();
    assert!(is_taken(&ttp.issue_at(&key(), Profile::Client, "asha", &[], next.not_after()), "asha"));
    ttp.issue_at(&key(), Profile::Client, "asha", &[], next.not_after().plus(Duration::from_secs(1)))
        .unwrap();

    let expected =
        (certificate.serial().to_vec(), NOW.plus(Duration::from_secs(1)), RevocationReason::KeyCompromise);
    assert_eq!(ttp.register.revoked(), [expected]);
}

#[test]
fn what_is_revoked_becomes_a_crl() {
    let mut ttp = Ttp::new();
    let revoked = ttp.issue(&key(), Profile::Client, "asha", &[]).unwrap();
    let kept = ttp.issue(&key(), Profile::Client, "ravi", &[]).unwrap();
    ttp.register.revoke(revoked.serial(), RevocationReason::CessationOfOperation, NOW);
    let crl =
        ttp.authority.issue_crl(&ttp.register.revoked(), 1, Validity::new(NOW, DAY), &SystemRandom).unwrap();
    assert!(crl.contains(revoked.serial()));
    assert!(!crl.contains(kept.serial()));
}

#[test]
fn the_text_holds_everything() {
    let mut ttp = Ttp::new();
    ttp.register.new_token(Profile::Client, &["asha"], &SystemRandom).unwrap();
    ttp.register.new_token(Profile::Client, &["asha"], &SystemRandom).unwrap();
    for name in ["Asha Rao", "100%,-", "-", "नाम"] {
        let certificate = ttp.issue(&key(), Profile::Client, name, &["a.example"]);
        // The DNS name is free for the first only.
        if let Ok(certificate) = certificate {
            ttp.register.revoke(certificate.serial(), RevocationReason::AffiliationChanged, NOW);
        }
        ttp.issue(&key(), Profile::Client, name, &[]).unwrap();
    }
    ttp.issue(&key(), Profile::Server, "localhost", &["127.0.0.1"]).unwrap();
    let text = ttp.register.to_text();
    let again = Register::from_text(&text).unwrap();
    assert_eq!(again.entries(), ttp.register.entries());
    assert_eq!(again.tokens, ttp.register.tokens);
    assert_eq!(again.to_text(), text);
}

#[test]
fn the_text_is_the_documented_one() {
    let register = Register {
        tokens: [([0xAB; 32], Grant { profile: Profile::Client, names: vec!["my customer".to_owned()] })]
            .into(),
        entries: vec![Entry {
            serial: vec![0x0A, 0x01],
            profile: Profile::Server,
            common_name: "My bank".to_owned(),
            names: vec!["my bank".to_owned(), "bank.example".to_owned()],
            key_fingerprint: [0xCD; 32],
            not_after: UnixTime(1_800_086_400),
            revoked: Some((UnixTime(1_800_000_001), RevocationReason::KeyCompromise)),
        }],
    };
    let (token, key) = ("ab".repeat(32), "cd".repeat(32));
    let expected = format!(
        "otls-register 2\ntoken {token} client my%20customer\n\
         0a01 server {key} 1800086400 1800000001:keyCompromise My%20bank my%20bank,bank.example\nend 1\n"
    );
    assert_eq!(register.to_text(), expected);
}

#[test]
fn a_text_that_is_cut_short_or_damaged_is_refused_with_its_line() {
    let mut ttp = Ttp::new();
    ttp.register.new_token(Profile::Client, &["asha"], &SystemRandom).unwrap();
    ttp.issue(&key(), Profile::Server, "bank", &["bank.example"]).unwrap();
    ttp.issue(&key(), Profile::Client, "asha", &[]).unwrap();
    let text = ttp.register.to_text();
    for len in 0..text.len() {
        assert!(Register::from_text(&text[..len]).is_err(), "{len}");
    }
    assert!(Register::from_text(&format!("{text}\n")).is_err());
    assert!(Register::from_text(&format!("{text}x")).is_err());

    let lines: Vec<&str> = text.lines().collect();
    let [header, token, bank, asha, end] = lines[..] else { panic!("{text}") };
    let (upper_token, upper) = (token.to_uppercase(), bank.to_uppercase());
    let plus = bank.replacen(" 18", " +18", 1);
    let spaced = bank.replacen(' ', "  ", 1);
    let other_profile = bank.replacen("server", "signer", 1);
    let cases = [
        ("otls-register 3", vec![token, bank, asha, end], 1),
        (header, vec![bank, token, asha, end], 3),
        (header, vec![token, token, bank, asha, end], 3),
        (header, vec![&upper_token, bank, asha, end], 2),
        (header, vec![token, bank, bank, end], 4),
        (header, vec![token, bank, end], 4),
        (header, vec![token, "", bank, asha, end], 3),
        (header, vec![token, &upper, asha, end], 3),
        (header, vec![token, &plus, asha, end], 3),
        (header, vec![token, &spaced, asha, end], 3),
        (header, vec![token, &other_profile, asha, end], 3),
        (header, vec![token, bank, asha, "end 02"], 5),
        (header, vec![token, bank, asha, end, asha], 6),
    ];
    for (header, rest, line) in cases {
        let text = format!("{header}\n{}\n", rest.join("\n"));
        let Err(Error::Certificate(CertificateError::Refused(why))) = Register::from_text(&text) else {
            panic!("accepted: {text}");
        };
        assert!(why.contains(&format!("in line {line}:")), "{why}: {text}");
    }
}

#[test]
fn no_mutation_of_the_text_panics_and_what_is_read_is_written_alike() {
    let mut ttp = Ttp::new();
    ttp.register.new_token(Profile::Client, &["asha"], &SystemRandom).unwrap();
    let certificate = ttp.issue(&key(), Profile::Client, "Ravi, 100%", &["a.example"]).unwrap();
    ttp.register.revoke(certificate.serial(), RevocationReason::Superseded, NOW);
    let text = ttp.register.to_text();
    let mut seed = 3_u64;
    let mut draw = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for _ in 0..20_000 {
        let mut octets = text.clone().into_bytes();
        let at = draw(octets.len());
        octets[at] = b"%,- :0af\n\xC3"[draw(10)];
        let Ok(changed) = String::from_utf8(octets) else { continue };
        if let Ok(register) = Register::from_text(&changed) {
            assert_eq!(register.to_text(), changed);
        }
    }
}

#[test]
fn a_text_of_version_1_is_read_with_todays_fold_and_without_its_tokens() {
    let (token, key) = ("ab".repeat(32), "cd".repeat(32));
    let old = format!(
        "otls-register 1\ntoken {token}\n0a01 server {key} 1800086400 - My%20B\u{ad}ank my%20b\u{ad}ank,bank.example\nend 1\n"
    );
    let register = Register::from_text(&old).unwrap();
    assert_eq!(register.token_count(), 0);
    assert_eq!(register.entries()[0].names, ["my bank", "bank.example"]);
    assert!(register.to_text().starts_with("otls-register 2\n"));
    assert!(Register::from_text(&old.replace("token ab", "token Ab")).is_err());
    assert!(Register::from_text(&old.replace("end 1", "end 2")).is_err());
}

#[test]
fn a_name_is_taken_in_every_spelling_that_the_verifier_reads_alike() {
    for (first, second) in [
        ("Asha Rao", "\u{FF21}sha  r\u{AD}ao"),
        ("Müller", "mu\u{308}ller"),
        ("Straße", "STRASSE"),
        ("bank", "ba\u{200B}nk\u{3164}"),
        ("bank.example", "BANK.example."),
        ("bank.example", "bank\u{3002}example"),
    ] {
        let mut ttp = Ttp::new();
        ttp.issue(&key(), Profile::Client, first, &[]).unwrap();
        assert!(ttp.issue(&key(), Profile::Client, second, &[]).is_err(), "{second:?}");
    }
}

#[test]
fn an_address_belongs_to_its_first_key_in_each_spelling() {
    for (first, second) in [
        ("192.0.2.10", "192.0.2.10"),
        ("192.0.2.10", "::ffff:192.0.2.10"),
        ("::FFFF:192.0.2.10", "192.0.2.10"),
        ("2001:DB8::1", "2001:db8:0:0::1"),
    ] {
        let mut ttp = Ttp::new();
        ttp.issue(&key(), Profile::Server, "one", &[first]).unwrap();
        let other = ttp.issue(&key(), Profile::Server, "two", &[second]);
        assert!(matches!(other, Err(Error::Certificate(CertificateError::NameTaken(_)))), "{second}");
        assert!(ttp.issue(&key(), Profile::Server, second, &["two.example"]).is_err(), "as a common name");
        ttp.issue(&key(), Profile::Client, "two", &[second]).unwrap();
    }
}

#[test]
fn what_else_says_who_a_subject_is_belongs_to_its_first_key() {
    let mut ttp = Ttp::new();
    let mut ask = |attributes: &[(&str, &str)], names: &[&str]| {
        let mut subject = DistinguishedName::default();
        for (kind, value) in attributes {
            subject.add(kind, value).unwrap();
        }
        let names: Vec<GeneralName> = names.iter().map(|name| GeneralName::parse(name).unwrap()).collect();
        let request =
            CertificateRequest::create(&key(), &subject, &names, HashAlgorithm::Sha256, &SystemRandom)
                .unwrap();
        ttp.register.issue(&ttp.authority, &request, Profile::Client, Validity::new(NOW, DAY), &SystemRandom)
    };
    ask(&[("CN", "Asha"), ("UID", "1001"), ("serialNumber", "7")], &["email:asha@bank.example"]).unwrap();
    ask(&[("O", "Bank"), ("OU", "Desk")], &["email:desk@bank.example"]).unwrap();
    assert!(is_taken(&ask(&[("CN", "Ravi"), ("UID", "1001")], &[]), "uid=1001"));
    assert!(is_taken(&ask(&[("CN", "Ravi"), ("serialNumber", "7")], &[]), "serialnumber=7"));
    let mailbox = [("CN", "Ravi"), ("emailAddress", "Asha@bank.example")];
    assert!(is_taken(&ask(&mailbox, &[]), "email:asha@bank.example"));
    assert!(ask(&[("O", "BANK"), ("OU", "desk")], &["other.example"]).is_err(), "a subject without CN");
    ask(&[("CN", "Ravi"), ("UID", "2002"), ("serialNumber", "8")], &[]).unwrap();
}

#[test]
fn a_token_is_for_its_profile_and_its_names() {
    let mut register = Register::default();
    let names = ["Bank", "bank.example", "::ffff:192.0.2.10"];
    let token = register.new_token(Profile::Server, &names, &SystemRandom).unwrap();
    let fault = |common_name: &str, names: &[&str], profile: Profile| {
        register.token_fault(token.expose(), &request(&key(), common_name, names), profile).unwrap().unwrap()
    };
    fault("bank", &["BANK.example", "192.0.2.10"], Profile::Server).unwrap();
    fault("bank.example.", &["bank.example"], Profile::Server).unwrap();
    for (common_name, names, profile) in [
        ("bank", &["bank.example"][..], Profile::Client),
        ("bank", &["bank.example"], Profile::Both),
        ("bank", &["bank.example", "other.example"], Profile::Server),
        ("bank", &["*.bank.example"], Profile::Server),
        ("bank", &["localhost"], Profile::Server),
        ("other", &["bank.example"], Profile::Server),
    ] {
        fault(common_name, names, profile).unwrap_err();
    }
    assert!(register.token_fault(b"x", &request(&key(), "bank", &[]), Profile::Server).unwrap().is_none());
    assert!(register.clone().new_token(Profile::Server, &[], &SystemRandom).is_err());
    assert!(register.clone().new_token(Profile::Server, &["x"; 101], &SystemRandom).is_err());
    let again = Register::from_text(&register.to_text()).unwrap();
    assert_eq!(again.tokens, register.tokens);
}

#[test]
fn a_mailbox_belongs_to_its_first_key() {
    let mut ttp = Ttp::new();
    ttp.issue(&key(), Profile::Client, "asha", &["email:asha@bank.example"]).unwrap();
    let mailbox = "email:asha@bank.example";
    assert!(is_taken(&ttp.issue(&key(), Profile::Client, "ravi", &["email:Asha@bank.example"]), mailbox));
    ttp.issue(&key(), Profile::Client, "asha@bank.example", &[]).unwrap();
}

#[test]
fn a_token_is_good_once_and_the_register_does_not_hold_it() {
    let mut register = Register::default();
    let token = register.new_token(Profile::Client, &["asha"], &SystemRandom).unwrap();
    let other = register.new_token(Profile::Client, &["asha"], &SystemRandom).unwrap();
    assert_eq!(token.len(), 32);
    assert!(!register.to_text().contains(core::str::from_utf8(token.expose()).unwrap()));
    assert!(!register.has_token(b"").unwrap());
    assert!(!register.spend_token(&token.expose()[..31]).unwrap());
    assert!(register.has_token(token.expose()).unwrap());
    assert!(register.spend_token(token.expose()).unwrap());
    assert!(!register.spend_token(token.expose()).unwrap());
    assert_eq!(register.token_count(), 1);
    assert!(register.spend_token(other.expose()).unwrap());
}

#[test]
fn an_authority_and_who_is_both_are_entered_and_survive_the_text() {
    let subject = DistinguishedName::with_common_name("root");
    let lifetime = 10 * DAY;
    let root = Authority::create(
        key(),
        &subject,
        HashAlgorithm::Sha256,
        AuthorityTerms::new(Validity::new(NOW, lifetime)).with_path_len(1),
        &SystemRandom,
    );
    let mut ttp = Ttp { authority: root.unwrap(), register: Register::default() };
    let (branch, other) = (key(), key());
    let constraints = NameConstraints::new().permit("branch.example").unwrap();
    let terms = AuthorityTerms::new(Validity::new(NOW, DAY)).with_constraints(constraints);
    let mut below = |key: &PrivateKey| {
        let asked = request(key, "Branch", &[]);
        ttp.register.issue_authority(&ttp.authority, &asked, &terms, &SystemRandom)
    };
    assert!(below(&branch).unwrap().is_ca());
    assert!(is_taken(&below(&other), "branch"));
    assert!(is_taken(&ttp.issue(&other, Profile::Ca { path_len: 0 }, "Branch", &[]), "branch"));

    ttp.issue(&branch, Profile::Both, "gateway", &["gateway.example"]).unwrap();
    for profile in [Profile::Server, Profile::Client, Profile::Both] {
        assert!(is_taken(&ttp.issue(&other, profile, "gateway", &["gateway.example"]), "gateway"));
    }
    let text = ttp.register.to_text();
    assert_eq!(Register::from_text(&text).unwrap().entries(), ttp.register.entries());
    assert!(Register::from_text(&text.replace("ca:0", "ca:x")).is_err());
}
