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
struct Directory(tempfile::TempDir);

impl Directory {
    fn new() -> Self {
        let own = Self(tempfile::tempdir().expect("a temporary directory"));
        own.write("a.yaml", "one");
        own.write("lists/l.txt", "two");
        own
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
        fs::write(path, text).expect("written");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path().join(from), self.path().join(to)).expect("renamed");
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
        ("removed", |own| fs::remove_file(own.path().join("a.yaml")).expect("removed")),
        ("renamed", |own| own.rename("a.yaml", "b.yaml")),
        ("replaced by as many bytes", |own| {
            own.write(".a.yaml.tmp", "two");
            own.rename(".a.yaml.tmp", "a.yaml");
        }),
        ("misnamed", |own| own.write("b.yml", "x")),
        ("the lists gone", |own| own.rename("lists", ".lists")),
        ("the directory gone", |own| fs::remove_dir_all(own.path()).expect("removed")),
    ];
    for (what, change) in cases {
        let directory = Directory::new();
        let before = fingerprint(directory.path());
        assert_eq!(fingerprint(directory.path()), before, "{what}");
        change(&directory);
        assert_ne!(fingerprint(directory.path()), before, "{what}");
    }
}

#[test]
fn an_edit_that_keeps_length_and_time_of_modification_is_seen() {
    let directory = Directory::new();
    let path = directory.path().join("a.yaml");
    let modified = fs::metadata(&path).and_then(|found| found.modified()).expect("a time");
    let before = fingerprint(directory.path());
    // A file system's own clock may stand still for some milliseconds.
    let seen = std::iter::repeat_with(|| {
        fs::write(&path, "two").expect("written");
        let file = fs::File::options().write(true).open(&path).expect("opens");
        file.set_modified(modified).expect("set back");
        fingerprint(directory.path()) != before
    });
    assert!(seen.take(100_000).any(|seen| seen));
}

#[test]
fn what_nobody_reads_changes_nothing() {
    let directory = Directory::new();
    let before = fingerprint(directory.path());
    for name in ["README.md", ".a.yaml.swp", "..data/a.yaml", "tests/a.yaml", "lists/.l.txt.swp"] {
        directory.write(name, "x");
        assert_eq!(fingerprint(directory.path()), before, "{name}");
    }
}

#[test]
fn a_link_that_is_swapped_is_seen_and_read_through() {
    use std::os::unix::fs::symlink;
    let directory = Directory::new();
    directory.write("..1/b.yaml", "old");
    directory.write("..2/b.yaml", "new");
    symlink("..1", directory.path().join("..data")).expect("linked");
    symlink("..data/b.yaml", directory.path().join("b.yaml")).expect("linked");
    let before = fingerprint(directory.path());
    let text = || {
        let files = read_settled(directory.path()).expect("readable");
        files.iter().find(|file| file.name() == "b.yaml").map(|file| file.text().to_owned())
    };
    assert_eq!(text().as_deref(), Some("old"));
    symlink("..2", directory.path().join("..data_tmp")).expect("linked");
    directory.rename("..data_tmp", "..data");
    assert_ne!(fingerprint(directory.path()), before);
    assert_eq!(text().as_deref(), Some("new"));
}

#[test]
fn what_is_no_readable_file_is_a_fault_and_never_waited_for() {
    let check = |prepare: Change, says: &str| {
        let directory = Directory::new();
        prepare(&directory);
        let faults = read_settled(directory.path()).map(|files| files.len()).expect_err("a fault");
        assert!(faults.iter().any(|fault| fault.message.contains(says)), "{faults:?}");
    };
    check(|own| fs::write(own.path().join("b.yaml"), [0xff]).expect("written"), "it is not UTF-8");
    check(|own| fs::remove_dir_all(own.path()).expect("removed"), "cannot be read");
    check(
        |own| {
            let made = std::process::Command::new("mkfifo").arg(own.path().join("b.yaml")).status();
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

/// Each file is written just after it was read, which no thread need be lucky for.
#[test]
fn a_directory_that_does_not_come_to_rest_is_not_read() {
    let directory = Directory::new();
    let mut bytes = 0;
    let mut read_while_edited = |times: usize| {
        let mut readings = 0;
        let read = settled(directory.path(), |dir| {
            let files = read_dir(dir).expect("readable");
            readings += 1;
            if readings <= times {
                bytes += 1;
                directory.write("a.yaml", &"x".repeat(bytes));
            }
            files
        });
        (read.map(|files| files[0].text().len()), readings)
    };
    assert_eq!(read_while_edited(0), (Some("one".len()), 1));
    assert_eq!(read_while_edited(READINGS_MAX - 1), (Some(READINGS_MAX - 1), READINGS_MAX));
    assert_eq!(read_while_edited(READINGS_MAX), (None, READINGS_MAX));
}
