//! What is done at the fraud desk.

use super::operation::{Operation, operation};
use super::parameters::{page, path, query};
use crate::app::DeskError;
use crate::app::shapes::{desk, desk_requests};
use crate::domain::{DeskFault, EntryFault, GivenReason, ListName, Role, Scope};

const LOOKING: [&[Role]; 2] = [&[Role::Desk], &[Role::Reader]];

pub(super) fn operations() -> Vec<Operation> {
    vec![
        lists(),
        list(),
        change(("/v1/lists/{name}/entries", "addListEntry", "Puts a value into a list")),
        change(("/v1/lists/{name}/removals", "removeListEntry", "Takes a value out of a list")),
        scopes(),
        pause(),
        resume(),
        actions(),
    ]
}

fn at_desk(address: (&'static str, &'static str), id: &'static str, summary: &'static str) -> Operation {
    operation(address, id, summary).group("desk")
}

fn lists() -> Operation {
    at_desk(("get", "/v1/lists"), "listLists", "Lists the lists")
        .keys(&LOOKING)
        .answers(200, "The lists that the key may see.", desk::lists())
        .header("Cache-Control", "Always `no-store`.")
}

fn list() -> Operation {
    at_desk(("get", "/v1/lists/{name}"), "getList", "Shows a list with what the desk said about it")
        .keys(&LOOKING)
        .with([path::<ListName>("name", "The list's name.")])
        .answers(200, "The list.", desk::list())
        .header("Cache-Control", "Always `no-store`.")
        .refuses([DeskError::OutsideKeyLimits, DeskFault::Entry(EntryFault::UnknownList).into()])
}

fn change((path_of, id, summary): (&'static str, &'static str, &'static str)) -> Operation {
    let faults = [
        DeskFault::Entry(EntryFault::UnknownList),
        DeskFault::Entry(EntryFault::Unused),
        DeskFault::Entry(EntryFault::Form),
        DeskFault::EndNotAhead,
        DeskFault::Full,
    ];
    let own =
        if id == "addListEntry" { DeskFault::OtherValue } else { DeskFault::NotListed { nearest: None } };
    at_desk(("post", path_of), id, summary)
        .keys(&[&[Role::Desk]])
        .with([path::<ListName>("name", "The list's name.")])
        .takes([("entry", desk_requests::entry())])
        .answers(201, "What was done, as it is recorded.", desk::changed())
        .header("Cache-Control", "Always `no-store`.")
        .refuses([DeskError::OutsideKeyLimits, DeskError::Shape(""), DeskError::Reason, DeskError::Busy])
        .refuses(faults)
        .refuses([own])
}

fn scopes() -> Operation {
    at_desk(("get", "/v1/scopes"), "listScopes", "Lists the scopes, and which of them are paused")
        .keys(&LOOKING)
        .answers(200, "The scopes that the key may see.", desk::scopes())
        .header("Cache-Control", "Always `no-store`.")
}

fn pause() -> Operation {
    at_desk(("put", "/v1/scopes/{scope}/pause"), "pauseScope", "Pauses a scope: nothing is granted for it")
        .keys(&[&[Role::Desk]])
        .with([path::<Scope>("scope", "The scope.")])
        .takes([("pause", desk_requests::pause())])
        .answers(200, "The pause.", desk::paused())
        .header("Cache-Control", "Always `no-store`.")
        .refuses([DeskError::OutsideKeyLimits, DeskError::Shape(""), DeskError::Reason, DeskError::Busy])
        .refuses([DeskFault::ScopeNotCovered, DeskFault::EndNotAhead])
}

fn resume() -> Operation {
    let mut reason = query::<GivenReason>("reason", "Why.");
    reason["required"] = serde_json::json!(true);
    at_desk(("delete", "/v1/scopes/{scope}/pause"), "resumeScope", "Lets a paused scope go on")
        .keys(&[&[Role::Desk]])
        .with([path::<Scope>("scope", "The scope."), reason])
        .answers(200, "What was done, as it is recorded.", desk::resumed())
        .header("Cache-Control", "Always `no-store`.")
        .refuses([
            DeskError::OutsideKeyLimits,
            DeskError::Filter("reason"),
            DeskError::Reason,
            DeskError::Busy,
        ])
        .refuses([DeskFault::ScopeNotCovered, DeskFault::NotPaused])
}

fn actions() -> Operation {
    at_desk(("get", "/v1/desk-actions"), "listDeskActions", "Lists what was done at the desk, newest first")
        .keys(&[&[Role::Desk], &[Role::Reader], &[Role::Admin]])
        .with(page())
        .answers(200, "A page of actions.", desk::actions())
        .header("Cache-Control", "Always `no-store`.")
        .refuses([DeskError::Filter("limit")])
}
