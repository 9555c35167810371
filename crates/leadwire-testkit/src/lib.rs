//! Never shipped: the whole program under a clock that tests set, servers and clients of others, and the house rules.

pub mod app;
pub mod clock;
pub mod engine;
pub mod fault_proxy;
pub mod harness;
pub mod lost_answers;
pub mod peers;
pub mod portal;
pub mod provider;
pub mod reference;
pub mod still_proxy;
pub mod tidy;
