//! What tests need and the program does not: never shipped.

pub mod tidy;
