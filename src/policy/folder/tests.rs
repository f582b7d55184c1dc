//! What is read of a directory, and which changes are seen.

use super::*;

#[test]
fn what_would_not_be_read_is_a_fault() {
    let kind = |name, is_dir| match placement(name, is_dir) {
        Placement::Policy => "policy",
        Placement::Ignored => "ignored",
        Placement::Misplaced(..) => "fault",
    };
    assert_eq!(kind("transfer.yaml", false), "policy");
    assert_eq!(kind("transfer.yml", false), "fault");
    assert_eq!(kind("transfer.YAML", false), "fault");
    assert_eq!(kind("..data", true), "ignored");
    assert_eq!(kind(".schema", true), "ignored");
    assert_eq!(kind(".transfer.yaml.swp", false), "ignored");
    assert_eq!(kind("README.md", false), "ignored");
    assert_eq!(kind("tests", true), "ignored");
    assert_eq!(kind("more", true), "fault");
    assert_eq!(kind("lists", true), "ignored");
    assert_eq!(kind("lists/frozen.txt", false), "policy");
    assert_eq!(kind("lists/.frozen.txt.swp", false), "ignored");
    assert_eq!(kind("lists/frozen.csv", false), "fault");
    assert_eq!(kind("lists/.txt", false), "ignored");
    assert_eq!(kind("lists/more", true), "fault");
}

/// A directory that goes with the test, with one policy file and one list.
struct Directory(std::path::PathBuf);

impl Directory {
    fn new() -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("doorstep-folder-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let own = Self(std::env::temp_dir().join(name));
        own.write("a.yaml", "one");
        own.write("lists/l.txt", "two");
        own
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
        fs::write(path, text).expect("written");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.0.join(from), self.0.join(to)).expect("renamed");
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A change that somebody makes in a directory.
type Change = fn(&Directory);

#[test]
fn every_change_of_what_is_read_is_seen() {
    let cases: [(&str, Change); 9] = [
        ("edited", |own| own.write("a.yaml", "another")),
        ("a list edited", |own| own.write("lists/l.txt", "another")),
        ("added", |own| own.write("b.yaml", "x")),
        ("removed", |own| fs::remove_file(own.0.join("a.yaml")).expect("removed")),
        ("renamed", |own| own.rename("a.yaml", "b.yaml")),
        ("replaced by as many bytes", |own| {
            own.write(".a.yaml.tmp", "two");
            own.rename(".a.yaml.tmp", "a.yaml");
        }),
        ("misnamed", |own| own.write("b.yml", "x")),
        ("the lists gone", |own| own.rename("lists", ".lists")),
        ("the directory gone", |own| fs::remove_dir_all(&own.0).expect("removed")),
    ];
    for (what, change) in cases {
        let directory = Directory::new();
        let before = fingerprint(&directory.0);
        assert_eq!(fingerprint(&directory.0), before, "{what}");
        change(&directory);
        assert_ne!(fingerprint(&directory.0), before, "{what}");
    }
}

#[test]
fn an_edit_that_keeps_length_and_time_of_modification_is_seen() {
    let directory = Directory::new();
    let path = directory.0.join("a.yaml");
    let modified = fs::metadata(&path).and_then(|found| found.modified()).expect("a time");
    let before = fingerprint(&directory.0);
    // A file system's own clock may stand still for some milliseconds.
    let seen = std::iter::repeat_with(|| {
        fs::write(&path, "two").expect("written");
        let file = fs::File::options().write(true).open(&path).expect("opens");
        file.set_modified(modified).expect("set back");
        fingerprint(&directory.0) != before
    });
    assert!(seen.take(100_000).any(|seen| seen));
}

#[test]
fn what_nobody_reads_changes_nothing() {
    let directory = Directory::new();
    let before = fingerprint(&directory.0);
    for name in ["README.md", ".a.yaml.swp", "..data/a.yaml", "tests/a.yaml", "lists/.l.txt.swp"] {
        directory.write(name, "x");
        assert_eq!(fingerprint(&directory.0), before, "{name}");
    }
}

#[test]
fn a_link_that_is_swapped_is_seen_and_read_through() {
    use std::os::unix::fs::symlink;
    let directory = Directory::new();
    directory.write("..1/b.yaml", "old");
    directory.write("..2/b.yaml", "new");
    symlink("..1", directory.0.join("..data")).expect("linked");
    symlink("..data/b.yaml", directory.0.join("b.yaml")).expect("linked");
    let before = fingerprint(&directory.0);
    let text = || {
        let files = read_settled(&directory.0).expect("readable");
        files.iter().find(|file| file.name() == "b.yaml").map(|file| file.text().to_owned())
    };
    assert_eq!(text().as_deref(), Some("old"));
    symlink("..2", directory.0.join("..data_tmp")).expect("linked");
    directory.rename("..data_tmp", "..data");
    assert_ne!(fingerprint(&directory.0), before);
    assert_eq!(text().as_deref(), Some("new"));
}

#[test]
fn what_is_no_readable_file_is_a_fault_and_never_waited_for() {
    let check = |prepare: Change, says: &str| {
        let directory = Directory::new();
        prepare(&directory);
        let faults = read_settled(&directory.0).map(|files| files.len()).expect_err("a fault");
        assert!(faults.iter().any(|fault| fault.message.contains(says)), "{faults:?}");
    };
    check(|own| fs::write(own.0.join("b.yaml"), [0xff]).expect("written"), "it is not UTF-8");
    check(|own| fs::remove_dir_all(&own.0).expect("removed"), "cannot be read");
    check(
        |own| {
            let made = std::process::Command::new("mkfifo").arg(own.0.join("b.yaml")).status();
            assert!(made.expect("mkfifo runs").success());
        },
        "no regular file",
    );
    check(|own| own.write("b.yaml", &"x".repeat(2 * 1024 * 1024 + 1)), "more than 2097152 bytes");
    check(
        |own| (0..35).for_each(|at| own.write(&format!("b{at}.yaml"), &"x".repeat(2 * 1024 * 1024))),
        "a bundle has at most",
    );
}

#[test]
fn a_directory_that_does_not_come_to_rest_is_not_read() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let directory = Directory::new();
    let done = AtomicBool::new(false);
    let faults = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut bytes = 1;
            while !done.load(Ordering::Relaxed) {
                bytes = bytes % 1000 + 1;
                directory.write("a.yaml", &"x".repeat(bytes));
            }
        });
        // Whatever the two threads' luck: a reading either found one moment's files, or says that there was none.
        let found = std::iter::repeat_with(|| read_settled(&directory.0)).take(100_000).find_map(Result::err);
        done.store(true, Ordering::Relaxed);
        found.expect("a restless directory")
    });
    assert!(faults[0].message.contains("while they were read"), "{faults:?}");
}
