//! The key log (RFC 9850).

use zeroize::Zeroizing;

use crate::secret::Secret;

/// The secrets of a connection as text (RFC 9850 §2).
pub(crate) struct KeyLog {
    client_random: [u8; 32],
    text: Zeroizing<String>,
}

impl KeyLog {
    pub(super) fn new(client_random: [u8; 32]) -> Self {
        // Reserved for all lines of a handshake, so that growing leaves no copies behind.
        Self { client_random, text: Zeroizing::new(String::with_capacity(6 * 256)) }
    }

    /// What was recorded since the last call.
    pub(crate) fn take(&mut self) -> Option<Secret> {
        let text = core::mem::take(&mut *self.text);
        (!text.is_empty()).then(|| text.into_bytes().into())
    }

    /// Adds a line.
    pub(super) fn line(&mut self, label: &str, secret: &[u8]) {
        self.text.push_str(label);
        for value in [self.client_random.as_slice(), secret] {
            self.text.push(' ');
            for octet in value {
                for digit in [octet >> 4, octet & 15] {
                    self.text.extend(char::from_digit(u32::from(digit), 16));
                }
            }
        }
        self.text.push('\n');
    }
}
