//! A QR code (ISO/IEC 18004) as text.

use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::secret::Secret;

/// Two rows of modules in a line of half blocks, with the quiet zone around them. A module that is drawn
/// has the colour of the text; the light ones are, unless `invert`. The crate's own copies of the data are
/// freed without being wiped.
pub(super) fn draw(data: &Secret, invert: bool) -> Result<Secret> {
    let code = QrCode::with_error_correction_level(data.expose(), EcLevel::M)
        .map_err(|_| Error::Internal("a URI that fits no QR code"))?;
    let width = code.width();
    let colors = code.to_colors();
    let edge = width.saturating_add(QUIET_ZONE.saturating_mul(2));
    let is_drawn = |x: usize, y: usize| {
        let module = (x.checked_sub(QUIET_ZONE), y.checked_sub(QUIET_ZONE));
        let color = match module {
            (Some(x), Some(y)) if x < width && y < width => {
                colors.get(y.saturating_mul(width).saturating_add(x)).copied().unwrap_or(Color::Light)
            }
            _ => Color::Light,
        };
        // The line below the last is not part of it, where the number of rows is odd.
        y < edge && (color == Color::Light) != invert
    };
    // A half block has three octets in UTF-8; the capacity is final, so that growing leaves no copy behind.
    let room = edge.saturating_mul(3).saturating_add(1).saturating_mul(edge.div_ceil(2));
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    for y in (0..edge).step_by(2) {
        for x in 0..edge {
            let block = match (is_drawn(x, y), is_drawn(x, y.saturating_add(1))) {
                (true, true) => "█",
                (true, false) => "▀",
                (false, true) => "▄",
                (false, false) => " ",
            };
            text.extend_from_slice(block.as_bytes());
        }
        text.push(b'\n');
    }
    Ok(Secret::from(text))
}

/// Modules around a QR code that stay light (ISO/IEC 18004 §6.3.8).
const QUIET_ZONE: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(data: &[u8], invert: bool) -> Vec<Vec<char>> {
        let text = draw(&Secret::from(data.to_vec()), invert).unwrap();
        let text = core::str::from_utf8(text.expose()).unwrap();
        text.lines().map(|line| line.chars().collect()).collect()
    }

    #[test]
    fn a_code_is_square_with_its_quiet_zone() {
        // Version 1 has 21 modules; with four on each side 29, which are 15 lines.
        let lines = drawn(b"otls", false);
        assert_eq!(lines.len(), 15);
        assert!(lines.iter().all(|line| line.len() == 29));
        for line in &lines[..2] {
            assert!(line.iter().all(|block| *block == '█'), "the quiet zone is light, and drawn");
        }
        assert!(lines[14].iter().all(|block| *block == '▀'), "the last of 29 rows has none below it");
        // The finder pattern: seven dark modules, which are not drawn, above a dark and a light one.
        assert_eq!(lines[2][..12].iter().collect::<String>(), "████ ▄▄▄▄▄ █");
    }

    #[test]
    fn inverting_draws_what_was_left_out_and_nothing_else() {
        let (one, other) = (drawn(b"otls", false), drawn(b"otls", true));
        let pairs = [('█', ' '), ('▀', '▄'), ('▄', '▀'), (' ', '█')];
        for (line, inverted) in one.iter().zip(&other).take(14) {
            for pair in line.iter().zip(inverted) {
                assert!(pairs.contains(&(*pair.0, *pair.1)), "{pair:?}");
            }
        }
        assert!(other[14].iter().all(|block| *block == ' '));
    }

    #[test]
    fn the_room_is_reckoned_right_and_too_much_data_is_an_error() {
        let most = draw(&Secret::from(vec![b'x'; 2048]), false).unwrap();
        assert!(!most.is_empty());
        let refused = draw(&Secret::from(vec![b'x'; 3000]), false).err();
        assert!(matches!(refused, Some(Error::Internal(_))));
    }
}
