//! Numbers in sentences.

/// So many of what is called `one` by itself, and `many` otherwise.
pub(crate) fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
