#[allow(
    clippy::diverging_sub_expression,
    impl_trait_overcaptures,
    reason = "the body may be just a panic, and the `impl Work` captures no lifetime in any edition",
)]
fn depth<T: Node>(
    node: T,
    names: &[String],
) -> ::anyloop::Call<impl ::anyloop::Work<Output = usize>> {
    if true {
        ::anyloop::__private::call({
            fn depth<T: Node>(node: T, names: &[String]) -> usize {
                1 + node.children().map(|child| depth(child, names)).max().unwrap_or(0)
            }
            let names = <[String]>::to_vec(names);
            move || depth::<T>(node, &names)
        })
    } else {
        struct in_an_impl_write_a_path_such_as_self_depth<C>(C);
        fn call_of_this<C>(named: in_an_impl_write_a_path_such_as_self_depth<C>) -> C {
            named.0
        }
        let named = in_an_impl_write_a_path_such_as_self_depth(depth::<T>(node, names));
        call_of_this(named)
    }
}
