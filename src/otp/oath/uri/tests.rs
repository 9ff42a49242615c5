//! URIs as apps write them, and what is refused.

use super::*;
use crate::time::UnixTime;

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn secret() -> SharedSecret {
    SharedSecret::from_base32(SECRET).unwrap()
}

fn text(auth: &OtpAuth) -> String {
    String::from_utf8(auth.to_uri().expose().to_vec()).unwrap()
}

fn refusal(uri: &str) -> String {
    match OtpAuth::parse(uri).err() {
        Some(Error::Otp(OtpError::Uri { what, .. })) => what,
        other => panic!("{uri}: {other:?}"),
    }
}

#[test]
fn a_uri_is_written_as_the_format_says() {
    let auth = OtpAuth::with_totp(Totp::new(secret()), "Example Bank", "asha@bank.example").unwrap();
    assert_eq!(
        text(&auth),
        format!(
            "otpauth://totp/Example%20Bank:asha%40bank.example?secret={SECRET}&issuer=Example%20Bank\
             &algorithm=SHA1&digits=6&period=30"
        )
    );
    let hotp = Hotp::new(secret(), 8).unwrap();
    let auth = OtpAuth::with_hotp(hotp, 7, "Bank", "asha").unwrap();
    assert_eq!(
        text(&auth),
        format!("otpauth://hotp/Bank:asha?secret={SECRET}&issuer=Bank&algorithm=SHA1&digits=8&counter=7")
    );
}

#[test]
fn every_parameter_comes_back() {
    for hash in OathHash::ALL {
        for digits in 6..=8 {
            for period in [1, 30, 60, 86_400] {
                let totp = Totp::with(secret(), hash, digits, period).unwrap();
                let code = totp.code(UnixTime(1_800_000_000)).expose().to_owned();
                let auth = OtpAuth::with_totp(totp, "बैंक & Söhne/100%", "आशा+1").unwrap();
                let again = OtpAuth::parse(&text(&auth)).unwrap();
                assert_eq!((again.issuer(), again.account()), (Some("बैंक & Söhne/100%"), "आशा+1"));
                let totp = again.totp().unwrap();
                assert_eq!((totp.hash(), totp.digits(), totp.period()), (hash, digits, period));
                assert_eq!(totp.code(UnixTime(1_800_000_000)).expose(), code);
                assert!(again.hotp().is_none());
                assert_eq!(text(&again), text(&auth));
            }
        }
    }
    for counter in [0, 1, u64::MAX] {
        let auth = OtpAuth::with_hotp(Hotp::new(secret(), 7).unwrap(), counter, "Bank", "asha").unwrap();
        let again = OtpAuth::parse(&text(&auth)).unwrap();
        let (hotp, first) = again.hotp().unwrap();
        assert_eq!((hotp.digits(), first, again.totp().is_none()), (7, counter, true));
        assert_eq!(hotp.code(0).expose(), "4755224");
    }
}

#[test]
fn the_longest_uri_is_read_again() {
    let longest = SharedSecret::new(Secret::from(vec![0xFF; SharedSecret::MAX_LEN])).unwrap();
    let name = "é".repeat(OtpAuth::MAX_NAME_LEN / 2);
    let auth = OtpAuth::with_hotp(Hotp::new(longest, 8).unwrap(), u64::MAX, &name, &name).unwrap();
    assert!(text(&auth).len() > 1300 && text(&auth).len() <= OtpAuth::MAX_LEN);
    assert_eq!(text(&OtpAuth::parse(&text(&auth)).unwrap()), text(&auth));
}

#[test]
fn what_apps_write_is_read() {
    for (uri, issuer, account) in [
        (format!("otpauth://totp/asha?secret={SECRET}"), None, "asha"),
        (format!("OTPAUTH://TOTP/asha?secret={}", SECRET.to_lowercase()), None, "asha"),
        (format!("otpauth://totp/Bank:asha?secret={SECRET}"), Some("Bank"), "asha"),
        (format!("otpauth://totp/Bank%3A%20%20asha?secret={SECRET}&issuer=Bank"), Some("Bank"), "asha"),
        (format!("otpauth://totp/asha?issuer=Bank&secret={SECRET}&algorithm=sha1"), Some("Bank"), "asha"),
        (format!("otpauth://totp/a%2Fb/c?secret={SECRET}&image=https%3A%2F%2Fx"), None, "a/b/c"),
        (format!("otpauth://totp/Big+Bank:a?secret={SECRET}&issuer=Big+Bank"), Some("Big+Bank"), "a"),
        (format!("otpauth://hotp/asha?secret={SECRET}&counter=0"), None, "asha"),
        ("otpauth://totp/a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY%3D%3D%3D%3D%3D%3D".to_owned(), None, "a"),
    ] {
        let read = OtpAuth::parse(&uri).unwrap();
        assert_eq!((read.issuer(), read.account()), (issuer, account), "{uri}");
        let again = OtpAuth::parse(&text(&read)).unwrap();
        assert_eq!((again.issuer(), again.account()), (issuer, account), "{uri}");
    }
    let read = OtpAuth::parse(&format!("otpauth://totp/a?secret={SECRET}")).unwrap();
    let totp = read.totp().unwrap();
    assert_eq!((totp.hash(), totp.digits(), totp.period()), (OathHash::Sha1, 6, 30));
}

