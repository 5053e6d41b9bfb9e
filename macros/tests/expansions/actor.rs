impl Db {
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { rows: read(path)? })
    }
    /// One row.
    pub fn get(&mut self, key: &str) -> Option<String> {
        self.rows.get(key).cloned()
    }
    pub fn version() -> u32 {
        1
    }
    fn helper(&self) {}
}
/// Rows by their names.
pub struct AsyncDb {
    actor: ::anyloop::Actor<Db>,
}
impl ::anyloop::__private::std::clone::Clone for AsyncDb {
    fn clone(&self) -> Self {
        Self {
            actor: ::anyloop::__private::std::clone::Clone::clone(&self.actor),
        }
    }
}
impl ::anyloop::__private::std::fmt::Debug for AsyncDb {
    fn fmt(
        &self,
        formatter: &mut ::anyloop::__private::std::fmt::Formatter<'_>,
    ) -> ::anyloop::__private::std::fmt::Result {
        ::anyloop::__private::std::fmt::Debug::fmt(&self.actor, formatter)
    }
}
impl ::anyloop::__private::std::convert::From<::anyloop::Actor<Db>> for AsyncDb {
    fn from(actor: ::anyloop::Actor<Db>) -> Self {
        Self { actor }
    }
}
#[allow(
    impl_trait_overcaptures,
    reason = "the `impl` written here captures no lifetime in any edition"
)]
#[allow(
    private_interfaces,
    private_bounds,
    reason = "the value's type is in each signature"
)]
impl AsyncDb {
    /// The actor behind this handle: for calls of any closure, and to close it.
    #[allow(dead_code, reason = "it is there for who needs it")]
    pub fn actor(&self) -> &::anyloop::Actor<Db> {
        &self.actor
    }
    #[allow(
        impl_trait_overcaptures,
        reason = "the `impl` written here captures no lifetime in any edition"
    )]
    pub fn open(
        path: &Path,
    ) -> impl ::anyloop::__private::std::future::Future<
        Output = io::Result<Self>,
    > + ::anyloop::__private::std::marker::Send + 'static {
        let path = <Path as ::anyloop::__private::std::borrow::ToOwned>::to_owned(path);
        ::anyloop::__private::actor_or_error(move || <Db>::open(
            <<Path as ::anyloop::__private::std::borrow::ToOwned>::Owned as ::anyloop::__private::std::borrow::Borrow<
                Path,
            >>::borrow(&path),
        ))
    }
    /// One row.
    #[allow(
        impl_trait_overcaptures,
        reason = "the `impl` written here captures no lifetime in any edition"
    )]
    pub fn get(
        &self,
        key: &str,
    ) -> ::anyloop::ActorCall<
        Db,
        impl ::anyloop::__private::std::ops::FnOnce(
            &mut Db,
        ) -> Option<String> + ::anyloop::__private::std::marker::Send + 'static,
        Option<String>,
    > {
        let key = <str as ::anyloop::__private::std::borrow::ToOwned>::to_owned(key);
        self.actor
            .call(move |value: &mut Db| -> Option<String> { <Db>::get(value, &key) })
    }
    #[allow(
        impl_trait_overcaptures,
        reason = "the `impl` written here captures no lifetime in any edition"
    )]
    pub fn version() -> ::anyloop::Call<impl ::anyloop::Work<Output = u32>> {
        ::anyloop::__private::call({ move || <Db>::version() })
    }
}
