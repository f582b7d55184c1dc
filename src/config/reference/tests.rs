use std::fmt::Write as _;
use std::path::Path;

use super::*;
use crate::config::option::AnyOption;
use crate::config::options::SECTIONS;

/// Compares a file of the repository with what the option table says, or writes it.
#[expect(clippy::disallowed_methods, reason = "a test asks whether to write; no setting is read here")]
fn agree(file: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, expected).expect("the repository can be written");
    }
    let actual = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        actual == expected,
        "{file} differs: write it with `UPDATE_DOCS=1 cargo test --lib config::reference`"
    );
}

fn in_section(section: &str) -> impl Iterator<Item = &'static dyn AnyOption> {
    options::all()
        .filter(move |option| option.key().rsplit_once('.').map_or("", |(above, _)| above) == section)
}

/// Breaks `words` into comment lines of at most 110 characters.
fn comment(words: &str) -> String {
    let mut text = String::new();
    let mut line = "#".to_owned();
    for word in words.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > 110 {
            text += &std::mem::replace(&mut line, "#".to_owned());
            text.push('\n');
        }
        write!(line, " {word}").expect("a string grows");
    }
    text + &line + "\n"
}

fn option_in_toml(option: &dyn AnyOption) -> String {
    let name = option.key().rsplit('.').next().expect("a name");
    let quoted = |text: &str| if option.is_bare() { text.to_owned() } else { format!("{text:?}") };
    let mut text = comment(option.doc());
    let (without, line) = match option.absent() {
        Absent::Default(value) => (String::new(), format!("{name} = {}\n", quoted(value))),
        Absent::Required { example } => {
            (" It must be set.".to_owned(), format!("# {name} = {}\n", quoted(example)))
        }
        Absent::Otherwise { words, example: Some(example) } => {
            (format!(" Default: {words}."), format!("# {name} = {}\n", quoted(example)))
        }
        Absent::Otherwise { words, example: None } => {
            (format!(" Default: {words}."), comment(&format!("{name}: set {}", variable(option.key()))))
        }
    };
    text += &comment(&format!("Type: {}.{without}", option.describe()));
    text + &line
}

fn default_toml() -> String {
    let mut text = String::from(
        "# Every option with its default; one without a default is commented out.\n#\n\
         # This file is part of the program. Over it lie, each stronger than the one before: the file that `--config` or\n\
         # the variable `DOORSTEP_CONFIG` names, environment variables (`DOORSTEP__SERVER__BIND` is `bind` of `[server]`),\n\
         # flags. Your own file needs only what differs; `production.example.toml` is one to start from.\n\n",
    );
    let options = |section: &str| in_section(section).map(option_in_toml).collect::<Vec<_>>().join("\n");
    text += &options("");
    for (section, about) in SECTIONS {
        // A table that has a name of the operator's choice has no defaults: all of it is commented out.
        let header = if section.contains("NAME") { "# " } else { "" };
        write!(text, "\n\n{}{header}[{section}]\n\n{}", comment(about), options(section))
            .expect("a string grows");
    }
    text
}

fn markdown() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         Every option, made from the table in `src/config/options.rs`; a test keeps this page in step\n\
         (`UPDATE_DOCS=1 cargo test --lib config::reference` writes it).\n\n\
         Layers, each stronger than the one before: the built-in `config/default.toml`, the TOML file that `--config`\n\
         or the variable `DOORSTEP_CONFIG` names, environment variables, flags. All faults of all layers are told at\n\
         once, also of values that a stronger layer replaces: unknown keys, wrong types (nothing is coerced),\n\
         impossible values. Durations are a whole number and a unit: `500ms`, `90s`, `5m`, `1h`. Secrets come from\n\
         the environment or from a file of their own, never from a settings file or a flag, and are never shown.\n",
    );
    let row = |row: &ReferenceRow| {
        format!(
            "### `{}`\n\n{}\n\n- type: {}\n- default: {}\n- variable: `{}`\n",
            row.key, row.doc, row.kind, row.default, row.variable
        )
    };
    let rows = reference();
    let sections = std::iter::once(("", "The installation as a whole.")).chain(SECTIONS);
    for (section, about) in sections {
        let title = if section.is_empty() { "Top level".to_owned() } else { format!("`[{section}]`") };
        write!(text, "\n## {title}\n\n{about}\n").expect("a string grows");
        for one in
            rows.iter().filter(|one| one.key.rsplit_once('.').map_or("", |(above, _)| above) == section)
        {
            write!(text, "\n{}", row(one)).expect("a string grows");
        }
    }
    text
}

#[test]
fn the_default_file_is_what_the_table_says() {
    agree("config/default.toml", &default_toml());
}

#[test]
fn the_reference_page_is_what_the_table_says() {
    agree("docs/CONFIGURATION.md", &markdown());
}

#[test]
fn every_option_has_a_section_and_a_key_of_its_own() {
    let mut keys: Vec<_> = options::all().map(AnyOption::key).collect();
    let with_section = SECTIONS.iter().map(|(section, _)| *section).chain([""]).flat_map(in_section).count();
    assert_eq!(with_section, keys.len());
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(with_section, keys.len());
}
