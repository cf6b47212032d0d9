//! The declarations, used from another crate as the simulator uses them: one function per export, one slot per callback.

#![allow(non_snake_case)]

use std::ffi::c_void;

use qt_profitdll::callbacks::{self, *};
use qt_profitdll::exports;
use qt_profitdll::structs::*;

type W = u16;

/// What a function answers that does nothing.
trait Refused {
    fn refused() -> Self;
}

impl Refused for i32 {
    fn refused() -> Self {
        qt_profitdll::codes::nresult::NL_LICENSE_NOT_ALLOWED
    }
}

impl Refused for i64 {
    fn refused() -> Self {
        i64::from(i32::refused())
    }
}

impl<T> Refused for *const T {
    fn refused() -> Self {
        std::ptr::null()
    }
}

impl<T> Refused for *mut T {
    fn refused() -> Self {
        std::ptr::null_mut()
    }
}

macro_rules! stubs {
    ($(
        $(#[doc = $doc:literal])+
        [$group:ident $status:ident $routing:ident since $since:literal]
        fn $name:ident $(<$w:ident>)? ($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty;
    )+) => {
        $(extern "system" fn $name($($arg: $ty),*) -> $ret { $(let _ = $arg;)* <$ret>::refused() })+

        /// Name and address of every stub, each of the declared type.
        fn stubs() -> Vec<(&'static str, usize)> {
            vec![$((stringify!($name), {
                let typed: exports::types::$name $(::<$w>)? = $name;
                typed as usize
            })),+]
        }
    };
}

qt_profitdll::exports! { stubs }

macro_rules! slots {
    ($prefix:literal, $(
        $(#[doc = $doc:literal])+
        [since $since:literal]
        fn $name:ident $(<$w:ident>)? ($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty;
    )+) => {
        #[derive(Default)]
        struct Slots { $($name: Option<callbacks::$name $(<$w>)?>,)+ }
        impl Slots {
            fn empty(&self) -> usize {
                0 $(+ usize::from(self.$name.is_none()))+
            }
        }
        const SLOTS: &[&str] = &[$(concat!($prefix, stringify!($name))),+];
    };
}

qt_profitdll::callbacks! { slots "on", }

#[test]
fn every_export_has_a_typed_function() {
    let names: Vec<_> = stubs().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, exports::EXPORTS.iter().map(|e| e.name).collect::<Vec<_>>());
    assert!(stubs().iter().all(|&(_, address)| address != 0));
    assert_eq!(SendOrder(std::ptr::null_mut()), -2_147_483_630);
}

#[test]
fn every_callback_has_a_slot() {
    assert_eq!(SLOTS.len(), callbacks::CALLBACKS.len());
    assert_eq!(SLOTS[0], "onState");
    assert_eq!(Slots::default().empty(), SLOTS.len());
    assert_eq!(size_of::<Slots>(), SLOTS.len() * size_of::<usize>());
}
