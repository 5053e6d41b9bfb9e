#[allow(
    clippy::diverging_sub_expression,
    impl_trait_overcaptures,
    reason = "the body may be just a panic, and the `impl Work` captures no lifetime in any edition",
)]
fn hash(text: String) -> ::anyloop::Call<impl ::anyloop::Work<Output = u64>> {
    ::anyloop::__private::call({
            move || -> u64 {
                let text = text;
                let result: u64 = ({ text.len() as u64 });
                #[allow(unreachable_code, reason = "the body may return before its end")]
                result
            }
        })
        .on(&POOLS[0])
        .limit({
            static ANYLOOP_LIMITER: ::anyloop::Limiter = ::anyloop::Limiter::new(4);
            &ANYLOOP_LIMITER
        })
}
