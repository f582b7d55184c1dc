//! Environment variables: `DOORSTEP__SERVER__BIND` is `server.bind`.

use crate::config::fault::{Code, Fault, Place};
use crate::config::options;
use crate::config::shape::Wrong;

use super::{Entry, Layer};

const PREFIX: &str = "DOORSTEP__";

/// Names the variable of an option.
pub(in crate::config) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

/// Whether a variable may be meant for us: its name starts with `doorstep`, in whatever case.
pub(in crate::config) fn is_ours(name: &str) -> bool {
    name.get(..8).is_some_and(|head| head.eq_ignore_ascii_case("doorstep"))
}

/// Takes our variables, in the order of their names.
///
/// `DOORSTEP__` is all ours. Beyond it only a name that is an option's but for its case and underscores is a fault:
/// orchestrators set names of their own, such as `DOORSTEP_SERVICE_HOST`.
pub(in crate::config) fn environment(variables: impl Iterator<Item = (String, String)>) -> Layer {
    let mut ours: Vec<_> = variables.filter(|(name, _)| is_ours(name)).collect();
    ours.sort_unstable();
    let mut layer = Layer::default();
    for (name, text) in ours {
        let place = Place::Variable { variable: name.escape_debug().to_string().into() };
        match name.strip_prefix(PREFIX) {
            Some(levels) if levels == levels.to_uppercase() => {
                layer.entries.push(Entry::outside_files(&key_of(levels), place, text));
            }
            _ => layer.faults.extend(misspelt(&name, &place)),
        }
    }
    layer
}

fn key_of(levels: &str) -> String {
    levels.to_lowercase().replace("__", ".").escape_debug().to_string()
}

fn misspelt(name: &str, place: &Place) -> Option<Fault> {
    let plain = |name: &str| name.to_uppercase().replace('_', "");
    let meant = options::all().find(|option| plain(&variable(option.key())) == plain(name))?;
    let help = format!("did you mean {}?", variable(meant.key()));
    Some(Fault::at(meant.key(), place, Wrong::new(Code::UnknownKey, "is not set by this variable", help)))
}
