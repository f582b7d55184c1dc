//! Typed settings: built-in defaults, then a file, then the environment, then flags; checked once, all faults at once.
//!
//! One table ([`options`]) says which options exist, how each is written and what it is without being set; reading,
//! checking, suggesting and the reference page follow from it. Readers ([`source`]) keep for every value where it was
//! written and its own text; the `config` crate decides which layer wins; nothing passes through its conversions,
//! which turn `2.7` into 3.
//!
//! A fault names its place, its key and a way out, and never quotes a value: what was mistyped may be a secret.

mod callbacks;
mod fault;
mod layers;
mod option;
mod options;
mod reference;
mod rules;
mod settings;
mod shape;
mod source;
mod suggest;
mod values;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub(crate) use fault::ConfigFaults;
pub(crate) use reference::reference;
pub(crate) use settings::{LogSettings, PreludeSettings, ServerSettings, Settings, TracingSettings};
pub(crate) use values::{
    ConfigShape, Events, HttpUrl, LogFormat, LogLevel, LogLevels, Mode, PolicyReload, StoreMigrate,
    StorePassword, StorePooler, StoreUrl, TlsFaces, TraceCompression, TraceHeaders, VerificationToken,
};

/// What a command line says about one option.
#[derive(Debug, Clone)]
pub(crate) struct Override {
    /// The option, such as `server.bind`.
    pub(crate) key: &'static str,
    /// Its value as typed; checked like an environment variable's.
    pub(crate) text: String,
    /// The flag that said it, such as `--bind`, for messages.
    pub(crate) flag: &'static str,
}

/// Where settings come from, lowest layer first; the built-in defaults lie under all of it.
#[derive(Debug)]
pub(crate) struct LoadRequest<E> {
    /// A TOML file (`--config`, else `DOORSTEP_CONFIG`).
    pub(crate) file: Option<PathBuf>,
    /// Names and values; [`environment`] for the process's own. Names without our prefix are ignored.
    pub(crate) environment: E,
    /// What flags say; the last word.
    pub(crate) overrides: Vec<Override>,
}

/// Reads all layers and checks every value in each of them, also those that a higher layer replaces.
///
/// Reads the settings file and the file of `keys.encryption_key_file`; opens nothing else.
///
/// # Errors
/// Every fault of every layer at once. Nothing was started then.
pub(crate) fn load<E>(request: LoadRequest<E>) -> Result<Settings, ConfigFaults>
where
    E: Iterator<Item = (String, String)>,
{
    settings::build(layers(request))
}

/// Reads `log.level` as it stands now, and looks at no other option.
///
/// # Errors
/// A file that cannot be read or is not TOML, and every fault of this option.
pub(crate) fn log_levels<E>(request: LoadRequest<E>) -> Result<LogLevels, ConfigFaults>
where
    E: Iterator<Item = (String, String)>,
{
    settings::log_levels(layers(request))
}

fn layers<E>(request: LoadRequest<E>) -> Vec<source::Layer>
where
    E: Iterator<Item = (String, String)>,
{
    let mut layers = vec![source::built_in()];
    layers.extend(request.file.as_deref().map(source::file));
    layers.push(source::environment(request.environment));
    layers.push(source::overrides(request.overrides));
    layers
}

/// Where programs of this user keep what they built or fetched and can get again: `XDG_CACHE_HOME`, else `~/.cache`.
///
/// - returns: `None` where neither is known as an absolute path.
///
/// # Reference
/// XDG Base Directory Specification 0.8
pub(crate) fn cache_directory() -> Option<PathBuf> {
    let named = |wanted: &str| {
        let (_, value) = std::env::vars_os().find(|(name, _)| name == wanted)?;
        Some(PathBuf::from(value)).filter(|path| path.is_absolute())
    };
    named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache")))
}

/// The same for a file's text that is in memory: what the fuzz target holds.
///
/// # Errors
/// As [`load`].
#[cfg(feature = "testing")]
pub(crate) fn load_text<E>(file: &str, environment: E) -> Result<Settings, ConfigFaults>
where
    E: Iterator<Item = (String, String)>,
{
    settings::build(vec![
        source::built_in(),
        source::of_text("doorstep.toml", file),
        source::environment(environment),
    ])
}

/// The process's own environment, as far as it is ours: names that start with `doorstep`, in whatever case.
///
/// This is the one place that reads it. What is not Unicode is marked by U+FFFD, which no option takes.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
        .filter(|(name, _)| source::is_ours(name))
        .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
}
