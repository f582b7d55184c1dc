//! What `doorstep lists` and `doorstep scopes` share: the desk straight in the store, judged by the policy files.

use std::path::Path;

use super::arguments::{Format, WishOptions};
use super::{Exit, output, policy};
use crate::app::{ActionShown, DeskError, DeskWish, act_at_desk};
use crate::boot::{self, Office, Sources};
use crate::config::Settings;
use crate::domain::{Actor, DeskDeed, DeskFault, Timestamp};
use crate::policy::{Bundle, end_of_day, load_dir_in_force};

/// An open store and the policy that is in force beside it.
pub(super) struct Desk {
    pub(super) office: Office,
    pub(super) bundle: Bundle,
    format: Format,
}

impl Desk {
    /// Loads the policy and opens the store; a store that is not there is not made, since nobody would serve from it.
    pub(super) async fn open(settings: &Settings, format: Format) -> Result<Self, Exit> {
        let file = settings.store.url.file();
        if matches!(file.try_exists(), Ok(false)) {
            let words = format!("There is no store at {}: check --store or store.url.", file.display());
            return Err(refuse(Exit::Failed, &words));
        }
        let dir: &Path = &settings.policies.dir;
        let bundle = load_dir_in_force(dir).map_err(|faults| {
            policy::show(dir, &faults, format);
            Exit::BundleInvalid
        })?;
        let office = boot::open_office(settings, Sources::real())
            .await
            .map_err(|error| refuse(Exit::Failed, &output::with_causes(&error)))?;
        Ok(Self { office, bundle, format })
    }

    /// Does something and says so.
    pub(super) async fn act(&self, deed: DeskDeed, wish: DeskWish, done: &str) -> Exit {
        let act = match wish.said(deed, Actor::of_shell(&shell_user()), self.office.now()) {
            Ok(act) => act,
            Err(error) => return refuse(Exit::Usage, &sentence(&error)),
        };
        match act_at_desk(self.office.store(), &self.bundle, act).await {
            Ok(action) => {
                if self.format == Format::Json {
                    self.print(&ActionShown::of(action), String::new);
                }
                output::complain(&format!("{done} In force from the next call on."));
                Exit::Fine
            }
            Err(DeskError::Fault(DeskFault::NotListed { nearest: Some(near) })) => {
                refuse(Exit::Failed, &format!("The list has no such entry now: did you mean `{near}`?"))
            }
            Err(error) => refuse(Exit::Failed, &sentence(&error)),
        }
    }

    /// Prints data as it was asked for.
    pub(super) fn print(&self, data: &impl serde::Serialize, human: impl FnOnce() -> String) {
        output::say(&match self.format {
            Format::Json => serde_json::to_string(data).unwrap_or_default(),
            Format::Human => human(),
        });
    }
}

/// Reads how long something should hold.
pub(super) fn wish(options: WishOptions) -> Result<DeskWish, Exit> {
    let until = options.until.map(|text| {
        let read = Timestamp::parse(&text).or_else(|| end_of_day(&text));
        let words = "--until is a moment with its offset, 2026-12-31T18:00:00Z, or a day, 2026-12-31.";
        read.ok_or_else(|| refuse(Exit::Usage, words))
    });
    Ok(DeskWish { until: until.transpose()?, reason: options.reason })
}

/// Says why not, and how the command ends.
pub(super) fn refuse(exit: Exit, words: &str) -> Exit {
    output::complain(words);
    exit
}

/// An error as a sentence of its own.
pub(super) fn sentence(error: &dyn std::error::Error) -> String {
    format!("Not done: {}.", output::with_causes(error))
}

/// Who runs this process: the system's name for the user, or the number where it has none.
fn shell_user() -> String {
    // The kernel says it of a socket; no variable of the environment does.
    let credentials = tokio::net::UnixStream::pair().and_then(|(here, _there)| here.peer_cred());
    let Ok(credentials) = credentials else { return "unknown".to_owned() };
    let number = credentials.uid().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_of(&number, &users).unwrap_or(number)
}

/// A user's name in a file of users (passwd(5)); one that could not stand in a line is left out.
fn name_of(number: &str, users: &str) -> Option<String> {
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then_some(name)
    });
    name.filter(|name| !name.is_empty() && !name.contains(char::is_control)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let users =
            "root:x:0:0:root:/root:/bin/bash\n# x\njane:x:1000:1000:,,,:/home/jane:/bin/sh\nbad\n:x:7:\n";
        let cases = [("0", Some("root")), ("1000", Some("jane")), ("100", None), ("7", None), ("x", None)];
        for (number, expected) in cases {
            assert_eq!(name_of(number, users).as_deref(), expected, "{number}");
        }
    }
}
