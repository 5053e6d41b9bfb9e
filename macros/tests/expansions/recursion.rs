#[allow(clippy::diverging_sub_expression, reason = "the body may be just a panic")]
fn depth<T: Node>(
    node: T,
    names: &[String],
) -> ::anyloop::Call<impl ::anyloop::Work<Output = usize>> {
    ::anyloop::__private::call({
        if false {
            trait CallOfTheWrappedFunction {}
            impl<W: ::anyloop::Work> CallOfTheWrappedFunction for ::anyloop::Call<W> {}
            fn in_an_impl_write_a_path_such_as_self_depth(
                _: impl CallOfTheWrappedFunction,
            ) {}
            in_an_impl_write_a_path_such_as_self_depth(depth::<T>(node, names));
            ::anyloop::__private::std::unreachable!();
        }
        {
            fn depth<T: Node>(node: T, names: &[String]) -> usize {
                1 + node.children().map(|child| depth(child, names)).max().unwrap_or(0)
            }
            let names = <[String]>::to_vec(names);
            move || depth::<T>(node, &names)
        }
    })
}
