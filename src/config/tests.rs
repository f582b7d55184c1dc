use super::fault::{Code, Fault};
use super::values::StoreUrl;
use super::*;

mod callbacks;
mod faults;
mod good;
mod secrets;

/// A request from text: the file's, variables and flags.
struct Given {
    file: Option<&'static str>,
    variables: Vec<(&'static str, &'static str)>,
    overrides: Vec<(&'static str, &'static str, &'static str)>,
}

impl Given {
    fn file(text: &'static str) -> Self {
        Self { file: Some(text), variables: Vec::new(), overrides: Vec::new() }
    }

    fn nothing() -> Self {
        Self { file: None, variables: Vec::new(), overrides: Vec::new() }
    }

    fn variable(mut self, name: &'static str, text: &'static str) -> Self {
        self.variables.push((name, text));
        self
    }

    fn flag(mut self, key: &'static str, text: &'static str, flag: &'static str) -> Self {
        self.overrides.push((key, text, flag));
        self
    }

    /// Loads as [`load`] does, but from text.
    fn load(self) -> Result<Settings, ConfigFaults> {
        let variables = self.variables.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned()));
        let overrides = self.overrides.into_iter();
        let overrides = overrides.map(|(key, text, flag)| Override { key, text: text.to_owned(), flag });
        let mut layers = vec![source::built_in()];
        layers.extend(self.file.map(|text| source::of_text("test.toml", text)));
        layers.push(source::environment(variables));
        layers.push(source::overrides(overrides.collect()));
        settings::build(layers)
    }

    /// The faults as `code key place`.
    fn faults(self) -> Vec<String> {
        let faults = self.load().expect_err("faults");
        faults.faults().iter().map(brief).collect()
    }
}

fn brief(fault: &Fault) -> String {
    let place = fault.place.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    format!("{} {} {place}", fault.code.as_str(), fault.key)
}

/// Makes a file that goes with the value returned.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("doorstep-config-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).expect("a temporary file");
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What `load` says of a file, with variables.
fn load_file(path: &std::path::Path, variables: &[(&str, &str)]) -> Result<Settings, ConfigFaults> {
    let variables: Vec<_> =
        variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    load(LoadRequest { file: Some(path.into()), environment: variables.into_iter(), overrides: Vec::new() })
}
