fn hash(text: String) -> u64 {
    text.len() as u64
}
#[allow(
    dead_code,
    non_upper_case_globals,
    reason = "the name is advice to who reads an error"
)]
const in_an_impl_write_name_Self_hash_async: () = ();
#[allow(
    impl_trait_overcaptures,
    reason = "the `impl` written here captures no lifetime in any edition"
)]
fn hash_async(text: String) -> ::anyloop::Call<impl ::anyloop::Work<Output = u64>> {
    ::anyloop::__private::call({
        in_an_impl_write_name_Self_hash_async;
        { move || hash(text) }
    })
}
