//! Disks of the tests' own: small, and read-only when a test says so.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Says that mounting cannot be had here, so that tests that need it are left out: for machines of people, not for CI.
const WITHOUT: &str = "DOORSTEP_TEST_WITHOUT_MOUNT";

/// A file system in memory, gone with the test.
pub(crate) struct Tmpfs(TempDir);

impl Tmpfs {
    /// Mounts one of this size, or nothing where the environment says that it cannot be had.
    pub(crate) fn mount(size: &str) -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "only the environment knows what this machine permits")]
        if std::env::var_os(WITHOUT).is_some() {
            return None;
        }
        let directory = TempDir::new().expect("a directory");
        mount(&["-t", "tmpfs", "-o", &format!("size={size},mode=755"), "tmpfs"], directory.path());
        Some(Self(directory))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A directory on it that belongs to whom PostgreSQL runs as.
    pub(crate) fn for_postgres(&self) -> PathBuf {
        let space = self.path().join("space");
        std::fs::create_dir(&space).expect("a directory");
        // The directory above is a temporary one, for its owner only.
        let owner = Command::new("chown").arg("postgres").args([&space, self.path()]).status();
        assert!(owner.is_ok_and(|status| status.success()), "the user `postgres` is not there");
        space
    }

    /// Leaves not a byte of room.
    pub(crate) fn fill(&self) {
        let mut file = std::fs::File::create(self.ballast()).expect("a file");
        for size in [64 * 1024, 4096, 1] {
            let block = vec![7; size];
            loop {
                match file.write_all(&block) {
                    Ok(()) => {}
                    Err(fault) if fault.kind() == ErrorKind::StorageFull => break,
                    Err(fault) => panic!("{fault}"),
                }
            }
        }
    }

    pub(crate) fn make_room(&self) {
        std::fs::remove_file(self.ballast()).expect("removed");
    }

    pub(crate) fn remount(&self, how: &str) {
        mount(&["-o", &format!("remount,{how}")], self.path());
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazily: a server that the test did not stop may still have files open.
        let unmounted = Command::new("umount").arg("--lazy").arg(self.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) && !std::thread::panicking() {
            panic!("the tmpfs stays at {}", self.path().display());
        }
    }
}

fn mount(options: &[&str], at: &Path) {
    let output = Command::new("mount").args(options).arg(at).output().expect("`mount` runs");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "this test mounts a small tmpfs, which takes root: run it as root, or set {WITHOUT} to leave it out: {words}"
    );
}
