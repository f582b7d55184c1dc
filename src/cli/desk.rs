//! What `doorstep lists` and `doorstep scopes` share: the desk straight in the store, judged by the policy files.

use std::path::Path;

use super::arguments::{Format, WishOptions};
use super::{Exit, output, policy};
use crate::app::{ActionShown, DeskError, DeskWish, act_at_desk};
use crate::boot::{self, Office, Sources};
use crate::config::Settings;
use crate::domain::{DeskDeed, DeskFault, EntryFault, Timestamp};
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
        if let Some(file) = settings.store.url.missing_file() {
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
        let act = match wish.said(deed, self.office.operator(), self.office.now()) {
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
            Err(error) => refuse(Exit::Failed, &format!("{}{}", sentence(&error), way_out(&error))),
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

/// What helps somebody who named what is not there.
const fn way_out(error: &DeskError) -> &'static str {
    match error {
        DeskError::Fault(DeskFault::Entry(EntryFault::UnknownList)) => {
            " `doorstep lists show` names its lists."
        }
        DeskError::Fault(DeskFault::ScopeNotCovered) => {
            " `doorstep scopes show` names those that are covered."
        }
        _ => "",
    }
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
