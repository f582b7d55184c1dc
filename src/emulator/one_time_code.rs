//! One-time codes: sent to a phone or a mailbox that nobody has, checked when they come back.

use std::collections::HashMap;

use super::identity::fresh_id;
use super::people::Identifier;
use super::site::Fault;

/// How long a code is good, in seconds.
const GOOD_FOR_SECONDS: i64 = 600;

/// How often a code may be sent, and how often a wrong one may be tried.
const SENDS_MAX: u32 = 5;
const WRONG_TRIES_MAX: u32 = 5;

/// The most codes that are under way.
const UNDER_WAY_MAX: usize = 100_000;

/// A code that is under way.
#[derive(Debug, Clone)]
struct Sent {
    to: Identifier,
    /// What the code is for: empty for a login, a challenge's id for a step.
    purpose: String,
    sent_at: i64,
    sends: u32,
    wrong_tries: u32,
}

/// The codes under way, by the name that the page's cookie has for them.
#[derive(Debug, Default)]
pub(super) struct Codes(HashMap<String, Sent>);

impl Codes {
    /// Sends a code for a purpose; a code that was sent for the same purpose to the same place is under way no more.
    ///
    /// - returns: the name for the cookie.
    ///
    /// # Errors
    /// `rate_limited`, `internal`.
    pub(super) fn send(&mut self, to: &Identifier, purpose: &str, now: i64) -> Result<String, Fault> {
        self.0.retain(|_, sent| is_good(sent, now) && (sent.purpose != purpose || purpose.is_empty()));
        if self.0.len() >= UNDER_WAY_MAX {
            return Err(Fault::new(429, "rate_limited", "too many codes are under way"));
        }
        let name = fresh_id("")?;
        let (to, purpose) = (to.clone(), purpose.to_owned());
        self.0.insert(name.clone(), Sent { to, purpose, sent_at: now, sends: 1, wrong_tries: 0 });
        Ok(name)
    }

    /// Sends it again.
    ///
    /// - returns: whereto.
    ///
    /// # Errors
    /// `unauthorized` where none is under way, `rate_limited`.
    pub(super) fn send_again(&mut self, name: &str, now: i64) -> Result<Identifier, Fault> {
        let sent = self.under_way(name, now)?;
        if sent.sends >= SENDS_MAX {
            return Err(Fault::new(429, "rate_limited", "the code was sent too often"));
        }
        sent.sends += 1;
        sent.sent_at = now;
        Ok(sent.to.clone())
    }

    /// Takes a code back; a right one is used up.
    ///
    /// - returns: where it had been sent.
    ///
    /// # Errors
    /// `unauthorized` where none is under way for this purpose, `bad_check_code`, `rate_limited`.
    pub(super) fn check(
        &mut self,
        name: &str,
        purpose: &str,
        is_right: bool,
        now: i64,
    ) -> Result<Identifier, Fault> {
        let sent = self.under_way(name, now)?;
        if sent.purpose != purpose {
            return Err(none_under_way());
        }
        if sent.wrong_tries >= WRONG_TRIES_MAX {
            return Err(Fault::new(429, "rate_limited", "too many wrong codes"));
        }
        if !is_right {
            sent.wrong_tries += 1;
            return Err(Fault::new(400, "bad_check_code", "the code is wrong"));
        }
        let to = sent.to.clone();
        self.0.remove(name);
        Ok(to)
    }

    fn under_way(&mut self, name: &str, now: i64) -> Result<&mut Sent, Fault> {
        self.0.get_mut(name).filter(|sent| is_good(sent, now)).ok_or_else(none_under_way)
    }
}

const fn is_good(sent: &Sent, now: i64) -> bool {
    now < sent.sent_at.saturating_add(GOOD_FOR_SECONDS)
}

fn none_under_way() -> Fault {
    Fault::unauthorized("no code is under way")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_right_once_in_its_time_for_its_purpose() {
        let phone = Identifier::read("phone_number", "+33612345678").expect("a number");
        let mut codes = Codes::default();
        let code =
            |outcome: Result<Identifier, Fault>| outcome.map_or_else(|fault| fault.code(), |_| "right");
        let name = codes.send(&phone, "", 0).expect("sent");
        assert_eq!(code(codes.check(&name, "chl_1", true, 0)), "unauthorized");
        assert_eq!(code(codes.check(&name, "", false, 0)), "bad_check_code");
        assert_eq!(code(codes.check(&name, "", true, 0)), "right");
        assert_eq!(code(codes.check(&name, "", true, 0)), "unauthorized");
        let name = codes.send(&phone, "chl_1", 0).expect("sent");
        assert_eq!(code(codes.check(&name, "chl_1", true, 600)), "unauthorized", "too late");
        let name = codes.send(&phone, "chl_1", 0).expect("sent");
        let newer = codes.send(&phone, "chl_1", 0).expect("sent");
        assert_eq!(code(codes.check(&name, "chl_1", true, 0)), "unauthorized", "a newer one was sent");
        for _ in 0..5 {
            assert_eq!(code(codes.check(&newer, "chl_1", false, 0)), "bad_check_code");
        }
        assert_eq!(code(codes.check(&newer, "chl_1", true, 0)), "rate_limited");
    }

    #[test]
    fn a_code_is_sent_again_five_times_at_most() {
        let email = Identifier::read("email_address", "user@example.com").expect("an address");
        let mut codes = Codes::default();
        let name = codes.send(&email, "", 0).expect("sent");
        for at in 1..5 {
            assert_eq!(codes.send_again(&name, at * 500).expect("sent"), email);
        }
        assert_eq!(codes.send_again(&name, 2001).expect_err("enough").code(), "rate_limited");
        assert_eq!(codes.send_again("other", 0).expect_err("none").code(), "unauthorized");
    }
}
