const _: () = {
    static ANYLOOP_BLOCK_LIMITER: ::anyloop::Limiter = ::anyloop::Limiter::new(4);
    impl Db {
        const WIDTH: usize = 4;
        #[allow(
            clippy::diverging_sub_expression,
            impl_trait_overcaptures,
            reason = "the body may be just a panic, and the `impl Work` captures no lifetime in any edition",
        )]
        fn read(
            &self,
            name: &str,
        ) -> ::anyloop::Call<impl ::anyloop::Work<Output = String>> {
            ::anyloop::__private::call({
                    let __clone_of_self = <Self as ::anyloop::__private::Lent>::taken_over(
                        self,
                    );
                    let name = <str as ::anyloop::__private::std::borrow::ToOwned>::to_owned(
                        name,
                    );
                    move || -> String {
                        let ref __clone_of_self = __clone_of_self;
                        let name: &str = &name;
                        let result: String = ({ __clone_of_self.path(name) });
                        #[allow(
                            unreachable_code,
                            reason = "the body may return before its end"
                        )] result
                    }
                })
                .limit(&ANYLOOP_BLOCK_LIMITER)
        }
        #[instrument]
        #[allow(
            duplicate_macro_attributes,
            reason = "async_wrap has read what this function says to it"
        )]
        #[allow(
            clippy::diverging_sub_expression,
            impl_trait_overcaptures,
            reason = "the body may be just a panic, and the `impl Work` captures no lifetime in any edition",
        )]
        fn count() -> ::anyloop::Call<impl ::anyloop::Work<Output = usize>> {
            ::anyloop::__private::call({
                    move || -> usize {
                        let result: usize = ({ Self::WIDTH });
                        #[allow(
                            unreachable_code,
                            reason = "the body may return before its end"
                        )] result
                    }
                })
                .on_cpu()
                .limit({
                    static ANYLOOP_LIMITER: ::anyloop::Limiter = ::anyloop::Limiter::new(
                        1,
                    );
                    &ANYLOOP_LIMITER
                })
        }
        fn path(&self, name: &str) -> String {
            format!("{}/{name}", self.root)
        }
    }
};
