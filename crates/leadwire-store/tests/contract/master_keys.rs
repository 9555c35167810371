//! Which master key the nodes of one database use.

use crate::desk::{Desk, NOON, SECOND, at};
use crate::engine;
use leadwire_store::Store;
use leadwire_store::master_key::Agreement;

const ONE: &str = "66687aadf862bd77";
const OTHER: &str = "f0e1d2c3b4a59687";

async fn agree(desk: &Desk, node: &str, now: i64, own: &[&str]) -> Agreement {
    desk.store.beat(node.into(), at(now)).await.unwrap();
    let own = own.iter().map(|it| (*it).to_owned()).collect();
    desk.store.agree_on_master_key(node.into(), at(now), own).await.unwrap()
}

#[tokio::test]
async fn a_node_with_another_master_key_than_the_living_is_told_so() {
    let desk = Desk::new().await;
    assert_eq!(agree(&desk, "a", NOON, &[]).await, Agreement::Agreed, "nothing is guarded yet");
    assert_eq!(agree(&desk, "a", NOON, &[ONE]).await, Agreement::Agreed);
    assert_eq!(Store::master_key_of(&engine::database(desk.folder.path())).unwrap().as_deref(), Some(ONE));
    assert_eq!(agree(&desk, "b", NOON, &[OTHER]).await, Agreement::Others { use_key: ONE.to_owned() });
    assert_eq!(agree(&desk, "b", NOON, &[]).await, Agreement::Missing { keys: [ONE.to_owned()].into() });
    // A rotation, node by node: who knows both may bring the new one to the front.
    assert_eq!(agree(&desk, "b", NOON, &[OTHER, ONE]).await, Agreement::Agreed);
    assert_eq!(agree(&desk, "c", NOON, &[ONE]).await, Agreement::Others { use_key: OTHER.to_owned() });
    assert_eq!(agree(&desk, "c", NOON, &[ONE, OTHER]).await, Agreement::Agreed);
}

#[tokio::test]
async fn a_node_that_is_alone_goes_by_its_own_key() {
    let desk = Desk::new().await;
    assert_eq!(agree(&desk, "a", NOON, &[ONE]).await, Agreement::Agreed);
    let later = NOON + 3600 * SECOND;
    assert_eq!(agree(&desk, "b", later, &[OTHER]).await, Agreement::Agreed);
    assert_eq!(agree(&desk, "a", later, &[ONE]).await, Agreement::Others { use_key: OTHER.to_owned() });
}
