//! The macros: the tests of an adapter, out of the one list of rules.

/// Makes one test of every rule and runtime flavour, in the modules `current_thread` and `multi_thread`. Takes an
/// expression that makes the [`Harness`](crate::Harness); it is evaluated for every test.
///
/// A further test, `the_baseline_is_as_committed`, compares what is not tried, and why, with the file
/// `contract-baseline.txt` beside the `Cargo.toml` of the crate. Run with `TUBEATLAS_WRITE_BASELINE=1`, it writes the
/// file. A crate with several harnesses invokes the macro in several modules, and names a file for each:
/// `contract_tests!(MyHarness, baseline = "contract-baseline-mine.txt")`.
///
/// See the [front page](crate) for an example.
#[macro_export]
macro_rules! contract_tests {
    ($harness:expr $(,)?) => {
        $crate::contract_tests!($harness, baseline = "contract-baseline.txt");
    };
    ($harness:expr, baseline = $baseline:literal $(,)?) => {
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
        #[test]
        fn the_baseline_is_as_committed() {
            $crate::test_baseline($harness, concat!(env!("CARGO_MANIFEST_DIR"), "/", $baseline));
        }
        /// What rules about crashes start in a process of its own; by itself it does nothing.
        #[test]
        #[ignore = "a part of other tests, which start it"]
        fn child_of_the_contract() {
            $crate::test_child($harness);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ([$flavour:ident $harness:expr] $($area:ident $about:literal: $($name:ident $([$($needs:ident)+])?)*;)*) => {
        $($(
            #[test]
            fn $name() {
                $crate::test(stringify!($name), $harness, $crate::Flavour::$flavour, module_path!());
            }
        )*)*
    };
}

/// The rules as values.
macro_rules! rules_table {
    ([] $($area:ident $about:literal: $($name:ident $([$($needs:ident)+])?)*;)*) => {
        /// All rules, by area and id.
        pub static RULES: &[$crate::Rule] = &[
            $($($crate::Rule::new(
                stringify!($area),
                stringify!($name),
                &[$($($crate::Capability::$needs),+)?],
                |case| Box::pin($crate::rules::$area::$name(case)),
            ),)*)*
        ];

        /// The areas of the contract in their order, each with what it is about.
        pub static AREAS: &[(&str, &str)] = &[$((stringify!($area), $about)),*];
    };
}
pub(crate) use rules_table;