#[test]
fn what_apps_add_for_their_display_is_passed_over() {
    let plain = OtpAuth::parse(&format!("otpauth://totp/Bank:asha?secret={SECRET}&issuer=Bank")).unwrap();
    for added in [
        "image=https%3A%2F%2Fbank.example%2Flogo.png&color=0F4C81&lock=true",
        "icon=bank",
        "tags=work&tags=money",
        "codeDisplay=%7B%22pinned%22%3Atrue%2C%22trashed%22%3Afalse%2C%22note%22%3A%22%22%7D",
        "image=%FF",
    ] {
        for uri in [
            format!("otpauth://totp/Bank:asha?secret={SECRET}&issuer=Bank&{added}"),
            format!("apple-otpauth://totp/Bank:asha?{added}&secret={SECRET}&issuer=Bank"),
        ] {
            let read = OtpAuth::parse(&uri).unwrap();
            assert_eq!(text(&read), text(&plain), "{uri}");
        }
    }
}

#[test]
fn a_uri_is_read_as_files_and_scanners_give_it() {
    let uri = format!("otpauth://totp/asha?secret={SECRET}");
    for given in [
        format!("{uri}\n"),
        format!("{uri}\r\n"),
        format!("  {uri}\t \n\n"),
        format!("\u{FEFF}{uri}"),
        format!("\u{FEFF}{uri}\u{A0}\n"),
    ] {
        assert_eq!(text(&OtpAuth::parse(&given).unwrap()), text(&OtpAuth::parse(&uri).unwrap()), "{given:?}");
    }
}

#[test]
fn an_algorithm_has_the_names_that_apps_give_it() {
    for (names, hash) in [
        (["SHA1", "sha1", "SHA-1", "HmacSHA1", "HMAC-SHA-1", "hmac-sha1"], OathHash::Sha1),
        (["SHA256", "sha256", "SHA-256", "HmacSHA256", "HMAC-SHA-256", "Sha-256"], OathHash::Sha256),
        (["SHA512", "sha512", "SHA-512", "HmacSHA512", "HMAC-SHA-512", "hmacsha512"], OathHash::Sha512),
    ] {
        for name in names {
            let read = OtpAuth::parse(&format!("otpauth://totp/a?secret={SECRET}&algorithm={name}")).unwrap();
            assert_eq!(read.totp().unwrap().hash(), hash, "{name}");
        }
    }
}

#[test]
fn a_refusal_says_what_to_do_instead() {
    let hint = |uri: &str| OtpAuth::parse(uri).err().unwrap().hint();
    assert!(hint("otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8").contains("for its own URI"));
    assert!(hint(&format!("otpauth://totp/a?secret={SECRET}&x=1")).contains("leave it out"));
    for uri in ["otpauth://totp/a?encoder=steam", "otpauth://steam/a?x=1", "otpauth://yaotp/a?pin_length=4"] {
        assert!(hint(&format!("{uri}&secret={SECRET}")).contains("codes of their own"), "{uri}");
    }
    assert!(hint("steam://GEZDGNBV").contains("otpauth://totp/ISSUER"));
}

