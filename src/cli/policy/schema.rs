//! `doorstep policy schema`: the JSON Schema of policy files, for editors.

use std::io;
use std::path::Path;

use crate::cli::arguments::SchemaOptions;
use crate::cli::{Exit, output};
use crate::policy::{FileKind, json_schema};

pub(super) fn run(options: &SchemaOptions) -> Exit {
    let named = options.kind.as_deref().and_then(FileKind::named);
    let kinds = named.map_or(FileKind::ALL.to_vec(), |kind| vec![kind]);
    let Some(dir) = &options.output else {
        output::say(&text(&kinds));
        return Exit::Fine;
    };
    match write(dir, &kinds) {
        Ok(()) => Exit::Fine,
        Err(error) => {
            output::complain(&format!("{} cannot be written: {error}.", dir.display()));
            Exit::Failed
        }
    }
}

fn text(kinds: &[FileKind]) -> String {
    format!("{:#}", json_schema(kinds))
}

/// Writes a file for each kind.
fn write(dir: &Path, kinds: &[FileKind]) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    kinds
        .iter()
        .try_for_each(|kind| std::fs::write(dir.join(format!("{}.json", kind.name())), text(&[*kind]) + "\n"))
}
