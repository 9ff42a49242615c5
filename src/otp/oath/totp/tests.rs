//! The vectors of RFC 6238 and what a verifier promises.

use super::*;
use crate::error::OtpError;
use crate::secret::Secret;
use core::time::Duration;

/// RFC 6238 appendix B: time, and the codes with SHA-1, SHA-256 and SHA-512.
const VECTORS: [(u64, [&str; 3]); 6] = [
    (59, ["94287082", "46119246", "90693936"]),
    (1_111_111_109, ["07081804", "68084774", "25091201"]),
    (1_111_111_111, ["14050471", "67062674", "99943326"]),
    (1_234_567_890, ["89005924", "91819424", "93441116"]),
    (2_000_000_000, ["69279037", "90698825", "38618901"]),
    (20_000_000_000, ["65353130", "77737706", "47863826"]),
];

const NOW: UnixTime = UnixTime(1_800_000_000);
const NARROW: Window = Window { past: 0, future: 0 };

/// RFC 6238 erratum 2866: the secret is as long as the output of the hash.
fn totp(hash: OathHash, digits: usize) -> Totp {
    let octets = b"1234567890".iter().copied().cycle().take(hash.output_len()).collect::<Vec<u8>>();
    Totp::with(SharedSecret::new(Secret::from(octets)).unwrap(), hash, digits, 30).unwrap()
}

fn at(step: i64) -> UnixTime {
    UnixTime(NOW.0.checked_add_signed(step * 30).unwrap())
}

#[test]
fn the_vectors_of_rfc_6238_come_out_with_each_hash() {
    for (time, codes) in VECTORS {
        for (hash, code) in OathHash::ALL.into_iter().zip(codes) {
            let totp = totp(hash, 8);
            assert_eq!(totp.code(UnixTime(time)).expose(), code, "{hash:?} at {time}");
            let accepted = totp.verify(code, UnixTime(time), NARROW, TotpState::default());
            assert_eq!(accepted, Ok(Some(TotpState { next_step: time / 30 + 1, drift: 0 })));
        }
    }
}

#[test]
fn a_code_is_accepted_within_the_window_and_nowhere_else() {
    let totp = totp(OathHash::Sha1, 6);
    let code = totp.code(NOW);
    for (window, accepted) in [
        (NARROW, 0..=0),
        (Window::default(), -1..=1),
        (Window { past: 2, future: 0 }, 0..=2),
        (Window { past: 0, future: 3 }, -3..=0),
    ] {
        for step in -5..=5 {
            let verdict = totp.verify(code.expose(), at(step), window, TotpState::default()).unwrap();
            assert_eq!(verdict.is_some(), accepted.contains(&step), "{window:?} at {step}");
        }
    }
    // A step lasts to its last second.
    assert!(
        totp.verify(code.expose(), NOW.plus(Duration::from_secs(29)), NARROW, TotpState::default())
            .unwrap()
            .is_some()
    );
    assert_eq!(
        totp.verify(code.expose(), NOW.plus(Duration::from_secs(30)), NARROW, TotpState::default()),
        Ok(None)
    );
}

#[test]
fn a_code_is_accepted_once_and_none_before_it_afterwards() {
    let totp = totp(OathHash::Sha256, 6);
    let [before, code, after] = [-1, 0, 1].map(|step| totp.code(at(step)));
    let used = totp.verify(code.expose(), NOW, Window::default(), TotpState::default()).unwrap().unwrap();
    // The clock may have been set back, too.
    for step in -1..=1 {
        for old in [&code, &before] {
            assert_eq!(totp.verify(old.expose(), at(step), Window::default(), used), Ok(None));
        }
    }
    let next = totp.verify(after.expose(), at(1), Window::default(), used).unwrap().unwrap();
    assert_eq!(next.next_step, totp.step(NOW) + 2);
}

