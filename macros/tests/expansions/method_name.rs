impl Db {
    pub fn load(&self, key: &str) -> String {
        self.rows[key].clone()
    }
    #[allow(
        impl_trait_overcaptures,
        reason = "the `impl` written here captures no lifetime in any edition"
    )]
    pub fn load_async(
        &self,
        key: &str,
    ) -> ::anyloop::Call<impl ::anyloop::Work<Output = String>> {
        ::anyloop::__private::call({
            let __clone_of_self = <Self as ::anyloop::__private::Lent>::taken_over(self);
            let key = <str as ::anyloop::__private::std::borrow::ToOwned>::to_owned(key);
            move || Self::load(&__clone_of_self, &key)
        })
    }
}
