//! The example's files, as they were when this program was built: the demo needs no checkout.

/// The page, as `npm run build` takes it.
pub(super) const PAGE: &[(&str, &str)] = &[
    (".npmrc", include_str!("../../../../examples/web/.npmrc")),
    ("index.html", include_str!("../../../../examples/web/index.html")),
    ("package-lock.json", include_str!("../../../../examples/web/package-lock.json")),
    ("package.json", include_str!("../../../../examples/web/package.json")),
    ("public/door.svg", include_str!("../../../../examples/web/public/door.svg")),
    ("src/App.tsx", include_str!("../../../../examples/web/src/App.tsx")),
    ("src/CodeField.tsx", include_str!("../../../../examples/web/src/CodeField.tsx")),
    ("src/Countdown.tsx", include_str!("../../../../examples/web/src/Countdown.tsx")),
    ("src/Events.tsx", include_str!("../../../../examples/web/src/Events.tsx")),
    ("src/Heading.tsx", include_str!("../../../../examples/web/src/Heading.tsx")),
    ("src/Outcome.tsx", include_str!("../../../../examples/web/src/Outcome.tsx")),
    ("src/SessionPanel.tsx", include_str!("../../../../examples/web/src/SessionPanel.tsx")),
    ("src/SignIn.tsx", include_str!("../../../../examples/web/src/SignIn.tsx")),
    ("src/Steps.tsx", include_str!("../../../../examples/web/src/Steps.tsx")),
    ("src/TransferForm.tsx", include_str!("../../../../examples/web/src/TransferForm.tsx")),
    ("src/Untrusted.tsx", include_str!("../../../../examples/web/src/Untrusted.tsx")),
    ("src/backend.ts", include_str!("../../../../examples/web/src/backend.ts")),
    ("src/main.tsx", include_str!("../../../../examples/web/src/main.tsx")),
    ("src/prelude.ts", include_str!("../../../../examples/web/src/prelude.ts")),
    ("src/state.ts", include_str!("../../../../examples/web/src/state.ts")),
    ("src/style.css", include_str!("../../../../examples/web/src/style.css")),
    ("src/transfer.ts", include_str!("../../../../examples/web/src/transfer.ts")),
    ("src/words.ts", include_str!("../../../../examples/web/src/words.ts")),
    ("tsconfig.json", include_str!("../../../../examples/web/tsconfig.json")),
    ("vite.config.ts", include_str!("../../../../examples/web/vite.config.ts")),
];

/// The customer's backend.
pub(super) const BACKEND: &[(&str, &str)] = &[
    (".npmrc", include_str!("../../../../examples/backend/.npmrc")),
    ("api.mjs", include_str!("../../../../examples/backend/api.mjs")),
    ("doorstep.mjs", include_str!("../../../../examples/backend/doorstep.mjs")),
    ("files.mjs", include_str!("../../../../examples/backend/files.mjs")),
    ("officer.css", include_str!("../../../../examples/backend/officer.css")),
    ("officer.mjs", include_str!("../../../../examples/backend/officer.mjs")),
    ("package-lock.json", include_str!("../../../../examples/backend/package-lock.json")),
    ("package.json", include_str!("../../../../examples/backend/package.json")),
    ("server.mjs", include_str!("../../../../examples/backend/server.mjs")),
    ("session.mjs", include_str!("../../../../examples/backend/session.mjs")),
    ("settings.mjs", include_str!("../../../../examples/backend/settings.mjs")),
];

/// The demo's policy.
pub(super) const POLICIES: &[(&str, &str)] = &[
    ("grants.yaml", include_str!("../../../../examples/web/policies/grants.yaml")),
    ("lists/blocked-payees.txt", include_str!("../../../../examples/web/policies/lists/blocked-payees.txt")),
    ("steps.yaml", include_str!("../../../../examples/web/policies/steps.yaml")),
    ("tests/transfer.yaml", include_str!("../../../../examples/web/policies/tests/transfer.yaml")),
    ("transfer.yaml", include_str!("../../../../examples/web/policies/transfer.yaml")),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn no_file_of_the_example_is_forgotten() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        for (directory, listed) in [("web", PAGE), ("backend", BACKEND), ("web/policies", POLICIES)] {
            let mut found = BTreeSet::new();
            collect(&examples.join(directory), "", &mut found);
            let listed: BTreeSet<String> = listed.iter().map(|(name, _)| (*name).to_owned()).collect();
            assert_eq!(listed, found, "examples/{directory}");
        }
    }

    /// Paths below a directory, without what npm and Vite make and what is listed by itself.
    fn collect(directory: &Path, prefix: &str, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(directory).expect("a directory") {
            let entry = entry.expect("an entry");
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let is_directory = entry.file_type().expect("a type").is_dir();
            match name.as_str() {
                "node_modules" | "dist" | "policies" => {}
                _ if is_directory => collect(&entry.path(), &format!("{name}/"), found),
                _ => {
                    found.insert(name);
                }
            }
        }
    }
}