#[test]
fn the_drift_of_a_clock_is_followed_from_code_to_code_up_to_its_bound() {
    let totp = totp(OathHash::Sha1, 8);
    for direction in [-1, 1] {
        let mut state = TotpState::default();
        for drift in 1..=Totp::MAX_DRIFT {
            let now = at(drift * 3);
            let code = totp.code(UnixTime(now.0.checked_add_signed(direction * drift * 30).unwrap()));
            state = totp.verify(code.expose(), now, Window::default(), state).unwrap().unwrap();
            assert_eq!(state.drift, direction * drift);
        }
        let now = at(1000);
        let beyond = direction * (Totp::MAX_DRIFT + 1);
        let code = totp.code(UnixTime(now.0.checked_add_signed(beyond * 30).unwrap()));
        assert_eq!(totp.verify(code.expose(), now, Window::default(), state), Ok(None));
        // The bound holds for a state that was stored by something else.
        for drift in [i64::MAX, i64::MIN] {
            let state = TotpState { next_step: 0, drift };
            assert_eq!(totp.verify(code.expose(), now, Window::default(), state), Ok(None));
        }
    }
}

#[test]
fn of_two_steps_with_the_same_code_the_later_counts() {
    // One digit repeats soon; six digits do so once in a million.
    let secret = SharedSecret::new(Secret::from(vec![7; 20])).unwrap();
    let totp = Totp { secret, hash: OathHash::Sha1, digits: 1, period: 30 };
    let window = Window { past: 10, future: 10 };
    // A step whose code comes again within the window.
    let same = |a: u64, b: u64| totp.code_of_step(a).matches(totp.code_of_step(b).expose());
    let later = |step: u64| (step + 1..=step + 10).rfind(|later| same(step, *later));
    let (step, last) = (100..200).find_map(|step| Some((step, later(step)?))).unwrap();
    let (now, code) = (UnixTime(step * 30), totp.code_of_step(step));
    let state = totp.verify(code.expose(), now, window, TotpState::default()).unwrap().unwrap();
    assert_eq!(state.next_step, last + 1);
    // The window has moved with the drift: ahead of it are steps that were not looked at before.
    let no_further = Window { past: 10, future: 0 };
    assert_eq!(totp.verify(code.expose(), now, no_further, state), Ok(None));
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    let totp = totp(OathHash::Sha1, 6);
    let start = totp.code(UnixTime(0));
    let accepted = totp.verify(start.expose(), UnixTime(0), Window::default(), TotpState::default());
    assert_eq!(accepted, Ok(Some(TotpState { next_step: 1, drift: 0 })));
    let secret = SharedSecret::new(Secret::from(vec![7; 20])).unwrap();
    let totp = Totp::with(secret, OathHash::Sha1, 6, 1).unwrap();
    let end = totp.code(UnixTime(u64::MAX));
    let refused = totp.verify(end.expose(), UnixTime(u64::MAX), Window::default(), TotpState::default());
    assert_eq!(refused, Ok(None), "no step behind the last could be stored");
}

#[test]
fn other_digits_periods_and_windows_are_refused() {
    let secret = SharedSecret::new(Secret::from(vec![7; 20])).unwrap();
    let misuse = |error: Option<Error>| matches!(error, Some(Error::ApiMisuse(_)));
    for digits in [0, 5, 9] {
        assert!(misuse(Totp::with(secret.clone(), OathHash::Sha1, digits, 30).err()));
    }
    for period in [0, Totp::MAX_PERIOD + 1, u32::MAX] {
        assert!(misuse(Totp::with(secret.clone(), OathHash::Sha1, 6, period).err()));
    }
    let totp = Totp::with(secret, OathHash::Sha512, 8, Totp::MAX_PERIOD).unwrap();
    assert_eq!((totp.hash(), totp.digits(), totp.period()), (OathHash::Sha512, 8, 86_400));
    for window in [Window { past: 11, future: 0 }, Window { past: 0, future: u32::MAX }] {
        assert!(misuse(totp.verify("123456", NOW, window, TotpState::default()).err()));
    }
}

#[test]
fn a_code_is_taken_as_it_is_typed_and_what_cannot_be_one_is_an_error() {
    let totp = totp(OathHash::Sha1, 6);
    let verify = |typed: &str| totp.verify(typed, NOW, NARROW, TotpState::default());
    let code = totp.code(NOW);
    let (front, back) = code.expose().split_at(3);
    for typed in [format!("{front} {back}"), format!("{front}\u{a0}\u{2013}\u{a0}{back}\n")] {
        assert!(verify(&typed).unwrap().is_some(), "{typed}");
    }
    for typed in ["", "12345", "1234567", "12345o"] {
        let refused = verify(typed).err();
        assert_eq!(refused, Some(OtpError::NotACode("one has 6 digits".to_owned()).into()), "{typed}");
    }
}
