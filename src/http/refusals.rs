//! Errors of the use cases, as refusals. Every match is exhaustive: a new error does not compile until its status and
//! its public words are decided here.

mod verification;

#[cfg(test)]
pub(super) use verification::not_signed;

use actix_web::http::StatusCode;

use super::problem::{Refusal, bad_api_key, invalid_request, not_found, unavailable};
use crate::app::{
    AccessError, ActivationRefusal, CallRefusal, CallbackError, DecideError, DecisionsError, DeskError,
    EvaluateError, EventsError, FactError, FactFault, PageError, RedeemError, ReloadError,
};
use crate::callbacks::CallbackFault;
use crate::domain::{DeskFault, EntryFault, NotSpent, Outage, Trouble};

impl From<CallRefusal> for Refusal {
    fn from(refusal: CallRefusal) -> Self {
        match refusal {
            // One public code for every cause: whoever is not Prelude learns nothing from the difference.
            CallRefusal::Signature(fault) => {
                Self::new(StatusCode::UNAUTHORIZED, "unverified_call", "The call is not signed by Prelude")
                    .because(fault.code())
            }
            CallRefusal::NoTrustedKeySet => {
                unavailable("no_trusted_key_set", "Prelude's keys are not known, so no call can be verified")
            }
        }
    }
}

impl From<DecideError> for Refusal {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::Body(fault) => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_call", "The call breaks Prelude's contract")
                    .with_detail(fault.to_string())
                    .because(fault.flaw.code())
            }
            DecideError::OldRepeat => Self::new(
                StatusCode::CONFLICT,
                "repeated_call",
                "This very call was answered before, too long ago to be a retry",
            ),
            DecideError::NotRecorded(fault) => not_recorded().of_the_store(fault.trouble()),
            DecideError::TooLate => not_recorded().behind(Outage::TimedOut),
            DecideError::DeskMoves => not_recorded().because("desk_moves"),
            DecideError::Random(_) => not_recorded().because("no_randomness"),
        }
    }
}

impl From<CallbackError> for Refusal {
    fn from(error: CallbackError) -> Self {
        match error {
            CallbackError::UnknownSource => Self::new(
                StatusCode::NOT_FOUND,
                "no_such_source",
                "No provider is configured under this name",
            ),
            CallbackError::Call(fault @ CallbackFault::NotAnEvent) => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_event", "The body is not a JSON document")
                    .because(fault.code())
            }
            // One public code for every cause: whoever is not the provider learns nothing from the difference.
            CallbackError::Call(fault) => Self::new(
                StatusCode::UNAUTHORIZED,
                "unverified_callback",
                "The call is not signed by the provider",
            )
            .because(fault.code()),
            CallbackError::Store(fault) => store_unavailable(fault.trouble()),
            CallbackError::TooLate => unavailable_store().behind(Outage::TimedOut),
        }
    }
}

impl From<ActivationRefusal> for Refusal {
    fn from(refusal: ActivationRefusal) -> Self {
        // One public code for both: whoever is not Prelude learns nothing from the difference.
        let refused = |cause| {
            let title = "The activation is not for this application, or does not know the token";
            Self::new(StatusCode::FORBIDDEN, "activation_refused", title).because(cause)
        };
        match refusal {
            ActivationRefusal::Off => not_found(),
            ActivationRefusal::Query(fault) => invalid_request(fault.to_string()),
            ActivationRefusal::OtherApplication => refused("other_application"),
            ActivationRefusal::WrongToken => refused("wrong_token"),
        }
    }
}

impl From<EventsError> for Refusal {
    fn from(error: EventsError) -> Self {
        match error {
            EventsError::Off => not_found(),
            EventsError::Broken(fault) => {
                Self::new(StatusCode::BAD_REQUEST, "invalid_events", "The call breaks Prelude's contract")
                    .with_detail(fault.to_string())
                    .because(fault.code())
            }
            EventsError::Store(fault) => store_unavailable(fault.trouble()),
        }
    }
}

