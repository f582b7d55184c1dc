//! What `--help` says of every command is in docs/CLI.md, and stays the same as it.

use std::fmt::Write as _;

use crate::site::Site;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/CLI.md");
const MARK: &str = "<!-- From here on written by `UPDATE_DOCS=1 cargo test --test cli help`. -->\n";

#[test]
fn the_page_says_what_help_says() {
    let site = Site::bare();
    let page = std::fs::read_to_string(PAGE).expect("docs/CLI.md is there");
    let (head, written) = page.split_once(MARK).expect("docs/CLI.md has its mark");
    let mut sections = String::new();
    describe(&site, &[], &mut sections);
    #[expect(clippy::disallowed_methods, reason = "an instruction to the test, not a setting")]
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, format!("{head}{MARK}{sections}")).expect("written");
        return;
    }
    assert!(
        written == sections,
        "docs/CLI.md is behind `--help`: UPDATE_DOCS=1 cargo test --test cli help\n{sections}"
    );
}

/// Writes a command's section, then those of the commands below it.
fn describe(site: &Site, command: &[&str], page: &mut String) {
    let ended = site.run(&[command, &["--help"]].concat()).expect(0);
    assert_eq!(ended.stderr, "", "help is data");
    let name = [&["doorstep"], command].concat().join(" ");
    let lines: String = ended.stdout.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    write!(page, "\n## `{name}`\n\n```text\n{lines}```\n").expect("memory");
    for below in commands(&ended.stdout) {
        describe(site, &[command, &[below]].concat(), page);
    }
}

/// The commands that a help text lists.
fn commands(help: &str) -> Vec<&str> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = list.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").collect()
}

#[test]
fn the_version_is_the_packages() {
    let ended = Site::bare().run(&["--version"]).expect(0);
    assert_eq!(ended.stdout, concat!("doorstep ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn without_a_command_or_with_a_wrong_one_it_is_usage() {
    let check = |arguments: &[&str], says: &str| {
        let ended = Site::bare().run(arguments).expect(2).saying(&[says]);
        assert_eq!(ended.stdout, "", "{arguments:?}");
    };
    check(&[], "Usage: doorstep");
    check(&["policy"], "Usage: doorstep policy");
    check(&["api-key"], "Usage: doorstep api-key");
    check(&["serv"], "similar");
    check(&["serve", "--bind", "8080"], "--bind <ADDRESS>");
    check(&["serve", "--polices", "x"], "--policies");
    check(&["demo", "--format", "yaml"], "human, json");
}
