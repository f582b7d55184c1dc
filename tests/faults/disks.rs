//! Disks of the tests' own: small, full or read-only when a test says so.

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

/// A file system of its own on a file, which the kernel turns read-only as it does after a fault of the disk: while files on it
/// are open, and until it is mounted anew.
pub(crate) struct Ext4 {
    image: PathBuf,
    at: PathBuf,
    _directory: TempDir,
}

impl Ext4 {
    /// Makes and mounts one, or nothing where the environment says that it cannot be had.
    pub(crate) fn mount() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "only the environment knows what this machine permits")]
        if std::env::var_os(WITHOUT).is_some() {
            return None;
        }
        let directory = TempDir::new().expect("a directory");
        let (image, at) = (directory.path().join("image"), directory.path().join("mounted"));
        std::fs::File::create(&image).and_then(|file| file.set_len(32 << 20)).expect("a file");
        std::fs::create_dir(&at).expect("a directory");
        run(Command::new("mkfs.ext4").arg("-q").arg(&image));
        let made = Self { image, at, _directory: directory };
        made.mount_it();
        Some(made)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.at
    }

    /// Has the kernel meet a fault.
    pub(crate) fn turn_read_only(&self) {
        let mounts = std::fs::read_to_string("/proc/self/mounts").expect("mounts");
        let at = self.at.display().to_string();
        let device = mounts.lines().find_map(|line| {
            let mut fields = line.split(' ');
            let device = fields.next()?.strip_prefix("/dev/")?;
            (fields.next()? == at).then_some(device)
        });
        let trigger = format!("/sys/fs/ext4/{}/trigger_fs_error", device.expect("it is mounted"));
        std::fs::write(trigger, "1").expect("a fault");
    }

    /// What an operator does when nobody uses it any more.
    pub(crate) fn repair(&self) {
        run(Command::new("umount").arg(&self.at));
        // 1 says that faults were found and mended.
        let status =
            Command::new("e2fsck").arg("-fy").arg(&self.image).output().expect("`e2fsck` runs").status;
        assert!(matches!(status.code(), Some(0 | 1)), "e2fsck: {status}");
        self.mount_it();
    }

    fn mount_it(&self) {
        let image = self.image.display().to_string();
        mount(&["-o", "loop,errors=remount-ro", &image], &self.at);
    }
}

impl Drop for Ext4 {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.at).status();
        if !unmounted.is_ok_and(|status| status.success()) && !std::thread::panicking() {
            panic!("the file system stays at {}", self.at.display());
        }
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|fault| panic!("{command:?}: {fault}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn mount(options: &[&str], at: &Path) {
    let output = Command::new("mount").args(options).arg(at).output().expect("`mount` runs");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "this test mounts a small file system, which takes root: run it as root, or set {WITHOUT} to leave it out: {words}"
    );
}
