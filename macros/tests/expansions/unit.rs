#[allow(
    clippy::diverging_sub_expression,
    impl_trait_overcaptures,
    reason = "the body may be just a panic, and the `impl Work` captures no lifetime in any edition",
)]
fn remove(
    arg1: (usize, usize),
    names: &[String],
    options: Options,
) -> ::anyloop::Call<impl ::anyloop::Work<Output = ()>> {
    ::anyloop::__private::call({
        let names = <[String]>::to_vec(names);
        let options: <Options as ::anyloop::__private::Sent>::This = options;
        move || -> () {
            let arg1 = arg1;
            let (from, to) = arg1;
            #[allow(
                clippy::no_effect_underscore_binding,
                reason = "it is an argument's name"
            )]
            let _names: &[String] = &names;
            #[allow(
                clippy::no_effect_underscore_binding,
                reason = "it is an argument's name"
            )]
            let _options = options;
            let (): () = ({
                println!("{from} {to}");
            });
        }
    })
}
