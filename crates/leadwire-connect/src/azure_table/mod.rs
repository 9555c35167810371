//! Writes each lead as a row of an Azure table, a hundred in a transaction, in the marketplace's own columns or flat ones.

mod account;
mod account_key;
mod batch;
mod check;
mod deliver;
mod entity;
mod erase;
mod errors;
mod fields;
mod reply;
mod request;
mod sas;
mod sign_in;

#[cfg(test)]
mod account_tests;
#[cfg(test)]
mod sandbox_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod verdict_tests;

use crate::descriptor::{Settings, Values, refusal};
use crate::destination_settings::DestinationSettings;
use crate::egress::Egress;
use crate::erase::Erasure;
use crate::mapped::{self, FieldMap};
use crate::preview::Preview;
use crate::validation::{Checked, Step};
use crate::{Connector, ConnectorKind, Delivered, Moment, Payload};
use entity::{Entity, Partition};
use errors::ERRORS;
use fields::{FIELDS, FLAT, MARKETPLACE, TARGETS, field};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use leadwire_core::outcome::{Receipt, Tried};
use leadwire_core::refusal::Refusal;
use leadwire_core::time::Timestamp;
use request::{BATCH_MAX, Flavor, Place, Verb};
use serde_json::Value;
use sign_in::SignIn;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// The descriptor.
pub(crate) const KIND: ConnectorKind = ConnectorKind {
    name: "azure_table",
    title: "Azure Table",
    summary: "Writes every lead as a row of a table in Azure Table storage, or in Cosmos DB with the Table API",
    own_fields: FIELDS,
    takes_batches: true,
    prepares: true,
    knows_repeats: true,
    carries_notices: false,
    example: r#"{"connection_string":"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=;EndpointSuffix=core.windows.net"}"#,
    default_mapping: MARKETPLACE,
    targets: TARGETS,
    errors: ERRORS,
    steps: &[
        "In the Azure portal, open the storage account, Security + networking, Access keys, and copy a connection string",
        "Or make a shared access signature: service Table, resource types Container and Object, permissions Read, Add, Update and Create; it gives away less than a key",
        "Or sign in with Entra ID: register an app, and give it the role Storage Table Data Contributor on the account",
        "If the account's networking is restricted, allow the address Leadwire calls from",
        "Leadwire creates the table MarketplaceLeads, unless you name another one or have made it",
    ],
    build: |settings| Ok(Box::new(AzureTable::read(settings)?)),
};

struct AzureTable {
    place: Place,
    sign_in: SignIn,
    map: FieldMap,
    partition: Partition,
    /// The column `CustomerInfo` is built here.
    packs_customer: bool,
    creates_table: bool,
    /// Transactions were refused under a signature that permits the same rows singly.
    is_single: AtomicBool,
}

impl AzureTable {
    fn read(settings: &Settings) -> Result<Self, Vec<Refusal>> {
        let values = Values::new(FIELDS, settings);
        let text = |name: &str| values.text(name).unwrap_or_default().trim();
        let mut refusals = Vec::new();
        let table = text("table").to_owned();
        if !fields::is_table_name(&table) {
            let message = "`table` is not a name of a table";
            let fix = "use 3 to 63 letters and digits, a letter first, and not `tables`";
            refusals.push(refusal(field("table"), "bad_table", message, fix));
        }
        let wait = DestinationSettings::read(settings).wait;
        let sign_in = SignIn::read(settings, &table, wait).map_err(|it| refusals.extend(it)).ok();
        let is_marketplace = text("layout") == "marketplace";
        let defaults = if is_marketplace { MARKETPLACE } else { FLAT };
        let map = FieldMap::read(defaults, TARGETS, settings).map_err(|it| refusals.extend(it)).ok();
        let is_cosmos = sign_in.as_ref().is_some_and(|it| it.2 == Flavor::Cosmos);
        for target in map.iter().flat_map(FieldMap::targets) {
            if let Some(why) = fields::bad_column(target, is_cosmos) {
                let shown: String = target.chars().filter(|it| !it.is_control()).take(64).collect();
                refusals.push(Refusal::new(
                    format!("/mapping/{}", shown.replace('~', "~0").replace('/', "~1")),
                    "bad_column",
                    format!("the column `{shown}` {why}"),
                    "give the column another name",
                ));
            }
        }
        let (Some((sign_in, endpoint, flavor)), Some(map), true) = (sign_in, map, refusals.is_empty()) else {
            return Err(refusals);
        };
        // A row of the publisher's own, or none, takes its place.
        let own = settings.get(mapped::MAPPING.name).and_then(Value::as_object);
        let packs_customer = is_marketplace && own.is_none_or(|it| !it.contains_key(fields::CUSTOMER_INFO));
        let partition = match text("partition") {
            "publisher_day" => Partition::PublisherDay,
            _ => Partition::Day,
        };
        Ok(Self {
            place: Place { endpoint, table, flavor, wait },
            sign_in,
            map,
            partition,
            packs_customer,
            creates_table: text("create_table") == "yes",
            is_single: AtomicBool::new(false),
        })
    }

