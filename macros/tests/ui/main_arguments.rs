//! `#[main]` on a function that cannot start a program.

#[anyloop::main]
async fn main(args: Vec<String>) {
    println!("{args:?}");
}
