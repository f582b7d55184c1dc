//! `doorstep decisions`: recorded decisions, straight from the store.

mod audit;

use super::arguments::{DecisionsCommand, ExportForm, ExportOptions, Format};
use super::{Exit, output};
use crate::app::{DecisionsError, DecisionsQuery, ExportedDecision, export_decisions, stored_decision};
use crate::boot;
use crate::config::Settings;

pub(super) async fn run(settings: Settings, command: DecisionsCommand, format: Format) -> Exit {
    let office = match boot::open_office(&settings, boot::Sources::real()).await {
        Ok(office) => office,
        Err(error) => {
            output::complain(&output::with_causes(&error));
            return Exit::Failed;
        }
    };
    let exit = match command {
        DecisionsCommand::Explain { id } => explain(&office, &id, format).await,
        DecisionsCommand::Verify { checkpoint } => {
            audit::verify(&office, &settings, checkpoint.as_deref(), format).await
        }
        DecisionsCommand::Checkpoint { after } => {
            audit::checkpoint(&office, &settings, after.as_deref()).await
        }
        DecisionsCommand::Export(options) => export(&office, options).await,
    };
    office.close().await;
    exit
}

async fn explain(office: &boot::Office, id: &str, format: Format) -> Exit {
    let decision = match stored_decision(office.store(), (office.operator(), office.now()), id).await {
        Ok(decision) => decision,
        Err(DecisionsError::NotFound) => {
            output::complain("There is no such decision: `GET /v1/decisions` lists them.");
            return Exit::Failed;
        }
        Err(error) => {
            output::complain(&output::with_causes(&error));
            return Exit::Failed;
        }
    };
    match (format, &decision.explanation) {
        (Format::Json, _) => output::say(&serde_json::to_string(&decision).unwrap_or_default()),
        (Format::Human, Some(explanation)) => output::say(&format!("{decision}\n\n{explanation}")),
        (Format::Human, None) => {
            output::say(&decision.to_string());
            output::complain("The policy of that day is not kept, or this version cannot read it.");
        }
    }
    Exit::Fine
}

async fn export(office: &boot::Office, options: ExportOptions) -> Exit {
    let ExportOptions { form, user, scope, verdict, rule, from, to, before } = options;
    let query = DecisionsQuery { user_id: user, scope, verdict, rule, from, to, limit: None, cursor: None };
    let begun = export_decisions(office.store(), (office.operator(), office.now()), query, before).await;
    let mut under_way = match begun {
        Ok(under_way) => under_way,
        Err(DecisionsError::Filter(name)) => {
            output::complain(&format!("That is not a valid value of `{name}`."));
            return Exit::Usage;
        }
        Err(error) => {
            output::complain(&output::with_causes(&error));
            return Exit::Failed;
        }
    };
    let mut told = Told { form, decisions: 0, last: None };
    if form == ExportForm::Csv {
        output::say(&line(ExportedDecision::COLUMNS));
    }
    loop {
        match under_way.next_page().await {
            Ok(Some(decisions)) => {
                // Whoever went away (`| head`) wants no more; a full disk was complained of.
                if decisions.iter().any(|decision| !told.takes(decision)) {
                    return if output::is_complete() { Exit::Fine } else { told.broken_off() };
                }
            }
            Ok(None) => break,
            Err(error) => {
                output::complain(&output::with_causes(&error));
                return told.broken_off();
            }
        }
    }
    output::complain(&format!("{} decisions.", told.decisions));
    Exit::Fine
}

/// What left so far.
struct Told {
    form: ExportForm,
    decisions: u64,
    last: Option<String>,
}

impl Told {
    /// Prints a decision; tells whether anybody takes it.
    fn takes(&mut self, decision: &ExportedDecision) -> bool {
        let text = match self.form {
            ExportForm::Jsonl => serde_json::to_string(decision).unwrap_or_default(),
            ExportForm::Csv => line(decision.cells()),
        };
        if !output::is_taken(&text) {
            return false;
        }
        self.decisions += 1;
        self.last = Some(decision.id().to_owned());
        true
    }

    fn broken_off(&self) -> Exit {
        let goes_on = self.last.as_ref().map(|id| format!(" It goes on with --before {id}."));
        output::complain(&format!("{} decisions arrived.{}", self.decisions, goes_on.unwrap_or_default()));
        Exit::Failed
    }
}

/// A line of a file of comma-separated values, without its end.
fn line<T: AsRef<[u8]>>(cells: impl IntoIterator<Item = T>) -> String {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    // A vector takes everything, and what was text before is text.
    drop(writer.write_record(cells));
    let mut line = writer.into_inner().ok().and_then(|line| String::from_utf8(line).ok()).unwrap_or_default();
    line.truncate(line.trim_end_matches('\n').len());
    line
}