impl From<AccessError> for Refusal {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::BadKey => bad_api_key(),
            AccessError::MissingRole(role) => {
                Self::new(StatusCode::FORBIDDEN, "missing_role", "The API key lacks a role for this")
                    .with_detail(format!("the role `{role}` is needed"))
            }
            AccessError::Store(fault) => store_unavailable(fault.trouble()),
        }
    }
}

impl From<RedeemError> for Refusal {
    fn from(error: RedeemError) -> Self {
        match error {
            RedeemError::Access(error) => error.into(),
            RedeemError::Post(error) => error.into(),
            RedeemError::Request(fault) => invalid_request(fault.to_string()),
            RedeemError::OutsideKeyLimits => outside_key_limits(),
            RedeemError::NotSpent(reason) => reason.into(),
            RedeemError::Store(fault) => store_unavailable(fault.trouble()),
        }
    }
}

impl From<NotSpent> for Refusal {
    fn from(reason: NotSpent) -> Self {
        const CONFLICT: StatusCode = StatusCode::CONFLICT;
        const NOT_GRANTED: &str = "No verdict in force grants this";
        let detail = reason.to_string();
        match reason {
            NotSpent::ScopePaused => {
                Self::new(CONFLICT, "scope_paused", "Nothing is granted for this scope at the moment")
            }
            NotSpent::AlreadyRedeemed { .. } => {
                Self::new(CONFLICT, "already_redeemed", "The verdict about exactly this was spent before")
                    .with_detail(detail)
            }
            NotSpent::Differs(_) => {
                Self::new(CONFLICT, "differs", "The verdict in force is about something else")
                    .with_detail(detail)
            }
            NotSpent::Unproved(_) => {
                Self::new(CONFLICT, "not_granted", NOT_GRANTED).with_detail(detail).because("step_not_proved")
            }
            NotSpent::NotGranted => Self::new(CONFLICT, "not_granted", NOT_GRANTED).with_detail(detail),
        }
    }
}

impl From<FactError> for Refusal {
    fn from(error: FactError) -> Self {
        match error {
            FactError::Access(error) => error.into(),
            FactError::Post(error) => error.into(),
            FactError::Request(fault @ (FactFault::TooLongAgo | FactFault::Ahead)) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_moment",
                "The moment is none at which the fact can have happened",
            )
            .with_detail(fault.to_string()),
            FactError::Request(fault) => invalid_request(fault.to_string()),
            FactError::OutsideKeyLimits => outside_key_limits(),
            FactError::OtherFact => Self::new(
                StatusCode::CONFLICT,
                "other_fact",
                "The user has a fact of this kind and `id` that happened at another moment",
            ),
            FactError::Store(fault) => store_unavailable(fault.trouble()),
        }
    }
}

impl From<DecisionsError> for Refusal {
    fn from(error: DecisionsError) -> Self {
        match error {
            DecisionsError::Access(error) => error.into(),
            DecisionsError::OutsideKeyLimits => outside_key_limits(),
            DecisionsError::NotFound => {
                Self::new(StatusCode::NOT_FOUND, "no_such_decision", "There is no decision with this id")
            }
            DecisionsError::Filter(_) => invalid_request(error.to_string()),
            DecisionsError::Store(fault) => store_unavailable(fault.trouble()),
        }
    }
}

impl From<PageError> for Refusal {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Access(error) => error.into(),
            PageError::Filter(_) => invalid_request(error.to_string()),
            PageError::Store(fault) => store_unavailable(fault.trouble()),
        }
    }
}

impl From<EvaluateError> for Refusal {
    fn from(error: EvaluateError) -> Self {
        match error {
            EvaluateError::Access(error) => error.into(),
            EvaluateError::OutsideKeyLimits => outside_key_limits(),
            EvaluateError::NotText => invalid_request(error.to_string()),
            EvaluateError::Request(faults) => invalid_request("the request has faults").with_findings(faults),
            EvaluateError::Store(fault) => store_unavailable(fault.trouble()),
        }
    }
}

