//! Which of several nodes works on which lane: each node finds out by itself, and all come to the same answer.
//!
//! Rendezvous hashing: a lane goes to the node for which the hash of both is greatest. A node that comes or goes moves its
//! share of the lanes, and no other.

/// The node that a lane belongs to; none when there are no nodes.
pub fn owner<'a, N: AsRef<str>>(nodes: &'a [N], publisher: &str, destination: u32) -> Option<&'a N> {
    let rank = |node: &N| (score(node.as_ref(), publisher, destination), node.as_ref().to_owned());
    nodes.iter().max_by_key(|node| rank(node))
}

fn score(node: &str, publisher: &str, destination: u32) -> u64 {
    let bytes = node.bytes().chain([0]).chain(publisher.bytes()).chain(destination.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // FNV alone leaves the upper bits of similar texts alike.
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lanes() -> impl Iterator<Item = (String, u32)> {
        (0..100).flat_map(|publisher| (1..=10).map(move |it| (format!("publisher{publisher}"), it)))
    }

    fn names(count: u32) -> Vec<String> {
        (0..count).map(|it| format!("node_{it:04x}")).collect()
    }

    #[test]
    fn nobody_owns_a_lane_where_nobody_is() {
        assert_eq!(owner(&[] as &[&str], "contoso", 1), None);
    }

    #[test]
    fn lanes_are_shared_out_evenly() {
        for count in 2..=5 {
            let nodes = names(count);
            let fair = 1000 / usize::try_from(count).expect("few");
            for node in &nodes {
                let owned =
                    lanes().filter(|(publisher, it)| owner(&nodes, publisher, *it) == Some(node)).count();
                assert!(owned.abs_diff(fair) < fair / 4, "{node} of {count} has {owned}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_node_that_goes_moves_its_own_lanes_only(count in 2_u32..8, gone in 0_usize..8) {
            let nodes = names(count);
            let gone = gone % nodes.len();
            let mut left = nodes.clone();
            left.remove(gone);
            for (publisher, it) in lanes() {
                let before = owner(&nodes, &publisher, it);
                if before != Some(&nodes[gone]) {
                    prop_assert_eq!(owner(&left, &publisher, it), before);
                }
            }
        }

        #[test]
        fn the_order_in_which_nodes_are_named_means_nothing(count in 1_u32..8) {
            let nodes = names(count);
            let turned: Vec<String> = nodes.iter().rev().cloned().collect();
            for (publisher, it) in lanes() {
                prop_assert_eq!(owner(&nodes, &publisher, it), owner(&turned, &publisher, it));
            }
        }
    }
}
