//! Leads: what they count against the rows there are, what is said of those that are one, and what is left of erased ones.

use super::{Check, Cursor, Findings};
use crate::StoreError;
use crate::engine::{Param, Tx};
use leadwire_core::limits;

struct Lead {
    id: String,
    touchpoints: i64,
    members: i64,
    is_merged: bool,
    is_erased: bool,
    is_blank: bool,
    /// Touchpoints of its own that are there.
    own: i64,
    /// What its row among those that are one counts; none: it is not among them.
    part: Option<i64>,
    /// Rows of leads that are one with it as their root, and what they count.
    parts: (i64, i64),
    /// Whether the lead it was merged into is there and stands for itself.
    has_root: bool,
}

/// Looks at the next leads. True: there are more.
pub(super) fn page(tx: &Tx<'_>, cursor: &mut Cursor, findings: &mut Findings) -> Result<bool, StoreError> {
    let found = tx.query(
        "SELECT l.lead_id, l.touchpoints, l.members, l.merged_into, l.erased_at,
             l.first_name || l.last_name || l.email || l.phone || l.country || l.company || l.title, LENGTH(l.identity),
             (SELECT COUNT(*) FROM touchpoint t
              WHERE t.publisher_id = l.publisher_id AND t.lead_id = l.lead_id),
             COALESCE(p.touchpoints, -1),
             (SELECT COUNT(*) FROM member m
              WHERE m.publisher_id = l.publisher_id AND m.root_id = l.lead_id),
             COALESCE((SELECT CAST(SUM(m.touchpoints) AS BIGINT) FROM member m
              WHERE m.publisher_id = l.publisher_id AND m.root_id = l.lead_id), 0),
             COALESCE(r.merged_into, '-')
         FROM lead l
         LEFT JOIN lead r ON r.publisher_id = l.publisher_id AND r.lead_id = l.merged_into
         LEFT JOIN member p ON p.publisher_id = l.publisher_id
             AND p.root_id = CASE WHEN l.merged_into = '' THEN l.lead_id ELSE l.merged_into END
             AND p.lead_id = l.lead_id
         WHERE l.publisher_id = $1 AND l.lead_id > $2
         ORDER BY l.lead_id
         LIMIT $3",
        &[
            Param::Text(&cursor.publisher),
            Param::Text(&cursor.from),
            Param::Int(i64::try_from(limits::VERIFY_STEP).unwrap_or(i64::MAX)),
        ],
        |row| {
            Ok(Lead {
                id: row.text(0)?.to_owned(),
                touchpoints: row.int(1)?,
                members: row.int(2)?,
                is_merged: !row.text(3)?.is_empty(),
                is_erased: row.int(4)? != 0,
                is_blank: row.text(5)?.is_empty() && row.int(6)? == 0,
                own: row.int(7)?,
                part: Some(row.int(8)?).filter(|it| *it >= 0),
                parts: (row.int(9)?, row.int(10)?),
                has_root: row.text(11)?.is_empty(),
            })
        },
    )?;
    for lead in &found {
        findings.counted.leads += 1;
        let wrong = [
            (Check::LeadMiscounted, is_miscounted(lead)),
            (Check::MembersWrong, has_wrong_members(lead)),
            (Check::ErasedLeadKept, lead.is_erased && !lead.is_blank),
        ];
        for (check, _) in wrong.into_iter().filter(|it| it.1) {
            findings.tell(check, &cursor.publisher, &lead.id);
        }
    }
    let has_more = found.len() == limits::VERIFY_STEP;
    if let Some(last) = found.last() {
        cursor.from.clone_from(&last.id);
    }
    Ok(has_more)
}

fn is_miscounted(it: &Lead) -> bool {
    match it.part {
        // The lead that stands for several counts for all of them; each of them counts its own in its part.
        Some(part) => part != it.own || (!it.is_merged && it.touchpoints != it.parts.1),
        // What stood for several when it was erased counts for all of them for ever.
        None if it.is_erased => it.touchpoints < it.own,
        None => !it.is_merged && it.touchpoints != it.own,
    }
}

fn has_wrong_members(it: &Lead) -> bool {
    if it.is_merged {
        return it.part.is_none() || !it.has_root || it.members != 0 || it.parts.0 != 0;
    }
    let expected = if it.members == 0 { 0 } else { it.members + 1 };
    it.parts.0 != expected || (it.part.is_some() != (expected > 0))
}

/// Looks for rows of leads that are one whose lead is not there or says otherwise. True: there are more.
pub(super) fn members_page(
    tx: &Tx<'_>,
    cursor: &mut Cursor,
    findings: &mut Findings,
) -> Result<bool, StoreError> {
    let (root, lead) = cursor.from.split_once(' ').unwrap_or(("", ""));
    let found = tx.query(
        "SELECT m.root_id, m.lead_id, CASE
             WHEN l.lead_id IS NULL THEN 1
             WHEN m.lead_id = m.root_id AND l.merged_into = '' THEN 0
             WHEN l.merged_into = m.root_id THEN 0
             ELSE 1
         END
         FROM member m
         LEFT JOIN lead l ON l.publisher_id = m.publisher_id AND l.lead_id = m.lead_id
         WHERE m.publisher_id = $1 AND (m.root_id, m.lead_id) > ($2, $3)
         ORDER BY m.root_id, m.lead_id
         LIMIT $4",
        &[
            Param::Text(&cursor.publisher),
            Param::Text(root),
            Param::Text(lead),
            Param::Int(i64::try_from(limits::VERIFY_STEP).unwrap_or(i64::MAX)),
        ],
        |row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.int(2)? != 0)),
    )?;
    for (root, lead, _) in found.iter().filter(|it| it.2) {
        findings.tell(Check::MembersWrong, &cursor.publisher, &format!("{lead} in {root}"));
    }
    let has_more = found.len() == limits::VERIFY_STEP;
    if let Some((root, lead, _)) = found.last() {
        cursor.from = format!("{root} {lead}");
    }
    Ok(has_more)
}
