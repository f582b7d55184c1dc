//! Prelude asks whether events may be sent here: the webhook's activation.

use url::form_urlencoded;

/// The most digits of a challenge: more than 64 bits have.
const CHALLENGE_DIGITS_MAX: usize = 20;

/// Why a query is no activation. It quotes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ActivationFault {
    /// A parameter is not there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A parameter is there twice: which one counts differs from reader to reader.
    #[error("`{0}` is given twice")]
    Twice(&'static str),
    /// Another event than an activation.
    #[error("`event` is not activate")]
    OtherEvent,
    /// No whole number.
    #[error("`challenge` is not a whole number")]
    Challenge,
}

/// An activation: whoever sends it must know the token, and shows which application it is for.
pub(crate) struct ActivationRequest {
    /// The application.
    pub(crate) app_id: String,
    /// What was agreed when the webhook was registered.
    pub(crate) verification_token: String,
    challenge: String,
}

impl ActivationRequest {
    /// Reads a query string; parameters that we do not know are passed over.
    ///
    /// # Errors
    /// [`ActivationFault`], the first in this order: event, application, token, challenge.
    ///
    /// # Reference
    /// docs/CONTRACT.md C9.1
    pub(crate) fn read(query: &str) -> Result<Self, ActivationFault> {
        let parameter = |name| {
            let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
            let value = values.next().ok_or(ActivationFault::Missing(name))?.1;
            if values.next().is_some() { Err(ActivationFault::Twice(name)) } else { Ok(value.into_owned()) }
        };
        if parameter("event")? != "activate" {
            return Err(ActivationFault::OtherEvent);
        }
        let app_id = parameter("app_id")?;
        let verification_token = parameter("verification_token")?;
        let challenge = parameter("challenge")?;
        if !is_whole(&challenge) {
            return Err(ActivationFault::Challenge);
        }
        Ok(Self { app_id, verification_token, challenge })
    }

    /// What Prelude wants to read: its own number.
    pub(crate) fn answer(&self) -> String {
        // INVARIANT: digits with a sign at most, which JSON writes as they are.
        format!(r#"{{"challenge":{}}}"#, self.challenge)
    }
}

/// Names nothing: the token is a secret.
impl std::fmt::Debug for ActivationRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ActivationRequest(…)")
    }
}

/// Whether JSON writes the number just so.
fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let all_digits = (1..=CHALLENGE_DIGITS_MAX).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits && (digits == "0" || !digits.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "event=activate&verification_token=a%2Bb%20c&challenge=1234567890&app_id=acme";

    #[test]
    fn an_activation_is_read_and_its_number_given_back() {
        let request = ActivationRequest::read(GOOD).expect("an activation");
        assert_eq!((request.app_id.as_str(), request.verification_token.as_str()), ("acme", "a+b c"));
        assert_eq!(request.answer(), r#"{"challenge":1234567890}"#);
        for number in ["0", "-7", "18446744073709551615"] {
            let query = GOOD.replace("1234567890", number) + "&more=1";
            let answer = ActivationRequest::read(&query).expect("an activation").answer();
            assert_eq!(answer, format!(r#"{{"challenge":{number}}}"#));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let check = |query: &str, expected| {
            assert_eq!(ActivationRequest::read(query).err(), Some(expected), "{query}");
        };
        check("", ActivationFault::Missing("event"));
        check(&GOOD.replace("activate", "deactivate"), ActivationFault::OtherEvent);
        check(&GOOD.replace("app_id", "app"), ActivationFault::Missing("app_id"));
        check(&GOOD.replace("verification_token", "token"), ActivationFault::Missing("verification_token"));
        check(&format!("{GOOD}&app_id=acme"), ActivationFault::Twice("app_id"));
        check(&format!("{GOOD}&challenge=1"), ActivationFault::Twice("challenge"));
        for number in ["", "1.5", "01", "+1", "-", "1e3", "0x1", "abc", "123456789012345678901"] {
            check(&GOOD.replace("1234567890", number), ActivationFault::Challenge);
        }
    }
}
