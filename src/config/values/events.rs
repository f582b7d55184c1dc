//! What an operator agrees with Prelude about events.

use secrecy::SecretString;

use crate::config::shape::Wrong;

/// Whether Prelude's webhook is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Events {
    /// It is not: its address does not exist.
    Off,
    /// It is.
    On,
}

/// The fewest characters of a verification token: 64 bits, if they are random hexadecimal digits.
const TOKEN_CHARS_MIN: usize = 16;
/// The most that Prelude takes (docs/CONTRACT.md C9.1).
const TOKEN_CHARS_MAX: usize = 100;

/// What Prelude shows when it activates the webhook. It never prints.
#[derive(Debug, Clone)]
pub(crate) struct VerificationToken(SecretString);

impl VerificationToken {
    /// Takes 16 to 100 visible ASCII characters.
    ///
    /// # Errors
    /// [`Wrong`], without a character of the text.
    pub(in crate::config) fn parse(text: &str) -> Result<Self, Wrong> {
        let sound = (TOKEN_CHARS_MIN..=TOKEN_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        let wrong = || {
            Wrong::impossible(
                "is no token of 16 to 100 visible ASCII characters",
                "make one with `openssl rand -hex 32`",
            )
        };
        sound.then(|| Self(SecretString::from(text))).ok_or_else(wrong)
    }

    /// The token, for whoever compares or registers it.
    pub(crate) fn secret(&self) -> SecretString {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_a_length_and_never_prints() {
        for text in ["0123456789abcdef", &"x".repeat(100)] {
            let token = VerificationToken::parse(text).expect("a token");
            assert!(!format!("{token:?}").contains(text));
        }
        for text in ["", "0123456789abcde", &"x".repeat(101), "0123456789 abcdef", "0123456789abcdefé"] {
            assert!(VerificationToken::parse(text).is_err(), "{text}");
        }
    }
}
