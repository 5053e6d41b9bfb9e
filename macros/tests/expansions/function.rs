/// The rows of a file.
#[allow(
    clippy::diverging_sub_expression,
    impl_trait_overcaptures,
    reason = "the body may be just a panic, and the `impl Work` captures no lifetime in any edition",
)]
pub fn fetch(
    path: &str,
    id: u32,
    rows: Vec<String>,
) -> ::anyloop::Call<impl ::anyloop::Work<Output = std::io::Result<Vec<String>>>> {
    ::anyloop::__private::call({
        let path = <str as ::anyloop::__private::std::borrow::ToOwned>::to_owned(path);
        move || -> std::io::Result<Vec<String>> {
            let path: &str = &path;
            let id = id;
            let mut rows = rows;
            let result: std::io::Result<Vec<String>> = ({
                rows.push(std::fs::read_to_string(path)?);
                Ok(rows)
            });
            #[allow(unreachable_code, reason = "the body may return before its end")]
            result
        }
    })
}
