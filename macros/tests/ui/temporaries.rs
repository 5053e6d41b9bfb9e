//! A lifetime that has bounds is one that a call is said to borrow for.

use anyloop::async_wrap;

#[async_wrap]
fn plain<'a>(text: &'a str) -> usize {
    text.len()
}

#[async_wrap]
fn bounds<'a, 'b: 'a>(text: &'a str, other: &'b str) -> usize {
    text.len() + other.len()
}

fn main() {
    let _ = (0..3).map(|n| plain(&format!("{n}"))).map(|call| call.run()).sum::<usize>();
    let _ = (0..3).map(|n| bounds("", &format!("{n}"))).map(|call| call.run()).sum::<usize>();
}
