//! `doorstep decisions verify` and `checkpoint`: whether the record can be trusted.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};

use super::super::arguments::Format;
use super::super::{Exit, output};
use crate::app::{AuditError, anchor_seal, checkpoint_decisions, verify_decisions};
use crate::boot;
use crate::config::Settings;
use crate::domain::{Audited, ChainFault};

/// The longest checkpoint that is read: of a hundred thousand chains.
const CHECKPOINT_BYTES_MAX: u64 = 33_554_432;

pub(super) async fn verify(
    office: &boot::Office,
    settings: &Settings,
    file: Option<&Path>,
    format: Format,
) -> Exit {
    let text = match given(file) {
        Ok(text) => text,
        Err(exit) => return exit,
    };
    // Whoever has no encryption key can look through the record too, and believes what retention left.
    let seal = office.identifier_digest(settings).await.ok().map(|digest| anchor_seal(&digest));
    let audited = verify_decisions(office.store(), text.as_deref(), seal.as_ref()).await;
    if seal.is_none() && audited.as_ref().is_ok_and(|audited| audited.anchored > 0) {
        output::complain(
            "Without the encryption key nobody can tell whether the anchors of deleted decisions are ours.",
        );
    }
    match audited {
        Ok(audited) => {
            output::say(&match format {
                Format::Json => as_json(&audited).to_string(),
                Format::Human => in_words(&audited),
            });
            if audited.fault.is_some() { Exit::Failed } else { Exit::Fine }
        }
        Err(error) => refused(&error),
    }
}

pub(super) async fn checkpoint(office: &boot::Office, settings: &Settings, after: Option<&Path>) -> Exit {
    let after = match given(after) {
        Ok(text) => text,
        Err(exit) => return exit,
    };
    let keys = match office.signing_keys(settings).await {
        Ok(keys) => keys,
        Err(error) => {
            output::complain(&output::with_causes(&error));
            return Exit::Failed;
        }
    };
    let seal = match office.identifier_digest(settings).await {
        Ok(digest) => anchor_seal(&digest),
        Err(error) => {
            output::complain(&output::with_causes(&error));
            return Exit::Failed;
        }
    };
    match checkpoint_decisions(office.store(), (&keys, office.now()), (after.as_deref(), &seal)).await {
        Ok((audited, Some(text))) => {
            output::say(&text);
            output::complain(&in_words(&audited));
            Exit::Fine
        }
        Ok((audited, None)) => {
            output::complain(&format!("Nothing was signed. {}", in_words(&audited)));
            Exit::Failed
        }
        Err(error) => refused(&error),
    }
}

/// Reads a checkpoint's file.
fn given(file: Option<&Path>) -> Result<Option<String>, Exit> {
    let Some(file) = file else { return Ok(None) };
    let mut text = String::new();
    let opened = std::fs::File::open(file);
    match opened.and_then(|file| file.take(CHECKPOINT_BYTES_MAX).read_to_string(&mut text)) {
        Ok(_) => Ok(Some(text)),
        Err(error) => {
            output::complain(&format!("Cannot read {}: {error}.", file.display()));
            Err(Exit::Failed)
        }
    }
}

fn refused(error: &AuditError) -> Exit {
    output::complain(&format!("Not done: {}.", output::with_causes(error)));
    Exit::Failed
}

fn in_words(audited: &Audited) -> String {
    let Audited { chained, before_chains, erased, aged, anchored, heads, fault, .. } = audited;
    if let Some(ChainFault { place, decision, what }) = fault {
        return match place {
            Some(place) => format!("The decision {decision} at place {place}: {what}."),
            None => format!("The chain that begins with the decision {decision}: {what}."),
        };
    }
    let mut text = format!("{chained} decisions in {} chains are what was recorded.", heads.len());
    let mut also = |count: u64, words: &str| {
        if count > 0 {
            text.push_str(&format!(" {count} {words}."));
        }
    };
    also(*before_chains, "were recorded before there were chains: nothing proves them");
    also(*erased, "of them have no personal values any more, because their user was erased");
    also(*aged, "of them have no personal values any more, because those had had their time");
    also(*anchored, "times a chain goes on after decisions that retention deleted");
    text
}

fn as_json(audited: &Audited) -> Value {
    let fault = audited.fault.as_ref().map(|fault| {
        json!({
            "finding": fault.what.as_str(),
            "place": fault.place,
            "decision": fault.decision.to_string(),
            "message": fault.what.to_string(),
        })
    });
    json!({
        "decisions": audited.chained,
        "chains": audited.heads.len(),
        "before_chains": audited.before_chains,
        "erased": audited.erased,
        "aged": audited.aged,
        "anchored": audited.anchored,
        "fault": fault,
    })
}
