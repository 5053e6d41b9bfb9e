//! Which files there are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyloop::async_wrap;
use walkdir::WalkDir;

/// What is under the directories.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// In the order of their bytes, as `LC_ALL=C sort` has it.
    pub(crate) files: Vec<PathBuf>,
    /// The size of them all.
    pub(crate) bytes: u64,
    /// What could not be listed, and why.
    pub(crate) failures: Vec<(PathBuf, io::Error)>,
}

/// Refuses what would come to nothing: a line for each.
pub(crate) fn check(roots: &[PathBuf]) -> Result<(), String> {
    let wrong = roots.iter().filter_map(|root| Some(format!("{root:?}: {}", objection(root)?)));
    let wrong: Vec<_> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\nerror: ")) }
}

fn objection(root: &Path) -> Option<String> {
    match fs::symlink_metadata(root) {
        Ok(metadata) if metadata.is_dir() || metadata.is_file() => None,
        Ok(metadata) if metadata.is_symlink() => {
            Some("is a symbolic link, and links are not followed: give what it points to".to_owned())
        }
        Ok(_) => Some("is neither a directory nor a regular file".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

/// All regular files under `roots`, as `find ROOTS -type f` lists them; what is given twice is listed twice.
#[async_wrap]
pub(crate) fn find(roots: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for root in roots {
        for entry in WalkDir::new(root).follow_root_links(false) {
            match entry {
                Ok(entry) if entry.file_type().is_file() => {
                    // Only the progress depends on it; a file that is gone is noticed when it is read.
                    found.bytes += entry.metadata().map_or(0, |metadata| metadata.len());
                    found.files.push(entry.into_path());
                }
                Ok(_) => {}
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_owned();
                    // Only links that are followed can give another kind of error.
                    let error = error.into_io_error().unwrap_or_else(|| io::Error::other("a loop"));
                    found.failures.push((path, error));
                }
            }
        }
    }
    // `Path`s compare by components: `a/b` before `a-b`.
    found.files.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    found
}
