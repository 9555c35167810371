//! Leads put together to requests, each under a key by which the service recognises a repetition.

use crate::secrets;
use bytes::Bytes;
use leadwire_core::limits;

/// Most leads in one request: a few milliseconds of work, so that a progress bar moves.
const ITEMS_MAX: usize = 200;
/// Largest request, in bytes; a quarter of what the service takes.
const BYTES_MAX: usize = limits::BATCH_BYTES_MAX / 4;

/// One request's worth of leads.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Batch {
    /// Its `Idempotency-Key`.
    pub(in crate::cli) key: String,
    /// The leads, one on each line.
    pub(in crate::cli) body: Bytes,
    /// The line of the file each of them starts on.
    pub(in crate::cli) lines: Vec<u64>,
}

/// Puts a file's leads together.
///
/// A batch's key is made of everything in the file up to its end. The same file gives the same keys, with no state
/// kept anywhere; one that was lengthened keeps the keys of its full batches; and a batch whose content stands
/// twice in a file has two keys, as its leads are two.
#[derive(Default)]
pub(in crate::cli) struct Batcher {
    so_far: [u8; 16],
    body: Vec<u8>,
    lines: Vec<u64>,
}

impl Batcher {
    /// Takes one lead, and gives the batch that was full without it.
    pub(in crate::cli) fn push(&mut self, line: u64, body: &[u8]) -> Option<Batch> {
        let is_full = self.lines.len() == ITEMS_MAX || self.body.len() + body.len() + 1 > BYTES_MAX;
        let full = if is_full { self.take() } else { None };
        self.body.extend_from_slice(body);
        self.body.push(b'\n');
        self.lines.push(line);
        full
    }

    /// Gives what is left, when there is any.
    pub(in crate::cli) fn take(&mut self) -> Option<Batch> {
        if self.lines.is_empty() {
            return None;
        }
        let body = std::mem::take(&mut self.body);
        self.so_far = secrets::short_hash(&[&self.so_far, &body]);
        let key = format!("leadwire-send-1-{:032x}", u128::from_be_bytes(self.so_far));
        Some(Batch { key, body: body.into(), lines: std::mem::take(&mut self.lines) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(leads: &[String]) -> Vec<Batch> {
        let mut batcher = Batcher::default();
        let mut batches: Vec<Batch> =
            leads.iter().zip(1..).filter_map(|(lead, line)| batcher.push(line, lead.as_bytes())).collect();
        batches.extend(batcher.take());
        batches
    }

    fn leads(count: usize) -> Vec<String> {
        (0..count).map(|it| format!("{{\"n\":{it}}}")).collect()
    }

    fn keys(leads: &[String]) -> Vec<String> {
        batches(leads).into_iter().map(|it| it.key).collect()
    }

    #[test]
    fn every_lead_is_in_one_batch_in_its_order() {
        let leads = leads(2 * ITEMS_MAX + 7);
        let batches = batches(&leads);
        let sizes: Vec<usize> = batches.iter().map(|it| it.lines.len()).collect();
        assert_eq!(sizes, [ITEMS_MAX, ITEMS_MAX, 7]);
        let text: Vec<u8> = batches.iter().flat_map(|it| it.body.to_vec()).collect();
        assert_eq!(String::from_utf8(text).expect("UTF-8"), leads.join("\n") + "\n");
        let lines: Vec<u64> = batches.into_iter().flat_map(|it| it.lines).collect();
        assert_eq!(lines, (1..=leads.len() as u64).collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_is_never_larger_than_the_service_takes() {
        let large = vec!["x".repeat(limits::TOUCHPOINT_BYTES_MAX); 9];
        let batches = batches(&large);
        assert!(
            batches.len() > 1 && batches.iter().all(|it| it.body.len() <= BYTES_MAX && !it.lines.is_empty())
        );
    }

    #[test]
    fn the_same_file_has_the_same_keys() {
        assert_eq!(keys(&leads(500)), keys(&leads(500)));
        assert!(keys(&leads(5))[0].len() <= limits::IDEMPOTENCY_KEY_BYTES_MAX);
    }

    #[test]
    fn a_file_that_was_lengthened_keeps_the_keys_of_its_full_batches() {
        let (short, long) = (keys(&leads(2 * ITEMS_MAX)), keys(&leads(3 * ITEMS_MAX + 1)));
        assert_eq!(short, long[..2]);
    }

    #[test]
    fn what_stands_twice_in_a_file_has_two_keys() {
        let mut twice = leads(ITEMS_MAX);
        twice.extend(leads(ITEMS_MAX));
        let keys = keys(&twice);
        assert_ne!(keys[0], keys[1]);
    }

    #[test]
    fn a_changed_lead_changes_the_key() {
        let mut changed = leads(3);
        changed[1].push(' ');
        assert_ne!(keys(&leads(3)), keys(&changed));
    }
}
