impl Db {
    #[allow(
        clippy::diverging_sub_expression,
        impl_trait_overcaptures,
        reason = "the body may be just a panic, and the `impl Work` captures no lifetime in any edition",
    )]
    fn load<'a>(
        self: Arc<Self>,
        key: &'a str,
    ) -> ::anyloop::Call<impl ::anyloop::Work<Output = String>> {
        ::anyloop::__private::call({
            let key = <str as ::anyloop::__private::std::borrow::ToOwned>::to_owned(key);
            move || -> String {
                let _ = &self;
                let key: &str = &key;
                let result: String = ({
                    let key: &'_ str = key.trim();
                    format!("{self:?}/{key}/{}", self.root)
                });
                #[allow(unreachable_code, reason = "the body may return before its end")]
                result
            }
        })
    }
}