    /// Whether rows go one in a call.
    fn sends_singly(&self) -> bool {
        self.is_single.load(Ordering::Relaxed)
    }

    /// Whether a refused transaction may be tried row by row: only a signature may be refused for the transaction's sake.
    fn may_send_singly(&self, work: &[(Verb, usize)]) -> bool {
        work.len() > 1 && self.sign_in.sas().is_some()
    }

    /// Remembers that rows arrive singly where transactions do not.
    fn note_singles_work(&self) {
        self.is_single.store(true, Ordering::Relaxed);
    }
}

impl Connector for AzureTable {
    fn deliver<'a>(
        &'a self,
        batch: &'a [Payload],
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Delivered> {
        self.bring(batch, moment, egress).boxed()
    }

    fn batch_max(&self) -> usize {
        if self.sends_singly() { deliver::SINGLES_MAX } else { BATCH_MAX }
    }

    fn folds(&self) -> bool {
        true
    }

    /// A partition takes 2,000 rows a second, and leads of one day are one partition.
    fn in_flight_max(&self) -> usize {
        4
    }

    fn field_map(&self) -> Option<&FieldMap> {
        Some(&self.map)
    }

    fn preview(&self, batch: &[Payload], moment: Moment) -> Preview {
        let mut tried: Vec<Option<Tried>> = vec![None; batch.len()];
        let entities = self.gather(batch, &mut tried);
        let mut preview = Preview { unsent: tried.into_iter().flatten().collect(), ..Preview::default() };
        preview.notes.extend(entities.iter().flat_map(|it| it.notes.clone()));
        let mut partitions: BTreeMap<&str, Vec<(Verb, &Entity)>> = BTreeMap::new();
        for entity in &entities {
            partitions.entry(&entity.keys.partition).or_default().push((Verb::Insert, entity));
        }
        let pass = self.sign_in.pass();
        for rows in partitions.values().flat_map(|it| it.chunks(BATCH_MAX)) {
            let draft = match rows {
                [(verb, entity)] => self.place.single(*verb, entity),
                rows => self.place.batch(rows),
            };
            let request = self.place.signed(draft, &pass, moment.now);
            preview.requests.push(Place::previewed(&request, &pass));
        }
        if !entities.is_empty() {
            let note = "a row that is there already gets only the columns marked `always` in the mapping";
            preview.notes.push(note.to_owned());
        }
        preview
    }

    fn erase<'a>(
        &'a self,
        erasure: &'a Erasure<'a>,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Tried>> {
        async move { Some(self.erase_row(erasure, moment, egress).await) }.boxed()
    }

    fn check<'a>(&'a self, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Checked> {
        self.look_over(moment, egress).boxed()
    }

    fn read_back<'a>(
        &'a self,
        payload: &'a Payload,
        receipt: &'a Receipt,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Step>> {
        let _ = receipt;
        async move { Some(self.read_test_lead(payload, moment, egress).await) }.boxed()
    }

    fn clean_up<'a>(
        &'a self,
        payload: &'a Payload,
        receipt: &'a Receipt,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Step>> {
        let _ = receipt;
        async move { Some(self.delete_test_lead(payload, moment, egress).await) }.boxed()
    }

    fn prepare<'a>(&'a self, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Option<Vec<Step>>> {
        async move { Some(self.make_ready(moment, egress).await) }.boxed()
    }

    fn ends_at(&self) -> Option<Timestamp> {
        self.sign_in.ends_at()
    }
}
