//! Users, their identifiers and passwords, and their sessions.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};

use super::EmulatorError;
use super::identity::fresh_id;
use super::site::Fault;

/// The most users and the most sessions that are kept.
const KEPT_MAX: usize = 100_000;

/// How long a refresh token is good, in seconds.
const REFRESH_GOOD_FOR_SECONDS: i64 = 30 * 86_400;

/// Something that a user is reached by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identifier {
    /// `phone_number` or `email_address`.
    pub(crate) kind: String,
    /// The number or address.
    pub(crate) value: String,
}

impl Identifier {
    /// An identifier that is one: E.164, or something with one `@`.
    ///
    /// # Errors
    /// `invalid_identifier`.
    pub(super) fn read(kind: &str, value: &str) -> Result<Self, Fault> {
        let is_phone = |value: &str| {
            value.strip_prefix('+').is_some_and(|digits| {
                (7..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
            })
        };
        let is_email = |value: &str| {
            let mut parts = value.split('@');
            let whole = |part: Option<&str>| part.is_some_and(|part| !part.is_empty());
            value.len() <= 320 && whole(parts.next()) && whole(parts.next()) && parts.next().is_none()
        };
        let is_one = match kind {
            "phone_number" => is_phone(value),
            "email_address" => is_email(value),
            _ => false,
        };
        if is_one && !value.contains(char::is_whitespace) {
            return Ok(Self { kind: kind.to_owned(), value: value.to_owned() });
        }
        Err(Fault::new(400, "invalid_identifier", "not a phone number in E.164 or an e-mail address"))
    }
}

/// Somebody who can log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// The user's id.
    pub(crate) id: String,
    /// By what the user is reached; nobody else is by the same.
    pub(crate) identifiers: Vec<Identifier>,
}

impl User {
    /// Reads `ID=IDENTIFIER[,IDENTIFIER…]`, where what begins with `+` is a phone number.
    ///
    /// # Errors
    /// [`EmulatorError::Configuration`].
    pub(crate) fn parse(text: &str) -> Result<Self, EmulatorError> {
        let wrong = |rule: String| EmulatorError::Configuration(rule);
        let (id, values) = text
            .split_once('=')
            .filter(|(id, _)| !id.is_empty())
            .ok_or_else(|| wrong("a user is ID=IDENTIFIER[,IDENTIFIER]".to_owned()))?;
        let read = |value: &str| {
            let kind = if value.starts_with('+') { "phone_number" } else { "email_address" };
            Identifier::read(kind, value).map_err(|fault| wrong(fault.to_string()))
        };
        Ok(Self { id: id.to_owned(), identifiers: values.split(',').map(read).collect::<Result<_, _>>()? })
    }
}

/// A login that has not ended.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) user_id: String,
    /// The thumbprint of the key that logged in.
    pub(super) thumbprint: String,
    pub(super) created_at: i64,
    pub(super) last_seen_at: i64,
    /// The newest refresh token, and when it ends.
    pub(super) refresh_token: String,
    pub(super) refresh_ends_at: i64,
}

impl Session {
    /// Gives the session its next refresh token; the one before it is worth nothing any more.
    fn renew(&mut self, now: i64) -> Result<(), EmulatorError> {
        self.refresh_token = fresh_id("rt_")?;
        self.refresh_ends_at = now.saturating_add(REFRESH_GOOD_FOR_SECONDS);
        self.last_seen_at = now;
        Ok(())
    }
}

/// All users and sessions.
#[derive(Debug, Default)]
pub(super) struct People {
    users: Vec<User>,
    /// Hashes, by user id.
    passwords: HashMap<String, Vec<u8>>,
    sessions: HashMap<String, Session>,
}

impl People {
    /// Adds a user.
    ///
    /// # Errors
    /// `identifier_already_exists` where an identifier, or the id, is somebody's.
    pub(super) fn add(&mut self, user: User) -> Result<(), Fault> {
        let is_taken = user.identifiers.iter().any(|identifier| self.by_identifier(identifier).is_some())
            || self.users.iter().any(|known| known.id == user.id);
        if is_taken {
            return Err(Fault::new(409, "identifier_already_exists", "the identifier is somebody's"));
        }
        if self.users.len() >= KEPT_MAX {
            return Err(Fault::new(429, "rate_limited", "the emulator keeps no more users"));
        }
        self.users.push(user);
        Ok(())
    }

