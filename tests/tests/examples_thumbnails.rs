//! `examples/thumbnails`: pictures that are made here become small, within the bound on memory.
#![cfg(unix)]

mod examples_support;

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use examples_support::{ALL, Ended, NONE, RUNTIMES, command, leave_out, program, run, works};
use image::{DynamicImage, GrayAlphaImage, ImageReader, LumaA, Rgb, RgbImage};
use tempfile::TempDir;

const RED: Rgb<u8> = Rgb([200, 16, 16]);

fn thumbnails(folder: &Path) -> Command {
    let mut command = command(program("thumbnails", ALL));
    command.current_dir(folder).env("ANYLOOP_RUNTIME", "smol");
    command
}

fn shrunk(folder: &Path, args: &[&str]) -> Ended {
    run(thumbnails(folder).args(args))
}

/// A folder with the folder `in`.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    folder
}

fn red(folder: &Path, name: &str, width: u32, height: u32) {
    RgbImage::from_pixel(width, height, RED).save(folder.join("in").join(name)).unwrap();
}

fn open(path: &Path) -> DynamicImage {
    ImageReader::open(path).unwrap().with_guessed_format().unwrap().decode().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// How many MiB were taken at most.
#[track_caller]
fn most(ended: &Ended) -> usize {
    let words: Vec<_> = ended.stderr.lines().last().unwrap().split([' ', ',']).collect();
    let of = words.iter().position(|word| *word == "of").unwrap_or_else(|| panic!("{ended:?}"));
    words[of - 1].parse().unwrap()
}

#[test]
fn every_runtime_makes_every_picture_small() {
    let folder = folder();
    let path = folder.path();
    red(path, "wide.png", 400, 100);
    red(path, "high.jpg", 90, 300);
    red(path, "LOUD.JPEG", 150, 150);
    red(path, "small.png", 20, 10);
    GrayAlphaImage::from_pixel(300, 300, LumaA([9, 128])).save(path.join("in/gray.png")).unwrap();
    // What a file is, its content says; and a JPEG has no alpha.
    fs::copy(path.join("in/gray.png"), path.join("in/wrong name.jpg")).unwrap();
    // None of these is a picture.
    fs::write(path.join("in/notes.txt"), "none").unwrap();
    fs::create_dir_all(path.join("in/folder.png")).unwrap();

    for runtime in RUNTIMES {
        let output = format!("out/{runtime}");
        let ended = shrunk(path, &["in", &output, "--size", "100", "--runtime", runtime]);
        assert_eq!((ended.code, ended.text().as_str()), (Some(0), ""), "{ended:?}");
        assert!(ended.stderr.starts_with("6 pictures, ") && ended.stderr.lines().count() == 1, "{ended:?}");
        assert!(ended.stderr.ends_with(&format!("(runtime: {runtime})\n")), "{ended:?}");

        let output = path.join(output);
        let expected = ["LOUD.JPEG", "gray.png", "high.jpg", "small.png", "wide.png", "wrong name.jpg"];
        assert_eq!(names(&output), expected);
        let size = |name: &str| (open(&output.join(name)).width(), open(&output.join(name)).height());
        assert_eq!(expected.map(size), [(100, 100), (100, 100), (30, 100), (20, 10), (100, 25), (100, 100)]);
        for name in ["LOUD.JPEG", "high.jpg", "small.png", "wide.png"] {
            let picture = open(&output.join(name)).to_rgb8();
            // JPEG does not keep colours exactly.
            let near = |Rgb(found): &Rgb<u8>| found.iter().zip(RED.0).all(|(a, b)| a.abs_diff(b) < 8);
            assert!(picture.pixels().all(near), "{name}: {:?}", picture.get_pixel(0, 0));
        }
        let gray = open(&output.join("gray.png"));
        assert_eq!(gray.as_luma_alpha8().map(|gray| *gray.get_pixel(50, 50)), Some(LumaA([9, 128])));
    }
}

#[test]
fn pictures_that_are_decoded_at_a_time_keep_within_the_memory() {
    let folder = folder();
    for i in 0..12 {
        // 1.2 million bytes: 2 MiB.
        red(folder.path(), &format!("{i}.png"), 1000, 400);
    }
    let ended = shrunk(folder.path(), &["in", "out", "--memory", "5", "--jobs", "12"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.starts_with("12 pictures, ") && ended.stderr.contains(" of 5 MiB"), "{ended:?}");
    assert!([2, 4].contains(&most(&ended)), "{ended:?}");

    // One that takes it all, and one that takes more.
    let ended = shrunk(folder.path(), &["in", "out", "--memory", "2"]);
    assert_eq!((ended.code, most(&ended)), (Some(0), 2), "{ended:?}");
    red(folder.path(), "large.png", 1100, 1000);
    let ended = shrunk(folder.path(), &["in", "out", "--memory", "2"]);
    assert_eq!((ended.code, most(&ended)), (Some(1), 2), "{ended:?}");
    assert!(ended.stderr.contains("\"in/large.png\": takes 4 MiB, more than --memory 2\n"), "{ended:?}");
    assert!(ended.stderr.contains("12 pictures, ") && ended.stderr.contains("; 1 could not"), "{ended:?}");
    assert!(!folder.path().join("out/large.png").exists());
}

#[test]
fn a_broken_picture_is_named_and_does_not_stop_the_others() {
    let folder = folder();
    let path = folder.path();
    red(path, "a.png", 300, 300);
    red(path, "z.jpg", 300, 300);
    fs::write(path.join("in/empty.png"), "").unwrap();
    fs::write(path.join("in/text.jpg"), "this is no picture").unwrap();
    let whole = fs::read(path.join("in/a.png")).unwrap();
    fs::write(path.join("in/cut.png"), &whole[..whole.len() / 2]).unwrap();
    // A few bytes that say they are 100,000 x 100,000 pixels.
    let huge = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\x01\x86\xa0\0\x01\x86\xa0\x08\x06\0\0\0\xa8\x52\x0b\xc8\0\0\0\0IDAT\x35\xaf\x06\x1e";
    fs::write(path.join("in/huge.png"), huge).unwrap();

    let ended = shrunk(path, &["in", "out"]);
    assert_eq!((ended.code, ended.text().as_str()), (Some(1), ""), "{ended:?}");
    for name in ["empty.png", "text.jpg", "cut.png", "huge.png"] {
        let line = format!("thumbnails: \"in/{name}\": ");
        assert_eq!(ended.stderr.lines().filter(|found| found.starts_with(&line)).count(), 1, "{ended:?}");
    }
    assert!(ended.stderr.contains("\"in/huge.png\": takes 38147 MiB, more than --memory 256\n"), "{ended:?}");
    assert!(ended.stderr.contains("2 pictures, ") && ended.stderr.contains("; 4 could not be"), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 5, "{ended:?}");
    assert_eq!(names(&path.join("out")), ["a.png", "z.jpg"]);
}

#[test]
fn a_folder_without_pictures_is_soon_done() {
    let folder = folder();
    let ended = shrunk(folder.path(), &["in", "out"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.starts_with("0 pictures, 0 of 256 MiB taken at most, "), "{ended:?}");
}

#[test]
fn what_it_cannot_do_is_an_error() {
    let folder = folder();
    let path = folder.path();
    red(path, "a.png", 300, 300);
    let refused = |args: &[&str], texts: &[&str]| shrunk(path, args).assert_refused(texts);
    refused(&[], &["<FOLDER>", "--help"]);
    refused(&["in"], &["<OUTPUT>", "--help"]);
    refused(&["none", "out"], &["\"none\": No such file"]);
    refused(&["in/a.png", "out"], &["\"in/a.png\": Not a directory"]);
    refused(&["in", "in/a.png"], &["\"in/a.png\": "]);
    refused(&["in", "./in"], &["\"./in\" is the folder of the pictures"]);
    refused(&["in", "out", "--size", "0"], &["'0'", "--size"]);
    refused(&["in", "out", "--memory", "0"], &["'0'", "--memory"]);
    refused(&["in", "out", "-j", "-1"], &["'-1' for '--jobs <N>': -1 is not in 1..=10000"]);
    refused(&["in", "out", "--jobs", "some"], &["'some'", "--jobs"]);
    refused(&["in", "out", "--runtime", "bogus"], &["'bogus'", "compiled in are tokio, smol"]);
    let mut without = command(program("thumbnails", NONE));
    run(without.args(["in", "out"]).current_dir(path)).assert_refused(&["no adapter is compiled in"]);
    assert!(!path.join("out").exists(), "nothing was begun");

    let help = shrunk(path, &["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    assert!(help.text().contains("Exit code: ") && help.text().contains("--memory"), "{help:?}");
}

#[test]
fn a_terminal_sees_a_progress_bar_and_then_only_the_summary() {
    if !works("script", &["-qec", "true", "/dev/null"]) {
        leave_out("no `script` to make a terminal");
        return;
    }
    let folder = folder();
    red(folder.path(), "a.png", 300, 300);
    let mut line = OsString::from("stty rows 24 cols 40 && ");
    line.push(program("thumbnails", ALL));
    line.push(" in out");
    let mut script = command("script");
    script.arg("-qec").arg(line).arg("/dev/null").current_dir(folder.path());
    let ended = run(script.env("ANYLOOP_RUNTIME", "smol").env("TERM", "xterm"));
    let text = ended.text();
    assert_eq!(ended.code, Some(0), "{text}");
    assert!(text.contains(" of 1 pictures, "), "{text:?}");
    // On the 40 columns that the terminal has.
    let drawn = text.split('\r').map(|line| line.trim_start_matches(['\n']).replace("\x1b[2K", ""));
    let mut bars = drawn.filter(|line| line.ends_with(" left"));
    assert!(bars.all(|line| line.chars().count() == 40), "{text:?}");
    let (_, last) = text.rsplit_once("\x1b[2K").unwrap();
    assert!(last.starts_with("1 picture, 1 of 256 MiB") && last.ends_with("(runtime: smol)\r\n"), "{last:?}");
}
