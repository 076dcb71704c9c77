//! Options that may grow: their structs are not exhaustive, so that a new field breaks no program that
//! sets others. They are made by their default and by these setters.

/// Makes a setter of each field: it gives the same options with that field set.
macro_rules! setters {
    ($($field:ident: $type:ty),* $(,)?) => {
        $(
            #[doc = concat!("The same options with this `", stringify!($field), "`.")]
            #[must_use]
            pub fn $field(mut self, $field: $type) -> Self {
                self.$field = $field;
                self
            }
        )*
    };
}

pub(crate) use setters;