impl From<ReloadError> for Refusal {
    fn from(error: ReloadError) -> Self {
        let unfinished =
            || unavailable("reload_not_finished", "The reload has not come to an end; it may still do so");
        match error {
            ReloadError::Access(error) => error.into(),
            ReloadError::BuiltIn => Self::new(
                StatusCode::CONFLICT,
                "nothing_to_reload",
                "The policy is built in: there are no files to read",
            ),
            ReloadError::Refused(attempt) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "policy_refused",
                "The policy files have faults, so the policy in force stays",
            )
            .with_findings(attempt.faults.clone()),
            ReloadError::NotRecorded => unavailable_store(),
            ReloadError::Busy => unfinished().because("reload_queue_full"),
            ReloadError::Unfinished => unfinished(),
        }
    }
}

impl From<DeskError> for Refusal {
    fn from(error: DeskError) -> Self {
        let detail = error.to_string();
        match error {
            DeskError::Access(error) => error.into(),
            DeskError::OutsideKeyLimits => outside_key_limits(),
            DeskError::Shape(_) | DeskError::Filter(_) => invalid_request(detail),
            DeskError::Until => invalid_end(detail),
            DeskError::Reason => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_reason", "The reason is not one")
                    .with_detail(detail)
            }
            DeskError::Fault(fault) => fault.into(),
            DeskError::Busy => unavailable("desk_busy", "Others act at the fraud desk at the same time"),
            DeskError::Store(fault) => store_unavailable(fault.trouble()),
        }
    }
}

impl From<DeskFault> for Refusal {
    fn from(fault: DeskFault) -> Self {
        const CONFLICT: StatusCode = StatusCode::CONFLICT;
        let detail = fault.to_string();
        match fault {
            DeskFault::Entry(fault) => entry_fault(fault).with_detail(detail),
            DeskFault::NotListed { .. } => {
                Self::new(CONFLICT, "not_listed", "The list has no such entry that counts now")
            }
            DeskFault::OtherValue => {
                Self::new(CONFLICT, "other_value", "The desk gave this range another value")
            }
            DeskFault::Full => {
                Self::new(CONFLICT, "desk_full", "The desk has as many entries as it may have")
                    .with_detail(detail)
            }
            DeskFault::EndNotAhead | DeskFault::EndOfNothing => invalid_end(detail),
            DeskFault::ScopeNotCovered => {
                Self::new(StatusCode::NOT_FOUND, "no_such_scope", "No policy file covers the scope")
            }
            DeskFault::NotPaused => Self::new(CONFLICT, "not_paused", "The scope is not paused now"),
        }
    }
}

fn entry_fault(fault: EntryFault) -> Refusal {
    match fault {
        EntryFault::UnknownList => {
            Refusal::new(StatusCode::NOT_FOUND, "no_such_list", "The policy has no such list")
        }
        EntryFault::Unused | EntryFault::TwoKinds => Refusal::new(
            StatusCode::CONFLICT,
            "list_not_usable",
            "An entry of this list would change nothing",
        ),
        EntryFault::Form
        | EntryFault::NoRange
        | EntryFault::HostBits
        | EntryFault::Clothes
        | EntryFault::NoValue
        | EntryFault::UnknownValue
        | EntryFault::Misfit(_) => {
            Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_entry", "The list cannot have this entry")
        }
    }
}

fn invalid_end(detail: String) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_end", "The end is not one").with_detail(detail)
}

pub(super) const fn outside_key_limits() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "outside_key_limits",
        "The API key is limited to other scopes or steps",
    )
}

/// Nothing may be signed, since a key may have been withdrawn that this process does not know of.
pub(super) fn stale_signing_keys() -> Refusal {
    unavailable(
        "signing_keys_stale",
        "The signing keys could not be looked at for too long to sign with them",
    )
}

/// 503: the record could not be read or written, and why.
fn store_unavailable(trouble: Trouble) -> Refusal {
    unavailable_store().of_the_store(trouble)
}

/// 503: the record could not be read or written.
pub(super) fn unavailable_store() -> Refusal {
    unavailable("store_unavailable", "The record could not be read or written")
}

fn not_recorded() -> Refusal {
    unavailable("not_recorded", "The verdict could not be recorded, so there is none")
}
