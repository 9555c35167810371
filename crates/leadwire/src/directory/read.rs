//! Reading what is kept of destinations and routes into what is used: settings with their secrets, and filters.

use super::Snapshot;
use crate::secrets;
use crate::vault::{Opener, Unopened};
use anyhow::Context;
use leadwire_connect::descriptor::Settings;
use leadwire_connect::destination_settings::DestinationSettings;
use leadwire_core::filter::Filter;
use leadwire_core::routing::{DoNotContact, When};
use leadwire_store::setup::Destination;
use std::collections::HashMap;
use std::sync::Arc;

pub(super) fn read_filter(text: &str, old: &Snapshot, filters: &mut HashMap<String, Arc<Filter>>) -> When {
    if text.is_empty() {
        return When::Always;
    }
    let known = filters.get(text).or_else(|| old.filters.get(text)).map(Arc::clone);
    match known.map_or_else(|| Filter::parse(text).map(Arc::new), Ok) {
        Ok(filter) => {
            filters.insert(text.to_owned(), Arc::clone(&filter));
            When::If(filter)
        }
        Err(bad) => When::Unreadable(bad.to_string().into()),
    }
}

pub(super) fn fingerprint(opener: &Opener, destination: &Destination) -> Result<[u8; 16], Unopened> {
    let opened = opener.open(destination)?;
    Ok(secrets::short_hash(&[opened.as_ref().map_or(&[], |it| it.expose().as_bytes())]))
}

pub(super) fn open_settings(opener: &Opener, destination: &Destination) -> anyhow::Result<Settings> {
    let mut settings: Settings = serde_json::from_str(&destination.settings)?;
    if let Some(opened) = opener.open(destination).context("its secrets do not open")? {
        let secrets: Settings = serde_json::from_str(opened.expose())?;
        settings.extend(secrets);
    }
    Ok(settings)
}

pub(super) fn wish_about_do_not_contact(settings: &str) -> DoNotContact {
    match serde_json::from_str::<Settings>(settings) {
        Ok(settings) => DestinationSettings::read(&settings).do_not_contact,
        Err(_) => DoNotContact::Hold,
    }
}

/// Whether a destination with these settings wants to hear nothing of customers who must not be contacted.
pub(crate) fn holds_refused(settings: &str) -> bool {
    wish_about_do_not_contact(settings) == DoNotContact::Hold
}
