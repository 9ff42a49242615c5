//! `Debug` of what holds secrets: its kind and some facts, and never the rest.

/// Implements `Debug` by the methods that are named, and says that there is more.
macro_rules! shown {
    ($name:ident $(<$($parameter:tt),+>)? $(, $fact:ident)*) => {
        impl $(<$($parameter),+>)? core::fmt::Debug for $name $(<$($parameter),+>)? {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($name))$(.field(stringify!($fact), &self.$fact()))*.finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use shown;
