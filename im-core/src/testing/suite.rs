//! The macro behind every suite: one list of cases yields the functions and the tests.

/// Defines the cases of a suite, and exports the macro that makes a test of each. A case is about [`Ports`](crate::port::Ports)
/// unless another type is named.
macro_rules! suite {
    ($exported:ident in $module:ident: $($cases:tt)+) => {
        suite! { $exported in $module on $crate::port::Ports: $($cases)+ }
    };
    (
        $exported:ident in $module:ident on $given:ty:
        $($(#[$doc:meta])* async fn $name:ident($subject:ident) $body:block)+
    ) => {
        $($(#[$doc])* pub async fn $name($subject: &$given) $body)+

        /// A test for every case of the suite; see [`testing`](crate::testing).
        #[macro_export]
        macro_rules! $exported {
            ($open:expr) => {
                mod $exported {
                    #[allow(unused_imports)]
                    use super::*;
                    $(
                        #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
                        async fn $name() {
                            let Some((subject, _guard)) = $open.await else {
                                eprintln!("SKIPPED: {}: the server is not available", stringify!($name));
                                return;
                            };
                            Box::pin($crate::testing::$module::$name(&subject)).await;
                        }
                    )+
                }
            };
        }
    };
}

/// Every suite of the durable ports; see [`testing`](crate::testing).
#[macro_export]
macro_rules! every_store_suite {
    ($open:expr) => {
        $crate::account_store_suite!($open);
        $crate::alarm_store_suite!($open);
        $crate::annotation_store_suite!($open);
        $crate::append_suite!($open);
        $crate::audit_store_suite!($open);
        $crate::code_store_suite!($open);
        $crate::contact_store_suite!($open);
        $crate::device_store_suite!($open);
        $crate::door_store_suite!($open);
        $crate::erasure_store_suite!($open);
        $crate::lease_store_suite!($open);
        $crate::log_store_suite!($open);
        $crate::member_store_suite!($open);
        $crate::notice_store_suite!($open);
        $crate::own_store_suite!($open);
        $crate::position_store_suite!($open);
        $crate::real_name_store_suite!($open);
        $crate::report_store_suite!($open);
        $crate::roster_suite!($open);
        $crate::search_store_suite!($open);
        $crate::settings_store_suite!($open);
        $crate::standing_store_suite!($open);
        $crate::tally_store_suite!($open);
        $crate::token_store_suite!($open);
        $crate::user_store_suite!($open);
    };
}
