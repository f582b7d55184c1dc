//! `doorstep lists`: values put into lists and taken out of them at once, straight in the store.

use super::arguments::{EntryOptions, Format, ListsCommand};
use super::desk::{Desk, refuse, sentence, wish};
use super::{Exit, output};
use crate::app::{DeskWish, ListTold};
use crate::config::Settings;
use crate::domain::{DeskDeed, EntryFault, ListName};

/// A command whose words are all right.
enum Task {
    Act(DeskDeed, DeskWish, &'static str),
    Show(Option<ListName>),
}

pub(super) async fn run(settings: Settings, command: ListsCommand, format: Format) -> Exit {
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
        Task::Show(name) => show(&desk, name).await,
    };
    desk.office.close().await;
    exit
}

fn prepare(command: ListsCommand) -> Result<Task, Exit> {
    match command {
        ListsCommand::Add(options) => act(options, DeskDeed::Add, "Added."),
        ListsCommand::Remove(options) => act(options, DeskDeed::Remove, "Removed."),
        ListsCommand::Show { name } => name.map(|name| list(&name)).transpose().map(Task::Show),
    }
}

fn act(
    options: EntryOptions,
    deed: fn(ListName, Box<str>) -> DeskDeed,
    done: &'static str,
) -> Result<Task, Exit> {
    let deed = deed(list(&options.name)?, options.value.into());
    Ok(Task::Act(deed, wish(options.wish)?, done))
}

fn list(name: &str) -> Result<ListName, Exit> {
    ListName::new(name).map_err(|_| refuse(Exit::Failed, &sentence(&EntryFault::UnknownList)))
}

async fn show(desk: &Desk, name: Option<ListName>) -> Exit {
    let (now, stored) = match desk.office.store().desk().await {
        Ok(stored) => (desk.office.now(), stored),
        Err(error) => return refuse(Exit::Failed, &output::with_causes(&error)),
    };
    if let Some(name) = name {
        return match ListTold::of(&desk.bundle, &stored, name, now) {
            Ok(list) => {
                desk.print(&list, || {
                    let lines =
                        std::iter::once(list.summary()).chain(list.entries.iter().map(ToString::to_string));
                    lines.collect::<Vec<_>>().join("\n")
                });
                Exit::Fine
            }
            Err(_) => refuse(Exit::Failed, "There is no such list: `doorstep lists show` names them."),
        };
    }
    let lists = desk.bundle.show_lists(&stored, now).into_iter().map(ListTold::of_shown).collect::<Vec<_>>();
    match lists.as_slice() {
        [] => output::complain("The policy has no lists."),
        _ => desk.print(&lists, || lists.iter().map(ListTold::summary).collect::<Vec<_>>().join("\n")),
    }
    Exit::Fine
}
