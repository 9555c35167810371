//! The audit log: whether each entry is what was written, behind the one before, and what checkpoints signed.

use super::{Check, Cursor, Findings, Marked, Scope};
use crate::StoreError;
use crate::audit::{self, Checkpoint};
use crate::engine::Tx;
use crate::statements;
use leadwire_core::audit::{Hash, link};
use leadwire_core::limits;
use std::collections::HashMap;

/// Looks at the next entries of a chain. True: there are more.
pub(super) fn page(
    tx: &Tx<'_>,
    scope: &Scope,
    cursor: &mut Cursor,
    findings: &mut Findings,
) -> Result<bool, StoreError> {
    let publisher = cursor.publisher.clone();
    let found = audit::entries_after(tx, &publisher, cursor.number, limits::VERIFY_STEP)?;
    let has_more = found.len() == limits::VERIFY_STEP;
    let mut hash_of: HashMap<u64, Hash> = HashMap::new();
    let (first, mut before) = (cursor.number, cursor.hash());
    for kept in &found {
        let number = i64::try_from(kept.entry.number).unwrap_or(i64::MAX);
        findings.counted.entries += 1;
        let of = format!("entry {number}");
        if number != cursor.number + 1 {
            findings.tell(Check::AuditGap, &publisher, &format!("before {of}"));
        } else if kept.previous != before {
            findings.tell(Check::AuditChanged, &publisher, &format!("before {of}"));
        }
        if link(&kept.previous, &kept.entry) != kept.hash {
            findings.tell(Check::AuditChanged, &publisher, &of);
        }
        if kept.entry.at > scope.now.plus(limits::CLOCK_DOUBT) {
            findings.tell(Check::FromTheFuture, &publisher, &of);
        }
        // It goes on from what is kept, so that one change is told once.
        (cursor.number, before) = (number, kept.hash);
        hash_of.insert(kept.entry.number, kept.hash);
    }
    // Checkpoints of entries that are not there any more are behind the last page.
    let last = if has_more { cursor.number } else { i64::MAX };
    for checkpoint in audit::checkpoints_between(tx, &publisher, first, last)? {
        let is_of_chain = hash_of.get(&checkpoint.number) == Some(&checkpoint.hash);
        look(&checkpoint, is_of_chain, scope, findings);
    }
    let is_here = |number: u64| i64::try_from(number).is_ok_and(|it| first < it && it <= last);
    for (_, number, hash) in scope.known.iter().filter(|it| it.0 == publisher && is_here(it.1)) {
        findings.counted.checkpoints += 1;
        if hash_of.get(number) != Some(hash) {
            findings.tell(Check::CheckpointWrong, &publisher, &format!("checkpoint {number} kept elsewhere"));
        }
    }
    cursor.hash = Some(before);
    Ok(has_more)
}

fn look(it: &Checkpoint, is_of_chain: bool, scope: &Scope, findings: &mut Findings) {
    findings.counted.checkpoints += 1;
    let of = format!("checkpoint {}", it.number);
    if !is_of_chain {
        findings.tell(Check::CheckpointWrong, &it.publisher, &of);
    }
    look_at_mark(Marked::Checkpoint(it), (&it.publisher, &of), scope, findings);
}

/// Looks at the next statements of a publisher. True: there are more.
pub(super) fn statements_page(
    tx: &Tx<'_>,
    scope: &Scope,
    cursor: &mut Cursor,
    findings: &mut Findings,
) -> Result<bool, StoreError> {
    let found = statements::after(tx, &cursor.publisher, &cursor.from, limits::VERIFY_STEP)?;
    for it in &found {
        findings.counted.statements += 1;
        let of = format!("statement of {}", it.day);
        look_at_mark(Marked::Statement(it), (&cursor.publisher, &of), scope, findings);
    }
    if let Some(last) = found.last() {
        cursor.from.clone_from(&last.day);
    }
    Ok(found.len() == limits::VERIFY_STEP)
}

fn look_at_mark(it: Marked<'_>, (publisher, of): (&str, &str), scope: &Scope, findings: &mut Findings) {
    if let Some(is_signed) = &scope.is_signed {
        findings.counted.marks += 1;
        if !is_signed(it) {
            findings.tell(Check::MarkWrong, publisher, of);
        }
    }
}
