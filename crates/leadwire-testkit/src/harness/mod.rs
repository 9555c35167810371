//! The real program as a process under load: what the fault harnesses share. They keep their own book of what they were
//! answered, and ask the program, never the store.

pub mod book;
pub mod keyed;
pub mod load;
pub mod program;
pub mod sink;

use serde_json::{Value, json};

/// Throws the same numbers for the same seed (SplitMix64).
pub struct Dice(u64);

impl Dice {
    /// Dice that throw what they threw before under this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// A seed that nobody chose.
pub fn any_seed() -> u64 {
    u64::try_from(leadwire::clock::random_bits() >> 96).expect("32 bits fit")
}

/// The publisher of harnesses that have only one.
pub const PUBLISHER: &str = "contoso";

/// Gives the service the target's publisher, a destination and a route; gives back the destination's number.
///
/// # Errors
/// When the service refuses one of them.
pub async fn set_up(target: &load::Target, sink: &sink::Sink) -> anyhow::Result<Value> {
    let publisher = &target.publisher;
    target.post("/v1/publishers", &json!({ "id": publisher })).await?;
    for offer in [load::PLAIN_OFFER, load::KEYED_OFFER] {
        target.post(&format!("/v1/offers?publisher={publisher}"), &json!({ "id": offer })).await?;
    }
    let settings = json!({ "url": sink.url(), "signing_secret": sink::SECRET });
    add_destination(target, "sink", "https", settings, "*").await
}

/// Makes a destination with a route of the offer to it; gives back its number.
///
/// # Errors
/// When the service refuses one of them.
pub async fn add_destination(
    target: &load::Target,
    name: &str,
    kind: &str,
    settings: Value,
    offer: &str,
) -> anyhow::Result<Value> {
    let publisher = &target.publisher;
    let new = json!({ "name": name, "kind": kind, "settings": settings });
    let made = target.post(&format!("/v1/destinations?publisher={publisher}"), &new).await?;
    let route = json!({ "offer": offer, "destination": name });
    target.post(&format!("/v1/routes?publisher={publisher}"), &route).await?;
    Ok(made["number"].clone())
}
