//! Never shipped: the whole program under a clock that tests set, and the rules of the house as functions over text.

pub mod app;
pub mod clock;
pub mod tidy;
