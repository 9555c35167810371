//! Deletes the row of an erased person.

use super::AzureTable;
use super::deliver::Trip;
use super::entity::Keys;
use super::reply;
use crate::Moment;
use crate::egress::Egress;
use crate::erase::{self, Erasure};
use leadwire_core::outcome::Tried;
use std::sync::atomic::AtomicU32;

impl AzureTable {
    /// `DELETE` with `If-Match: *` (Microsoft, "Delete Entity"): 204, or 404 when the row or the table is not there.
    pub(super) async fn erase_row(&self, erasure: &Erasure<'_>, moment: Moment, egress: &Egress) -> Tried {
        let calls = AtomicU32::new(0);
        let signed = match self.sign_in.signed(moment.now, egress, &calls).await {
            Ok(signed) => signed,
            Err(tried) => return *tried,
        };
        let trip = Trip { azure: self, signed, moment, egress, calls: &calls };
        let keys = Keys::of(erasure.payload, self.partition);
        let answer = match trip.call(self.place.delete(&keys)).await {
            Ok(answer) => answer,
            Err(error) => return error.tried(),
        };
        match answer.status.as_u16() {
            status @ 200..=299 => erase::deleted("the row was deleted", status),
            status @ 404 => erase::nothing_there(status),
            _ => *trip.explained(Box::new(reply::refused(&answer, &trip.about(&[])))),
        }
    }
}