    /// The user with an identifier; a new one where there is none.
    ///
    /// - returns: the user, and whether it is new.
    ///
    /// # Errors
    /// `rate_limited`, `internal`.
    pub(super) fn find_or_add(&mut self, identifier: &Identifier) -> Result<(User, bool), Fault> {
        if let Some(user) = self.by_identifier(identifier) {
            return Ok((user.clone(), false));
        }
        let user = User { id: fresh_id("usr_")?, identifiers: vec![identifier.clone()] };
        self.add(user.clone())?;
        Ok((user, true))
    }

    fn by_identifier(&self, identifier: &Identifier) -> Option<&User> {
        self.users.iter().find(|user| user.identifiers.contains(identifier))
    }

    /// The user with an id.
    pub(super) fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// Sets a user's password.
    pub(super) fn set_password(&mut self, user_id: &str, password: &str) {
        self.passwords.insert(user_id.to_owned(), hashed(password));
    }

    /// The user with this e-mail address and this password.
    pub(super) fn by_password(&self, email: &Identifier, password: &str) -> Option<&User> {
        let user = self.by_identifier(email)?;
        self.passwords.get(&user.id).filter(|hash| **hash == hashed(password)).map(|_| user)
    }

    /// Opens a session, bound to the key that logged in.
    ///
    /// # Errors
    /// `rate_limited`, `internal`.
    pub(super) fn open_session(
        &mut self,
        user_id: &str,
        thumbprint: &str,
        now: i64,
    ) -> Result<Session, Fault> {
        if self.sessions.len() >= KEPT_MAX {
            return Err(Fault::new(429, "rate_limited", "the emulator keeps no more sessions"));
        }
        let mut session = Session {
            id: fresh_id("ses_")?,
            user_id: user_id.to_owned(),
            thumbprint: thumbprint.to_owned(),
            created_at: now,
            last_seen_at: now,
            refresh_token: String::new(),
            refresh_ends_at: now,
        };
        session.renew(now)?;
        self.sessions.insert(session.id.clone(), session.clone());
        Ok(session)
    }

    /// A session that has not ended.
    pub(super) fn session(&self, id: &str) -> Option<&Session> {
        self.sessions.get(id)
    }

    /// The session whose newest refresh token this is, if the same key asks and the token is in its time.
    ///
    /// # Errors
    /// `unauthorized`, `dpop_key_mismatch`.
    pub(super) fn by_refresh_token(
        &self,
        token: &str,
        thumbprint: &str,
        now: i64,
    ) -> Result<&Session, Fault> {
        let session = self.sessions.values().find(|session| session.refresh_token == token);
        let session = session.filter(|session| now < session.refresh_ends_at);
        let session = session.ok_or_else(|| Fault::unauthorized("the refresh token is not good"))?;
        if session.thumbprint != thumbprint {
            return Err(Fault::new(400, "dpop_key_mismatch", "the session is another key's"));
        }
        Ok(session)
    }

    /// Replaces a session's refresh token.
    ///
    /// # Errors
    /// `unauthorized` for a session that has ended, `internal`.
    pub(super) fn renew(&mut self, session_id: &str, now: i64) -> Result<Session, Fault> {
        let session = self.sessions.get_mut(session_id);
        let session = session.ok_or_else(|| Fault::unauthorized("the session has ended"))?;
        session.renew(now)?;
        Ok(session.clone())
    }

    /// Ends a session; tells whether there was one.
    pub(super) fn end(&mut self, session_id: &str) -> bool {
        self.sessions.remove(session_id).is_some()
    }

    /// A user's sessions, the oldest first.
    pub(super) fn sessions_of(&self, user_id: &str) -> Vec<Session> {
        let own = self.sessions.values().filter(|session| session.user_id == user_id);
        let mut sessions: Vec<Session> = own.cloned().collect();
        sessions.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        sessions
    }
}

/// Good enough for a password that lives as long as a test.
fn hashed(password: &str) -> Vec<u8> {
    digest(&SHA256, password.as_bytes()).as_ref().to_vec()
}
