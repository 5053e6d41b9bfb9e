//! Which pictures there are, and where they go.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The pictures in a folder, sorted by name.
pub(crate) fn pictures(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let listed = || -> io::Result<Vec<PathBuf>> {
        let paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
        let mut pictures: Vec<_> = paths.collect::<io::Result<_>>()?;
        pictures.retain(|path| is_picture(path) && path.is_file());
        pictures.sort_unstable();
        Ok(pictures)
    };
    listed().map_err(|error| format!("{folder:?}: {error}"))
}

fn is_picture(path: &Path) -> bool {
    path.extension()
        .is_some_and(|found| ["png", "jpg", "jpeg"].iter().any(|known| found.eq_ignore_ascii_case(known)))
}

/// Makes the folder for the output, which is not that of the pictures.
pub(crate) fn make_output(output: &Path, folder: &Path) -> Result<(), String> {
    let made = fs::create_dir_all(output).and_then(|()| Ok(output.canonicalize()? == folder.canonicalize()?));
    match made {
        Ok(false) => Ok(()),
        Ok(true) => Err(format!("{output:?} is the folder of the pictures, which would be replaced")),
        Err(error) => Err(format!("{output:?}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_by_the_end_of_its_name() {
        for name in ["a.png", "a.JPG", "a.b.jpeg", "d/a.Png"] {
            assert!(is_picture(Path::new(name)), "{name}");
        }
        for name in ["png", ".png", "a.png.txt", "a.gif", "a", "png/a"] {
            assert!(!is_picture(Path::new(name)), "{name}");
        }
    }
}
