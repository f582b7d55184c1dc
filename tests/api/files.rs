//! A directory of policy files under a running server.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bench::{Bench, until};

/// A scope file in which one rule decides everything.
pub(crate) fn one_rule(scope: &str, rule: &str) -> String {
    format!("scopes: [{scope}]\nrules: [{{ id: {rule}, when: always, then: block }}]\notherwise: block\n")
}

/// A hook body that such a file takes.
pub(crate) fn bare_call(user: &str) -> Value {
    json!({
        "scope_requested": "transfer:write", "user_id": user, "identifiers": [],
        "signals": {"user_agent": "", "platform": "WEB", "ip": "203.0.113.42"}, "metadata": {},
    })
}

/// A directory of policy files.
pub(crate) struct Files(TempDir);

impl Files {
    /// A directory with one scope file, `transfer.yaml`.
    pub(crate) fn with_rule(rule: &str) -> Self {
        let files = Self(TempDir::new().expect("a directory"));
        files.write("transfer.yaml", &one_rule("transfer:write", rule));
        files
    }

    /// A path in the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file in place.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
        fs::write(path, text).expect("written");
    }

    /// Writes a file beside the old one and puts it in its place, as editors do.
    pub(crate) fn replace(&self, name: &str, text: &str) {
        self.write(".new", text);
        self.rename(".new", name);
    }

    /// Renames.
    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    /// Points a link to a directory, in one step.
    pub(crate) fn link(&self, name: &str, to: &str) {
        std::os::unix::fs::symlink(to, self.path(".link")).expect("linked");
        self.rename(".link", name);
    }

    /// Starts a server with these files.
    pub(crate) async fn serve(&self, reload: &str) -> Bench {
        self.serve_in("", reload).await
    }

    /// Starts a server with the files in a directory of the directory.
    pub(crate) async fn serve_in(&self, dir: &str, reload: &str) -> Bench {
        let dir = self.path(dir).display().to_string();
        Bench::with(&[], &[("policies.dir", &dir), ("policies.reload", reload)]).await
    }
}

impl Bench {
    /// Which rule decides about a scope now, by a dry run.
    pub(crate) async fn rule_for(&self, evaluator: &str, scope: &str) -> Option<String> {
        let answer = self.post_as(evaluator, "/v1/evaluate", &json!({ "scope": scope })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["rule"].as_str().map(str::to_owned)
    }

    /// Waits until this rule decides about transfers; `None` stands for none.
    pub(crate) async fn until_rule(&self, evaluator: &str, rule: Option<&str>) {
        until(&format!("{rule:?} decides"), async || {
            let decides = self.rule_for(evaluator, "transfer:write").await;
            (decides.as_deref() == rule).then_some(())
        })
        .await;
    }

    /// What `GET /v1/policies` shows.
    pub(crate) async fn policies(&self, key: &str) -> Value {
        let answer = self.get_as(key, "/v1/policies").await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (200, Some("no-store")),
            "{}",
            answer.text
        );
        answer.json()
    }

    /// A metric's value.
    pub(crate) async fn metric(&self, name: &str) -> String {
        let text = self.get("/metrics").await.text;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
    }
}
