//! C30: the runtime of a `main` or `run` in progress is current on threads that know of none; and where
//! it stands among the other rules.

mod facade_support;

use std::sync::mpsc;
use std::thread;

use anyloop::{BlockOn, Runtime, Smol, ThreadPool, Tokio, to_thread};
use facade_support::{isolated, panic_text, runtimes};

fn current_name() -> String {
    anyloop::current().map_or("none".to_owned(), |runtime| runtime.name().to_owned())
}

fn on_a_foreign_thread() -> String {
    thread::spawn(current_name).join().unwrap()
}

#[anyloop::main(runtime = Smol::new())]
async fn smol_main() -> String {
    on_a_foreign_thread()
}

#[test]
fn a_foreign_thread_sees_the_runtime_of_main_while_it_runs() {
    isolated(&[], || {
        assert_eq!(on_a_foreign_thread(), "none");
        assert_eq!(smol_main(), "smol");
        assert_eq!(on_a_foreign_thread(), "none");
        for runtime in runtimes() {
            assert_eq!(runtime.run(async { on_a_foreign_thread() }), runtime.name());
            assert_eq!(on_a_foreign_thread(), "none");
        }
    });
}

#[test]
fn a_foreign_thread_spawns_on_the_runtime_of_main() {
    isolated(&[], || {
        let tokio = Tokio::new().unwrap();
        let spawned = tokio.run(async {
            thread::spawn(|| anyloop::spawn(async { tokio::runtime::Handle::current().id() }).wait())
                .join()
                .unwrap()
                .unwrap()
        });
        assert_eq!(spawned, tokio.block_on(async { tokio::runtime::Handle::current().id() }));
    });
}

#[test]
fn a_block_on_installs_nothing() {
    isolated(&[], || {
        for runtime in runtimes() {
            assert_eq!(runtime.block_on(async { on_a_foreign_thread() }), "none");
        }
    });
}

#[test]
fn of_several_runs_the_latest_is_in_force_and_each_takes_itself_out() {
    isolated(&[], || {
        let tokio = Tokio::new().unwrap();
        let (go, gone) = mpsc::channel::<()>();
        let (inside, entered) = mpsc::channel();
        let first = thread::spawn(move || {
            tokio.run(async move {
                inside.send(()).unwrap();
                to_thread(move || gone.recv()).await.unwrap_err();
            });
        });
        entered.recv().unwrap();
        assert_eq!(on_a_foreign_thread(), "tokio");
        Smol::new().run(async {
            assert_eq!(on_a_foreign_thread(), "smol");
            // The one that began first ends first.
            drop(go);
            first.join().unwrap();
            assert_eq!(on_a_foreign_thread(), "smol");
        });
        assert_eq!(on_a_foreign_thread(), "none");
    });
}

#[test]
fn a_run_that_panics_takes_itself_out_too() {
    isolated(&[], || {
        for runtime in runtimes() {
            panic_text(|| runtime.run(async { panic!("{}", on_a_foreign_thread()) }));
            assert_eq!(on_a_foreign_thread(), "none");
        }
    });
}

#[test]
fn set_default_beats_the_runtime_of_main() {
    isolated(&[("ANYLOOP_RUNTIME", "futures")], || {
        assert_eq!(on_a_foreign_thread(), "futures");
        assert_eq!(smol_main(), "smol");
        let tokio = Tokio::new().unwrap();
        let seen = Smol::new().run(async {
            anyloop::set_default(tokio).unwrap();
            (current_name(), on_a_foreign_thread())
        });
        assert_eq!(seen, ("smol".to_owned(), "tokio".to_owned()));
        assert_eq!(on_a_foreign_thread(), "tokio");
    });
}

#[test]
fn an_installed_runtime_keeps_its_pool() {
    isolated(&[], || {
        let pool = ThreadPool::builder().name("of-main").build().unwrap();
        let name = || thread::current().name().unwrap_or_default().to_owned();
        let seen = Smol::new().with_pool(&pool).run(async move {
            let here = to_thread(name).await;
            let elsewhere = thread::spawn(move || {
                let explicit = anyloop::current().unwrap().spawn_blocking(name).wait().unwrap();
                [explicit, to_thread(name).start().wait().unwrap()]
            });
            (here, elsewhere.join().unwrap())
        });
        let of_main = || "of-main".to_owned();
        assert_eq!(seen, (of_main(), [of_main(), of_main()]));
    });
}
