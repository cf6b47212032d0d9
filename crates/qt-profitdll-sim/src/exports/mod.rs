//! The vendor's symbols. The table of `qt-profitdll` gives every one its signature; this module gives them a body.
//!
//! Around every body: panics end here, a request from a callback is refused in strict mode, what the version does
//! not have answers `NL_LICENSE_NOT_ALLOWED`, and nothing but setters works before initialise.

#![allow(unsafe_code)] // the C border; each block says why it is sound
#![allow(non_snake_case)] // the vendor's names

mod market;
pub mod own;
mod session;
mod setters;
pub(crate) mod text;

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[allow(clippy::wildcard_imports)] // the names that the vendor's table uses
use qt_profitdll::callbacks::*;
use qt_profitdll::codes::nresult;
#[allow(clippy::wildcard_imports)] // the names that the vendor's table uses
use qt_profitdll::structs::*;

use crate::orders::{ffi as orders, legacy as legacy_orders};
use crate::sim::{SIM, Sin, W, on_connector};

/// What an exported function returns, able to carry a result code.
trait Answer: Sized {
    /// The code as this type.
    fn code(code: i32) -> Self;
}

impl Answer for i32 {
    fn code(code: i32) -> Self {
        code
    }
}

impl Answer for i64 {
    fn code(code: i32) -> Self {
        code.into()
    }
}

impl<T> Answer for *const T {
    fn code(_: i32) -> Self {
        std::ptr::null()
    }
}

impl Answer for *mut c_void {
    fn code(_: i32) -> Self {
        std::ptr::null_mut()
    }
}

/// What the official examples call inside callbacks.
const PERMITTED: &[&str] = &[
    "TranslateTrade",
    "GetPriceGroup",
    "GetPriceDepthSideCount",
    "GetTheoreticalValues",
    "GetOrderDetails",
    "FreePointer",
];

/// A function as the table knows it.
struct Call {
    name: &'static str,
    group: &'static str,
    routing: bool,
    /// Last number of the first version that has it.
    since: u32,
}

/// Last number of a version; 0 when there is none.
const fn build_of(version: &str) -> u32 {
    let bytes = version.as_bytes();
    let (mut i, mut n) = (0, 0);
    while i < bytes.len() {
        n = if bytes[i] == b'.' { 0 } else { n * 10 + (bytes[i] - b'0') as u32 };
        i += 1;
    }
    n
}

/// Runs a body behind the checks that all of them share.
fn guard<R: Answer>(call: &Call, body: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(|| check(call).map_or_else(body, R::code))).unwrap_or_else(|_| {
        SIM.fail(format!("a panic in {}", call.name));
        R::code(nresult::NL_INTERNAL_ERROR)
    })
}

/// Why a call is refused.
fn check(call: &Call) -> Option<i32> {
    if on_connector() && SIM.is_strict() && !PERMITTED.contains(&call.name) {
        SIM.sin(Sin::RequestInCallback, || call.name.into());
        return Some(nresult::NL_SINGLE_THREADED);
    }
    let session = SIM.session();
    if session.as_ref().is_some_and(|s| s.build < call.since) {
        return Some(nresult::NL_LICENSE_NOT_ALLOWED);
    }
    if call.group == "setters" || call.group == "session" {
        return None;
    }
    let Some(session) = session else { return Some(nresult::NL_NOT_INITIALIZED) };
    (call.routing && !session.routing).then_some(nresult::NL_MARKET_ONLY)
}

macro_rules! routing {
    (any) => {
        false
    };
    (routing) => {
        true
    };
}

/// The body of a function, by its group. Nobody has these yet, or ever.
macro_rules! body {
    ($group:ident Undocumented $name:ident($($arg:ident),*)) => {{
        $(let _ = $arg;)*
        Answer::code(nresult::NL_LICENSE_NOT_ALLOWED)
    }};
    ($group:ident $status:ident $name:ident($($arg:ident),*)) => {
        // SAFETY: the caller keeps to the vendor's contract for these arguments.
        unsafe { $group::$name($($arg),*) }
    };
}

macro_rules! export_all {
    ($(
        $(#[doc = $doc:literal])+
        [$group:ident $status:ident $routing:ident since $since:literal]
        fn $name:ident $(<$w:ident>)? ($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty;
    )+) => {$(
        $(#[doc = $doc])+
        ///
        /// # Safety
        /// The vendor's contract: pointers are NULL or valid for the call, text ends in NUL.
        #[unsafe(no_mangle)]
        pub unsafe extern "system" fn $name($($arg: $ty),*) -> $ret {
            const CALL: Call = Call {
                name: stringify!($name),
                group: stringify!($group),
                routing: routing!($routing),
                since: build_of($since),
            };
            guard(&CALL, || body!($group $status $name($($arg),*)))
        }
    )+};
}

qt_profitdll::exports! { export_all }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_are_last_numbers() {
        assert_eq!([build_of(""), build_of("4.0.0.34"), build_of("4.0.0.4")], [0, 34, 4]);
    }

    #[test]
    fn panics_do_not_cross_the_border() {
        const CALL: Call = Call { name: "SubscribeTicker", group: "session", routing: false, since: 0 };
        let code: i32 = guard(&CALL, || panic!("on purpose"));
        assert_eq!(code, nresult::NL_INTERNAL_ERROR);
        assert_eq!(SIM.last_error(), "a panic in SubscribeTicker");
    }
}
