//! What packages install beside the program: manual pages and completions, which agree with the commands.

use crate::site::{Site, names_in};

#[test]
fn every_command_has_its_manual_page() {
    let site = Site::bare();
    let ended = site.run(&["man"]).expect(0);
    assert!(ended.stdout.contains(".TH doorstep 1"), "{}", ended.stdout);
    site.run(&["man", "--output", "pages"]).expect(0);
    let pages = names_in(&site.path("pages"));
    for name in ["doorstep.1", "doorstep-serve.1", "doorstep-policy.1", "doorstep-policy-check.1"] {
        assert!(pages.iter().any(|page| page == name), "{name} is missing: {pages:?}");
        let page = std::fs::read_to_string(site.path("pages").join(name)).expect("a page");
        assert!(page.contains(&format!(".TH {} 1", name.trim_end_matches(".1"))), "{page}");
    }
    assert!(!pages.iter().any(|page| page.contains("help")), "{pages:?}");
}

#[test]
fn manual_pages_that_cannot_be_written_are_a_failure() {
    let site = Site::bare();
    site.write("pages", "a file");
    site.run(&["man", "--output", "pages"]).expect(1).saying(&["The manual cannot be written"]);
}

#[test]
fn shells_complete_every_command() {
    let site = Site::bare();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = site.run(&["completions", shell]).expect(0).stdout;
        for command in ["serve", "policy", "verify", "export-public"] {
            assert!(script.contains(command), "{command} in {shell}");
        }
    }
    // The script is one that bash takes, and completes what was begun.
    let line = "\"$0\" completions bash > it && . ./it && COMP_WORDS=(doorstep ser) && COMP_CWORD=1 \
                && _doorstep doorstep ser doorstep && echo \"${COMPREPLY[@]}\"";
    site.write("complete.sh", line);
    let bash = site.run_in_shell("exec /bin/bash -c \"$(cat complete.sh)\" \"$0\"");
    assert_eq!(bash.expect(0).stdout.lines().last(), Some("serve"));
}
