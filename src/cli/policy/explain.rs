//! `doorstep policy explain`: what a bundle says to one request, and why.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{now, show};
use crate::cli::arguments::{ExplainOptions, Format, RequestFlags};
use crate::cli::{Exit, output};
use crate::domain::History;
use crate::policy::{DeskOverlay, load_dir, read_request};

/// What messages call a request that was put together from flags.
const FLAGS: &str = "(flags)";
/// What messages call a request that was piped in.
const STDIN: &str = "(stdin)";

pub(super) fn run(dir: &Path, options: ExplainOptions, format: Format) -> Exit {
    let (name, text) = match request_text(options) {
        Ok(request) => request,
        Err(fault) => {
            output::complain(&fault);
            return Exit::Usage;
        }
    };
    let facts = match read_request(&name, &text) {
        Ok(facts) => facts,
        Err(faults) => {
            show(dir, &faults, format);
            return Exit::Usage;
        }
    };
    let bundle = match load_dir(dir, now()) {
        Ok(bundle) => bundle,
        Err(faults) => {
            show(dir, &faults, format);
            return Exit::BundleInvalid;
        }
    };
    let decision = bundle.decide(&facts, &DeskOverlay::none(), &History::none());
    let Some(explanation) = bundle.explain_decision(&facts, &decision) else {
        output::complain("The decision cannot be explained.");
        return Exit::Failed;
    };
    output::say(&match format {
        Format::Json => serde_json::to_string(&explanation).unwrap_or_default(),
        Format::Human => explanation.to_string(),
    });
    Exit::Fine
}

/// The request's name for messages, and its text.
fn request_text(options: ExplainOptions) -> Result<(String, String), String> {
    let Some(path) = options.request else {
        return Ok((FLAGS.to_owned(), as_json(options.flags)?.to_string()));
    };
    let mut text = String::new();
    let (name, read) = if path.as_os_str() == "-" {
        (STDIN.to_owned(), std::io::stdin().lock().read_to_string(&mut text).map(|_| text))
    } else {
        (path.display().to_string(), std::fs::read_to_string(&path))
    };
    read.map(|text| (name.clone(), text)).map_err(|error| format!("{name} cannot be read: {error}."))
}

/// The request that flags describe, in the form that files have.
fn as_json(flags: RequestFlags) -> Result<Value, String> {
    let mut request = Map::new();
    let texts = [
        ("scope", flags.scope),
        ("user_id", flags.user),
        ("platform", flags.platform),
        ("ip", flags.ip),
        ("user_agent", flags.user_agent),
        ("at", flags.at),
    ];
    request.extend(texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?.into()))));
    let identifiers = flags.identifiers.iter().map(|pair| match pair.split_once('=') {
        Some((kind, value)) => json!({ "type": kind, "value": value }),
        None => json!(pair),
    });
    request.insert("identifiers".to_owned(), identifiers.collect());
    let mut metadata = Map::new();
    for pair in &flags.metadata {
        let (name, value) = pair.split_once('=').ok_or("Write --metadata NAME=VALUE.")?;
        if metadata.insert(name.to_owned(), value.into()).is_some() {
            return Err(format!("--metadata {name} stands twice."));
        }
    }
    request.insert("metadata".to_owned(), metadata.into());
    Ok(request.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_become_a_request_as_files_have_it() {
        let flags = RequestFlags {
            scope: Some("a:b".to_owned()),
            identifiers: vec!["email_address".to_owned(), "phone_number=+33612345678".to_owned()],
            metadata: vec!["amount=20".to_owned(), "note=a=\"b\"\n".to_owned()],
            ..RequestFlags::default()
        };
        let options = ExplainOptions { dir: None, request: None, flags };
        let (name, text) = request_text(options).expect("a request");
        let facts = read_request(&name, &text).unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(facts.metadata.iter().collect::<Vec<_>>(), [("amount", "20"), ("note", "a=\"b\"\n")]);
        let identifiers: Vec<_> =
            facts.identifiers.iter().map(|own| (own.kind.as_str(), &*own.value)).collect();
        assert_eq!(identifiers, [("email_address", "user@example.com"), ("phone_number", "+33612345678")]);
    }

    #[test]
    fn a_flag_that_says_too_little_or_too_much_is_refused() {
        let fault = |metadata: &[&str]| {
            let metadata = metadata.iter().map(|pair| (*pair).to_owned()).collect();
            as_json(RequestFlags { metadata, ..RequestFlags::default() }).expect_err("a fault")
        };
        assert_eq!(fault(&["amount"]), "Write --metadata NAME=VALUE.");
        assert_eq!(fault(&["a=1", "a=2"]), "--metadata a stands twice.");
    }
}
