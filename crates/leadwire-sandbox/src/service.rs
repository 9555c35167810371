//! A simulated service: pure rules over a state, behind one server that counts calls and misbehaves on demand.

mod call;
mod desk;
mod fault;
mod server;
#[cfg(test)]
mod tests;

pub use call::{Call, Reply};
pub use fault::{Fault, FaultPlan, Scope};
pub use server::{Options, Sandbox, UnixMillis, start};

use serde_json::Value;
use std::sync::{Arc, Mutex};

/// The rules of one service, over its state. It answers at once and never waits: time comes in as `now`.
///
/// Strict where the real service is strict: what the real one would refuse, it refuses.
pub trait Service: Send + 'static {
    /// Name of the kind, such as `salesforce`.
    fn kind(&self) -> &'static str;

    /// Answers one call. `now` is in milliseconds since 1970.
    fn answer(&mut self, call: &Call, now: i64) -> Reply;

    /// Whether a call writes leads: what faults strike unless they say otherwise.
    fn is_write(&self, call: &Call) -> bool;

    /// Everything it keeps of leads, for people and tests to look into: one object each, in the order of creation.
    fn records(&self) -> Vec<Value>;

    /// Misbehaves in the service's own words: the answer to give instead of the right one. None: this service has no
    /// such fault. A fault that changes the state, such as a forgotten token, changes it here, and its call is then
    /// answered as usual with [`Service::answer`] by whoever implements it.
    fn misbehave(&mut self, fault: &Fault, call: &Call, now: i64) -> Option<Reply>;

    /// Does to a record what a salesperson does, in the way of this system. False: there is no such record, or nobody
    /// can say so in this system.
    fn decide(&mut self, record: &str, became: Became, now: i64) -> bool {
        let _ = (record, became, now);
        false
    }

    /// Settings of a Leadwire destination that reaches this service at a base URL without a slash at the end.
    fn destination_settings(&self, base: &str) -> Value;
}

/// What a salesperson says became of a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// Taken up.
    Qualified,
    /// Not taken up.
    Disqualified,
    /// Business.
    Converted,
}

impl Became {
    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "qualified" => Some(Self::Qualified),
            "disqualified" => Some(Self::Disqualified),
            "converted" => Some(Self::Converted),
            _ => None,
        }
    }
}

/// A service that a test keeps hold of.
impl<S: Service> Service for Arc<Mutex<S>> {
    fn kind(&self) -> &'static str {
        locked(self).kind()
    }

    fn answer(&mut self, call: &Call, now: i64) -> Reply {
        locked(self).answer(call, now)
    }

    fn is_write(&self, call: &Call) -> bool {
        locked(self).is_write(call)
    }

    fn records(&self) -> Vec<Value> {
        locked(self).records()
    }

    fn misbehave(&mut self, fault: &Fault, call: &Call, now: i64) -> Option<Reply> {
        locked(self).misbehave(fault, call, now)
    }

    fn decide(&mut self, record: &str, became: Became, now: i64) -> bool {
        locked(self).decide(record, became, now)
    }

    fn destination_settings(&self, base: &str) -> Value {
        locked(self).destination_settings(base)
    }
}

fn locked<S>(service: &Mutex<S>) -> std::sync::MutexGuard<'_, S> {
    service.lock().expect("a simulated service does not panic")
}
