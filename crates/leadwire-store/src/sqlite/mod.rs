//! The store in one file, for one node: a writer thread, readers beside it, and a log that stays short.

pub(crate) mod checkpoint;
pub(crate) mod migrate;
pub(crate) mod reader;
pub(crate) mod session;
pub(crate) mod writer;
