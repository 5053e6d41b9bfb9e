//! The argument that names a runtime.

use std::error::Error;

use anyloop::{Adapter, AnyRuntime, NoRuntime};

#[derive(clap::Args)]
pub(crate) struct RuntimeChoice {
    /// The async runtime [default: ANYLOOP_RUNTIME, or the only one compiled in]
    #[arg(short, long, value_name = "NAME", value_parser = named)]
    runtime: Option<Adapter>,
}

impl RuntimeChoice {
    /// The runtime that is asked for.
    pub(crate) fn start(&self) -> Result<AnyRuntime, Box<dyn Error>> {
        match self.runtime {
            Some(adapter) => Ok((adapter.start)()?),
            None => anyloop::current().map_err(|error| match error {
                NoRuntime::Several { compiled_in, .. } => {
                    let names = compiled_in.join(", ");
                    format!("choose a runtime with --runtime or ANYLOOP_RUNTIME: {names}").into()
                }
                error => error.into(),
            }),
        }
    }
}

fn named(wanted: &str) -> Result<Adapter, String> {
    anyloop::adapters().find(|adapter| adapter.name == wanted).ok_or_else(|| {
        let names: Vec<_> = anyloop::adapters().map(|adapter| adapter.name).collect();
        match names[..] {
            [] => "no runtime is compiled in: build with `--features tokio`, say".to_owned(),
            _ => format!("compiled in are {}", names.join(", ")),
        }
    })
}
