//! The list of erasures as a file: what a store restored on another machine must be told. It names no person.

use anyhow::Context;
use leadwire_core::hex;
use leadwire_core::id::{ErasureId, LeadId, PublisherId, TouchpointId};
use leadwire_core::limits;
use leadwire_core::time::Timestamp;
use leadwire_store::erasures::Crm;
use leadwire_store::erasures::list::{ErasedOf, Listed};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// How the file is laid out; another number is another layout.
const LAYOUT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct List {
    leadwire_erasures: u32,
    publishers: Vec<OfPublisher>,
}

#[derive(Serialize, Deserialize)]
struct OfPublisher {
    publisher: String,
    salt: String,
    tombstones: Vec<(String, i64, String)>,
    erasures: Vec<Erased>,
    quarantined: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Erased {
    id: String,
    asked_at_ms: i64,
    crm: String,
    who: String,
    reason: String,
    leads: Vec<(String, String)>,
}

/// Writes a list into a new file, for its owner only.
pub(super) fn write(file: &Path, list: &[ErasedOf]) -> anyhow::Result<()> {
    let list = List { leadwire_erasures: LAYOUT, publishers: list.iter().map(shape).collect() };
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("cannot make {}; name a file that is not there", file.display()))?;
    out.write_all(serde_json::to_string(&list)?.as_bytes())?;
    out.sync_all()?;
    Ok(())
}

/// Reads a list.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<ErasedOf>> {
    let unreadable =
        || format!("{} is no list of erasures; `leadwire erasure export` writes one", file.display());
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut text = String::new();
    let limit = u64::try_from(limits::ERASURE_LIST_BYTES_MAX).unwrap_or(u64::MAX);
    opened.take(limit).read_to_string(&mut text).with_context(unreadable)?;
    let list: List = serde_json::from_str(&text).with_context(unreadable)?;
    anyhow::ensure!(list.leadwire_erasures == LAYOUT, unreadable());
    list.publishers.iter().map(|it| parse(it).with_context(unreadable)).collect()
}

fn shape(it: &ErasedOf) -> OfPublisher {
    OfPublisher {
        publisher: it.publisher.to_string(),
        salt: hex::encode(&it.salt),
        tombstones: it
            .tombstones
            .iter()
            .map(|it| (hex::encode(&it.0), it.1.millis(), it.2.clone()))
            .collect(),
        erasures: it
            .erasures
            .iter()
            .map(|it| Erased {
                id: it.id.to_string(),
                asked_at_ms: it.asked_at.millis(),
                crm: it.crm.as_str().to_owned(),
                who: it.who.clone(),
                reason: it.reason.clone(),
                leads: it.leads.iter().map(|it| (it.0.to_string(), it.1.to_string())).collect(),
            })
            .collect(),
        quarantined: it.quarantined.clone(),
    }
}

fn parse(it: &OfPublisher) -> anyhow::Result<ErasedOf> {
    let tombstones = it.tombstones.iter();
    let erasures = it.erasures.iter().map(|it| {
        let leads = it.leads.iter();
        Ok::<_, anyhow::Error>(Listed {
            id: ErasureId::parse(&it.id)?,
            asked_at: Timestamp::from_millis(it.asked_at_ms),
            crm: if it.crm == "keep" { Crm::Keep } else { Crm::Delete },
            who: it.who.clone(),
            reason: it.reason.clone(),
            leads: leads
                .map(|it| Ok((LeadId::parse(&it.0)?, TouchpointId::parse(&it.1)?)))
                .collect::<anyhow::Result<_>>()?,
        })
    });
    Ok(ErasedOf {
        publisher: PublisherId::parse(&it.publisher)?,
        salt: bytes(&it.salt)?,
        tombstones: tombstones
            .map(|it| Ok((bytes(&it.0)?, Timestamp::from_millis(it.1), it.2.clone())))
            .collect::<anyhow::Result<_>>()?,
        erasures: erasures.collect::<anyhow::Result<_>>()?,
        quarantined: it.quarantined.clone(),
    })
}

fn bytes(hash: &str) -> anyhow::Result<Vec<u8>> {
    hex::decode(hash).context("a hash is not written in pairs of hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_back_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("erasures.json");
        let list = vec![ErasedOf {
            publisher: PublisherId::parse("contoso").expect("a name"),
            salt: vec![0, 255],
            tombstones: vec![(vec![1; 16], Timestamp::from_millis(5), "lead_x".to_owned())],
            erasures: vec![Listed {
                id: ErasureId::new(7),
                asked_at: Timestamp::from_millis(6),
                crm: Crm::Keep,
                who: "key_1".to_owned(),
                reason: "asked".to_owned(),
                leads: vec![(LeadId::new(8), TouchpointId::new(9))],
            }],
            quarantined: vec!["qrt_1".to_owned()],
        }];
        write(&file, &list).expect("it is written");
        assert_eq!(read(&file).expect("it is read"), list);
        assert!(write(&file, &list).is_err(), "nothing is overwritten");
        std::fs::write(&file, "{}").expect("another file");
        assert!(read(&file).is_err());
    }
}
