//! `doorstep holds`: users of whom nothing is deleted or erased.

use serde_json::json;

use super::arguments::{Format, HoldsCommand};
use super::desk::{refuse, sentence, wish};
use super::{Exit, output};
use crate::app::{HoldError, hold_user, release_user};
use crate::boot::{self, Office, Sources};
use crate::config::Settings;
use crate::domain::{Hold, UserId};

pub(super) async fn run(settings: Settings, command: HoldsCommand, format: Format) -> Exit {
    if let Some(file) = settings.store.url.missing_file() {
        let words = format!("There is no store at {}: check --store or store.url.", file.display());
        return refuse(Exit::Failed, &words);
    }
    let office = match boot::open_care_office(&settings, Sources::real()).await {
        Ok(office) => office,
        Err(error) => return refuse(Exit::Failed, &sentence(&error)),
    };
    let exit = match act(&office, command, format).await {
        Ok(()) => Exit::Fine,
        Err(exit) => exit,
    };
    office.close().await;
    exit
}

async fn act(office: &Office, command: HoldsCommand, format: Format) -> Result<(), Exit> {
    match command {
        HoldsCommand::Add { id, wish: options } => {
            let wish = wish(options)?;
            let hold = Hold {
                user_id: user(&id)?,
                held_at: office.now(),
                until: wish.until,
                actor: office.operator().to_string().into(),
                reason: wish.reason.into(),
            };
            hold_user(office.store(), hold).await.map_err(|error| refused(&error))?;
            output::complain("On hold: nothing of the user is deleted or erased until it ends.");
        }
        HoldsCommand::End { id, reason } => {
            let by = (office.operator(), office.now());
            release_user(office.store(), by, user(&id)?, &reason).await.map_err(|error| refused(&error))?;
            output::complain("Ended: what has had its time goes with the next run.");
        }
        HoldsCommand::Show => show(office, format).await?,
    }
    Ok(())
}

async fn show(office: &Office, format: Format) -> Result<(), Exit> {
    let holds = office.store().holds(office.now(), None).await;
    let holds = holds.map_err(|error| refuse(Exit::Failed, &sentence(&error)))?;
    for Hold { user_id, held_at, until, actor, reason } in holds {
        output::say(&match format {
            Format::Json => json!({
                "user_id": user_id, "held_at": held_at, "until": until, "actor": actor, "reason": reason,
            })
            .to_string(),
            Format::Human => {
                let until = until.map_or_else(|| "it is ended".to_owned(), |until| until.to_string());
                format!("{user_id}  {held_at} until {until}  {actor}  {reason}")
            }
        });
    }
    Ok(())
}

fn user(id: &str) -> Result<UserId, Exit> {
    UserId::new(id).map_err(|_| refuse(Exit::Usage, "That is no id of a user."))
}

fn refused(error: &HoldError) -> Exit {
    let exit = match error {
        HoldError::Reason | HoldError::Over => Exit::Usage,
        HoldError::None | HoldError::Store(_) => Exit::Failed,
    };
    refuse(exit, &sentence(error))
}
