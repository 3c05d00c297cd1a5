//! The macros: the tests of an adapter, out of the one list of rules.

/// Makes one test of every rule and runtime flavour, in the modules `current_thread` and `multi_thread`. Takes an
/// expression that makes the [`Harness`](crate::Harness); it is evaluated for every test.
///
/// See the [front page](crate) for an example.
#[macro_export]
macro_rules! contract_tests {
    ($harness:expr $(,)?) => {
        /// The contract, in a tokio runtime of one thread.
        mod current_thread {
            #[allow(unused_imports)]
            use super::*;
            $crate::__for_each_rule! { [$crate::__tests] [CurrentThread $harness] }
        }
        /// The contract, in a tokio runtime of several threads.
        mod multi_thread {
            #[allow(unused_imports)]
            use super::*;
            $crate::__for_each_rule! { [$crate::__tests] [MultiThread $harness] }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ([$flavour:ident $harness:expr] $($area:ident: $($name:ident)*;)*) => {
        $($(
            #[test]
            fn $name() {
                $crate::test(stringify!($name), $harness, $crate::Flavour::$flavour);
            }
        )*)*
    };
}

/// The rules as values.
macro_rules! rules_table {
    ([] $($area:ident: $($name:ident)*;)*) => {
        /// All rules, by area and id.
        pub static RULES: &[$crate::Rule] = &[
            $($($crate::Rule::new(stringify!($area), stringify!($name), |case| {
                Box::pin($crate::rules::$area::$name(case))
            }),)*)*
        ];
    };
}
pub(crate) use rules_table;
