//! What a wrapped function costs to compile: crates of 200 functions, with and without the attribute.

mod support;

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use crate::support::{Meter, Sample, Suite, Unit, Workload};

const FUNCTIONS: usize = 200;

/// How the crate's functions are written.
#[derive(Clone, Copy)]
enum Form {
    Wrapped,
    Plain,
    /// As one writes it without the attribute: the least that there is to type-check.
    ByHand,
}

fn main() -> ExitCode {
    Suite::new("compile").with(workload("check")).with(workload("build")).run()
}

fn workload(command: &'static str) -> Workload {
    let case = |form: Form| move |meter: &Meter| compile(command, form, meter);
    Workload::new(format!("cargo {command}, {FUNCTIONS} functions"), Unit::Ms, FUNCTIONS)
        .case("#[async_wrap]", case(Form::Wrapped))
        .case("without it", case(Form::Plain))
        .case("calls by hand", case(Form::ByHand))
        .at_most(1.3, "without it")
        .repeats(1)
        // The first run builds what they depend on.
        .patience(Duration::from_secs(500))
}

fn compile(command: &str, form: Form, meter: &Meter) -> Sample {
    let place = Package::write(form, meter.size);
    if meter.is_quick {
        return Sample::of(0.0);
    }
    meter.measure_part(|| {
        // As if it had been edited.
        fs::write(place.root.join("src/lib.rs"), &place.source).expect("its source can be written");
        let start = Instant::now();
        let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([command, "--quiet", "--offline"])
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_TARGET_DIR", place.root.with_file_name("target"))
            .current_dir(&place.root)
            .status()
            .expect("cargo can be run");
        assert!(status.success(), "the crate compiles");
        start.elapsed()
    })
}

/// A crate on disk.
struct Package {
    root: PathBuf,
    source: String,
}

impl Package {
    fn write(form: Form, functions: usize) -> Self {
        let name = match form {
            Form::Wrapped => "wrapped",
            Form::Plain => "plain",
            Form::ByHand => "by-hand",
        };
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile").join(name);
        fs::create_dir_all(root.join("src")).expect("its directory can be made");
        let facade = env!("CARGO_MANIFEST_DIR");
        let manifest = format!(
            "[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies]\nanyloop = {{ path = {facade:?} }}\n"
        );
        fs::write(root.join("Cargo.toml"), manifest).expect("its manifest can be written");
        // The versions that are here already.
        fs::copy(Path::new(facade).join("Cargo.lock"), root.join("Cargo.lock")).expect("its lock file");
        let mut source = String::from("//! Functions.\n\npub use anyloop::gather;\n");
        for number in 0..functions {
            function(form, number, &mut source);
        }
        Self { root, source }
    }
}

/// A blocking function as there are many: it reads, chooses, and gives a result.
fn function(form: Form, number: usize, source: &mut String) {
    let result = "std::io::Result<Vec<String>>";
    let body = format!(
        "let text = std::fs::read_to_string(path)?;
         for (line, row) in text.lines().enumerate() {{
             if row.len() as u32 > id + {number} {{
                 rows.push(format!(\"{{line}}: {{row}}\"));
             }}
         }}
         rows.sort();
         Ok(rows)"
    );
    let attribute = if matches!(form, Form::Wrapped) { "#[anyloop::async_wrap]\n" } else { "" };
    let function = match form {
        Form::Wrapped | Form::Plain => format!(
            "{attribute}pub fn fetch_{number}(path: &str, id: u32, mut rows: Vec<String>) -> {result} {{ {body} }}"
        ),
        Form::ByHand => format!(
            "pub fn fetch_{number}(path: &str, id: u32, mut rows: Vec<String>)
                 -> anyloop::Call<impl anyloop::Work<Output = {result}>> {{
                 let path = path.to_owned();
                 anyloop::to_thread(move || -> {result} {{ let path = &path; {body} }})
             }}"
        ),
    };
    writeln!(source, "{function}").expect("a string can be written to");
}
