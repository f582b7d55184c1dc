//! Who sits at the command line.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::domain::Actor;

/// What belongs to whoever runs this process.
const OWN: &str = "/proc/self";
/// Where user ids have names.
const USERS: &str = "/etc/passwd";
/// The most characters of a user's name.
const NAME_CHARS_MAX: usize = 64;

/// The operating system's user that runs this process: by name, where it has one here, else by number.
///
/// It is asked of the system and not of the environment, which anybody sets as they like.
pub(super) fn operator() -> Actor {
    let Ok(own) = std::fs::metadata(Path::new(OWN)) else { return Actor::CommandLine("unknown".into()) };
    let uid = own.uid().to_string();
    let users = std::fs::read_to_string(USERS).unwrap_or_default();
    let name = name_of(&uid, &users).unwrap_or(&uid);
    Actor::CommandLine(name.into())
}

/// Looks a number up in the lines `NAME:x:UID:…`.
fn name_of<'u>(uid: &str, users: &'u str) -> Option<&'u str> {
    let is_name = |name: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX && name.chars().all(plain)
    };
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid && is_name(name)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_name_that_the_system_gives_it() {
        let users = "root:x:0:0:root:/root:/bin/bash\nana:x:1000:1000::/home/ana:/bin/sh\n: :7:\na b:x:8:\n";
        let cases = [("0", Some("root")), ("1000", Some("ana")), ("7", None), ("8", None), ("99", None)];
        for (uid, name) in cases {
            assert_eq!(name_of(uid, users), name, "{uid}");
        }
    }

    #[test]
    fn somebody_runs_this_test() {
        assert!(operator().to_string().strip_prefix("cli:").is_some_and(|user| !user.is_empty()));
    }
}
