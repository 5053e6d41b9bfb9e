//! `#[main]`'s options, and what else it cannot be on.

#[anyloop::main(flavor = "multi_thread", worker_threads = 2)]
async fn tokio_s() {}

#[anyloop::main(runtme = 1)]
async fn misspelt() {}

#[anyloop::main(runtime)]
async fn without_value() {}

#[anyloop::main]
async fn generic<T: Default>()
where
    T: Send,
{
}

struct Program;

impl Program {
    #[anyloop::main]
    async fn method(&self) {}
}

fn main() {
    tokio_s();
    misspelt();
}
