//! What a lead's customer said of each field over time, and which of it counts: the newest that is not empty.

use crate::id::TouchpointId;
use crate::touchpoint::Customer;

/// A value of a field, and the first touchpoint that said it since another was said. Has no `Debug`: it is personal.
#[derive(Clone, PartialEq, Eq)]
pub struct SaidValue {
    /// The value, as said.
    pub value: String,
    /// By which touchpoint.
    pub by: TouchpointId,
}

/// Everything that was said of one field, newest first. The first one counts.
#[derive(Clone, PartialEq, Eq)]
pub struct FieldHistory {
    /// The field's name in the canonical form.
    pub field: &'static str,
    /// Its values, newest first; never empty.
    pub values: Vec<SaidValue>,
}

type Read = fn(&Customer) -> &Option<String>;

/// Fields of a customer, and how each is read.
const FIELDS: [(&str, Read); 7] = [
    ("first_name", |it| &it.first_name),
    ("last_name", |it| &it.last_name),
    ("email", |it| &it.email),
    ("phone", |it| &it.phone),
    ("country", |it| &it.country),
    ("company", |it| &it.company),
    ("title", |it| &it.title),
];

/// The history of each field that was ever said. The order of the touchpoints does not matter: their ids say which is
/// newer.
pub fn of(touchpoints: &[(TouchpointId, &Customer)]) -> Vec<FieldHistory> {
    let mut in_order: Vec<_> = touchpoints.to_vec();
    in_order.sort_by_key(|it| it.0);
    let history = FIELDS.iter().map(|(field, read)| {
        let mut values: Vec<SaidValue> = Vec::new();
        for (by, customer) in &in_order {
            let Some(value) = read(customer).as_ref().filter(|it| !it.is_empty()) else { continue };
            if values.last().is_none_or(|it| it.value != *value) {
                values.push(SaidValue { value: value.clone(), by: *by });
            }
        }
        values.reverse();
        FieldHistory { field, values }
    });
    history.filter(|it| !it.values.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn customer(email: &str, phone: &str) -> Customer {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Customer { email: some(email), phone: some(phone), ..Customer::default() }
    }

    fn shown(history: &[FieldHistory]) -> Vec<(&str, Vec<(&str, u128)>)> {
        let mut shown = Vec::new();
        for it in history {
            shown.push((it.field, it.values.iter().map(|it| (it.value.as_str(), it.by.bits())).collect()));
        }
        shown
    }

    #[test]
    fn the_newest_word_counts_and_silence_changes_nothing() {
        let said =
            [(1, "a@x.com", "1"), (2, "", ""), (3, "a@x.com", "2"), (4, "b@x.com", ""), (5, "a@x.com", "2")];
        let customers: Vec<_> =
            said.iter().map(|it| (TouchpointId::new(it.0), customer(it.1, it.2))).collect();
        let all: Vec<_> = customers.iter().map(|it| (it.0, &it.1)).collect();
        let history = of(&all);
        assert_eq!(
            shown(&history),
            [
                ("email", vec![("a@x.com", 5), ("b@x.com", 4), ("a@x.com", 1)]),
                ("phone", vec![("2", 3), ("1", 1)]),
            ]
        );
        assert!(of(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn the_order_of_touchpoints_changes_nothing(
            said in proptest::collection::vec(("[ab]{0,1}", "[12]{0,1}"), 0..8),
            turn in 0..8usize,
        ) {
            let customers: Vec<_> = said
                .iter()
                .zip(0u128..)
                .map(|(it, id)| (TouchpointId::new(id), customer(&it.0, &it.1)))
                .collect();
            let all: Vec<_> = customers.iter().map(|it| (it.0, &it.1)).collect();
            let mut turned = all.clone();
            turned.rotate_left(turn.min(all.len()));
            let mut reversed = turned.clone();
            reversed.reverse();
            let expected = of(&all);
            prop_assert!(of(&turned) == expected && of(&reversed) == expected);
            // The newest word of each field, found in another way.
            let newest = said.iter().rev().map(|it| it.0.as_str()).find(|it| !it.is_empty());
            let email = expected.iter().find(|it| it.field == "email").map(|it| it.values[0].value.as_str());
            prop_assert_eq!(email, newest);
        }
    }
}
