//! For the description of the API.

use super::{
    ActionShown, Actions, EntryTold, ListName, ListSummary, ListTold, Lists, PauseTold, Said, ScopeTold,
    Scopes,
};
use crate::domain::shape::{KEY, Shape, moment, scope, user};
use crate::domain::{Actor, ApiKeyId, DeskAct, DeskAction, DeskDeed, DeskRevision, GivenReason};

fn said() -> Said {
    Said {
        by: Actor::ApiKey(ApiKeyId::new(KEY).expect("an id")),
        reason: GivenReason::new("case 4711").expect("a reason"),
        at: moment(0),
    }
}

fn act(deed: DeskDeed) -> ActionShown {
    let act = DeskAct { deed, until: Some(moment(86_400)), said: said() };
    ActionShown::of(DeskAction { revision: DeskRevision::new(17), act })
}

fn frozen() -> ListName {
    ListName::new("frozen-users").expect("a name")
}

fn listed() -> ActionShown {
    act(DeskDeed::Add(frozen(), user().as_str().into()))
}

pub(crate) fn changed() -> Shape {
    Shape::of(&listed())
}

pub(crate) fn resumed() -> Shape {
    Shape::of(&act(DeskDeed::Resume(scope())))
}

fn pause() -> PauseTold {
    PauseTold { until: Some(moment(3600)), said: said() }
}

pub(crate) fn paused() -> Shape {
    Shape::of(&pause())
}

pub(crate) fn scopes() -> Shape {
    let scopes = vec![ScopeTold { scope: scope(), paused: Some(pause()) }];
    Shape::of(&Scopes { revision: DeskRevision::new(17), scopes })
}

pub(crate) fn list() -> Shape {
    let entry = EntryTold {
        value: user().to_string(),
        effect: "added",
        state: "in_force",
        fault: None,
        until: Some(moment(86_400)),
        said: said(),
    };
    Shape::of(&ListTold { name: frozen(), kind: Some("texts"), file_entries: Some(2), entries: vec![entry] })
}

pub(crate) fn lists() -> Shape {
    let summary = ListSummary { name: frozen(), kind: Some("texts"), file_entries: Some(2), desk_entries: 1 };
    Shape::of(&Lists { revision: DeskRevision::new(17), lists: vec![summary] })
}

pub(crate) fn actions() -> Shape {
    Shape::of(&Actions { actions: vec![listed()], next_cursor: None })
}