#[test]
fn malformed_uris_are_refused_by_name_and_without_their_secret() {
    let good = format!("secret={SECRET}");
    for (uri, why) in [
        (String::new(), "begin with otpauth"),
        (format!("https://totp/asha?{good}"), "begin with otpauth"),
        (format!("otpauth:totp/asha?{good}"), "begin with otpauth"),
        ("otpauth-migration://offline?data=x".to_owned(), "export of several"),
        (format!("otpauth://totp?{good}"), "no account"),
        ("otpauth://totp/asha".to_owned(), "no parameters"),
        (format!("otpauth://steam/asha?{good}"), "neither totp nor hotp"),
        (format!("otpauth://totp/?{good}"), "is empty"),
        (format!("otpauth://totp/Bank:?{good}"), "is empty"),
        (format!("otpauth://totp/:asha?{good}"), "is empty"),
        (format!("otpauth://totp/asha?{good}&issuer="), "is empty"),
        (format!("otpauth://totp/Bank:a:b?{good}"), "a colon"),
        (format!("otpauth://totp/a%0Ab?{good}"), "control character"),
        (format!("otpauth://totp/%20a?{good}"), "begins with a space"),
        (format!("otpauth://totp/{}?{good}", "a".repeat(129)), "longer than 128"),
        (format!("otpauth://totp/Bank:a?{good}&issuer=Bonk"), "not the one in its parameter"),
        (format!("otpauth://totp/a%2?{good}"), "label is not percent-encoded"),
        (format!("otpauth://totp/a%FF?{good}"), "label is not percent-encoded"),
        (format!("otpauth://totp/a?{good}&issuer=%FF"), "a parameter is not percent-encoded"),
        (format!("otpauth://totp/a b?{good}"), "characters that are not percent-encoded"),
        (format!("otpauth://totp/é?{good}"), "characters that are not percent-encoded"),
        (format!("otpauth://totp/a?{good}#x"), "characters that are not percent-encoded"),
        (format!("otpauth://totp/a?{SECRET}"), "has no value"),
        (format!("otpauth://totp/a?{good}&"), "has no value"),
        (format!("otpauth://totp/a?{good}&&digits=6"), "has no value"),
        (format!("otpauth://totp/a?{good}&encoder=steam"), "\"encoder\" asks for other codes"),
        (format!("otpauth://totp/a?{good}&steam"), "has no value"),
        (format!("otpauth://totp/a?{good}&pin=1234"), "\"pin\" asks for other codes"),
        (format!("otpauth://totp/a?{good}&Image=x"), "\"Image\" is not known"),
        (format!("otpauth://totp/a?{good}&offset=30"), "\"offset\" is not known"),
        (format!("otpauth://totp/a?{good}&lock"), "has no value"),
        (
            format!("otpauth://totp/a?{good}\notpauth://totp/b?{good}"),
            "characters that are not percent-encoded",
        ),
        (format!("otpauth://totp/a?{SECRET}=secret"), "one of its parameters is not known"),
        (format!("otpauth://totp/a?{good}&{good}"), "\"secret\" is there twice"),
        ("otpauth://totp/a?digits=6".to_owned(), "no secret"),
        (format!("otpauth://totp/a?{good}&algorithm=MD5"), "its algorithm"),
        (format!("otpauth://totp/a?{good}&algorithm="), "its algorithm"),
        (format!("otpauth://totp/a?{good}&algorithm=Hmac"), "its algorithm"),
        (format!("otpauth://totp/a?{good}&algorithm=SHA224"), "its algorithm"),
        (format!("otpauth://totp/a?{good}&algorithm=SHA384"), "its algorithm"),
        (format!("otpauth://totp/a?{good}&algorithm=HMACHMACSHA1"), "its algorithm"),
        (format!("otpauth://totp/a?{good}&digits=5"), "its digits"),
        (format!("otpauth://totp/a?{good}&digits=9"), "its digits"),
        (format!("otpauth://totp/a?{good}&digits=%2B6"), "its digits"),
        (format!("otpauth://totp/a?{good}&digits="), "its digits"),
        (format!("otpauth://totp/a?{good}&period=0"), "its period"),
        (format!("otpauth://totp/a?{good}&period=86401"), "its period"),
        (format!("otpauth://totp/a?{good}&period=99999999999999999999"), "its period"),
        (format!("otpauth://totp/a?{good}&counter=1"), "a counter, which is of hotp"),
        (format!("otpauth://hotp/a?{good}"), "no counter"),
        (format!("otpauth://hotp/a?{good}&counter=-1"), "its counter"),
        (format!("otpauth://hotp/a?{good}&counter=18446744073709551616"), "its counter"),
        (format!("otpauth://hotp/a?{good}&counter=1&period=30"), "a period, which is of totp"),
        (format!("otpauth://hotp/a?{good}&counter=1&algorithm=SHA256"), "not SHA1"),
        (format!("otpauth://totp/a?{good}&image={}", "x".repeat(2048)), "more than 2048"),
    ] {
        let said = refusal(&uri);
        assert!(said.contains(why), "{uri}: {said}");
        assert!(!said.contains("GEZD"), "{said}");
    }
}

#[test]
fn an_unusable_secret_in_a_uri_is_refused_as_such() {
    for secret in ["", "GEZDGNBV", "GEZDGNBV1", "%20", &"A".repeat(300)] {
        let refused = OtpAuth::parse(&format!("otpauth://totp/a?secret={secret}")).err();
        assert!(matches!(refused, Some(Error::Otp(OtpError::Secret(_)))), "{secret}: {refused:?}");
    }
}

#[test]
fn names_that_a_uri_cannot_carry_are_refused_when_it_is_made() {
    let long = "x".repeat(OtpAuth::MAX_NAME_LEN + 1);
    for name in ["", "a:b", "a\nb", " a", &long] {
        for (issuer, account) in [(name, "asha"), ("Bank", name)] {
            let made = OtpAuth::with_totp(Totp::new(secret()), issuer, account);
            assert!(matches!(made.err(), Some(Error::ApiMisuse(_))), "{name:?}");
            let made = OtpAuth::with_hotp(Hotp::new(secret(), 6).unwrap(), 0, issuer, account);
            assert!(matches!(made.err(), Some(Error::ApiMisuse(_))), "{name:?}");
        }
    }
}
