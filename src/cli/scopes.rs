//! `doorstep scopes`: scopes paused and resumed at once, straight in the store.

use super::arguments::{Format, ScopesCommand};
use super::desk::{Desk, refuse, wish};
use super::{Exit, output};
use crate::app::{DeskWish, Scopes};
use crate::config::Settings;
use crate::domain::{DeskDeed, Scope};

/// A command whose words are all right.
enum Task {
    Act(DeskDeed, DeskWish, &'static str),
    Show,
}

pub(super) async fn run(settings: Settings, command: ScopesCommand, format: Format) -> Exit {
    let task = match prepare(command) {
        Ok(task) => task,
        Err(exit) => return exit,
    };
    let desk = match Desk::open(&settings, format).await {
        Ok(desk) => desk,
        Err(exit) => return exit,
    };
    let exit = match task {
        Task::Act(deed, wish, done) => desk.act(deed, wish, done).await,
        Task::Show => show(&desk).await,
    };
    desk.office.close().await;
    exit
}

fn prepare(command: ScopesCommand) -> Result<Task, Exit> {
    let scope =
        |text: &str| Scope::new(text).map_err(|fault| refuse(Exit::Usage, &format!("A scope {fault}.")));
    Ok(match command {
        ScopesCommand::Pause { scope: name, wish: options } => {
            Task::Act(DeskDeed::Pause(scope(&name)?), wish(options)?, "Paused.")
        }
        ScopesCommand::Resume { scope: name, reason } => {
            Task::Act(DeskDeed::Resume(scope(&name)?), DeskWish { until: None, reason }, "Resumed.")
        }
        ScopesCommand::Show => Task::Show,
    })
}

async fn show(desk: &Desk) -> Exit {
    let stored = match desk.office.store().desk().await {
        Ok(stored) => stored,
        Err(error) => return refuse(Exit::Failed, &output::with_causes(&error)),
    };
    let scopes = Scopes::of(&desk.bundle, &stored, desk.office.now());
    desk.print(&scopes, || {
        let line = |own: &crate::app::ScopeTold| match &own.paused {
            Some(pause) => format!("paused  {}  {pause}", own.scope),
            None => format!("open    {}", own.scope),
        };
        scopes.scopes.iter().map(line).collect::<Vec<_>>().join("\n")
    });
    Exit::Fine
}
